// SPDX-License-Identifier: Apache-2.0

public import Logging
internal import NetronConfig
internal import NetronWire

/// Something that a node is told before it starts.
///
/// Later options replace earlier ones, except for those that add, which say so.
public struct NodeOption: Sendable {
    let apply: @Sendable (inout NodeBuilder) throws -> Void

    init(_ apply: @escaping @Sendable (inout NodeBuilder) throws -> Void) { self.apply = apply }
}

extension NodeOption {
    /// The network of a token.
    ///
    /// - Parameters:
    ///   - mdns: Whether members are looked for on the LAN.
    ///   - dht: Whether members are looked for on the Internet, through the BitTorrent DHT.
    ///   - token: What `netron -g -b` prints.
    /// - Returns: The option.
    public static func fromBase64(mdns: Bool = true, dht: Bool = true, token: String) -> Self {
        Self { builder in
            builder.network = try NetworkConfig(token: token)
            builder.mdns = mdns
            builder.dht = dht
        }
    }

    /// The network of a config.
    ///
    /// - Parameters:
    ///   - mdns: Whether members are looked for on the LAN.
    ///   - dht: Whether members are looked for on the Internet, through the BitTorrent DHT.
    ///   - yaml: What `netron -g` prints; the text, not a path.
    /// - Returns: The option.
    public static func fromYAML(mdns: Bool = true, dht: Bool = true, _ yaml: String) -> Self {
        Self { builder in
            builder.network = try NetworkConfig(yaml: Array(yaml.utf8))
            builder.mdns = mdns
            builder.dht = dht
        }
    }

    /// Where log lines go.
    public static func logger(_ logger: Logger) -> Self {
        Self { $0.logger = logger }
    }

    /// How much a line must matter to be logged; without it, the logger's own level.
    public static func logLevel(_ level: Logger.Level) -> Self {
        Self { $0.logLevel = level }
    }

    /// The largest message between members, in bytes.
    ///
    /// The limit of the network's config is used without it. The messages of this version are far
    /// smaller than any limit, and it has no effect yet.
    public static func maxMessageSize(_ bytes: Int) -> Self {
        Self { builder in
            guard NetworkConfig.Limits.messageSizes.contains(bytes) else {
                throw NodeError(
                    .invalidConfig,
                    "max_message_size \(bytes) is not a number of bytes; leave it out"
                )
            }
            builder.maxMessageSize = bytes
        }
    }

    /// Hosts where members are, each as `host:port`, or `tcp://host:port` for one that is to be
    /// reached by TCP; adds to those that were named before.
    public static func peers(_ peers: [String]) -> Self {
        Self { builder in
            for peer in peers { builder.peers.append(try NodeOptions.peer(peer)) }
        }
    }

    /// Nodes of a distributed hash table to begin with instead of the well-known ones, each as
    /// `host:port`; adds to those that were named before.
    ///
    /// One Netron node is enough for a closed network.
    public static func bootstrap(_ hosts: [String]) -> Self {
        Self { builder in
            for host in hosts { builder.bootstrap.append(try NodeOptions.bootstrap(host)) }
        }
    }

    /// How often a settled node looks for members that it does not know, in seconds; 600 without
    /// it.
    public static func discoveryInterval(_ seconds: Int) -> Self {
        Self { $0.discoveryInterval = seconds }
    }

    /// The UDP port; without it, or with 0, any that is free.
    public static func port(_ port: Int) -> Self {
        Self { $0.port = port }
    }

    /// Where the node keeps its identity and the socket that commands reach it by.
    ///
    /// Without it /var/lib/netron/INTERFACE as root, else netron/INTERFACE below
    /// $XDG_STATE_HOME or ~/.local/state.
    public static func stateDirectory(_ path: String) -> Self {
        Self { $0.stateDirectory = path }
    }

    /// An identity that ends with the node; without a state directory nothing is on disk then.
    public static var ephemeral: Self {
        Self { $0.isEphemeral = true }
    }

    /// What members say in the ledger is kept until the node ends, and not on disk.
    public static var ledgerInMemory: Self {
        Self { $0.isLedgerInMemory = true }
    }

    /// How many bytes the ledger may take, at least 1 MiB; without it a 64th of the host's memory,
    /// but at most 64 MiB.
    public static func ledgerBudget(_ bytes: Int) -> Self {
        Self { $0.ledgerBudget = bytes }
    }

    /// How many statements of each member are kept, at most 1,000, so that it can be seen what they
    /// said before; without it none but the newest.
    public static func ledgerHistory(_ count: Int) -> Self {
        Self { $0.ledgerHistory = count }
    }

    /// How many bytes a second it may take to know who is there; 4,096 without it.
    ///
    /// It is meant to be the same at all members of a network: each says that it is here as often
    /// as fits its own.
    public static func gossipBudget(_ bytesPerSecond: Int) -> Self {
        Self { $0.gossipBudget = bytesPerSecond }
    }

    /// At how many bytes a second is pulled what is missing, and served what others miss; 1 MiB
    /// without it.
    public static func syncBudget(_ bytesPerSecond: Int) -> Self {
        Self { $0.syncBudget = bytesPerSecond }
    }

    /// Neither sends multicast and broadcast of this host to the other members nor takes theirs.
    public static var noMulticast: Self {
        Self { $0.multicast = false }
    }

