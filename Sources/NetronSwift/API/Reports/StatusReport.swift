// SPDX-License-Identifier: Apache-2.0

/// How a node is doing: the answer to `GET /v1/status`.
///
/// What is not known, or does not exist here, is nil, and null in JSON.
public struct StatusReport: Hashable, Sendable {
    /// Whether the node is in.
    public enum State: String, Codable, Sendable {
        /// It is not yet done with its start.
        case starting
        /// It has no session with anybody.
        case alone
        /// It has a session with a member or more.
        case up
    }

    /// The shape of the report; a change that breaks readers raises it.
    public var version = 1
    /// The version of Netron.
    public var netron = Release.version
    /// Whether the node is in.
    public var state: State
    /// The node's id.
    public var id: String
    /// The name that the node goes by.
    public var name: String?
    /// Which network it is: 8 hexadecimal digits that tell networks apart and reveal no secret.
    public var network: String?
    /// The interface's name; nil for a node without one.
    public var interface: String?
    /// The node's own addresses that it was given, each with its prefix length.
    public var addresses: [String] = []
    /// The address that the node has by itself.
    public var ula: String?
    /// The ranges that the node carries traffic for.
    public var advertised: [String] = []
    /// What other members carry and the host sends into the network.
    public var routes: [RouteReport] = []
    /// The address of the member that gets what is no member's.
    public var router: String?
    /// The UDP port.
    public var port: Int?
    /// The largest inner packet, in bytes.
    public var mtu: Int?
    /// How long the node has run, in seconds.
    public var uptimeSeconds: UInt64 = 0
    /// How many there are of the others.
    public var peers = PeerSummary()
    /// How the others are found.
    public var discovery = DiscoveryReport()
    /// What seals data packets.
    public var aead: AEADReport?
    /// What the kernel does for the node: vnet, tso, uso, udp-gso, udp-gro.
    public var offloads: [String] = []
    /// How many threads carry packets.
    public var lanes: Int?
    /// How much is carried now.
    public var rates = RateReport()
    /// How much was carried since the start.
    public var counters = CounterReport()
    /// How many packets were dropped, for each reason that was ever met.
    public var drops: [String: UInt64] = [:]
    /// What is wrong, the worst first; empty when all is well.
    public var health: [HealthReport] = []

    /// Makes a report in which all else is unknown.
    package init(id: String, state: State) {
        self.id = id
        self.state = state
    }
}

/// A range that another member carries traffic for.
public struct RouteReport: Codable, Hashable, Sendable {
    /// The range, for instance 192.168.1.0/24.
    public var prefix: String
    /// The member's id.
    public var gateway: String

    /// Makes the pair.
    package init(prefix: String, gateway: String) {
        self.prefix = prefix
        self.gateway = gateway
    }
}

/// What seals data packets.
public struct AEADReport: Codable, Hashable, Sendable {
    /// The preferred cipher, for instance AES-256-GCM.
    public var suite: String
    /// The library that computes it: libsodium or libcrypto.
    public var backend: String

    /// Makes the pair.
    package init(suite: String, backend: String) {
        self.suite = suite
        self.backend = backend
    }
}

/// One thing that is wrong, or worth to know.
public struct HealthReport: Codable, Hashable, Sendable {
    /// How much it matters.
    public enum Severity: String, Codable, Sendable {
        /// It works, but not as well as it could.
        case info
        /// It works in part, or may soon not work.
        case warning
        /// It does not work.
        case error
    }

    /// What it is, for programs, for instance "address_taken".
    public var code: String
    /// How much it matters.
    public var severity: Severity
    /// One sentence that says what is wrong and what to do.
    public var text: String

    /// Makes the line.
    package init(code: String, severity: Severity, text: String) {
        self.code = code
        self.severity = severity
        self.text = text
    }
}

// The names in JSON. What is nil is written as null, so that readers find every key in its place;
// what the compiler would write leaves it out.

extension StatusReport: Codable {
    private enum CodingKeys: String, CodingKey {
        case version
        case netron
        case state
        case id
        case name
        case network
        case interface
        case addresses
        case ula
        case advertised
        case routes
        case router
        case port
        case mtu
        case uptimeSeconds = "uptime_s"
        case peers
        case discovery
        case aead
        case offloads
        case lanes
        case rates
        case counters
        case drops
        case health
    }

    /// Writes all keys.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(version, forKey: .version)
        try container.encode(netron, forKey: .netron)
        try container.encode(state, forKey: .state)
        try container.encode(id, forKey: .id)
        try container.encode(name, forKey: .name)
        try container.encode(network, forKey: .network)
        try container.encode(interface, forKey: .interface)
        try container.encode(addresses, forKey: .addresses)
        try container.encode(ula, forKey: .ula)
        try container.encode(advertised, forKey: .advertised)
        try container.encode(routes, forKey: .routes)
        try container.encode(router, forKey: .router)
        try container.encode(port, forKey: .port)
        try container.encode(mtu, forKey: .mtu)
        try container.encode(uptimeSeconds, forKey: .uptimeSeconds)
        try container.encode(peers, forKey: .peers)
        try container.encode(discovery, forKey: .discovery)
        try container.encode(aead, forKey: .aead)
        try container.encode(offloads, forKey: .offloads)
        try container.encode(lanes, forKey: .lanes)
        try container.encode(rates, forKey: .rates)
        try container.encode(counters, forKey: .counters)
        try container.encode(drops, forKey: .drops)
        try container.encode(health, forKey: .health)
    }
}
