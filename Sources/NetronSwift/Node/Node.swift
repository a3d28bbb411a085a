// SPDX-License-Identifier: Apache-2.0

package import Logging
internal import NIOCore
internal import NIOPosix
internal import NetronAPI
package import NetronConfig
internal import NetronEngine
internal import NetronProtocol
public import NetronWire

/// A member of a network.
///
///     let node = try Node(.fromBase64(token: token), .logLevel(.info))
///     try await node.start()
///     for await event in node.events { print(event) }
///     await node.stop()
///
/// It carries control messages only, until the options of `VPN.register` give it an interface. A
/// node starts once, and a stopped one stays so.
public actor Node {
    /// Who the node is, in its network and in any other that it joins with the same identity.
    public nonisolated let id: NodeID

    /// What happens to the node from its start to its end; for one reader.
    ///
    /// Of events that nobody reads the newest 256 are kept.
    public nonisolated let events: AsyncStream<NodeEvent>

    nonisolated let settings: NodeSettings
    nonisolated let logger: Logger
    let announcer: AsyncStream<NodeEvent>.Continuation

    /// Between its start and its end a node is `running`.
    enum Phase {
        case ready
        case starting
        case running
        case stopped
    }

    var phase = Phase.ready
    var machine: NodeMachine
    var device: Device?
    var startedAt = Instant.never
    var timer: Task<Void, Never>?
    var pings: [UInt64: EchoWaiter] = [:]
    /// Of members with a session.
    var echoes: [NodeID: EchoHistory] = [:]
    var waiters: [UInt64: SessionWaiter] = [:]
    var nextWaiter: UInt64 = 0
    /// What is to be written in the ledger, and who waits for it.
    var writes: [WaitingWrite] = []
    var watchers: [UInt64: LedgerWatcher] = [:]
    /// Who waits until others were asked for a key.
    var readers: [LedgerKey: [CheckedContinuation<Void, Never>]] = [:]
    /// What the ledger's storage failed with last, as long as it does.
    var ledgerFailure: StoreError?
    /// How many routers are being asked, and who waits until none is.
    var errands = 0
    var farewellWaiter: CheckedContinuation<Void, Never>?
    /// What others carry and the host does not take, and why.
    var unroutable: [Prefix: EngineError] = [:]
    /// Whether the address that the node has by itself is on the interface.
    var hasOwnAddress = false

    private let seed: [UInt8]
    let stateDirectory: StateDirectory?
    /// Whether what the next start needs is yet to be written down.
    var isRememberingDue = false
    var rememberedAt = Instant(nanoseconds: 0)
    /// Whether another node runs with the same identity.
    var isTwinSeen = false
    /// Why the node ended by itself; nil as long as it did not.
    public private(set) var failure: NodeError?
    private var clockTask: Task<Void, Never>?
    private var stateLock: FileLock?
    private var portLock: PortLock?
    private var group: MultiThreadedEventLoopGroup?
    private var server: ControlServer?
    private var api: ControlServer?
    private var lan: LANService?

    /// Makes a node of its options; throws a `NodeError` if they do not fit.
    ///
    /// The node's identity is read, or made at the first time; all else waits for `start()`.
    public init(_ options: NodeOption...) throws { try self.init(options) }

    /// Makes a node of its options; throws a `NodeError` if they do not fit.
    ///
    /// The node's identity is read, or made at the first time; all else waits for `start()`.
    public init(_ options: [NodeOption]) throws {
        try self.init(NodeBuilder(options).settings())
    }

    /// Makes the node that the command runs.
    package init(
        network: NetworkConfig,
        options: NodeOptions,
        logger: Logger
    ) throws(NodeError) {
        try self.init(
            NodeSettings(network: network, options: options, logger: logger, isOnDisk: true)
        )
    }

    private init(_ settings: NodeSettings) throws(NodeError) {
        self.settings = settings
        let options = settings.options
        if settings.isOnDisk {
            let state = StateDirectory(
                path: options.stateDirectory,
                interface: options.interfaceName
            )
            try state.prepare()
            seed = options.ephemeral ? Identity.makeSeed() : try state.identity()
            stateDirectory = state
        } else {
            seed = Identity.makeSeed()
            stateDirectory = nil
        }
        do {
            id = try Identity.id(of: seed)
            machine = NodeMachine(
                id: id,
                cryptography: try SystemCryptography.make(
                    seed: seed,
                    networkSecret: settings.network.networkSecret
                ),
                history: options.ledgerHistory,
                budgets: NodeBudgets(
                    gossip: options.gossipBudget ?? NodeOptions.Limits.gossipBudgetDefault,
                    sync: options.syncBudget ?? NodeOptions.Limits.syncBudgetDefault
                ),
                random: { SystemRandomNumberGenerator() }
            )
        } catch {
            throw NodeError(.system, "the packet core makes no identity: \(error)")
        }
        var logger = settings.logger
        logger[metadataKey: "node"] = "\(id.prefix())"
        self.logger = logger
        (events, announcer) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(256))
    }

    /// Joins the network: opens interface and sockets, and looks for members from then on.
    ///
    /// It does not wait until one is found. When it throws a `NodeError` all is undone.
    public func start() async throws {
        guard phase == .ready else {
            throw NodeError(.alreadyStarted, "the node was started before; make a new one")
        }
        phase = .starting
        do {
            try lock()
            try openLedger()
            let proxy = await proxyEndpoint()
            try open(by: proxy)
            try await openServices()
        } catch {
            await close()
            throw error
        }
        guard phase == .starting else {
            // Somebody stopped the node meanwhile.
            await close()
            throw NodeError(.notRunning, "the node was stopped while it started")
        }
        phase = .running
        logStart()
        feed(.started(introduction))
        tellClock()
        tellHost()
        watchClock()
        listen()
    }

    /// Says goodbye to all members and gives everything back; done when it returns.
    public func stop() async {
        guard phase == .starting || phase == .running else {
            phase = .stopped
            announcer.finish()
            return
        }
        let wasRunning = phase == .running
        phase = .stopped
        if wasRunning {
            rememberNow()
            feed(.stopping)
            await close()
            await awaitRouters()
            logger.info("stopped")
        }
    }

    /// Ends the node by itself.
    func giveUp(because error: NodeError) {
        guard failure == nil else { return }
        failure = error
        logger.error("\(error.message)")
        // What led to it is carried out first.
        Task { await stop() }
    }

    private func lock() throws(NodeError) {
        stateLock = try stateDirectory?.lock()
        let port = settings.options.port
        guard port != 0 else { return }
        do throws(SystemCall) {
            portLock = try PortLock(port)
        } catch {
            throw NodeError(.system, "UDP port \(port) cannot be locked: \(error)")
        }
        guard portLock != nil else { throw NodeError(portInUse: port) }
    }

    /// Where the proxy is; connections are made without one that can not be found.
    private func proxyEndpoint() async -> Endpoint? {
        guard settings.options.tcp, let host = settings.options.proxy else { return nil }
        let endpoint = await Resolver.resolve(host).first
        if endpoint == nil {
            logger.warning("the proxy \(host) has no address; TCP does without it")
        }
        return endpoint
    }

    private func open(by proxy: Endpoint?) throws(NodeError) {
        var options = deviceOptions
        options.proxy = proxy
        let device: Device
        do throws(EngineError) {
            device = try Device(options)
        } catch {
            throw NodeError(error, starting: options)
        }
        self.device = device
        startedAt = Clock.now()
        if let ownAddress = InterfaceAddress(ula, length: 48), options.interface != nil {
            do throws(EngineError) {
                try device.setAddress(ownAddress, isPresent: true)
                hasOwnAddress = true
            } catch {
                logger.warning("the address \(ula) is not on the interface: \(error)")
            }
        }
    }

    /// Takes in what happens, from the start of the machine on: until then it waits where it is.
    private func listen() {
        if let device {
            Task { [weak self, wakes = device.wakes] in
                for await _ in wakes { await self?.drain() }
            }
        }
        if let lan {
            Task { [weak self, found = lan.found] in
                for await endpoint in found { await self?.discovered(endpoint) }
            }
        }
        drain()
    }

    private func openServices() async throws {
        let options = settings.options
        guard stateDirectory != nil || options.mdns || options.api != nil else { return }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        self.group = group
        if let stateDirectory {
            do {
                server = try await ControlServer.start(
                    at: stateDirectory.controlSocket,
                    on: group,
                    handler: controlRoutes.answer
                )
            } catch {
                throw NodeError(.system, error.description)
            }
        }
        if let place = options.api { api = try await startAPI(at: place, on: group) }
        if options.mdns { lan = await startLAN(on: group) }
    }

    /// Where the API listens, if it was asked for: a path, or address and port.
    var apiPlace: String? { api?.place }

    private func close() async {
        phase = .stopped
        timer?.cancel()
        timer = nil
        clockTask?.cancel()
        clockTask = nil
        await lan?.stop()
        lan = nil
        await api?.stop()
        api = nil
        await server?.stop()
        server = nil
        device?.stop()
        device = nil
        for case .user(_, let ping) in pings.values { ping.resume(returning: nil) }
        pings = [:]
        for waiter in waiters.values { waiter.continuation.resume(returning: false) }
        waiters = [:]
        refuseWrites()
        machine.closeLedger()
        try? await group?.shutdownGracefully()
        group = nil
        portLock = nil
        stateLock = nil
        announcer.finish()
    }
}

