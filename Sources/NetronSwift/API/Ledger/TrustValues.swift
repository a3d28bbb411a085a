// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// The values of the buckets that show what authorities say, with keys as EdgeVPN has them.
package enum TrustValues {
    /// What `trustzoneAuth` has of an authority.
    private struct List: Encodable {
        var serial: UInt64
        var revoked: Int

        private enum CodingKeys: String, CodingKey {
            case serial = "Serial"
            case revoked = "Revoked"
        }
    }

    /// What `trustzone` has of a certificate.
    private struct Entry: Encodable {
        var authority: String
        var expiry: Timestamp

        private enum CodingKeys: String, CodingKey {
            case authority = "Authority"
            case expiry = "Expiry"
        }
    }

    /// The number of an authority's list, 0 if none is here, and how many certificates it revokes.
    package static func list(_ object: TrustObject?) -> [UInt8] {
        JSON.encode(
            List(serial: object?.serial ?? 0, revoked: object?.revocations.count ?? 0)
        )
    }

    /// Who revoked a certificate, and when it would have ended.
    package static func entry(_ revocation: Revocation, by authority: NodeID) -> [UInt8] {
        JSON.encode(
            Entry(
                authority: authority.description,
                expiry: Timestamp(milliseconds: revocation.expiry)
            )
        )
    }
}
