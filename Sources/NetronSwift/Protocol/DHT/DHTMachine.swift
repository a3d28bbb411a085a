// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// What a node has once for IPv4 and once for IPv6.
struct DHTSide {
    let family: IPAddress.Family
    var table: DHTTable
    var votes = DHTVotes()
    /// Lost queries since the last datagram.
    var silence = 0
    /// When upkeep looks around our own id the next time.
    var lookAroundAt = Instant(nanoseconds: 0)
    /// Until then the id is not changed again.
    var idHoldsUntil = Instant(nanoseconds: 0)
}

/// A node of BitTorrent's Mainline DHT (BEP 5, 32, 42, 43, 44), without its socket.
///
/// A pure machine: events and the time go in, effects come out. It finds and announces peers of
/// keys, and answers others where it serves. Everything that strangers send is bounded by
/// `DHTLimits`.
///
/// Lookups are in DHTSearching.swift, upkeep in DHTUpkeep.swift, answers in DHTAnswering.swift.
package struct DHTMachine {
    var random: any RandomNumberGenerator
    let cryptography: Cryptography
    /// What it did and heard.
    package internal(set) var counters = DHTCounters()

    var side4: DHTSide
    var side6: DHTSide
    var transactions = DHTTransactions()
    var bootstrap = DHTBootstrap(DHTSettings(hosts: []))

    var lookups: [DHTLookup] = []
    var waiting: [DHTRequest] = []
    var lookupCount: UInt32 = 0

    var isServing = false
    var isResting = true
    private var isStarted = false
    var upkeepAt = Instant.never
    /// Endpoints that a query told us of, and that were asked whether they are there.
    var introductions: Set<Endpoint> = []
    /// Hosts that queries went to: the gate of a home lets these in, as long as it remembers them.
    private var asked = Recent<IPAddress>(for: DHTLimits.gateTime, atMost: DHTLimits.askedMax)

    var upkeepBudget: DHTBudget
    var lookupBudget: DHTBudget
    var replyBudget: DHTBudget
    var excessBudget: DHTBudget
    var limiter: DHTSourceLimiter
    var tokens: DHTTokens
    var peers = DHTPeerStore()
    var items = DHTItemStore()

    private var wake = Instant.never

    /// Makes a node that does nothing before `.started`.
    package init(random: any RandomNumberGenerator, cryptography: Cryptography) {
        var random = random
        self.cryptography = cryptography
        let start = Instant(nanoseconds: 0)
        side4 = DHTSide(family: .v4, table: DHTTable(own: .random(using: &random), at: start))
        side6 = DHTSide(family: .v6, table: DHTTable(own: .random(using: &random), at: start))
        limiter = DHTSourceLimiter(seed: random.next())
        tokens = DHTTokens(at: start, using: &random)
        upkeepBudget = DHTBudget(
            bytesPerSecond: DHTLimits.upkeepBytesPerSecond,
            burst: DHTLimits.upkeepBurst
        )
        lookupBudget = DHTBudget(
            bytesPerSecond: DHTLimits.lookupBytesPerSecond,
            burst: DHTLimits.lookupBurst
        )
        replyBudget = DHTBudget(
            bytesPerSecond: DHTLimits.replyBytesPerSecond,
            burst: DHTLimits.replyBurst
        )
        excessBudget = DHTBudget(
            bytesPerSecond: DHTLimits.excessBytesPerSecond,
            burst: DHTLimits.excessBurst
        )
        self.random = random
    }

    subscript(family: IPAddress.Family) -> DHTSide {
        _read {
            switch family {
            case .v4: yield side4
            case .v6: yield side6
            }
        }
        _modify {
            switch family {
            case .v4: yield &side4
            case .v6: yield &side6
            }
        }
    }

    /// Takes in what happened, and appends what is to be done to `effects`, in order.
    package mutating func handle(
        _ event: DHTEvent,
        at now: Instant,
        into effects: inout [DHTEffect]
    ) {
        switch event {
        case .started(let settings): start(settings, at: now, into: &effects)
        case .stopping: stop()
        default:
            guard isStarted else { return }
            dispatch(event, at: now, into: &effects)
        }
        let deadline = deadline()
        // A deadline that moved away is looked at when the earlier one comes: this spares an
        // effect for each reply.
        guard deadline < wake else { return }
        wake = deadline
        effects.append(.wake(at: deadline))
    }

    private mutating func dispatch(
        _ event: DHTEvent,
        at now: Instant,
        into effects: inout [DHTEffect]
    ) {
        switch event {
        case .started, .stopping: break
        case .received(let bytes, let source):
            receive(bytes, from: source, at: now, into: &effects)
        case .resolved(let host, let endpoints):
            resolved(host, endpoints, at: now, into: &effects)
        case .lookup(let key, let port):
            let request = DHTRequest(key: key, kind: .peers, announcing: port)
            look(request, at: now, into: &effects)
        case .get(let key, let salt):
            look(DHTRequest(key: key, kind: .item(salt: salt)), at: now, into: &effects)
        case .put(let item, let replaced):
            put(item, replacing: replaced, at: now, into: &effects)
        case .cancelled(let key): cancel(key, at: now, into: &effects)
        case .serve(let isOn): isServing = isOn
        case .rest(let isOn): rest(isOn, at: now)
        case .networkChanged: networkChanged(at: now, into: &effects)
        case .timeout:
            wake = .never
            timeout(at: now, into: &effects)
        }
    }

    private mutating func start(
        _ settings: DHTSettings,
        at now: Instant,
        into effects: inout [DHTEffect]
    ) {
        stop()
        isStarted = true
        isServing = settings.serves
        bootstrap = DHTBootstrap(settings)
        upkeepBudget = DHTBudget(
            bytesPerSecond: max(1, min(settings.budget, 1 << 24)),
            burst: DHTLimits.upkeepBurst
        )
        let id4 = settings.saved.id4 ?? side4.table.own
        let id6 = settings.saved.id6 ?? side6.table.own
        side4 = DHTSide(family: .v4, table: DHTTable(own: id4, at: now))
        side6 = DHTSide(family: .v6, table: DHTTable(own: id6, at: now))
        isResting = settings.rests
        guard !isResting else { return }
        upkeepAt = now + DHTLimits.upkeepInterval
        enter(at: now, into: &effects)
    }

    private mutating func stop() {
        isStarted = false
        isResting = true
        upkeepAt = .never
        transactions.removeAll()
        lookups = []
        waiting = []
        introductions = []
        bootstrap = DHTBootstrap(DHTSettings(hosts: []))
    }

    private mutating func deadline() -> Instant {
        guard isStarted else { return .never }
        var deadline = min(transactions.deadline(), upkeepAt, bootstrap.nextAt)
        deadline = min(deadline, side4.votes.deadline, side6.votes.deadline)
        for lookup in lookups { deadline = min(deadline, lookup.nextDeadline) }
        return deadline
    }

    private mutating func timeout(at now: Instant, into effects: inout [DHTEffect]) {
        while let transaction = transactions.nextLost(at: now) {
            lost(transaction, at: now, into: &effects)
        }
        while let transaction = transactions.nextSlow(at: now) {
            guard case .step(let number) = transaction.purpose else { continue }
            change(number, at: now, into: &effects) { lookup in
                lookup.withFrontier(of: transaction.endpoint) { $0.slow(transaction.endpoint) }
            }
        }
        for family in [IPAddress.Family.v4, .v6] where self[family].votes.deadline <= now {
            settleVotes(family, at: now, into: &effects)
        }
        resumeLookups(at: now, into: &effects)
        keepUp(at: now, into: &effects)
    }
}

