// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// How a member is reached, as far as it matters to silence.
package enum KeepaliveWay: Hashable, Sendable {
    /// Through others, on the LAN, or not known yet: as the packet core does it by itself.
    case unknown
    /// By something that does not forget us: strangers come in there, too.
    case open
    /// Through a gate, outside of which we have this address.
    case gated(IPAddress)

    var gate: IPAddress? { if case .gated(let address) = self { address } else { nil } }
}

/// What happened; the input of `KeepaliveLearner`.
package enum KeepaliveEvent: Hashable, Sendable {
    /// Whether this node keeps the session with a member.
    case kept(NodeID, Bool)
    /// How a member is reached now.
    case way(NodeID, KeepaliveWay)
    /// There is no session with a member any more.
    case gone(NodeID)
    /// A member that is reached in this way said how long silence may be.
    case received(PathMessage.Keepalive, from: NodeID, by: KeepaliveWay)
    /// A silence is over: the member asked for an echo, or it was asked, as it had not.
    case silenceEnded(NodeID, wasAsked: Bool, after: Duration)
    /// The host's network is another one.
    case networkChanged
    case timeout
}

/// What is to be done; the output of `KeepaliveLearner`.
package enum KeepaliveEffect: Hashable, Sendable {
    case tell(NodeID, PathMessage.Keepalive)
    case set(NodeID, KeepaliveSetting)
    /// The deadline; the last one told counts.
    case wake(at: Instant)
}

