// SPDX-License-Identifier: Apache-2.0

internal import NetronAPI
internal import NetronConfig
internal import NetronSwift
internal import NetronWire

/// What a node is told: of each thing the flag, else the variable, else the default.
struct Plan {
    let network: NetworkConfig
    let options: NodeOptions

    /// What is worth a word, but does not keep the node from starting.
    let warnings: [String]
}

extension Plan {
    /// Reads flags and variables, and the config's file.
    ///
    /// `interface` is nil for a node without one; then variables of an interface do not count,
    /// since the environment may be meant for a node that has it.
    init(
        network: NetworkFlags,
        place: PlaceFlags,
        interface: InterfaceFlags?,
        node: NodeFlags,
        on console: Console
    ) throws(ConfigError) {
        let (proxy, refusal) = console.proxy
        options = try NodeOptions(
            interface: interface,
            place: place,
            node: node,
            proxy: proxy,
            on: console
        )
        let (network, warnings) = try network.resolve(on: console)
        self.network = network
        self.warnings =
            warnings + [refusal].compactMap(\.self)
            + node.relay.edge.warnings
    }
}

/// Bytes of a config's file that are read; a config has far less, and is refused long before.
private let configBytesMax = 1 << 20

extension InterfaceFlags {
    /// The addresses that are given, and the ranges in which the node is to take one.
    func values(
        on console: Console
    ) throws(ConfigError) -> (addresses: [InterfaceAddress], ranges: [Prefix]) {
        let texts = addresses.isEmpty ? console.values(of: .address) : addresses
        guard try console.truth("dhcp", dhcp ? true : nil, .dhcp) ?? false else {
            return (try texts.map { text throws(ConfigError) in try NodeOptions.address(text) }, [])
        }
        let ranges = texts.isEmpty ? [NodeOptions.Limits.leaseRangeDefault] : texts
        return ([], try ranges.map { text throws(ConfigError) in try NodeOptions.leaseRange(text) })
    }
}

extension PlaceFlags {
    func interfaceName(on console: Console) -> String {
        interface ?? console.value(of: .interface) ?? NodeOptions.Limits.interfaceNameDefault
    }

    func stateDirectory(on console: Console) -> String? {
        stateDirectory ?? console.value(of: .stateDirectory)
    }

    /// The control socket of the node that is meant.
    func controlSocket(on console: Console) throws(ConfigError) -> String {
        // Its checks are those that the node's own start would make.
        let options = try NodeOptions(
            interfaceName: interfaceName(on: console),
            stateDirectory: stateDirectory(on: console)
        )
        return StateDirectory(path: options.stateDirectory, interface: options.interfaceName)
            .controlSocket
    }
}