// MARK: Queries of ours

extension DHTMachine {
    /// Asks a node something; false if too many queries await a reply.
    mutating func ask(
        _ method: KRPCMethod,
        of endpoint: Endpoint,
        _ id: DHTID?,
        for purpose: DHTTransaction.Purpose,
        isUpkeep: Bool,
        at now: Instant,
        into effects: inout [DHTEffect]
    ) -> Bool {
        guard !transactions.isFull else { return false }
        let number = transactions.freshNumber(using: &random)
        let own = self[endpoint.address.family].table.own
        let message = KRPCMessage(
            .query(KRPCQuery(own, method)),
            transaction: KRPCTransaction(number),
            isReadOnly: !isServing
        )
        let bytes = message.encoded
        precondition(bytes.count <= KRPCLimits.sentBytesMax, "a query exceeds its limit")
        if isUpkeep {
            upkeepBudget.charge(bytes.count + DHTLimits.headerBytes)
        } else {
            lookupBudget.charge(bytes.count)
        }
        transactions.add(
            DHTTransaction(
                number: number,
                endpoint: endpoint,
                id: id,
                purpose: purpose,
                isUpkeep: isUpkeep
            ),
            at: now
        )
        counters.queriesSent += 1
        asked.note(endpoint.address, at: now)
        send(bytes, to: endpoint, into: &effects)
        return true
    }

