// SPDX-License-Identifier: Apache-2.0

/// That a certificate does not hold any more.
///
///     0             32       40
///     +-------------+--------+
///     | certificate | expiry |
///     +-------------+--------+
///
///     certificate   its id
///     expiry        8 bytes, milliseconds since 1970 of network time when the certificate would
///                   have ended by itself, below 2^48
package struct Revocation: Hashable, Sendable {
    package static let byteCount = CertificateID.byteCount + 8

    package let certificate: CertificateID
    package let expiry: UInt64

    /// Makes a revocation; an expiry past `Presence.timeMax` is that.
    package init(_ certificate: CertificateID, expiry: UInt64) {
        self.certificate = certificate
        self.expiry = min(expiry, Presence.timeMax)
    }

    /// Whether the certificate ended by itself, for anybody whose clock may be that of who shows
    /// `wall`, in milliseconds since 1970.
    package func isOver(at wall: UInt64) -> Bool {
        wall > expiry && wall - expiry > Presence.skewMilliseconds
    }
}

extension Revocation {
    package init(from reader: inout ByteReader) throws(WireError) {
        let bytes = try reader.read(bytes: CertificateID.byteCount)
        guard let certificate = CertificateID(bytes: bytes) else { throw .truncated }
        let expiry = try reader.read(UInt64.self)
        guard expiry <= Presence.timeMax else { throw .notCanonical }
        self.init(certificate, expiry: expiry)
    }

    package func write(to writer: inout ByteWriter) {
        writer.write(certificate.bytes)
        writer.write(expiry)
    }
}
