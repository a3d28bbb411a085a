// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// What the network's authorities say: the answer to `GET /v1/trust`.
package struct TrustReport: Decodable, Hashable, Sendable {
    package var version = 1
    /// What signatures name the network by, in hexadecimal.
    package var network: String
    /// Network time; nil while the node does not know it.
    package var time: Timestamp?
    /// Those that the config names, by their keys.
    package var authorities: [Authority]

    /// One of them, and its newest list.
    package struct Authority: Decodable, Hashable, Sendable {
        /// Its public key.
        package var authority: String
        /// The number of its list; nil, as what follows, if none is here.
        package var serial: UInt64?
        /// The list as it was signed, in base64.
        package var object: String?
        package var revoked: [Revoked]

        package init(_ authority: NodeID, _ list: TrustObject?) {
            self.authority = authority.description
            serial = list?.serial
            object = list.map { Base64.encode($0.encoded()) }
            revoked = list?.revocations.map { Revoked($0) } ?? []
        }
    }

    /// A certificate that does not hold any more.
    package struct Revoked: Codable, Hashable, Sendable {
        package var certificate: String
        /// When it would have ended by itself.
        package var expiry: Timestamp

        init(_ revocation: Revocation) {
            certificate = revocation.certificate.description
            expiry = Timestamp(milliseconds: revocation.expiry)
        }
    }

    package init(network: [UInt8], time: UInt64?, authorities: [Authority]) {
        self.network = network.hexadecimal
        self.time = time.map { Timestamp(milliseconds: $0) }
        self.authorities = authorities
    }
}

extension TrustReport: Encodable {
    private enum CodingKeys: String, CodingKey {
        case version
        case network
        case time
        case authorities
    }

    /// Writes all keys.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(version, forKey: .version)
        try container.encode(network, forKey: .network)
        try container.encode(time, forKey: .time)
        try container.encode(authorities, forKey: .authorities)
    }
}

extension TrustReport.Authority: Encodable {
    private enum CodingKeys: String, CodingKey {
        case authority
        case serial
        case object
        case revoked
    }

    /// Writes all keys.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(authority, forKey: .authority)
        try container.encode(serial, forKey: .serial)
        try container.encode(object, forKey: .object)
        try container.encode(revoked, forKey: .revoked)
    }
}