// What the parts of a node are told.
extension Node {
    nonisolated var networkSecret: [UInt8] { settings.network.networkSecret }

    /// The address that the node has by itself.
    nonisolated var ula: IPAddress { networkAddress(of: id) }

    nonisolated func networkAddress(of id: NodeID) -> IPAddress {
        Identity.networkAddress(networkSecret: networkSecret, id: id)
    }

    private var deviceOptions: DeviceOptions {
        let options = settings.options
        var device = DeviceOptions(seed: seed, networkSecret: networkSecret)
        device.epochSeconds = settings.network.epochSeconds
        device.port = options.port
        device.mtu = options.mtu
        device.lanes = options.lanes ?? 0
        device.takesDatagrams = options.dht
        device.endsIdleSessions = true
        device.tcp = options.tcp
        device.carriesMulticast = options.multicast
        device.setsRoutes = options.acceptsRoutes
        device.relayBytesPerSecond = options.relayRate ?? 0
        if options.wantsInterface {
            device.interface = .init(name: options.interfaceName, addresses: options.addresses)
        }
        return device
    }

    private var introduction: Introduction {
        let now = Clock.wallMilliseconds()
        return Introduction(
            id: id,
            ula: ula,
            name: Host.name,
            version: Release.version,
            platform: Host.platform,
            claims: settings.options.addresses.map { Hello.Claim($0.address, since: now) },
            ranges: leaseWishes,
            contacts: settings.options.peers,
            discovery: discoverySettings,
            relayedMax: relayedMax,
            lanes: device?.info()?.lanes ?? 1,
            mapsPort: settings.options.mapsPort,
            announced: settings.options.announced,
            dialsTCP: settings.options.tcp,
            gateways: gatewaySettings,
            authorities: settings.network.authorities
        )
    }

