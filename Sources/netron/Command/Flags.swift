// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import NetronConfig

// Values stay texts here: flags and environment variables become values by the same rules, in
// Plan.swift.

/// Which network.
struct NetworkFlags: ParsableArguments {
    @Option(
        help: Variable.token.help("The network's token, from `netron -g -b`.", default: "none")
    )
    var token: String?

    @Option(
        help: Variable.config.help(
            "The network's config, a YAML file from `netron -g`; - reads standard input.",
            default: "none",
            valueName: "path"
        )
    )
    var config: String?

    var given: [String] {
        [token.map { _ in "--token" }, config.map { _ in "--config" }].compactMap(\.self)
    }
}

/// Which node of this host.
struct PlaceFlags: ParsableArguments {
    @Option(
        help: Variable.interface.help(
            "The name of the network interface.",
            default: NodeOptions.Limits.interfaceNameDefault,
            valueName: "name"
        )
    )
    var interface: String?

    @Option(
        name: .customLong("state-dir"),
        help: Variable.stateDirectory.help(
            "The folder of the node's identity, control socket and last peers.",
            default: "netron/INTERFACE in /var/lib (root), else in ~/.local/state",
            valueName: "path"
        )
    )
    var stateDirectory: String?
}

/// How the node's interface is.
struct InterfaceFlags: ParsableArguments {
    @Option(
        name: .customLong("address"),
        help: Variable.address.help(
            "An address of this node, such as 10.1.0.11/24; may be repeated.",
            default: "none but the node's own IPv6 address",
            valueName: "address/length"
        )
    )
    var addresses: [String] = []

    @Flag(
        help: Variable.dhcp.help(
            "Take a free address in the range of each --address, "
                + "else in \(NodeOptions.Limits.leaseRangeDefault).",
            default: "false"
        )
    )
    var dhcp = false

    @OptionGroup
    var gateways: GatewayFlags

    var given: [String] {
        (addresses.isEmpty ? [] : ["--address"]) + (dhcp ? ["--dhcp"] : []) + gateways.given
    }
}

/// What the node carries for others, and others for it.
struct GatewayFlags: ParsableArguments {
    @Option(
        name: .customLong("advertise"),
        help: Variable.advertise.help(
            "A range that this node carries traffic for, such as 192.168.1.0/24, or 0.0.0.0/0 and "
                + "::/0 as a way out to everywhere; may be repeated.",
            default: "none",
            valueName: "range"
        )
    )
    var advertised: [String] = []

    @Flag(
        name: .customLong("accept-routes"),
        help: Variable.acceptRoutes.help(
            "Send into the network what other members carry traffic for.",
            default: "false"
        )
    )
    var accepts = false

    @Option(
        help: Variable.router.help(
            "The address of the member that gets what comes to the interface for nobody.",
            default: "none",
            valueName: "address"
        )
    )
    var router: String?

    var given: [String] {
        [
            advertised.first.map { _ in "--advertise" }, accepts ? "--accept-routes" : nil,
            router.map { _ in "--router" },
        ].compactMap(\.self)
    }
}

/// How the node runs.
struct NodeFlags: ParsableArguments {
    @Option(
        help: Variable.mtu.help(
            "The largest packet inside the network, in bytes.",
            default: "\(NodeOptions.Limits.mtuDefault)",
            valueName: "bytes"
        )
    )
    var mtu: String?

    @Option(
        help: Variable.port.help("The UDP port; 0 takes any free one.", default: "0")
    )
    var port: String?

    @Option(
        name: .customLong("peer"),
        help: Variable.peer.help(
            "Where a member is; may be repeated.",
            default: "none",
            valueName: "[tcp://]host:port"
        )
    )
    var peers: [String] = []

    @Flag(
        inversion: .prefixedNo,
        help: Variable.mdns.help("Look for members on the LAN.", default: "true")
    )
    var mdns: Bool?

    @Flag(
        inversion: .prefixedNo,
        help: Variable.dht.help(
            "Look for members on the Internet, through the BitTorrent DHT.",
            default: "true"
        )
    )
    var dht: Bool?

    // The second name is the one that EdgeVPN has.
    @Option(
        name: [.customLong("bootstrap"), .customLong("discovery-bootstrap-peers")],
        help: Variable.bootstrap.help(
            "A node of the DHT to begin with, instead of the well-known ones; may be repeated. "
                + "One that is a Netron node is enough for a closed network.",
            default: "none",
            valueName: "host:port"
        )
    )
    var bootstrap: [String] = []

    @Option(
        name: .customLong("discovery-interval"),
        help: Variable.discoveryInterval.help(
            "How often a settled node looks for members that it does not know, in seconds.",
            default: "\(NodeOptions.Limits.discoveryIntervalDefault)",
            valueName: "seconds"
        )
    )
    var discoveryInterval: String?