extension NodeOptions {
    fileprivate init(
        interface: InterfaceFlags?,
        place: PlaceFlags,
        node: NodeFlags,
        proxy: HostPort?,
        on console: Console
    ) throws(ConfigError) {
        let inner = try interface?.values(on: console)
        let peers = node.peers.isEmpty ? console.values(of: .peer) : node.peers
        let announced =
            node.ways.announced.isEmpty
            ? console.values(of: .announce) : node.ways.announced
        let bootstrap = node.bootstrap.isEmpty ? console.values(of: .bootstrap) : node.bootstrap
        try self.init(
            addresses: inner?.addresses ?? [],
            leaseRanges: inner?.ranges ?? [],
            interfaceName: place.interfaceName(on: console),
            mtu: console.number("mtu", node.mtu, .mtu) ?? Limits.mtuDefault,
            port: console.number("port", node.port, .port) ?? 0,
            peers: peers.map { text throws(ConfigError) in try Self.peer(text) },
            mdns: console.truth("mdns", node.mdns, .mdns) ?? true,
            dht: console.truth("dht", node.dht, .dht) ?? true,
            bootstrap: bootstrap.map { text throws(ConfigError) in try Self.bootstrap(text) },
            discoveryInterval: console.number(
                "discovery-interval",
                node.discoveryInterval,
                .discoveryInterval
            ),
            stateDirectory: place.stateDirectory(on: console),
            ephemeral: console.truth("ephemeral", node.ephemeral ? true : nil, .ephemeral) ?? false,
            ledger: Self.ledgerPlace(
                node.ledger.place ?? console.value(of: .ledger) ?? LedgerPlace.disk.rawValue
            ),
            ledgerBudget: node.ledger.budgetBytes(on: console),
            ledgerHistory: console.number(
                "ledger-history",
                node.ledger.history,
                .ledgerHistory
            ) ?? 0,
            gossipBudget: console.byteCount(
                "gossip-budget",
                node.budgets.gossip,
                .gossipBudget
            ),
            syncBudget: console.byteCount("sync-budget", node.budgets.sync, .syncBudget),
            multicast: console.truth("multicast", node.multicast, .multicast) ?? true,
            api: node.api.place(on: console),
            logLevel: Self.logLevel(
                node.logLevel ?? console.value(of: .logLevel) ?? LogLevel.info.rawValue
            ),
            logFormat: Self.logFormat(
                node.logFormat ?? console.value(of: .logFormat) ?? LogFormat.text.rawValue
            ),
            wantsInterface: interface != nil,
            lanes: console.number("lanes", node.lanes, .lanes),
            mapsPort: console.truth("natmap", node.ways.natmap, .natmap) ?? true,
            announced: announced.map { text throws(ConfigError) in try Self.announced(text) },
            tcp: console.truth("tcp", node.ways.tcp, .tcp) ?? true,
            proxy: proxy,
            advertised: interface?.gateways.ranges(on: console) ?? [],
            acceptsRoutes: interface?.gateways.isAccepting(on: console) ?? false,
            router: interface?.gateways.address(on: console),
            relay: node.relay.truth(on: console),
            relayRate: console.byteCount("relay-rate", node.relay.rate, .relayRate),
            relayCircuits: console.number(
                "relay-circuits",
                node.relay.circuits,
                .relayCircuits
            )
        )
    }
}

extension GatewayFlags {
    fileprivate func ranges(on console: Console) throws(ConfigError) -> [Prefix] {
        try (advertised.isEmpty ? console.values(of: .advertise) : advertised).map {
            text throws(ConfigError) in try NodeOptions.advertised(text)
        }
    }

    fileprivate func isAccepting(on console: Console) throws(ConfigError) -> Bool {
        try console.truth("accept-routes", accepts ? true : nil, .acceptRoutes) ?? false
    }

    fileprivate func address(on console: Console) throws(ConfigError) -> IPAddress? {
        guard let text = router ?? console.value(of: .router) else { return nil }
        return try NodeOptions.router(text)
    }
}

extension RelayFlags {
    /// Whether anything is carried for others; this name for it counts before EdgeVPN's.
    fileprivate func truth(on console: Console) throws(ConfigError) -> Bool {
        try edge.check(on: console)
        let ofEdge = try console.truth("relay-service", edge.isWanted)
        return try console.truth("relay", isWanted ?? ofEdge, .relay) ?? true
    }
}

extension EdgeRelayFlags {
    /// Refuses what would be understood as something else.
    fileprivate func check(on console: Console) throws(ConfigError) {
        let field = "relay-service-network-only"
        if try console.truth(field, isForMembersOnly) == false {
            throw ConfigError(
                field,
                "cannot be false",
                remedy: "leave it out: a node carries for members of its network alone"
            )
        }
        if circuitsPerPeer != nil {
            throw ConfigError(
                "relay-service-max-circuits",
                "counts the circuits of each peer",
                remedy: "give --relay-circuits, which counts those of all members"
            )
        }
    }

    /// One line for what changes nothing.
    fileprivate var warnings: [String] {
        guard !idle.isEmpty else { return [] }
        let flags = idle.joined(separator: ", ")
        let verb = idle.count == 1 ? "has" : "have"
        return [
            "\(flags) \(verb) no effect: a circuit lasts as long as it is used, and --relay-rate"
                + " bounds what all of them carry"
        ]
    }
}

