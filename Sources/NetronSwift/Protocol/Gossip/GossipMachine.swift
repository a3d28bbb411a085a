// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// The overlay of the members and the broadcast over it.
///
/// A pure machine, which composes three that do not know each other: who the neighbours are
/// (`PartialViews`), what is told to all (`BroadcastTree`), and who is gone (`FailureDetector`).
package struct GossipMachine {
    package typealias Event = GossipEvent
    package typealias Effect = GossipEffect

    private var random: GossipChance
    private var views: PartialViews?
    private var tree: BroadcastTree
    private var detector = FailureDetector()
    private var toldDeadline = Instant.never
    private var traffic = GossipCounters()
    /// Whose session just ended since nobody is there.
    private var gone: NodeID?

    /// Makes a machine whose rumors are named by `digest`, which is the digest of a payload, keyed
    /// for the network, of at least 8 bytes; its chance grows from one number of `random`.
    package init(
        random: inout some RandomNumberGenerator,
        digest: @escaping @Sendable (_ payload: [UInt8]) -> [UInt8]
    ) {
        self.random = GossipChance(seed: random.next())
        tree = BroadcastTree { payload in
            RumorID(number: digest(payload).prefix(8).reduce(0) { $0 << 8 | UInt64($1) })
        }
    }

    /// Takes in what happened, and appends what is to be done to `effects`, in order.
    package mutating func handle(
        _ event: Event,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        if case .started(let own) = event {
            precondition(views == nil, "a machine starts once")
            views = PartialViews(own: own, at: now)
            tree.start(as: own.id, at: now)
            return
        }
        guard views != nil else { return }
        var turn = GossipTurn(time: now, random: random)
        swap(&turn.effects, &effects)
        var next = turn.effects.count
        gone = nil
        takeIn(event, &turn)
        settle(&turn, from: &next)
        if deadline <= now {
            runDue(&turn)
            settle(&turn, from: &next)
        }
        let due = deadline
        if due != toldDeadline {
            toldDeadline = due
            turn.effects.append(.wake(at: due))
        }
        swap(&turn.effects, &effects)
        random = turn.random
    }

    private var deadline: Instant {
        min(views?.deadline ?? .never, tree.deadline, detector.deadline)
    }

    private mutating func runDue(_ turn: inout GossipTurn) {
        views?.timeout(&turn)
        tree.timeout(&turn)
        if detector.deadline <= turn.time { detector.timeout(&turn) }
    }

    /// Tells the tree and the detector of neighbours that came and went, and counts what is sent.
    private mutating func settle(_ turn: inout GossipTurn, from next: inout Int) {
        while next < turn.effects.count {
            switch turn.effects[next] {
            case .send(let message, _): traffic.countSent(message)
            case .neighbourUp(let id):
                tree.neighbourUp(id, &turn)
                detector.neighbourUp(id, at: turn.time)
            case .neighbourDown(let id):
                tree.neighbourDown(id, isGone: id == gone, &turn)
                detector.neighbourDown(id)
            default: break
            }
            next += 1
        }
    }

    private mutating func takeIn(_ event: Event, _ turn: inout GossipTurn) {
        switch event {
        case .started, .timeout: break
        case .relocated(let endpoints):
            if let own = views?.own { views?.own = Hint(own.id, at: endpoints) }
        case .sessionUp(let id, let endpoint):
            detector.heard(id)
            detector.probed(id, isAlive: true, &turn)
            views?.sessionUp(id, endpoint, &turn)
        case .sessionDown(let id, let departure):
            sessionDown(id, departure, &turn)
        case .connectFailed(let id):
            detector.probed(id, isAlive: false, &turn)
            views?.connectFailed(id, &turn)
        case .received(let message, let id):
            traffic.countReceived(message)
            received(message, from: id, &turn)
        case .broadcast(let payload): tree.broadcast(payload, &turn)
        case .judged(let id, let verdict): tree.judged(id, verdict, &turn)
        case .learned(let hint): views?.learned(hint, &turn)
        case .probed(let id, let isAlive): detector.probed(id, isAlive: isAlive, &turn)
        }
    }

    private mutating func sessionDown(
        _ id: NodeID,
        _ departure: Departure,
        _ turn: inout GossipTurn
    ) {
        let hint = views?.hint(of: id)
        let wasActive = views?.isActive(id) ?? false
        // It is asked about only those that are left.
        if wasActive { detector.neighbourDown(id) }
        if departure != .idle { detector.probed(id, isAlive: false, &turn) }
        if departure == .goodbye || departure == .silent { gone = id }
        views?.sessionDown(id, departure, &turn)
        if wasActive, departure == .silent, let hint { detector.silent(hint, &turn) }
    }
}

