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
            logFormat.map { _ in "--log-format" },
        ].compactMap(\.self) + ledger.given + budgets.given + relay.given + api.given + ways.given
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
