// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// What a node is told besides its network.
package struct NodeOptions: Hashable, Sendable {
    /// The inner addresses that the node claims, each once.
    ///
    /// It has one more, made of its key.
    package let addresses: [InterfaceAddress]

    /// The ranges in which the node takes a free address by itself, one in each.
    package let leaseRanges: [Prefix]
    package let interfaceName: String

    /// The largest inner packet, in bytes.
    package let mtu: Int

    /// The UDP port; 0 lets the system choose.
    package let port: UInt16
    package let peers: [HostPort]

    /// Whether members are looked for on the LAN.
    package let mdns: Bool

    /// Whether members are looked for through the public distributed hash table.
    package let dht: Bool

    /// Nodes of a distributed hash table to begin with; none for the well-known ones.
    package let bootstrap: [HostPort]

    /// Seconds between two looks of a settled node for unknown members; nil for the usual.
    package let discoveryInterval: Int?

    /// Where identity, cache and control socket lie; nil for the usual place.
    package let stateDirectory: String?

    /// Whether the identity ends with the process.
    package let ephemeral: Bool

    /// Where the node keeps what members say in the ledger.
    package let ledger: LedgerPlace

    /// How many bytes it may take there; nil for what fits the host.
    package let ledgerBudget: Int?

    /// How many statements of each member are kept, so that it is seen what newer ones replaced.
    package let ledgerHistory: Int

    /// Bytes a second that it may take to know who is there; nil for the usual.
    package let gossipBudget: Int?

    /// Bytes a second at which is pulled what is missing, and at which that is served; nil for the
    /// usual.
    package let syncBudget: Int?

    /// Whether multicast and broadcast go to the other members, and are taken from them.
    package let multicast: Bool

    /// Where the API listens besides the control socket; nil for nowhere.
    package let api: APIPlace?
    package let logLevel: LogLevel
    package let logFormat: LogFormat

    /// Whether there is an interface, or the node only takes part.
    package let wantsInterface: Bool

    /// How many threads carry packets; nil for as many as fit the host.
    package let lanes: Int?

    /// Whether a router before the host is asked to let the node's port in.
    package let mapsPort: Bool

    /// Where others reach this node, as the user knows.
    package let announced: [HostPort]

    /// Whether members that UDP does not reach are reached by TCP.
    package let tcp: Bool

    /// The HTTP proxy by which connections of TCP are made.
    package let proxy: HostPort?

    /// The ranges that the node carries traffic for, in ascending order.
    package let advertised: [Prefix]

    /// Whether the host sends into the network what other members carry.
    package let acceptsRoutes: Bool

    /// The inner address of the member that gets what is no member's.
    package let router: IPAddress?

    /// Whether the node carries what other members send each other.
    package let relay: Bool

    /// How many bytes a second it carries in all, and by how many circuits; nil for no limit, and
    /// for the usual.
    package let relayRate: Int?
    package let relayCircuits: Int?

    /// What an option may be, and what it is when it is left out.
    package enum Limits {
        /// A peer has 16 prefixes in the packet core, of which one is its own made address.
        package static let addressesMax = 15
        package static let interfaceNameBytesMax = 15
        package static let mtus = 1280...3480
        package static let ports = 0...65535
        package static let peersMax = 64
        package static let bootstrapMax = 16
        /// A member tells four endpoints; one is left for what it finds out by itself.
        package static let announcedMax = 3
        /// Seconds.
        package static let discoveryIntervals = 10...86_400
        package static let discoveryIntervalDefault = 600
        package static let stateDirectoryBytesMax = 1024
        package static let lanes = 1...4
        /// Bytes; the least is what a light node has.
        package static let ledgerBudgets = (1 << 20)...(64 << 30)
        /// Bytes: what a node has whose host has little memory, and at most without being told so.
        package static let ledgerBudgetsDefault = (1 << 20)...(64 << 20)
        /// The part of the host's memory that is its ledger's without being told so.
        package static let ledgerMemoryPart = 64
        package static let ledgerHistories = 0...1_000
        /// Bytes a second.
        package static let gossipBudgets = (1 << 10)...(1 << 30)
        package static let gossipBudgetDefault = 4 << 10
        package static let syncBudgets = (16 << 10)...(1 << 30)
        package static let syncBudgetDefault = 1 << 20
        package static let advertisedMax = GatewayStatement.prefixesMax
        /// Bytes a second.
        package static let relayRates = (16 << 10)...(1 << 30)
        package static let relayCircuits = 1...1_024
        package static let relayCircuitsDefault = 512
        package static let interfaceNameDefault = "netron0"
        package static let leaseRangeDefault = "10.1.0.0/24"
        package static let mtuDefault = 1400
    }

    /// Checks all and takes it, or says which is wrong.
    package init(
        addresses: [InterfaceAddress] = [],
        leaseRanges: [Prefix] = [],
        interfaceName: String = Limits.interfaceNameDefault,
        mtu: Int = Limits.mtuDefault,
        port: Int = 0,
        peers: [HostPort] = [],
        mdns: Bool = true,
        dht: Bool = true,
        bootstrap: [HostPort] = [],
        discoveryInterval: Int? = nil,
        stateDirectory: String? = nil,
        ephemeral: Bool = false,
        ledger: LedgerPlace = .disk,
        ledgerBudget: Int? = nil,
        ledgerHistory: Int = 0,
        gossipBudget: Int? = nil,
        syncBudget: Int? = nil,
        multicast: Bool = true,
        api: APIPlace? = nil,
        logLevel: LogLevel = .info,
        logFormat: LogFormat = .text,
        wantsInterface: Bool = true,
        lanes: Int? = nil,
        mapsPort: Bool = true,
        announced: [HostPort] = [],
        tcp: Bool = true,
        proxy: HostPort? = nil,
        advertised: [Prefix] = [],
        acceptsRoutes: Bool = false,
        router: IPAddress? = nil,
        relay: Bool = true,
        relayRate: Int? = nil,
        relayCircuits: Int? = nil
    ) throws(ConfigError) {
        try check(addresses: addresses, wantsInterface: wantsInterface)
        try check(leaseRanges: leaseRanges, beside: addresses, wantsInterface: wantsInterface)
        try check(interfaceName: interfaceName)
        try check("mtu", mtu, in: Limits.mtus, remedy: "the usual is \(Limits.mtuDefault)")
        try check("port", port, in: Limits.ports, remedy: "0 takes any that is free")
        if let lanes {
            try check("lanes", lanes, in: Limits.lanes, remedy: "leave it out to fit the host")
        }
        try check(peers: peers, tcp: tcp)
        try check(bootstrap: bootstrap, dht: dht)
        try check(announced: announced)
        if let discoveryInterval {
            try check(
                "discovery-interval",
                discoveryInterval,
                in: Limits.discoveryIntervals,
                remedy: "the usual is \(Limits.discoveryIntervalDefault) seconds"
            )
        }
        if let ledgerBudget {
            try check(
                "ledger-budget",
                ledgerBudget,
                in: Limits.ledgerBudgets,
                remedy: "leave it out to fit the host"
            )
        }
        try check(
            "ledger-history",
            ledgerHistory,
            in: Limits.ledgerHistories,
            remedy: "0 keeps only what counts"
        )
        if let gossipBudget {
            try check(
                "gossip-budget",
                gossipBudget,
                in: Limits.gossipBudgets,
                remedy: "the usual is 4K"
            )
        }
        if let syncBudget {
            try check("sync-budget", syncBudget, in: Limits.syncBudgets, remedy: "the usual is 1M")
        }
        try check(relayRate: relayRate, relayCircuits: relayCircuits, relay: relay)
        if let stateDirectory { try check(stateDirectory: stateDirectory) }
        self.advertised = try Self.checked(
            advertised: advertised,
            acceptsRoutes: acceptsRoutes,
            router: router,
            beside: addresses,
            wantsInterface: wantsInterface
        )
        self.addresses = addresses
        self.leaseRanges = leaseRanges
        self.interfaceName = interfaceName
        self.mtu = mtu
        self.port = UInt16(port)
        self.peers = peers
        self.mdns = mdns
        self.dht = dht
        self.bootstrap = bootstrap
        self.discoveryInterval = discoveryInterval
        self.stateDirectory = stateDirectory
        self.ephemeral = ephemeral
        self.ledger = ledger
        self.ledgerBudget = ledgerBudget
        self.ledgerHistory = ledgerHistory
        self.gossipBudget = gossipBudget
        self.syncBudget = syncBudget
        self.multicast = multicast
        self.api = api
        self.logLevel = logLevel
        self.logFormat = logFormat
        self.wantsInterface = wantsInterface
        self.lanes = lanes
        self.mapsPort = mapsPort
        self.announced = announced
        self.tcp = tcp
        self.proxy = proxy
        self.acceptsRoutes = acceptsRoutes
        self.router = router
        self.relay = relay
        self.relayRate = relayRate
        self.relayCircuits = relayCircuits
    }
}

