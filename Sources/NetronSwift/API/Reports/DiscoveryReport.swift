// SPDX-License-Identifier: Apache-2.0

/// How a node finds the others, and how they are connected.
public struct DiscoveryReport: Codable, Hashable, Sendable {
    /// How the node stands to the distributed hash table.
    public enum TableState: String, Codable, Sendable {
        /// It was told not to use it.
        case off
        /// It knows no node of it yet.
        case joining
        /// It knows nodes of it.
        case ready
    }

    /// What the node goes by when it counts epochs.
    public enum ClockSource: String, Codable, Sendable {
        /// The host's clock, which the kernel calls synchronized.
        case host
        /// What members agree on.
        case members
        /// The host's clock, which nobody vouches for.
        case unsure
    }

    /// Members whom the node is connected to in the overlay, by a session that is kept.
    public var neighbours = 0
    /// Members in reserve, to take the place of a neighbour.
    public var reserve = 0
    /// Whether it uses the distributed hash table.
    public var table = TableState.off
    /// Nodes of the table that it knows.
    public var tableNodes = 0
    /// Bytes of the table's datagrams, both directions, without headers.
    public var tableBytes: UInt64 = 0
    /// Whether it announces itself there now: while it has no session, then only as one of the few
    /// members that do so for all.
    public var isAnnouncing = false
    /// Where the Internet sees it, as address and UDP port.
    public var publicEndpoint: String?
    /// Whether strangers reach it there; nil while that is not known.
    public var isReachable: Bool?
    /// Whether a router before the host lets others in.
    public var portMapping = MappingReport()
    /// Where the user says that others come in, as address and UDP port.
    public var announced: [String] = []
    /// Whose clock it goes by.
    public var clock = ClockSource.unsure

    /// Nobody is found yet.
    package init() {}
}

extension DiscoveryReport {
    private enum CodingKeys: String, CodingKey {
        case neighbours
        case reserve
        case table = "dht"
        case tableNodes = "dht_nodes"
        case tableBytes = "dht_bytes"
        case isAnnouncing = "announcing"
        case publicEndpoint = "public_endpoint"
        case isReachable = "reachable"
        case portMapping = "port_mapping"
        case announced
        case clock
    }

    /// Writes all keys.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(neighbours, forKey: .neighbours)
        try container.encode(reserve, forKey: .reserve)
        try container.encode(table, forKey: .table)
        try container.encode(tableNodes, forKey: .tableNodes)
        try container.encode(tableBytes, forKey: .tableBytes)
        try container.encode(isAnnouncing, forKey: .isAnnouncing)
        try container.encode(publicEndpoint, forKey: .publicEndpoint)
        try container.encode(isReachable, forKey: .isReachable)
        try container.encode(portMapping, forKey: .portMapping)
        try container.encode(announced, forKey: .announced)
        try container.encode(clock, forKey: .clock)
    }
}
