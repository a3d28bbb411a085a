// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// Who is a member here, whom to dial, and who has which inner address.
///
/// A pure machine: events and the time go in, effects come out. It is made of smaller ones, which
/// know nothing of each other: what one of them asks for is another one's event. The overlay is in
/// NodeOverlay.swift, who is a member in NodeDirectory.swift, what members say in NodeLedger.swift,
/// what authorities say in NodeTrust.swift, what is not kept here in NodePlacement.swift, the
/// Internet in NodeInternet.swift, ways through others in NodePaths.swift and NodeAnchors.swift,
/// how long sessions may be silent in NodeKeepalives.swift, ways in through a router in
/// NodeForwarding.swift; what is told in a session in NodeGreeting.swift, whom to dial in
/// NodeDialling.swift, what the user named in NodeContacts.swift, addresses in NodeClaims.swift
/// and NodeLeases.swift, what is carried for others in NodeGateways.swift, and a key that runs
/// twice in NodeTwin.swift.
package struct NodeMachine {
    package typealias Event = NodeEvent
    package typealias Effect = NodeEffect

    /// Who this node is; nil before `.started` and after `.stopping`, when nothing is done.
    private(set) var own: Introduction?
    /// Whether there is one; asked with every event, for which to look at the whole costs too much.
    private var isRunning = false
    var random: any RandomNumberGenerator
    let cryptography: Cryptography
    var members: [NodeID: Member] = [:]
    var addresses = AddressTable()
    var ownClaims: [OwnClaim] = []
    var conflicts: [IPAddress: Conflict] = [:]
    var sought: [NodeID: Sought] = [:]
    var contacts: [Contact] = []
    var dials = DialBook()
    var contestsDue = Instant.never
    /// When another was seen last that has this node's key, and whether that was so again.
    var twinSeen: Instant?
    var isDoubled = false
    var evidence = EvidenceBook()
    /// No greeting is due before.
    var greetingsDue = Instant.never
    var leases: [AddressLease] = []
    var leasesBegan = Instant.never
    var leasesDue = Instant.never
    /// Members whose sessions are kept as they lead to this node, without those that the overlay
    /// keeps.
    var anchors: [NodeID] = []
    var anchorsDue = Instant.never

    // The smaller machines, and when each of them is due.
    var gossip: GossipMachine
    var overlayDue = Instant.never
    var directory: Directory
    var directoryDue = Instant.never
    var internet: InternetDiscovery
    var internetDue = Instant.never
    var table: DHTMachine
    var tableDue = Instant.never
    var memory: PeerMemory
    var memoryDue = Instant.never
    var ledger: Ledger
    var ledgerDue = Instant.never
    var placement: Placement
    var placementDue = Instant.never
    var desk = PlacementDesk()
    var trust: Trust
    var trustDue = Instant.never
    var circuits: CircuitMachine
    var circuitsDue = Instant.never
    var puncher: HolePuncher
    var puncherDue = Instant.never
    var keepalives = KeepaliveLearner()
    var keepalivesDue = Instant.never
    var mapper: PortMapper
    var mapperDue = Instant.never
    var gateways = GatewayTable()
    var gatewaysDue = Instant(nanoseconds: 0)
    /// How many lookups in a row did not find one that is known.
    var gatewaysMissed: [NodeID: Int] = [:]
    var time: NetworkTime

    // What the smaller machines were told of each other.
    var toldEndpoints: [Endpoint] = []
    var toldAnnouncers: [NodeID] = []
    var announcersEpoch: UInt64?
    var toldTime: WallClock?
    /// What the own statement is to say of the ledger.
    var ledgerSummary: StateSummary?
    /// Who passed on what the directory is told now.
    var informant: NodeID?
    /// Whose statement comes with its changes now.
    var blockAuthor: NodeID?

    package internal(set) var counters = NodeCounters()
    /// Where the Internet sees this node.
    package internal(set) var publicEndpoint: Endpoint?
    /// What stands between it and the Internet.
    package internal(set) var nat = OwnNAT()
    package internal(set) var hostAddresses: [IPAddress] = []
    var hostPort: UInt16 = 0
    var gateway: Gateway?
    /// Where a router lets others in.
    var mappedEndpoint: Endpoint?
    /// Where the user says that others come in.
    var announced: [Announced] = []

    /// Nothing is due before; what is due may be later.
    private var deadline = Instant.never
    /// What the shell was told, or nil when its timer ran out.
    private var toldDeadline: Instant? = .never

    /// Makes the machine of a node with this id; `random` makes a generator for each of its parts.
    ///
    /// What members say in the ledger is kept in `storage`, with so many statements of each as
    /// `history` says that newer ones replaced. `share` gives equal bytes the same
    /// storage, where many nodes lie in one process.
    package init(
        id: NodeID,
        cryptography: Cryptography,
        keepingIn storage: any LedgerStorage = MemoryStore(),
        history: Int = 0,
        budgets: NodeBudgets = NodeBudgets(),
        sharing share: (([UInt8]) -> [UInt8])? = nil,
        random: () -> any RandomNumberGenerator
    ) {
        self.random = random()
        self.cryptography = cryptography
        let rumorKey = cryptography.derive("rumors", 0)
        var chance = random()
        gossip = GossipMachine(random: &chance) { cryptography.digest($0, rumorKey) }
        let network = Array(
            cryptography.derive("presence", 0).prefix(DirectoryPayload.networkByteCount)
        )
        directory = Directory(
            of: id,
            network: network,
            cryptography: cryptography,
            renewalBytesPerSecond: DirectoryLimits.renewalBytes(ofGossip: budgets.gossip),
            syncBytesPerSecond: budgets.sync,
            sharing: share,
            random: random()
        )
        // As these begin depends on what is known at the start, when they are made anew.
        internet = InternetDiscovery(
            InternetSettings(id: id, port: 0, epochSeconds: InternetLimits.epochSecondsMin),
            cryptography: cryptography,
            random: random()
        )
        table = DHTMachine(random: random(), cryptography: cryptography)
        memory = PeerMemory("", at: Instant(nanoseconds: 0))
        ledger = Ledger(
            of: id,
            in: storage,
            syncBytesPerSecond: budgets.sync,
            history: history,
            cryptography: cryptography,
            random: random()
        )
        placement = Placement(
            of: id,
            network: network,
            cryptography: cryptography,
            random: chance
        )
        circuits = CircuitMachine(of: id, random: random())
        puncher = HolePuncher(random: random())
        mapper = PortMapper(
            isWanted: false,
            nonce: [UInt8](repeating: 0, count: PCP.nonceByteCount),
            random: random()
        )
        trust = Trust(
            network: network,
            cryptography: cryptography,
            syncBytesPerSecond: budgets.sync,
            random: random()
        )
        time = NetworkTime(buildMilliseconds: 0)
        takeRoom(in: storage)
    }

    /// Takes in what happened, and appends what is to be done to `effects`, in order.
    package mutating func handle(
        _ event: Event,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        if case .started(let introduction) = event {
            start(introduction, at: now, into: &effects)
        } else if isRunning {
            takeIn(event, at: now, into: &effects)
        }
        guard isRunning else { return }
        finish(at: now, into: &effects)
    }

    /// Does what is due, and says when there will be more.
    mutating func finish(at now: Instant, into effects: inout [Effect]) {
        if deadline <= now { runDue(at: now, into: &effects) }
        if deadline != toldDeadline {
            toldDeadline = deadline
            effects.append(.wake(at: deadline))
        }
    }

    private mutating func start(
        _ introduction: Introduction,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        precondition(own == nil, "a node starts once")
        precondition(introduction.id == directory.id, "a machine is one node's")
        precondition(introduction.claims.count + introduction.ranges.count < Hello.claimsMax)
        precondition(introduction.contacts.count <= NodeLimits.contactsMax)
        precondition(introduction.announced.count <= NodeLimits.announcedMax)
        precondition(introduction.authorities.count <= TrustObject.authoritiesMax)
        own = introduction
        isRunning = true
        let discovery = introduction.discovery
        time = NetworkTime(
            buildMilliseconds: discovery.buildMilliseconds,
            persistedMilliseconds: discovery.persistedMilliseconds
        )
        memory = PeerMemory(discovery.rememberedPeers, at: now)
        hostPort = discovery.port
        internet = InternetDiscovery(
            discovery.internetSettings(of: introduction.id),
            cryptography: cryptography,
            random: internet.random
        )
        circuits = CircuitMachine(
            of: introduction.id,
            relayedMax: introduction.relayedMax,
            lanes: introduction.lanes,
            random: circuits.random
        )
        mapper = PortMapper(
            isWanted: introduction.mapsPort,
            nonce: mappingNonce,
            random: mapper.random
        )
        beginTrust(introduction.authorities, into: &effects)
        overlay(.started(own: Hint(introduction.id, at: [])), at: now, into: &effects)
        claimOwn(introduction, at: now, into: &effects)
        contacts = introduction.contacts.map { Contact(host: $0, due: now) }
        if !contacts.isEmpty { wake(at: now) }
        ask(.started(discovery.tableSettings), at: now, into: &effects)
        search(.started, at: now, into: &effects)
        remember(.timeout, at: now, into: &effects)
        beginLeases(at: now, into: &effects)
        beginAnnounced(introduction.announced, at: now, into: &effects)
    }

    private mutating func takeIn(
        _ event: Event,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        switch event {
        case .started: break
        // The shell has no timer any more: whatever is due, also at this very moment, is told.
        case .timeout: toldDeadline = nil
        case .resolved(let host, let endpoints):
            resolved(host, endpoints, at: now, into: &effects)
            resolvedAnnounced(host, endpoints, at: now, into: &effects)
            ask(.resolved(host, endpoints), at: now, into: &effects)
        case .discovered(let endpoint, let id):
            discovered(endpoint, id, at: now, into: &effects)
        case .peerUp(let id, let endpoint, let rtt, let ula):
            peerUp(Member(id, at: endpoint, rtt: rtt, ula: ula, now: now), into: &effects)
        case .peerDown(let id, let departure):
            peerDown(id, departure, at: now, into: &effects)
        case .dialFailed(let endpoint, let id):
            dialFailed(endpoint, id, at: now, into: &effects)
        case .received(let id, let bytes):
            received(bytes, from: id, at: now, into: &effects)
        case .moved(let id, let endpoint):
            moved(id, endpoint, at: now, into: &effects)
        case .silent(let id): seekOtherWay(to: id, at: now, into: &effects)
        case .silenceEnded(let id, let wasAsked, let silence):
            let event = KeepaliveEvent.silenceEnded(id, wasAsked: wasAsked, after: silence)
            mind(event, at: now, into: &effects)
        case .circuitEnded(let circuit): route(.ended(circuit), at: now, into: &effects)
        case .datagram, .unrouted, .sentToAll, .wanted, .ledgerWanted, .probed, .clockHeard,
            .clock, .hostChanged, .gatewayChanged, .mapped:
            takeInMore(event, at: now, into: &effects)
        case .stopping:
            search(.stopped, at: now, into: &effects)
            ask(.stopping, at: now, into: &effects)
            // Who has a twin says nothing in the name of both.
            if !isDoubled { register(.stopping, at: now, into: &effects) }
            keepLedger(.stopping, at: now, into: &effects)
            map(.stopping, at: now, into: &effects)
            own = nil
            isRunning = false
        }
    }

    /// What is one of the smaller machines' alone.
    private mutating func takeInMore(
        _ event: Event,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        switch event {
        case .datagram(let bytes, let source):
            ask(.received(bytes, from: source), at: now, into: &effects)
        case .unrouted(let address): unrouted(address, at: now, into: &effects)
        case .sentToAll: gather(at: now)
        case .wanted(let id): wanted(id, at: now, into: &effects)
        case .ledgerWanted(let key): look(for: key, at: now, into: &effects)
        case .probed(let id, let isAlive):
            overlay(.probed(id, isAlive: isAlive), at: now, into: &effects)
        case .clockHeard(let id, let offset):
            keepTime(.heard(from: id, offsetMilliseconds: offset), at: now, into: &effects)
        case .clock(let wall, let isTrusted):
            keepTime(
                .clock(wallMilliseconds: wall, isTrusted: isTrusted),
                at: now,
                into: &effects
            )
            runLeases(at: now, into: &effects)
        case .hostChanged(let addresses, let port):
            hostChanged(addresses, port, at: now, into: &effects)
        case .gatewayChanged(let gateway):
            self.gateway = gateway
            map(.host(hostAddresses, port: hostPort, gateway), at: now, into: &effects)
        case .mapped(let request, let answer):
            map(.answered(request, answer), at: now, into: &effects)
        default: preconditionFailure("an event that nobody takes")
        }
    }

    private mutating func hostChanged(
        _ addresses: [IPAddress],
        _ port: UInt16,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        let isFirst = hostAddresses.isEmpty
        guard addresses != hostAddresses || port != hostPort else { return }
        hostAddresses = addresses
        hostPort = port
        let isAnother = nat.change(to: addresses, port: port)
        search(.addresses(addresses), at: now, into: &effects)
        if !isFirst {
            ask(.networkChanged, at: now, into: &effects)
            remember(.networkChanged, at: now, into: &effects)
            resolveAnnounced(at: now)
        }
        map(.host(addresses, port: port, gateway), at: now, into: &effects)
        refreshPresence(at: now, into: &effects)
        if isAnother { mind(.networkChanged, at: now, into: &effects) }
        mindWays(at: now, into: &effects)
    }

    /// Does all that is due, and finds the next deadline.
    private mutating func runDue(at now: Instant, into effects: inout [Effect]) {
        deadline = .never
        greetAgain(at: now, into: &effects)
        runContacts(at: now, into: &effects)
        runDials(at: now, into: &effects)
        runClaims(at: now, into: &effects)
        runContests(at: now, into: &effects)
        runLeases(at: now, into: &effects)
        runAnchors(at: now, into: &effects)
        runAnnounced(at: now, into: &effects)
        runParts(at: now, into: &effects)
    }

    /// Wakes the smaller machines that are due.
    private mutating func runParts(at now: Instant, into effects: inout [Effect]) {
        if overlayDue.take(at: now) { overlay(.timeout, at: now, into: &effects) }
        if directoryDue.take(at: now) { register(.timeout, at: now, into: &effects) }
        if internetDue.take(at: now) { search(.timeout, at: now, into: &effects) }
        if tableDue.take(at: now) { ask(.timeout, at: now, into: &effects) }
        if memoryDue.take(at: now) { remember(.timeout, at: now, into: &effects) }
        if ledgerDue.take(at: now) { keepLedger(.timeout, at: now, into: &effects) }
        if placementDue.take(at: now) { place(.timeout, at: now, into: &effects) }
        if trustDue.take(at: now) { keepTrust(.timeout, at: now, into: &effects) }
        if circuitsDue.take(at: now) { route(.timeout, at: now, into: &effects) }
        if puncherDue.take(at: now) { punch(.timeout, at: now, into: &effects) }
        if keepalivesDue.take(at: now) { mind(.timeout, at: now, into: &effects) }
        if mapperDue.take(at: now) { map(.timeout, at: now, into: &effects) }
        runReads(at: now, into: &effects)
        lookForGateways(at: now, into: &effects)
        lookForNear(at: now, into: &effects)
        wake(at: min(overlayDue, directoryDue, internetDue, tableDue))
        wake(at: min(memoryDue, ledgerDue, placementDue, trustDue))
        wake(at: min(circuitsDue, puncherDue, keepalivesDue, mapperDue))
    }

    /// Sees to it that what is due at `instant` is not late.
    mutating func wake(at instant: Instant) { deadline = min(deadline, instant) }
}

extension Instant {
    /// Whether it has come; then it is never, until something is due again.
    fileprivate mutating func take(at now: Instant) -> Bool {
        guard self <= now else { return false }
        self = .never
        return true
    }
}