    /// How many circuits of others it relays.
    nonisolated var relayedMax: Int {
        let options = settings.options
        return options.relay
            ? options.relayCircuits ?? NodeOptions.Limits.relayCircuitsDefault : 0
    }

    private var discoverySettings: DiscoverySettings {
        let options = settings.options
        return DiscoverySettings(
            port: device?.info()?.port ?? 0,
            epochSeconds: settings.network.epochSeconds,
            usesDHT: options.dht,
            bootstrap: options.bootstrap,
            interval: options.discoveryInterval.map { .seconds($0) },
            savedTable: stateDirectory?.savedTable() ?? [],
            rememberedPeers: stateDirectory?.rememberedPeers() ?? "",
            persistedMilliseconds: stateDirectory?.savedTime() ?? 0,
            buildMilliseconds: Release.wallMilliseconds
        )
    }

    /// Looks at the host's clock now and then: it may be set right after the start.
    private func watchClock() {
        clockTask = Task { [weak self] in
            var looks = 0
            while !Task.isCancelled {
                try? await Task.sleep(for: Self.clockInterval)
                await self?.tellClock()
                looks += 1
                if looks % Self.looksBetweenWrites == 0 { await self?.rememberSoon() }
            }
        }
    }

    private static let clockInterval = Duration.seconds(60)
    /// Nodes of the DHT come and go all the time; a small device's flash shall not wear for them.
    private static let looksBetweenWrites = 10

    private func tellClock() {
        guard phase == .running else { return }
        feed(
            .clock(
                wallMilliseconds: Clock.wallMilliseconds(),
                isTrusted: Clock.isSynchronized
            )
        )
    }

    /// Tells the machine where the host is.
    func tellHost() {
        guard phase == .running, let info = device?.info() else { return }
        feed(.hostChanged(Host.addresses(excluding: info.interface), port: info.port))
        feed(.gatewayChanged(Host.gateway(excluding: info.interface)))
    }
}
