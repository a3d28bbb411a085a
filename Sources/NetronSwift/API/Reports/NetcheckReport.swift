// SPDX-License-Identifier: Apache-2.0

/// What the network between a node and the others lets through: the answer to `GET /v1/netcheck`.
///
/// Nothing is sent for it: it is what the node found out while it ran. What is not known is nil,
/// and null in JSON.
public struct NetcheckReport: Hashable, Sendable {
    /// Whether UDP comes back.
    public enum UDP: String, Codable, Sendable {
        /// A member or a node of the distributed hash table has answered.
        case works
        /// Somebody was asked, and nobody has answered since the start.
        case noAnswer = "no_answer"
    }

    /// The shape of the report; a change that breaks readers raises it.
    public var version = 1
    /// Whether UDP comes back; nil while it is too early to say.
    public var udp: UDP?
    /// The UDP port.
    public var port: Int?
    /// Whether the system chose the port, so that it is another one after the next start.
    public var isPortChosen = false
    /// How IPv4 reaches this node.
    public var ipv4 = NATReport()
    /// How IPv6 reaches it.
    public var ipv6 = NATReport()
    /// Whether a router before the host lets others in.
    public var portMapping = MappingReport()
    /// Whether strangers reach it.
    public var isReachable: Bool?
    /// How the node stands to the distributed hash table.
    public var table = DiscoveryReport.TableState.off
    /// Nodes of the table that it knows.
    public var tableNodes = 0
    /// Members that may relay for this node, the fastest first.
    public var relays: [RelayReport] = []
    /// What this node relays for others.
    public var relaying = RelayingReport()
    /// How many members there are, and how they are reached.
    public var peers = PeerSummary()
    /// What would help, the most useful first; empty if nothing is to be done.
    public var advice: [AdviceReport] = []

    /// Nothing is known yet.
    package init() {}
}

/// What others see of a node in one version of IP.
public struct NATReport: Codable, Hashable, Sendable {
    /// How the NAT chooses the port that others see (RFC 4787, section 4.1).
    public enum Mapping: String, Codable, Sendable {
        /// There is no NAT.
        case none
        /// Everybody sees the same port.
        case endpointIndependent = "endpoint_independent"
        /// Each host sees another port.
        case addressDependent = "address_dependent"
    }

    /// Whom the NAT lets in.
    public enum Filtering: String, Codable, Sendable {
        /// Anybody.
        case open
        /// Those alone whom the node has sent something to.
        case restricted
    }

    /// The host's own addresses, without inner ones.
    public var addresses: [String] = []
    /// Where others see the node, as address and port.
    public var publicEndpoint: String?
    /// How many others said so.
    public var observers = 0
    /// How the NAT chooses the port.
    public var mapping: Mapping?
    /// Whom the NAT lets in.
    public var filtering: Filtering?
    /// For how many seconds, at least, what stands before the node lets in a member that is silent.
    public var silenceSeconds: Int?

    /// Nothing is known yet.
    package init() {}
}

/// A member that may relay for a node.
public struct RelayReport: Codable, Hashable, Sendable {
    /// The member's id.
    public var id: String
    /// The name that it goes by.
    public var name: String?
    /// The round trip to it, in milliseconds.
    public var rttMilliseconds: Double?
    /// Whether it is known to be reachable from everywhere.
    public var isReachable: Bool
    /// How many members are reached through it now.
    public var members: Int

    /// Makes the line.
    package init(
        id: String,
        name: String?,
        rttMilliseconds: Double?,
        isReachable: Bool,
        members: Int
    ) {
        self.id = id
        self.name = name
        self.rttMilliseconds = rttMilliseconds
        self.isReachable = isReachable
        self.members = members
    }
}

/// What a node relays for others.
public struct RelayingReport: Codable, Hashable, Sendable {
    /// How many circuits it relays now.
    public var circuits = 0
    /// How many it relays at most; 0 if it relays nothing.
    public var circuitsMax = 0
    /// How many bytes a second it relays in all; nil for no limit.
    public var bytesPerSecond: Int?

    /// Nothing.
    package init() {}
}

/// One thing that would help.
public struct AdviceReport: Codable, Hashable, Sendable {
    /// What it is about, for programs, for instance "port".
    public var code: String
    /// One sentence that says what is in the way and what to do.
    public var text: String

    /// Makes the line.
    package init(code: String, text: String) {
        self.code = code
        self.text = text
    }
}

// The names in JSON. What is nil is written as null, so that readers find every key in its place.

extension NetcheckReport: Codable {
    private enum CodingKeys: String, CodingKey {
        case version
        case udp
        case port
        case isPortChosen = "port_chosen"
        case ipv4
        case ipv6
        case portMapping = "port_mapping"
        case isReachable = "reachable"
        case table = "dht"
        case tableNodes = "dht_nodes"
        case relays
        case relaying
        case peers
        case advice
    }

    /// Writes all keys.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(version, forKey: .version)
        try container.encode(udp, forKey: .udp)
        try container.encode(port, forKey: .port)
        try container.encode(isPortChosen, forKey: .isPortChosen)
        try container.encode(ipv4, forKey: .ipv4)
        try container.encode(ipv6, forKey: .ipv6)
        try container.encode(portMapping, forKey: .portMapping)
        try container.encode(isReachable, forKey: .isReachable)
        try container.encode(table, forKey: .table)
        try container.encode(tableNodes, forKey: .tableNodes)
        try container.encode(relays, forKey: .relays)
        try container.encode(relaying, forKey: .relaying)
        try container.encode(peers, forKey: .peers)
        try container.encode(advice, forKey: .advice)
    }
}

extension NATReport {
    private enum CodingKeys: String, CodingKey {
        case addresses
        case publicEndpoint = "public_endpoint"
        case observers
        case mapping
        case filtering
        case silenceSeconds = "silence_s_min"
    }

    /// Writes all keys.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(addresses, forKey: .addresses)
        try container.encode(publicEndpoint, forKey: .publicEndpoint)
        try container.encode(observers, forKey: .observers)
        try container.encode(mapping, forKey: .mapping)
        try container.encode(filtering, forKey: .filtering)
        try container.encode(silenceSeconds, forKey: .silenceSeconds)
    }
}

extension RelayReport {
    private enum CodingKeys: String, CodingKey {
        case id
        case name
        case rttMilliseconds = "rtt_ms"
        case isReachable = "reachable"
        case members
    }

    /// Writes all keys.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(name, forKey: .name)
        try container.encode(rttMilliseconds, forKey: .rttMilliseconds)
        try container.encode(isReachable, forKey: .isReachable)
        try container.encode(members, forKey: .members)
    }
}

extension RelayingReport {
    private enum CodingKeys: String, CodingKey {
        case circuits
        case circuitsMax = "circuits_max"
        case bytesPerSecond = "bytes_per_s_max"
    }

    /// Writes all keys.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(circuits, forKey: .circuits)
        try container.encode(circuitsMax, forKey: .circuitsMax)
        try container.encode(bytesPerSecond, forKey: .bytesPerSecond)
    }
}