    mutating func send(_ bytes: [UInt8], to endpoint: Endpoint, into effects: inout [DHTEffect]) {
        counters.bytesSent += UInt64(bytes.count)
        effects.append(.send(bytes, to: endpoint))
    }

    private mutating func lost(
        _ transaction: DHTTransaction,
        at now: Instant,
        into effects: inout [DHTEffect]
    ) {
        counters.queriesLost += 1
        let family = transaction.endpoint.address.family
        self[family].silence += 1
        // When nobody answers, the fault is ours, and the table is kept.
        let isBlamed = self[family].silence < DHTLimits.silenceUntilBlameless
        if let id = transaction.id, isBlamed {
            self[family].table.failed(DHTNode(id, transaction.endpoint), at: now)
        }
        fail(transaction, at: now, into: &effects)
    }

    /// Ends a query without the answer that was hoped for.
    private mutating func fail(
        _ transaction: DHTTransaction,
        at now: Instant,
        into effects: inout [DHTEffect]
    ) {
        switch transaction.purpose {
        case .ping: introductions.remove(transaction.endpoint)
        case .step(let number):
            change(number, at: now, into: &effects) { lookup in
                lookup.withFrontier(of: transaction.endpoint) { $0.failed(transaction.endpoint) }
            }
        case .store(let number):
            change(number, at: now, into: &effects) { $0.storesOpen -= 1 }
        }
    }
}

// MARK: What comes in

extension DHTMachine {
    private mutating func receive(
        _ bytes: [UInt8],
        from source: Endpoint,
        at now: Instant,
        into effects: inout [DHTEffect]
    ) {
        counters.bytesReceived += UInt64(bytes.count)
        guard source.isPlausible(toldBy: nil) else {
            counters.dropped.impossibleSource += 1
            return
        }
        guard let message = try? KRPCMessage(bytes) else {
            counters.dropped.malformed += 1
            return
        }
        switch message.body {
        case .query(let query):
            counters.queriesReceived += 1
            receive(query, message, size: bytes.count, from: source, at: now, into: &effects)
        case .response(let response):
            guard let transaction = take(message, size: bytes.count, from: source) else { return }
            receive(response, message, for: transaction, at: now, into: &effects)
        case .error:
            guard let transaction = take(message, size: bytes.count, from: source) else { return }
            counters.errorsReceived += 1
            if let seen = message.requester {
                hear(seen, from: source, at: now, into: &effects)
            }
            fail(transaction, at: now, into: &effects)
        }
    }

    /// The query that a message answers, which is closed then.
    private mutating func take(
        _ message: KRPCMessage,
        size: Int,
        from source: Endpoint
    ) -> DHTTransaction? {
        guard let number = message.transaction.own, let transaction = transactions[number] else {
            counters.dropped.unasked += 1
            return nil
        }
        guard transaction.endpoint == source else {
            counters.dropped.wrongEndpoint += 1
            return nil
        }
        transactions.close(number)
        if transaction.isUpkeep { upkeepBudget.charge(size + DHTLimits.headerBytes) }
        self[source.address.family].silence = 0
        return transaction
    }

