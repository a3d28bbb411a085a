// SPDX-License-Identifier: Apache-2.0

/// Whom to ask for an echo: the body of `POST /v1/ping`.
package struct PingRequest: Codable, Hashable, Sendable {
    /// An id, the beginning of one, a name or an inner address; see PeerQuery.
    package var node: String

    package init(node: String) { self.node = node }
}

/// One echo: the answer to `POST /v1/ping`.
public struct PingReport: Hashable, Sendable {
    /// The shape of the report; a change that breaks readers raises it.
    public var version = 1
    /// Who was asked.
    public var id: String
    /// The name that it goes by.
    public var name: String?
    /// How packets get to it.
    public var path: PeerReport.Path?
    /// Where it is, as address and UDP port; nil while it is reached through another.
    public var endpoint: String?
    /// The id of the member that it is reached through.
    public var relay: String?
    /// The round trip in milliseconds; nil if no echo came in time.
    public var rttMilliseconds: Double?

    /// Makes the report of an echo, or of one that did not come.
    package init(of peer: PeerReport, rtt: Duration?) {
        id = peer.id
        name = peer.name
        path = peer.path
        endpoint = peer.endpoint
        relay = peer.relay
        rttMilliseconds = rtt?.reportMilliseconds
    }
}

extension PingReport: Codable {
    private enum CodingKeys: String, CodingKey {
        case version
        case id
        case name
        case path
        case endpoint
        case relay
        case rttMilliseconds = "rtt_ms"
    }

    /// Writes all keys.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(version, forKey: .version)
        try container.encode(id, forKey: .id)
        try container.encode(name, forKey: .name)
        try container.encode(path, forKey: .path)
        try container.encode(endpoint, forKey: .endpoint)
        try container.encode(relay, forKey: .relay)
        try container.encode(rttMilliseconds, forKey: .rttMilliseconds)
    }
}