private func check(
    addresses: [InterfaceAddress],
    wantsInterface: Bool
) throws(ConfigError) {
    guard addresses.isEmpty || wantsInterface else {
        throw ConfigError(
            "address",
            "needs an interface",
            remedy: "leave it out, or start the node with an interface"
        )
    }
    guard addresses.count <= NodeOptions.Limits.addressesMax else {
        throw ConfigError(
            "address",
            "is given \(addresses.count) times",
            remedy: "give at most \(NodeOptions.Limits.addressesMax)"
        )
    }
    var seen: Set<IPAddress> = []
    for address in addresses {
        guard address.address.isHost, !address.isNetworkOrBroadcast else {
            throw ConfigError(
                "address",
                "\(address) is not an address of one host",
                remedy: "give one such as 10.1.0.11/24"
            )
        }
        guard address.length > 0 else {
            throw ConfigError(
                "address",
                "\(address) would take all traffic of the host",
                remedy: "give a prefix length above 0"
            )
        }
        guard seen.insert(address.address).inserted else {
            throw ConfigError(
                "address",
                "\(address.address) is given twice",
                remedy: "give it once"
            )
        }
    }
}

private func check(
    leaseRanges: [Prefix],
    beside addresses: [InterfaceAddress],
    wantsInterface: Bool
) throws(ConfigError) {
    guard leaseRanges.isEmpty || wantsInterface else {
        throw ConfigError(
            "dhcp",
            "needs an interface",
            remedy: "leave it out, or start the node with an interface"
        )
    }
    guard addresses.count + leaseRanges.count <= NodeOptions.Limits.addressesMax else {
        throw ConfigError(
            "dhcp",
            "is asked for \(leaseRanges.count) addresses",
            remedy: "a node has at most \(NodeOptions.Limits.addressesMax)"
        )
    }
    for (index, range) in leaseRanges.enumerated() {
        let others = leaseRanges[..<index]
        guard !others.contains(where: { $0.contains(range) || range.contains($0) }) else {
            throw ConfigError(
                "dhcp",
                "is given the range \(range) twice",
                remedy: "give ranges that do not overlap, one for each address that is wanted"
            )
        }
        guard range.length > 0, range.hasHosts else {
            throw ConfigError(
                "dhcp",
                "cannot take an address in \(range)",
                remedy: "give a range such as \(NodeOptions.Limits.leaseRangeDefault)"
            )
        }
    }
}