    private mutating func receive(
        _ response: KRPCResponse,
        _ message: KRPCMessage,
        for transaction: DHTTransaction,
        at now: Instant,
        into effects: inout [DHTEffect]
    ) {
        let source = transaction.endpoint
        let family = source.address.family
        let isOther = transaction.id.map { $0 != response.id } ?? false
        guard !isOther, response.id != self[family].table.own else {
            counters.dropped.wrongID += 1
            // Who was asked is not there any more.
            if let id = transaction.id { self[family].table.gone(DHTNode(id, source), at: now) }
            fail(transaction, at: now, into: &effects)
            return
        }
        counters.repliesReceived += 1
        let node = DHTNode(response.id, source)
        if !bootstrap.routers.contains(source) { self[family].table.replied(node, at: now) }
        if let seen = message.requester { hear(seen, from: source, at: now, into: &effects) }
        switch transaction.purpose {
        case .ping:
            introductions.remove(source)
            feed(node, at: now, into: &effects)
        case .step(let number):
            answered(number, response, from: source, at: now, into: &effects)
        case .store(let number):
            change(number, at: now, into: &effects) { lookup in
                lookup.storesOpen -= 1
                lookup.stored += 1
            }
        }
    }

    // MARK: Where we are

    private mutating func hear(
        _ seen: Endpoint,
        from voter: Endpoint,
        at now: Instant,
        into effects: inout [DHTEffect]
    ) {
        let family = voter.address.family
        effects.append(.seen(seen, by: voter))
        if self[family].votes.hear(seen, from: voter, at: now) {
            settleVotes(family, at: now, into: &effects)
        }
        changeID(family, at: now, into: &effects)
    }

    private mutating func settleVotes(
        _ family: IPAddress.Family,
        at now: Instant,
        into effects: inout [DHTEffect]
    ) {
        let old = self[family].votes.endpoint
        self[family].votes.settle(at: now)
        if let endpoint = self[family].votes.endpoint, endpoint != old {
            effects.append(.publicEndpoint(endpoint))
        }
        changeID(family, at: now, into: &effects)
    }

    /// Takes an id that fits our address, or others will not store with us (BEP 42).
    private mutating func changeID(
        _ family: IPAddress.Family,
        at now: Instant,
        into effects: inout [DHTEffect]
    ) {
        guard let address = self[family].votes.address, self[family].idHoldsUntil <= now,
            address.reach == .world, !self[family].table.own.fits(address)
        else { return }
        self[family].idHoldsUntil = now + DHTLimits.idLifetime
        let id = DHTID.fitting(address, using: &random)
        self[family].table = self[family].table.rebuilt(around: id, at: now)
        counters.idChanges += 1
        lookAround(family, at: now, into: &effects)
    }
}

// MARK: Views

extension DHTMachine {
    /// What it is now.
    package func status(at now: Instant) -> DHTStatus {
        DHTStatus(
            nodes4: side4.table.count,
            nodes6: side6.table.count,
            goodNodes: side4.table.goodCount(at: now) + side6.table.goodCount(at: now),
            lookups: lookups.count,
            storedPeers: peers.count,
            storedItems: items.count,
            isServing: isServing,
            isResting: isResting
        )
    }

    /// What is worth keeping for the next run: good nodes, those heard of last first.
    package func saved(upTo most: Int = DHTLimits.savedMax, at now: Instant) -> DHTSaved {
        let contacts = side4.table.contacts + side6.table.contacts
        let worth = contacts.filter { !$0.isBad && $0.node.endpoint.scope == 0 }.sorted {
            let (left, right) = ($0.isGood(at: now) ? 0 : 1, $1.isGood(at: now) ? 0 : 1)
            return (left, $1.lastSign, $0.node.id) < (right, $0.lastSign, $1.node.id)
        }
        return DHTSaved(
            id4: side4.table.own,
            id6: side6.table.own,
            nodes: worth.prefix(min(most, DHTLimits.savedMax)).map(\.node)
        )
    }

    /// Whether a query of ours went to that host of late, so that a gate may let it in.
    package func hasAsked(_ address: IPAddress, at now: Instant) -> Bool {
        asked.contains(address, at: now)
    }

    /// The own id of a family.
    package func id(_ family: IPAddress.Family) -> DHTID { self[family].table.own }

    /// Every node in the table of a family.
    package func nodes(_ family: IPAddress.Family) -> [DHTNode] {
        self[family].table.contacts.map(\.node)
    }
}