    @Flag(
        help: Variable.ephemeral.help(
            "Be a new node that is forgotten at its end.",
            default: "false"
        )
    )
    var ephemeral = false

    @OptionGroup
    var ledger: LedgerFlags

    @OptionGroup
    var budgets: BudgetFlags

    @Flag(
        inversion: .prefixedNo,
        help: Variable.multicast.help(
            "Carry multicast and broadcast to the other members.",
            default: "true"
        )
    )
    var multicast: Bool?

    @OptionGroup
    var relay: RelayFlags

    @OptionGroup
    var api: APIFlags

    @OptionGroup
    var ways: WayFlags

    @Option(
        help: Variable.lanes.help(
            "How many threads carry packets, 1 to \(NodeOptions.Limits.lanes.upperBound).",
            default: "as fits the host",
            valueName: "count"
        )
    )
    var lanes: String?

    @Flag(
        inversion: .prefixedNo,
        help: Variable.tcp.help(
            "Reach members that UDP does not reach by TCP, on the same port number; through the "
                + "HTTP proxy of https_proxy if that is set.",
            default: "true"
        )
    )
    var tcp: Bool?

    @Option(
        name: .customLong("log-level"),
        help: Variable.logLevel.help(
            "The least level of log lines: "
                + LogLevel.allCases.map(\.rawValue).joined(separator: ", ") + ".",
            default: LogLevel.info.rawValue,
            valueName: "level"
        )
    )
    var logLevel: String?

    @Option(
        name: .customLong("log-format"),
        help: Variable.logFormat.help(
            "The form of log lines: text or json.",
            default: LogFormat.text.rawValue,
            valueName: "format"
        )
    )
    var logFormat: String?

    var given: [String] {
        [
            mtu.map { _ in "--mtu" }, port.map { _ in "--port" }, peers.first.map { _ in "--peer" },
            mdns.map { $0 ? "--mdns" : "--no-mdns" }, dht.map { $0 ? "--dht" : "--no-dht" },
            bootstrap.first.map { _ in "--bootstrap" },
            discoveryInterval.map { _ in "--discovery-interval" }, ephemeral ? "--ephemeral" : nil,
            multicast.map { $0 ? "--multicast" : "--no-multicast" },
            lanes.map { _ in "--lanes" }, logLevel.map { _ in "--log-level" },
            logFormat.map { _ in "--log-format" }, tcp.map { $0 ? "--tcp" : "--no-tcp" },
        ].compactMap(\.self) + ledger.given + budgets.given + relay.given + api.given + ways.given
    }
}

/// Where the ledger is kept, and how large it may be.
struct LedgerFlags: ParsableArguments {
    @Option(
        name: .customLong("ledger"),
        help: Variable.ledger.help(
            "Where to keep what members say in the ledger: disk, or memory until the node ends.",
            default: LedgerPlace.disk.rawValue,
            valueName: "place"
        )
    )
    var place: String?

    @Option(
        name: .customLong("ledger-budget"),
        help: Variable.ledgerBudget.help(
            "How many bytes the ledger may take, such as 16M.",
            default: "1/\(NodeOptions.Limits.ledgerMemoryPart) of the host's memory, 1M to 64M",
            valueName: "size"
        )
    )
    var budget: String?

    @Flag(help: Variable.light.help("The same as --ledger-budget 1M.", default: "false"))
    var light = false

    @Option(
        name: .customLong("ledger-history"),
        help: Variable.ledgerHistory.help(
            "How many statements of each member to keep, to see what they said before; at most "
                + "\(NodeOptions.Limits.ledgerHistories.upperBound).",
            default: "0",
            valueName: "count"
        )
    )
    var history: String?

    var given: [String] {
        [
            place.map { _ in "--ledger" }, budget.map { _ in "--ledger-budget" },
            light ? "--light" : nil, history.map { _ in "--ledger-history" },
        ].compactMap(\.self)
    }
}

/// How much the node spends for the network's sake.
struct BudgetFlags: ParsableArguments {
    @Option(
        name: .customLong("gossip-budget"),
        help: Variable.gossipBudget.help(
            "How many bytes a second it may take to know who is there; the same at all members.",
            default: "4K",
            valueName: "rate"
        )
    )
    var gossip: String?

    @Option(
        name: .customLong("sync-budget"),
        help: Variable.syncBudget.help(
            "At how many bytes a second to pull what is missing, and to serve what others miss.",
            default: "1M",
            valueName: "rate"
        )
    )
    var sync: String?

    var given: [String] {
        [gossip.map { _ in "--gossip-budget" }, sync.map { _ in "--sync-budget" }]
            .compactMap(\.self)
    }
}

/// What the node carries for other members.
struct RelayFlags: ParsableArguments {
    @Flag(
        name: .customLong("relay"),
        inversion: .prefixedNo,
        help: Variable.relay.help(
            "Carry what is sealed between members that do not reach each other.",
            default: "true"
        )
    )
    var isWanted: Bool?

