// SPDX-License-Identifier: Apache-2.0

/// The whole list of certificates that an authority of the network has revoked, signed by it.
///
///     0        1           33       41      43                   43+40n      107+40n
///     +--------+-----------+--------+-------+--------------------+-----------+
///     | kind 4 | authority | serial | count | count revocations  | signature |
///     +--------+-----------+--------+-------+--------------------+-----------+
///
///     count         2 bytes, at most 800
///     revocations   see Revocation; strictly ascending by certificate
///
/// The other fields are those of its head (see TrustHead), which also says what is signed. No
/// member's state holds it, and it has no lease: of each authority the greatest by (serial, hash of
/// the head) counts everywhere.
package struct TrustObject: Hashable, Sendable {
    /// How many authorities a network has at most.
    package static let authoritiesMax = 8

    /// How many certificates one object revokes at most: with them it stays below `bytesMax`.
    package static let revocationsMax = 800

    /// How many bytes an object has at most.
    package static let bytesMax = 32 << 10

    /// What it has beside its revocations.
    package static let overhead = 43 + Cryptography.signatureByteCount

    package let head: TrustHead

    /// In ascending order of the certificates, none twice.
    package let revocations: [Revocation]

    package var authority: NodeID { head.authority }
    package var serial: UInt64 { head.serial }

    /// Makes the object of a head; nil unless they are as many revocations in their order, and
    /// have the head's digest.
    package init?(
        _ head: TrustHead,
        _ revocations: [Revocation],
        with cryptography: Cryptography
    ) {
        guard revocations.count == head.count, Self.areInOrder(revocations),
            cryptography.digest(Self.content(of: revocations), []) == head.digest
        else { return nil }
        (self.head, self.revocations) = (head, revocations)
    }

    /// Makes and signs an object; of several revocations of a certificate the latest expiry counts.
    ///
    /// Nil if they are more than `revocationsMax`, or the serial is 0.
    package static func signed(
        _ authority: NodeID,
        serial: UInt64,
        revoking revocations: some Sequence<Revocation>,
        network: [UInt8],
        with cryptography: Cryptography
    ) -> Self? {
        var latest: [CertificateID: Revocation] = [:]
        for revocation in revocations {
            let known = latest[revocation.certificate]?.expiry ?? 0
            if revocation.expiry >= known { latest[revocation.certificate] = revocation }
        }
        let list = latest.values.sorted { $0.certificate < $1.certificate }
        guard serial > 0, list.count <= revocationsMax else { return nil }
        let head = TrustHead.signed(
            authority,
            serial: serial,
            count: list.count,
            digest: cryptography.digest(content(of: list), []),
            network: network,
            by: cryptography.sign
        )
        return Self(head, list, with: cryptography)
    }

    /// What is revoked here and not over, and not revoked as long by `newer`.
    ///
    /// A list may leave out what is over, and nothing else: a certificate whose revocation is
    /// forgotten would hold again.
    package func leftOut(by newer: Self, at wall: UInt64) -> [Revocation] {
        var kept: [CertificateID: UInt64] = [:]
        for revocation in newer.revocations { kept[revocation.certificate] = revocation.expiry }
        return revocations.filter { revocation in
            !revocation.isOver(at: wall) && kept[revocation.certificate] ?? 0 < revocation.expiry
        }
    }
}

// The bytes.
extension TrustObject {
    /// The bytes of the revocations alone, which the head has the digest of.
    package var content: [UInt8] { Self.content(of: revocations) }

    /// Takes the bytes of revocations; throws if they are no such list.
    package static func revocations(of content: [UInt8]) throws(WireError) -> [Revocation] {
        guard content.count <= revocationsMax * Revocation.byteCount else { throw .tooMany }
        var reader = ByteReader(content)
        var list: [Revocation] = []
        list.reserveCapacity(content.count / Revocation.byteCount)
        while reader.count > 0 { list.append(try Revocation(from: &reader)) }
        guard areInOrder(list) else { throw .notCanonical }
        return list
    }

    package func encoded() -> [UInt8] {
        var writer = ByteWriter(reserving: Self.overhead + head.contentByteCount)
        writer.write(DirectoryPayload.trust.rawValue)
        writer.write(head.authority.bytes)
        writer.write(head.serial)
        writer.write(UInt16(revocations.count))
        for revocation in revocations { revocation.write(to: &writer) }
        writer.write(head.signature)
        return writer.bytes
    }

    /// Takes an object; the digest, which is not among its bytes, is made anew.
    ///
    /// That somebody signed it is not said by that, see `TrustHead.isSigned`.
    package init(bytes: [UInt8], with cryptography: Cryptography) throws(WireError) {
        var reader = ByteReader(bytes)
        guard try reader.read(UInt8.self) == DirectoryPayload.trust.rawValue else {
            throw .notCanonical
        }
        let authority = try reader.readNodeID()
        let serial = try reader.read(UInt64.self)
        let count = Int(try reader.read(UInt16.self))
        guard serial > 0 else { throw .notCanonical }
        guard count <= Self.revocationsMax else { throw .tooMany }
        let content = Array(try reader.read(bytes: count * Revocation.byteCount))
        revocations = try Self.revocations(of: content)
        let signature = Array(try reader.read(bytes: Cryptography.signatureByteCount))
        try reader.finish()
        head = TrustHead(
            authority,
            serial: serial,
            count: count,
            digest: cryptography.digest(content, []),
            signature: signature
        )
    }

    private static func content(of revocations: [Revocation]) -> [UInt8] {
        var writer = ByteWriter(reserving: revocations.count * Revocation.byteCount)
        for revocation in revocations { revocation.write(to: &writer) }
        return writer.bytes
    }

    private static func areInOrder(_ list: [Revocation]) -> Bool {
        zip(list, list.dropFirst()).allSatisfy { $0.certificate < $1.certificate }
    }
}
