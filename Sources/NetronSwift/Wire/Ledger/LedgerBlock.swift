// SPDX-License-Identifier: Apache-2.0

/// A member's new statement with what is new in its state: what is broadcast when a member writes.
///
///     kind 3   1 byte, see DirectoryPayload
///     length   2 bytes, then as many bytes: the statement as it was signed, see Presence
///     changes  in what its state differs from the one of the statement before, see LedgerChanges
///
/// The changes are not signed: the state that they lead to has the root that the statement names,
/// or they are not the author's. Who lacks the state before, or gets the statement alone since the
/// changes are too long, asks for the whole state (see LedgerMessage).
package struct LedgerBlock: Hashable, Sendable {
    /// The statement as it was signed; what is in it was not looked at.
    package let head: [UInt8]
    package let changes: LedgerChanges

    package init(head: [UInt8], changes: LedgerChanges) {
        (self.head, self.changes) = (head, changes)
    }

    /// The bytes, or nil if they are too many to be broadcast.
    package func encoded() -> [UInt8]? {
        var writer = ByteWriter()
        writer.write(DirectoryPayload.block.rawValue)
        writer.write(UInt16(head.count))
        writer.write(head)
        changes.write(to: &writer)
        return writer.bytes.count <= Rumor.payloadBytesMax ? writer.bytes : nil
    }

    package init(bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        guard try reader.read(UInt8.self) == DirectoryPayload.block.rawValue else {
            throw .notCanonical
        }
        head = Array(try reader.read(bytes: Int(try reader.read(UInt16.self))))
        changes = try LedgerChanges(from: &reader)
        try reader.finish()
    }
}