extension Prefix {
    /// Whether its first address, or the one behind, is a host's.
    fileprivate var hasHosts: Bool {
        if address.isHost { return true }
        guard length < address.family.bitCount else { return false }
        return IPAddress(address.family, number: address.number + 1).isHost
    }
}

/// Holds to what Linux takes for a name, and leaves out % by which it would number it.
private func check(interfaceName name: String) throws(ConfigError) {
    let most = NodeOptions.Limits.interfaceNameBytesMax
    let isNamed = (1...most).contains(name.utf8.count) && name != "." && name != ".."
    let isPlain = name.utf8.allSatisfy { byte in
        (0x21...0x7E).contains(byte) && !"/:%".utf8.contains(byte)
    }
    guard isNamed, isPlain else {
        throw ConfigError(
            "interface",
            "\"\(name.plain(bytesMax: 32))\" is not an interface's name",
            remedy: "give 1 to \(most) letters, digits or signs without space, '/', ':' and '%'"
        )
    }
}

private func check(
    _ field: String,
    _ value: Int,
    in range: ClosedRange<Int>,
    remedy: String
) throws(ConfigError) {
    guard range.contains(value) else {
        throw ConfigError(
            field,
            "\(value) is not in \(range.lowerBound) to \(range.upperBound)",
            remedy: remedy
        )
    }
}

private func check(peers: [HostPort], tcp: Bool) throws(ConfigError) {
    if !tcp, let peer = peers.first(where: \.isTCP) {
        throw ConfigError(
            "peer",
            "\(peer) can not be reached without TCP",
            remedy: "leave out --no-tcp, or the peer's \(HostPort.tcpScheme)"
        )
    }
    guard peers.count <= NodeOptions.Limits.peersMax else {
        throw ConfigError(
            "peer",
            "is given \(peers.count) times",
            remedy: "give at most \(NodeOptions.Limits.peersMax); members tell of each other"
        )
    }
}

private func check(bootstrap: [HostPort], dht: Bool) throws(ConfigError) {
    guard bootstrap.count <= NodeOptions.Limits.bootstrapMax else {
        throw ConfigError(
            "bootstrap",
            "is given \(bootstrap.count) times",
            remedy: "give at most \(NodeOptions.Limits.bootstrapMax); one that answers is enough"
        )
    }
    guard bootstrap.isEmpty || dht else {
        throw ConfigError(
            "bootstrap",
            "is of no use without the DHT",
            remedy: "leave it out, or leave out --no-dht"
        )
    }
}

private func check(announced: [HostPort]) throws(ConfigError) {
    guard announced.count <= NodeOptions.Limits.announcedMax else {
        throw ConfigError(
            "announce",
            "is given \(announced.count) times",
            remedy: "give at most \(NodeOptions.Limits.announcedMax)"
        )
    }
}

private func check(relayRate: Int?, relayCircuits: Int?, relay: Bool) throws(ConfigError) {
    let limits = [
        ("relay-rate", relayRate, NodeOptions.Limits.relayRates),
        ("relay-circuits", relayCircuits, NodeOptions.Limits.relayCircuits),
    ]
    for (field, value, range) in limits {
        guard let value else { continue }
        guard relay else {
            throw ConfigError(
                field,
                "limits what a node with --no-relay does not do",
                remedy: "leave out one of the two"
            )
        }
        try check(field, value, in: range, remedy: "--no-relay carries nothing")
    }
}

private func check(stateDirectory path: String) throws(ConfigError) {
    let most = NodeOptions.Limits.stateDirectoryBytesMax
    guard (1...most).contains(path.utf8.count), !path.utf8.contains(0) else {
        throw ConfigError(
            "state-dir",
            "is not a path of 1 to \(most) bytes",
            remedy: "leave it out to have the usual place"
        )
    }
}