    @Option(
        name: .customLong("relay-rate"),
        help: Variable.relayRate.help(
            "How many bytes a second to carry for others in all, such as 1M.",
            default: "no limit",
            valueName: "rate"
        )
    )
    var rate: String?

    @Option(
        name: .customLong("relay-circuits"),
        help: Variable.relayCircuits.help(
            "How many pairs of members to carry for at a time, at most "
                + "\(NodeOptions.Limits.relayCircuits.upperBound).",
            default: "\(NodeOptions.Limits.relayCircuitsDefault)",
            valueName: "count"
        )
    )
    var circuits: String?

    @OptionGroup
    var edge: EdgeRelayFlags

    var given: [String] {
        [
            isWanted.map { $0 ? "--relay" : "--no-relay" }, rate.map { _ in "--relay-rate" },
            circuits.map { _ in "--relay-circuits" },
        ].compactMap(\.self) + edge.given
    }
}

/// What EdgeVPN has for the same, so that its command lines go on working.
struct EdgeRelayFlags: ParsableArguments {
    @Option(name: .customLong("relay-service"), help: .hidden)
    var isWanted: String?

    @Option(name: .customLong("relay-service-network-only"), help: .hidden)
    var isForMembersOnly: String?

    @Option(name: .customLong("relay-service-max-circuits"), help: .hidden)
    var circuitsPerPeer: String?

    @Option(name: .customLong("relay-service-acl-refresh"), help: .hidden)
    var refresh: String?

    @Option(name: .customLong("relay-service-max-data"), help: .hidden)
    var data: String?

    @Option(name: .customLong("relay-service-max-duration"), help: .hidden)
    var duration: String?

    @Option(name: .customLong("relay-service-reservation-ttl"), help: .hidden)
    var reservation: String?

    @Option(name: .customLong("relay-service-buffer-size"), help: .hidden)
    var buffer: String?

    /// Those that have no counterpart.
    var idle: [String] {
        [
            refresh.map { _ in "acl-refresh" }, data.map { _ in "max-data" },
            duration.map { _ in "max-duration" }, reservation.map { _ in "reservation-ttl" },
            buffer.map { _ in "buffer-size" },
        ].compactMap(\.self).map { "--relay-service-\($0)" }
    }

    var given: [String] {
        [
            isWanted.map { _ in "--relay-service" },
            isForMembersOnly.map { _ in "--relay-service-network-only" },
            circuitsPerPeer.map { _ in "--relay-service-max-circuits" },
        ].compactMap(\.self) + idle
    }
}

/// Whether the API is reached by more than the control socket, and where.
struct APIFlags: ParsableArguments {
    @Flag(
        name: .customLong("api"),
        help: Variable.api.help(
            "Serve the API, which asks for no secret, to programs of this host.",
            default: "false"
        )
    )
    var isWanted = false

    @Option(
        name: .customLong("api-listen"),
        help: Variable.apiListen.help(
            "Where to serve the API: host:port, or unix:///path for a socket of user and group; "
                + "turns --api on.",
            default: "\(APIPlace.usual)",
            valueName: "place"
        )
    )
    var listen: String?

    var given: [String] {
        (isWanted ? ["--api"] : []) + (listen == nil ? [] : ["--api-listen"])
    }
}

/// How others come in to the node.
struct WayFlags: ParsableArguments {
    @Flag(
        inversion: .prefixedNo,
        help: Variable.natmap.help(
            "Ask the router to let others in, by PCP, NAT-PMP or UPnP, unless this host has a "
                + "public address.",
            default: "true"
        )
    )
    var natmap: Bool?

    @Option(
        name: .customLong("announce"),
        help: Variable.announce.help(
            "Where others reach this node, such as a port that a router forwards; may be repeated.",
            default: "what it finds out",
            valueName: "host:port"
        )
    )
    var announced: [String] = []

    var given: [String] {
        [
            natmap.map { $0 ? "--natmap" : "--no-natmap" },
            announced.first.map { _ in "--announce" },
        ].compactMap(\.self)
    }
}

/// Making a network.
struct GenerateFlags: ParsableArguments {
    @Flag(name: .customShort("g"), help: "Print the config of a new network, and end.")
    var isWanted = false

    @Flag(name: .customShort("b"), help: "With -g: print it as a token, which is its base64.")
    var asToken = false

    @Option(
        name: .customLong("key-otp-interval"),
        help: ArgumentHelp(
            "With -g: how often the network's keys change, in seconds. "
                + "[default: \(NetworkConfig.Limits.intervalDefault)]",
            valueName: "seconds"
        )
    )
    var interval: String?

    var given: [String] {
        [
            isWanted ? "-g" : nil, asToken ? "-b" : nil,
            interval.map { _ in "--key-otp-interval" },
        ].compactMap(\.self)
    }
}
