// SPDX-License-Identifier: Apache-2.0

/// What an authority signed of its trust object: whose it is, which number it has, and the digest
/// of what it says.
///
///     0        1           33       41      43       75          139
///     +--------+-----------+--------+-------+--------+-----------+
///     | kind 5 | authority | serial | count | digest | signature |
///     +--------+-----------+--------+-------+--------+-----------+
///
///     authority   its Ed25519 public key, as the network's config names it
///     serial      8 bytes, 1 or more; the greater one replaces
///     count       2 bytes, how many certificates are revoked
///     digest      BLAKE2b-32 of the revocations' bytes, see TrustObject
///     signature   64 bytes: Ed25519 of the authority over the ASCII text "netron/1 trust", the
///                 network's id of 8 bytes, and bytes 1 to 75
///
/// So a head is believed, compared and passed on before the object itself is here, and whoever has
/// the object has its head.
package struct TrustHead: Hashable, Sendable {
    package static let byteCount = 75 + Cryptography.signatureByteCount

    package let authority: NodeID
    package let serial: UInt64

    /// How many certificates are revoked.
    package let count: Int

    /// The digest of the revocations.
    package let digest: [UInt8]
    package let signature: [UInt8]

    package init(
        _ authority: NodeID,
        serial: UInt64,
        count: Int,
        digest: [UInt8],
        signature: [UInt8]
    ) {
        precondition(serial > 0 && count <= TrustObject.revocationsMax, "no head of an object")
        precondition(digest.count == Cryptography.digestByteCount, "\(digest.count) bytes")
        precondition(signature.count == Cryptography.signatureByteCount, "\(signature.count) bytes")
        (self.authority, self.serial, self.count) = (authority, serial, count)
        (self.digest, self.signature) = (digest, signature)
    }

    /// How many bytes all revocations have.
    package var contentByteCount: Int { count * Revocation.byteCount }
}

extension TrustHead {
    package init(from reader: inout ByteReader) throws(WireError) {
        guard try reader.read(UInt8.self) == DirectoryPayload.trustHead.rawValue else {
            throw .notCanonical
        }
        authority = try reader.readNodeID()
        serial = try reader.read(UInt64.self)
        count = Int(try reader.read(UInt16.self))
        guard serial > 0 else { throw .notCanonical }
        guard count <= TrustObject.revocationsMax else { throw .tooMany }
        digest = Array(try reader.read(bytes: Cryptography.digestByteCount))
        signature = Array(try reader.read(bytes: Cryptography.signatureByteCount))
    }

    package init(bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        self = try Self(from: &reader)
        try reader.finish()
    }

    package func write(to writer: inout ByteWriter) {
        writer.write(DirectoryPayload.trustHead.rawValue)
        writer.write(
            Self.signedBytes(of: authority, serial: serial, count: count, digest: digest)
        )
        writer.write(signature)
    }

    /// The bytes, as many as `byteCount`.
    package var bytes: [UInt8] {
        var writer = ByteWriter(reserving: Self.byteCount)
        write(to: &writer)
        return writer.bytes
    }

    fileprivate static func signedBytes(
        of authority: NodeID,
        serial: UInt64,
        count: Int,
        digest: [UInt8]
    ) -> [UInt8] {
        var writer = ByteWriter(reserving: 74)
        writer.write(authority.bytes)
        writer.write(serial)
        writer.write(UInt16(count))
        writer.write(digest)
        return writer.bytes
    }
}

// Signatures and order.
extension TrustHead {
    private static let purpose: StaticString = "netron/1 trust"

    /// Makes and signs the head of an object of `authority`, whose key `sign` is of.
    package static func signed(
        _ authority: NodeID,
        serial: UInt64,
        count: Int,
        digest: [UInt8],
        network: [UInt8],
        by sign: (_ message: [UInt8]) -> [UInt8]
    ) -> Self {
        let body = signedBytes(of: authority, serial: serial, count: count, digest: digest)
        let message = DirectoryPayload.signedMessage(purpose, body, network: network)
        return Self(
            authority,
            serial: serial,
            count: count,
            digest: digest,
            signature: sign(message)
        )
    }

    /// Whether the authority signed it for that network.
    package func isSigned(by cryptography: Cryptography, network: [UInt8]) -> Bool {
        let body = Self.signedBytes(of: authority, serial: serial, count: count, digest: digest)
        let message = DirectoryPayload.signedMessage(Self.purpose, body, network: network)
        return cryptography.verify(signature, message, authority.bytes)
    }

    /// Which of an authority's objects it is; of two the greater one counts.
    package func order(with cryptography: Cryptography) -> TrustOrder {
        TrustOrder(
            serial: serial,
            hash: cryptography.digest(bytes, Array("netron/1 trust".utf8))
        )
    }
}

/// Which of an authority's objects it is: by serial, and of two with one serial by the hash.
///
///     serial   8 bytes
///     hash     32 bytes: BLAKE2b-32(key: "netron/1 trust", the head's bytes)
package struct TrustOrder: Hashable, Sendable {
    package let serial: UInt64
    package let hash: [UInt8]

    package init(serial: UInt64, hash: [UInt8]) {
        precondition(hash.count == Cryptography.digestByteCount, "\(hash.count) bytes")
        (self.serial, self.hash) = (serial, hash)
    }
}

extension TrustOrder: Comparable {
    package static func < (left: Self, right: Self) -> Bool {
        guard left.serial == right.serial else { return left.serial < right.serial }
        return left.hash.lexicographicallyPrecedes(right.hash)
    }
}

extension TrustOrder {
    init(from reader: inout ByteReader) throws(WireError) {
        serial = try reader.read(UInt64.self)
        hash = Array(try reader.read(bytes: Cryptography.digestByteCount))
        guard serial > 0 else { throw .notCanonical }
    }

    func write(to writer: inout ByteWriter) {
        writer.write(serial)
        writer.write(hash)
    }
}