    /// Serves the API, which asks for no secret, besides the control socket of a state directory.
    ///
    /// - Parameter place: `host:port`, where 0 takes any port that is free, or `unix:///path` for a
    ///   socket that user and group may use. On another address than one of the loopback all who
    ///   reach it may read and write what members say.
    /// - Returns: The option.
    public static func api(listening place: String = "127.0.0.1:8080") -> Self {
        Self { $0.api = try NodeOptions.apiPlace(place) }
    }

    /// Carries nothing of what other members send each other.
    ///
    /// Without it a node relays for those who do not reach each other; it cannot read what it
    /// carries.
    public static var noRelay: Self {
        Self { $0.relay = false }
    }

    /// How many bytes a second are relayed for others in all, 16 KiB or more; without it, no limit.
    public static func relayRate(_ bytesPerSecond: Int) -> Self {
        Self { $0.relayRate = bytesPerSecond }
    }

    /// How many circuits of others are relayed at a time, 1 to 1,024; without it 512.
    public static func relayCircuits(_ count: Int) -> Self {
        Self { $0.relayCircuits = count }
    }

    /// How many threads carry packets, 1 to 4; without it as many as fit the host.
    public static func lanes(_ count: Int) -> Self {
        Self { $0.lanes = count }
    }

    /// Whether a router before the host is asked to let the node's port in, by PCP, NAT-PMP or
    /// UPnP; it is without it, where the host has no public address.
    public static func natmap(_ isWanted: Bool) -> Self {
        Self { $0.mapsPort = isWanted }
    }

    /// Where others reach this node though it cannot know, such as a port that a router was told to
    /// forward, each as `host:port`; adds to those that were named before, at most 3.
    public static func announce(_ places: [String]) -> Self {
        Self { builder in
            for place in places { builder.announced.append(try NodeOptions.announced(place)) }
        }
    }

    /// Whether members that UDP does not reach are reached by TCP, on the same port number; they
    /// are without it.
    public static func tcp(_ isOn: Bool) -> Self {
        Self { $0.tcp = isOn }
    }

    /// The HTTP proxy by which connections of TCP are made, as `http://host:port`; none without it,
    /// whatever the environment says.
    public static func proxy(_ place: String) -> Self {
        Self { $0.proxy = try NodeOptions.proxy(place) }
    }
}

/// What the options made so far.
struct NodeBuilder {
    var network: NetworkConfig?
    var mdns = true
    var dht = true
    var bootstrap: [HostPort] = []
    var discoveryInterval: Int?
    var logger = Logger(label: "netron")
    var logLevel: Logger.Level?
    var maxMessageSize: Int?
    var peers: [HostPort] = []
    var port = 0
    var stateDirectory: String?
    var isEphemeral = false
    var isLedgerInMemory = false
    var ledgerBudget: Int?
    var ledgerHistory = 0
    var gossipBudget: Int?
    var syncBudget: Int?
    var multicast = true
    var api: APIPlace?
    var lanes: Int?
    var mapsPort = true
    var announced: [HostPort] = []
    var tcp = true
    var proxy: HostPort?
    var relay = true
    var relayRate: Int?
    var relayCircuits: Int?
    var interface: String?
    var addresses: [InterfaceAddress] = []
    var leaseRanges: [Prefix] = []
    var mtu = NodeOptions.Limits.mtuDefault
    var advertised: [Prefix] = []
    var acceptsRoutes = false
    var router: IPAddress?

    init(_ options: [NodeOption]) throws(NodeError) {
        for option in options {
            do {
                try option.apply(&self)
            } catch let error as ConfigError {
                throw NodeError(error)
            } catch let error as NodeError {
                throw error
            } catch {
                throw NodeError(.invalidConfig, "\(error)")
            }
        }
    }

    /// All of it, checked.
    func settings() throws(NodeError) -> NodeSettings {
        guard let network else {
            throw NodeError(
                .invalidConfig,
                "no network is given; pass .fromBase64(token:) or .fromYAML(_:)"
            )
        }
        var logger = logger
        if let logLevel { logger.logLevel = logLevel }
        do {
            return NodeSettings(
                network: network,
                options: try NodeOptions(
                    addresses: addresses,
                    leaseRanges: leaseRanges,
                    interfaceName: interface ?? NodeOptions.Limits.interfaceNameDefault,
                    mtu: mtu,
                    port: port,
                    peers: peers,
                    mdns: mdns,
                    dht: dht,
                    bootstrap: bootstrap,
                    discoveryInterval: discoveryInterval,
                    stateDirectory: stateDirectory,
                    ephemeral: isEphemeral,
                    ledger: isLedgerInMemory ? .memory : .disk,
                    ledgerBudget: ledgerBudget,
                    ledgerHistory: ledgerHistory,
                    gossipBudget: gossipBudget,
                    syncBudget: syncBudget,
                    multicast: multicast,
                    api: api,
                    wantsInterface: interface != nil,
                    lanes: lanes,
                    mapsPort: mapsPort,
                    announced: announced,
                    tcp: tcp,
                    proxy: proxy,
                    advertised: advertised,
                    acceptsRoutes: acceptsRoutes,
                    router: router,
                    relay: relay,
                    relayRate: relayRate,
                    relayCircuits: relayCircuits
                ),
                logger: logger,
                isOnDisk: !isEphemeral || stateDirectory != nil
            )
        } catch {
            throw NodeError(error)
        }
    }
}

/// All that a node is told.
struct NodeSettings: Sendable {
    let network: NetworkConfig
    let options: NodeOptions
    let logger: Logger
    /// Whether there is a state directory, and so a control socket.
    let isOnDisk: Bool
}
