// SPDX-License-Identifier: Apache-2.0

/// A member's signed statement that another one does not answer: not it, nor those whom it asked.
///
///     0        1        2           34          66            74        78       86
///     +--------+--------+-----------+-----------+-------------+---------+--------+-----------+
///     | kind 2 |  form  |  accuser  |  accused  | incarnation | version |  time  | signature |
///     +--------+--------+-----------+-----------+-------------+---------+--------+-----------+
///
///     form          1 byte, 1
///     accuser       a node id: who signs
///     accused       another node id
///     incarnation   8 bytes, version 4 bytes: the statement of the accused that is doubted, so
///                   that a newer one refutes it
///     time          8 bytes, milliseconds since 1970 when it was signed, in network time
///     signature     64 bytes: Ed25519 of the accuser over the ASCII text "netron/1 suspicion", the
///                   network's id of 8 bytes, and all bytes before
package struct Suspicion: Hashable, Sendable {
    package static let byteCount = 86 + Cryptography.signatureByteCount
    package static let form: UInt8 = 1

    /// The suspicion as it was signed.
    package let bytes: [UInt8]

    package let accuser: NodeID
    package let accused: NodeID

    /// Which statement of the accused is doubted.
    package let order: Presence.Order

    /// When it was signed, in milliseconds since 1970.
    package let time: UInt64

    package init(bytes: [UInt8]) throws(WireError) {
        guard bytes.count >= Self.byteCount else { throw .truncated }
        guard bytes.count == Self.byteCount else { throw .trailing }
        guard bytes[0] == DirectoryPayload.suspicion.rawValue, bytes[1] == Self.form else {
            throw .notCanonical
        }
        var scanner = PresenceScanner(bytes, at: 2)
        accuser = try scanner.nodeID()
        accused = try scanner.nodeID()
        order = .init(
            incarnation: try scanner.number(bytes: 8),
            version: UInt32(truncatingIfNeeded: try scanner.number(bytes: 4))
        )
        time = try scanner.number(bytes: 8)
        guard accuser != accused, time <= Presence.timeMax else { throw .notCanonical }
        self.bytes = bytes
    }

    /// Accuses another member, and signs.
    package init(
        of accused: NodeID,
        _ order: Presence.Order,
        by accuser: NodeID,
        at time: UInt64,
        with signer: (cryptography: Cryptography, network: [UInt8])
    ) {
        precondition(accuser != accused, "a node does not suspect itself")
        (self.accuser, self.accused, self.order, self.time) = (accuser, accused, order, time)
        var writer = ByteWriter()
        writer.write(DirectoryPayload.suspicion.rawValue)
        writer.write(Self.form)
        writer.write(accuser.bytes)
        writer.write(accused.bytes)
        writer.write(order.incarnation)
        writer.write(order.version)
        writer.write(time)
        let message = Self.signedMessage(writer.bytes, network: signer.network)
        bytes = writer.bytes + signer.cryptography.sign(message)
    }

    /// Whether the accuser signed it for that network.
    package func isSigned(by cryptography: Cryptography, network: [UInt8]) -> Bool {
        let message = Self.signedMessage(
            bytes.dropLast(Cryptography.signatureByteCount),
            network: network
        )
        let signature = Array(bytes.suffix(Cryptography.signatureByteCount))
        return cryptography.verify(signature, message, accuser.bytes)
    }

    private static func signedMessage(
        _ body: some Collection<UInt8>,
        network: [UInt8]
    ) -> [UInt8] {
        DirectoryPayload.signedMessage("netron/1 suspicion", body, network: network)
    }
}