extension LedgerFlags {
    /// A budget that is named counts before a light node's, and flags before variables.
    fileprivate func budgetBytes(on console: Console) throws(ConfigError) -> Int? {
        let isLight = try console.truth("light", light ? true : nil, .light) ?? false
        let named = budget ?? (light ? nil : console.value(of: .ledgerBudget))
        if let named { return try NodeOptions.byteCount("ledger-budget", named) }
        return isLight ? NodeOptions.Limits.ledgerBudgets.lowerBound : nil
    }
}

extension APIFlags {
    /// A place that is named turns it on, unless it is in a variable and another one says no.
    fileprivate func place(on console: Console) throws(ConfigError) -> APIPlace? {
        let text = listen ?? console.value(of: .apiListen)
        let flag = isWanted || listen != nil ? true : nil
        guard try console.truth("api", flag, .api) ?? (text != nil) else { return nil }
        return try text.map { text throws(ConfigError) in try NodeOptions.apiPlace(text) } ?? .usual
    }
}

extension Console {
    /// The proxy that the host's programs are told to use, or why it can not be used here.
    ///
    /// It is not meant for this program alone, so that it keeps no node from starting.
    fileprivate var proxy: (HostPort?, refusal: String?) {
        for name in ["https_proxy", "HTTPS_PROXY"] {
            guard let text = environment[name], !text.isEmpty else { continue }
            do throws(ConfigError) {
                return (try NodeOptions.proxy(text), nil)
            } catch {
                return (nil, "\(name) is not used: \(error)")
            }
        }
        return (nil, nil)
    }

    /// The number of a flag or else of a variable.
    fileprivate func number(
        _ field: String,
        _ flag: String?,
        _ variable: Variable
    ) throws(ConfigError) -> Int? {
        guard let text = flag ?? value(of: variable) else { return nil }
        return try NodeOptions.number(field, text)
    }

    /// The number of bytes of a flag or else of a variable.
    fileprivate func byteCount(
        _ field: String,
        _ flag: String?,
        _ variable: Variable
    ) throws(ConfigError) -> Int? {
        guard let text = flag ?? value(of: variable) else { return nil }
        return try NodeOptions.byteCount(field, text)
    }

    /// The truth of a flag or else of a variable.
    fileprivate func truth(
        _ field: String,
        _ flag: Bool?,
        _ variable: Variable
    ) throws(ConfigError) -> Bool? {
        if let flag { return flag }
        return try truth(field, value(of: variable), remedy: "set \(variable.rawValue) to")
    }

    /// The truth of a text.
    fileprivate func truth(
        _ field: String,
        _ text: String?,
        remedy: String = "give"
    ) throws(ConfigError) -> Bool? {
        switch text?.lowercased() {
        case nil: return nil
        case "true"?, "1"?, "yes"?, "on"?: return true
        case "false"?, "0"?, "no"?, "off"?: return false
        case let text?:
            throw ConfigError(
                field,
                "\"\(text.plain(bytesMax: 80))\" is neither true nor false",
                remedy: "\(remedy) one of the two"
            )
        }
    }
}

extension NetworkFlags {
    /// The network; a flag of either kind rules out both variables.
    fileprivate func resolve(
        on console: Console
    ) throws(ConfigError) -> (NetworkConfig, warnings: [String]) {
        let isFlag = token != nil || config != nil
        let token = isFlag ? token : console.value(of: .token)
        let path = isFlag ? config : console.value(of: .config)
        let file = try path.map { path throws(ConfigError) in
            (path: path == "-" ? "standard input" : path, contents: try Self.read(path))
        }
        let network = try NetworkSource.resolve(token: token, config: file)
        var warnings: [String] = []
        if let path, System.isReadByOthers(path) {
            warnings.append("config \(path) can be read by other users; run: chmod 600 \(path)")
        }
        if !network.unknownFields.isEmpty {
            let fields = network.unknownFields.joined(separator: ", ").plain(bytesMax: 200)
            warnings.append("the network's config has fields that are not known here: \(fields)")
        }
        return (network, warnings)
    }

    private static func read(_ path: String) throws(ConfigError) -> [UInt8] {
        do throws(System.Failure) {
            return try System.read(path, upTo: configBytesMax)
        } catch {
            throw .unreadable(path: path, reason: error.description)
        }
    }
}
