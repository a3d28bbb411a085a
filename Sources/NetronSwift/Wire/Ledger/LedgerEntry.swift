// SPDX-License-Identifier: Apache-2.0

/// One record of a member's state.
///
///     +--------+-----+-------+------+--------+-------
///     | bucket | key | since | time | length | value
///     +--------+-----+-------+------+--------+-------
///
///     bucket   a length of 1 byte, then 1 to 32 bytes, see LedgerName
///     key      a length of 1 byte, then 1 to 255 bytes, see LedgerKey
///     since    8 bytes, milliseconds since 1970 from when on the author has the key, in network
///              time; below 2^48
///     time     8 bytes, when it was last written, see HybridTime
///     length   2 bytes: 0 to 2,048; or 65,535 for a record that says that the key is deleted
///     value    as many bytes, none of a deleted one; what they mean is the bucket's matter
///
/// Which buckets have which records is a rule of the state (`LedgerFault`), not of the form.
package struct LedgerEntry: Hashable, Sendable {
    /// How long a value may be, in bytes.
    package static let valueBytesMax = 2_048

    /// The length that marks a deleted key.
    fileprivate static let deleted = UInt16.max

    package let key: LedgerKey

    /// From when on the author has the key, in milliseconds since 1970.
    package let since: UInt64

    /// When it was last written.
    package let time: HybridTime

    /// What was written; nil if that was that the key is deleted.
    package let value: [UInt8]?

    /// Makes a record, or nil if the value is too long or `since` is after `Presence.timeMax`.
    package init?(_ key: LedgerKey, since: UInt64, time: HybridTime, value: [UInt8]?) {
        guard (value?.count ?? 0) <= Self.valueBytesMax, since <= Presence.timeMax else {
            return nil
        }
        (self.key, self.since, self.time, self.value) = (key, since, time, value)
    }

    /// How many bytes it takes when written.
    package var byteCount: Int { key.byteCount + 8 + 8 + 2 + (value?.count ?? 0) }
}

extension LedgerEntry {
    /// The bytes of the record.
    var encoded: [UInt8] {
        var writer = ByteWriter(reserving: byteCount)
        write(to: &writer)
        return writer.bytes
    }

    func write(to writer: inout ByteWriter) {
        key.write(to: &writer)
        writer.write(since)
        writer.write(time.number)
        guard let value else { return writer.write(Self.deleted) }
        writer.write(UInt16(value.count))
        writer.write(value)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        self.init(try LedgerEntryParts(from: &reader))
    }

    init(_ parts: LedgerEntryParts) {
        key = LedgerKey(parts.key)
        (since, time, value) = (parts.since, parts.time, parts.value.map { Array($0) })
    }
}

/// A record where it lies among other bytes.
struct LedgerEntryParts {
    let key: LedgerKeyParts
    let since: UInt64
    let time: HybridTime
    let value: ArraySlice<UInt8>?

    init(from reader: inout ByteReader) throws(WireError) {
        key = try LedgerKeyParts(from: &reader)
        since = try reader.read(UInt64.self)
        guard since <= Presence.timeMax else { throw .notCanonical }
        time = HybridTime(number: try reader.read(UInt64.self))
        let length = try reader.read(UInt16.self)
        if length == LedgerEntry.deleted {
            value = nil
        } else {
            guard length <= LedgerEntry.valueBytesMax else { throw .tooMany }
            value = try reader.read(bytes: Int(length))
        }
    }
}