/// How long sessions may be silent: as seldom as the gates on the way allow somebody asks for an
/// echo, and no gate is asked anything for it.
///
/// A pure machine. Who is behind a gate calls upon a member outside to ask when nothing was heard
/// for a time. If the member's echo comes in after that time, the gate remembers for so long. If
/// none came and then ours is answered at once, the gate had forgotten. Longer times are tried with
/// one member at a time; all others use what is proven. Where both ends are behind gates, the
/// shorter time counts, and nothing is learned: an echo that does not come may be either gate's.
package struct KeepaliveLearner {
    package typealias Event = KeepaliveEvent
    package typealias Effect = KeepaliveEffect
    package typealias Keepalive = PathMessage.Keepalive

    private struct Peer: Sendable {
        var way = KeepaliveWay.unknown
        var isKept = false
        /// What it said.
        var theirs: Keepalive?
        /// What it was told, and whether it answered that.
        var told: Keepalive?
        var isAnswered = false
        var tells = 0
        var tellDue = Instant.never
        /// It is not told, and not answered, before.
        var mayTell = Instant(nanoseconds: 0)
        var mayAnswer = Instant(nanoseconds: 0)
        var setting = KeepaliveSetting.standard

        /// Whether one of the two keeps the session.
        var isWanted: Bool { isKept || theirs?.isKept == true }
        /// Whether it shows what the gate before us does.
        var isOutside: Bool { way.gate != nil && theirs?.isGated == false }
    }

    private var peers: [NodeID: Peer] = [:]
    private var gates: [IPAddress: GateMemory] = [:]
    /// No member is told anything before.
    private var tellsDue = Instant.never
    private var wake = Instant.never

    package init() {}

    /// How long the gates that members are now reached through are known to remember, at least; nil
    /// as long as that is not known, or where there is none.
    package func memory(_ family: IPAddress.Family) -> Duration? {
        let used = Set(peers.values.compactMap(\.way.gate)).filter { $0.family == family }
        let known = used.compactMap { gates[$0] }.filter(\.isProven).map(\.seconds).min()
        return known.map { .seconds(Int64($0)) }
    }

    /// Those with whom silence matters: one of the two ends keeps the session, or did just now.
    package var members: [NodeID] { peers.keys.sorted() }

    package func minds(_ id: NodeID) -> Bool { peers[id] != nil }

    /// Takes in what happened, and appends what is to be done to `effects`, in order.
    package mutating func handle(
        _ event: Event,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        switch event {
        case .kept(let id, let isKept):
            peers[id, default: Peer()].isKept = isKept
            refresh(id, at: now, into: &effects)
        case .way(let id, let way):
            take(way, of: id, at: now)
            refresh(id, at: now, into: &effects)
        case .gone(let id):
            peers[id] = nil
            endTrials(with: id)
        case .received(let keepalive, let id, let way):
            take(way, of: id, at: now)
            received(keepalive, from: id, at: now, into: &effects)
        case .silenceEnded(let id, let wasAsked, let silence):
            judge(id, wasAsked: wasAsked, after: silence, at: now, into: &effects)
        case .networkChanged:
            for gate in gates.keys.sorted() {
                gates[gate]?.beginAnew()
                refreshAll(behind: gate, at: now, into: &effects)
            }
        case .timeout: wake = .never
        }
        runTrials(at: now, into: &effects)
        runPeers(at: now, into: &effects)
        let trials = gates.values.compactMap(\.trial?.until).min() ?? .never
        guard min(tellsDue, trials) != wake else { return }
        wake = min(tellsDue, trials)
        effects.append(.wake(at: wake))
    }

    // MARK: - Members

    private mutating func take(_ way: KeepaliveWay, of id: NodeID, at now: Instant) {
        var peer = peers[id, default: Peer()]
        guard peer.way != way else { return }
        if let gate = way.gate { enter(gate, at: now) }
        peer.way = way
        // What was said of another kind of way does not hold here.
        if way == .unknown { (peer.theirs, peer.told, peer.tells) = (nil, nil, 0) }
        peers[id] = peer
        endTrials(with: id)
    }

    /// Sees to it that a gate is remembered.
    private mutating func enter(_ gate: IPAddress, at now: Instant) {
        if gates[gate] == nil {
            if gates.count >= KeepaliveLimits.gatesMax {
                let oldest = gates.min { ($0.value.used, $0.key) < ($1.value.used, $1.key) }
                if let oldest { gates[oldest.key] = nil }
            }
            gates[gate] = GateMemory(used: now)
        } else if !peers.values.contains(where: { $0.way.gate == gate }) {
            gates[gate]?.beginAnew()
        }
        gates[gate]?.used = now
    }

    private mutating func received(
        _ keepalive: Keepalive,
        from id: NodeID,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        // The core asks who is reached through others as it always did.
        guard var peer = peers[id], peer.way != .unknown else { return }
        peer.theirs = keepalive
        if keepalive.isAnswer {
            peer.isAnswered = true
            peer.tellDue = .never
        }
        peers[id] = peer
        refresh(id, at: now, into: &effects)
        guard !keepalive.isAnswer, peer.mayAnswer <= now else { return }
        var answer = own(id, peer)
        if peer.told != answer { peers[id]?.isAnswered = false }
        peers[id]?.told = answer
        peers[id]?.mayAnswer = now + KeepaliveLimits.tellPause
        // Whoever asks to be asked has to know that this was heard.
        if !answer.isGated { peers[id]?.tellDue = .never }
        answer.isAnswer = true
        effects.append(.tell(id, answer))
    }

    /// What a member is to know of us.
    private func own(_ id: NodeID, _ peer: Peer) -> Keepalive {
        var seconds = KeepaliveLimits.ceiling
        if let gate = peer.way.gate {
            let memory = gates[gate]
            seconds = memory?.seconds ?? KeepaliveLimits.first
            if let trial = memory?.trial, trial.member == id { seconds = trial.seconds }
        }
        return Keepalive(seconds: seconds, isKept: peer.isKept, isGated: peer.way.gate != nil)
    }

    /// Sees to it that the packet core and the member know what counts now.
    private mutating func refresh(
        _ id: NodeID,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard var peer = peers[id] else { return }
        let own = own(id, peer)
        let setting = setting(own, peer)
        if setting != peer.setting {
            peer.setting = setting
            effects.append(.set(id, setting))
        }
        // Who was told that we keep it has to know that we do no more.
        let isOpen = peer.told?.isKept == true || !peer.isAnswered && peer.tells > 0
        let mustKnow = peer.isWanted || isOpen
        if peer.way == .unknown || !mustKnow {
            peer.tellDue = .never
        } else if peer.told != own {
            (peer.tells, peer.isAnswered) = (0, false)
            peer.tellDue = max(now, peer.mayTell)
        } else if peer.isAnswered {
            peer.tellDue = .never
        }
        tellsDue = min(tellsDue, peer.tellDue)
        let isOver = !mustKnow && peer.tellDue == .never
        peers[id] = isOver ? nil : peer
    }

    private func setting(_ own: Keepalive, _ peer: Peer) -> KeepaliveSetting {
        guard peer.way != .unknown, peer.isWanted else { return .standard }
        guard let theirs = peer.theirs else {
            // It may be of a version that asks after the standard's time, whatever it is told.
            return KeepaliveSetting(seconds: min(own.seconds, KeepaliveLimits.first))
        }
        let clamped = max(KeepaliveLimits.floor, min(theirs.seconds, KeepaliveLimits.ceiling))
        return KeepaliveSetting(
            seconds: min(own.seconds, clamped),
            turn: own.isGated == theirs.isGated ? .initiator : own.isGated ? .theirs : .ours,
            isWanted: theirs.isKept,
            isReported: peer.isOutside
        )
    }

    private mutating func runPeers(at now: Instant, into effects: inout [Effect]) {
        guard tellsDue <= now else { return }
        for id in peers.keys.sorted() { tellIfDue(id, at: now, into: &effects) }
        tellsDue = peers.values.map(\.tellDue).min() ?? .never
    }

    private mutating func tellIfDue(
        _ id: NodeID,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard var peer = peers[id], peer.tellDue <= now else { return }
        guard peer.tells < KeepaliveLimits.tellsMax else {
            // It does not know the message, or is gone.
            peer.tellDue = .never
            peers[id] = peer.isWanted ? peer : nil
            return
        }
        let own = own(id, peer)
        peer.told = own
        peer.isAnswered = false
        peer.tells += 1
        peer.mayTell = now + KeepaliveLimits.tellPause
        peer.tellDue = now + KeepaliveLimits.tellAgainAfter
        peers[id] = peer
        effects.append(.tell(id, own))
    }

    // MARK: - Gates

    /// Takes in what a silence says of the gate that we are behind.
    private mutating func judge(
        _ id: NodeID,
        wasAsked: Bool,
        after silence: Duration,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard let peer = peers[id], peer.isOutside, peer.isAnswered, let gate = peer.way.gate,
            let told = peer.told, var memory = gates[gate],
            silence + KeepaliveLimits.tolerance >= .seconds(Int64(told.seconds))
        else { return }
        memory.used = now
        if wasAsked {
            memory.forgot(told.seconds, at: now)
            // It may have begun anew, and know nothing of what it was told.
            tellAgain(id, at: now)
        } else {
            memory.remembered(told.seconds)
        }
        gates[gate] = memory
        refreshAll(behind: gate, at: now, into: &effects)
    }

    private mutating func tellAgain(_ id: NodeID, at now: Instant) {
        guard let peer = peers[id] else { return }
        peers[id]?.isAnswered = false
        peers[id]?.tells = 0
        peers[id]?.tellDue = max(now, peer.mayTell)
        tellsDue = min(tellsDue, max(now, peer.mayTell))
    }

    private mutating func refreshAll(
        behind gate: IPAddress,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        for id in peers.keys.sorted() where peers[id]?.way.gate == gate {
            refresh(id, at: now, into: &effects)
        }
    }

    /// Begins what is to be tried, and gives it to another member if one was never silent.
    private mutating func runTrials(at now: Instant, into effects: inout [Effect]) {
        for gate in gates.keys.sorted() {
            guard var memory = gates[gate] else { continue }
            let last = memory.trial?.member
            if let trial = memory.trial {
                guard trial.until <= now else { continue }
                memory.endTrial(with: trial.member)
            }
            if let next = memory.next(at: now), let id = candidate(for: next, gate, after: last) {
                let until = now + KeepaliveLimits.trialPatience
                memory.begin(GateMemory.Trial(member: id, seconds: next, until: until))
            }
            let isNew = memory.trial != gates[gate]?.trial
            gates[gate] = memory
            if isNew { refreshAll(behind: gate, at: now, into: &effects) }
        }
    }

    private mutating func endTrials(with id: NodeID) {
        for gate in gates.keys { gates[gate]?.endTrial(with: id) }
    }

    /// A member outside that can show how long the gate remembers; whose turn it is after another.
    private func candidate(for seconds: UInt8, _ gate: IPAddress, after last: NodeID?) -> NodeID? {
        let able = peers.filter { _, peer in
            peer.way.gate == gate && peer.isOutside && peer.isWanted && peer.isAnswered
                && (peer.theirs?.seconds ?? 0) >= seconds
        }.keys.sorted()
        return able.first { id in last.map { id > $0 } ?? true } ?? able.first
    }
}