// Messages.
extension GossipMachine {
    private mutating func received(
        _ message: GossipMessage,
        from id: NodeID,
        _ turn: inout GossipTurn
    ) {
        switch message {
        case .gossip(let rumor):
            refuseStray(id, &turn)
            tree.received(rumor, from: id, &turn)
        case .ihave(let ids):
            refuseStray(id, &turn)
            tree.announced(ids, by: id, at: turn.time)
        case .graft(let ids):
            refuseStray(id, &turn)
            tree.grafted(ids, by: id, &turn)
        case .prune: tree.pruned(by: id, &turn)
        case .route(let route, let isParent):
            refuseStray(id, &turn)
            tree.routed(route, isParent: isParent, by: id, &turn)
        case .lift(let hint, let ttl): lift(hint, ttl: ttl, for: id, &turn)
        case .probeRequest(let number, let hint):
            probeRequested(number, hint, by: id, &turn)
        case .probeAnswer(let number, let isAlive):
            if let heard = detector.answered(number, isAlive: isAlive, from: id, &turn) {
                views?.heard(heard, &turn)
            }
        case .join, .forwardJoin, .neighbour, .answer, .disconnect, .shuffle, .shuffleReply:
            views?.spare = tree.peers.filter { !$0.isEager }.map(\.id)
            receivedByViews(message, from: id, &turn)
        }
    }

    private mutating func receivedByViews(
        _ message: GossipMessage,
        from id: NodeID,
        _ turn: inout GossipTurn
    ) {
        switch message {
        case .join(let hint): views?.joined(hint, from: id, &turn)
        case .forwardJoin(let hint, let ttl): views?.walked(hint, ttl: ttl, from: id, &turn)
        case .neighbour(let priority): views?.asked(priority, from: id, &turn)
        case .answer(let isAccepted): views?.answered(isAccepted, from: id, &turn)
        case .disconnect: views?.disconnected(id, &turn)
        case .shuffle(let number, let ttl, let hints):
            refuseStray(id, &turn)
            views?.shuffled((number, ttl, hints), from: id, &turn)
        case .shuffleReply(let number, let hints): views?.replied((number, hints), from: id, &turn)
        default: break
        }
    }

    /// Tells who treats us as a neighbour and is none that it is none.
    private mutating func refuseStray(_ id: NodeID, _ turn: inout GossipTurn) {
        if tree.index(of: id) == nil { views?.stray(id, &turn) }
    }

    private mutating func lift(
        _ hint: Hint,
        ttl: UInt8,
        for id: NodeID,
        _ turn: inout GossipTurn
    ) {
        guard views?.takeWalk(of: id, at: turn.time) == true, let seen = views?.seen(hint) else {
            return
        }
        let hasPlace = tree.hasLazy || views?.isFull == false
        if ttl > 1 {
            if let parent = tree.liftParent {
                turn.send(.lift(seen, ttl: ttl - 1), to: parent)
            }
        } else if hasPlace {
            views?.lift(seen, &turn)
        } else if ttl == 1, let child = tree.liftChild(except: id, &turn) {
            turn.send(.lift(seen, ttl: 0), to: child)
        }
    }

    private mutating func probeRequested(
        _ number: UInt32,
        _ hint: Hint,
        by id: NodeID,
        _ turn: inout GossipTurn
    ) {
        guard let views, hint.id != views.own.id else { return }
        let hasSession = views.sessions[hint.id] != nil
        detector.asked(number, hint, by: id, hasSession: hasSession, &turn)
    }
}

// What others may know.
extension GossipMachine {
    /// The neighbours, by id.
    package var active: [NodeID] { (views?.active.map(\.id) ?? []).sorted() }

    /// Members that may become neighbours, by id.
    package var passive: [Hint] {
        (views?.passive.candidates.map(\.hint) ?? []).sorted { $0.id < $1.id }
    }

    /// The neighbours that the tree goes to, by id.
    package var eager: [NodeID] { tree.peers.filter(\.isEager).map(\.id).sorted() }

    /// The neighbours that are only told of rumors, by id.
    package var lazy: [NodeID] { tree.peers.filter { !$0.isEager }.map(\.id).sorted() }

    /// Where the root of the tree is, seen from here.
    package var route: TreeRoute { tree.route }

    /// Lifeguard's local health: 0 is well, up to `GossipLimits.illHealthMax`.
    package var illHealth: Int { detector.illHealth }

    package var counters: GossipCounters {
        var counters = traffic
        counters.duplicates = tree.duplicates
        return counters
    }

    /// How full the tables are.
    package var sizes: Sizes {
        Sizes(
            rumors: tree.memory.count,
            payloadBytes: tree.memory.payloadBytes,
            pending: tree.pending.count,
            missing: tree.missing.count,
            queued: tree.peers.reduce(0) { $0 + $1.queue.count + $1.repeats.count },
            attempts: views?.attempts.count ?? 0,
            paths: views?.paths.count ?? 0,
            sessions: views?.sessions.count ?? 0,
            suspects: detector.suspects.count,
            probes: detector.probes.count
        )
    }

    package struct Sizes: Hashable, Sendable {
        package let rumors: Int
        package let payloadBytes: Int
        package let pending: Int
        package let missing: Int
        package let queued: Int
        package let attempts: Int
        package let paths: Int
        package let sessions: Int
        package let suspects: Int
        package let probes: Int
    }
}
