// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// What happened; the input of `HolePuncher`.
package enum PunchEvent: Hashable, Sendable {
    /// A member is reached through a relay now, or by TCP.
    case relayed(NodeID)
    /// A member is reached by UDP now, or not at all.
    case settled(NodeID)
    /// A member says where it may be reached.
    case received(PathMessage.Candidates, from: NodeID)
    /// Where this node may be reached.
    case own([Endpoint])
    case timeout

    /// Whether a direct way is sought from now on.
    var isRelayed: Bool { if case .relayed = self { true } else { false } }
}

/// What is to be done; the output of `HolePuncher`.
package enum PunchEffect: Hashable, Sendable {
    /// Tells a member where this node may be reached.
    case tell(NodeID, PathMessage.Candidates)
    /// Sends a sealed challenge of the session with a member to an endpoint of it.
    case attempt(NodeID, Endpoint)
    /// Sends such challenges to an endpoint from many ports, each of which a gate maps anew.
    case search(NodeID, Endpoint)
    /// A member that no direct way was found to is still reached through a relay; told with each
    /// slow try.
    case remains(NodeID)
    /// The deadline; the last one told counts.
    case wake(at: Instant)
}

/// Direct ways to members that are reached through relays, or by TCP.
///
/// A pure machine. Two members tell each other inside their session where they may be reached, and
/// both send there at the same time: so each opens the gates before itself to the other
/// (simultaneous open; Ford, Srisuresh and Kegel, 2005). Nobody can be made to send to a third
/// host but by a member, and then 44 bytes of a kind that host drops. What is sent are challenges
/// of the session, so that an answer proves the way, and the packet core takes it.
///
/// Ways are tried often at first and seldom later, for as long as the relay is needed.
///
/// Behind a gate that shows each host another port, a member cannot say which one the other will
/// see. Where such ports follow each other, the next ones are tried, too. Else it opens many ports
/// to the other member and calls upon it to try them (`PortTrial`): a few hundred open ones are hit
/// within seconds. Two such gates can be passed by chance only, and stay with the relay.
package struct HolePuncher {
    package typealias Event = PunchEvent
    package typealias Effect = PunchEffect
    package typealias Candidates = PathMessage.Candidates

    private struct Search: Hashable, Sendable {
        /// Where the member may be reached; nil until it told.
        var candidates: Candidates?
        /// What it was told of our gate.
        var toldMapping: NATMapping?
        var tells = 0
        var tellDue: Instant
        var rounds = 0
        var roundDue = Instant.never
        /// Searches with many ports, and when the next one may begin.
        var searches = 0
        var searchDue = Instant(nanoseconds: 0)
        /// When ports of its gate may be tried one after the other.
        var trialDue = Instant(nanoseconds: 0)

        var due: Instant { min(tellDue, roundDue) }
    }

    /// The search that is on, with many ports of ours.
    private struct Call: Hashable, Sendable {
        let id: NodeID
        var count = 0
        var due: Instant
        let end: Instant
    }

    private var random: any RandomNumberGenerator
    private var own: [Endpoint] = []
    private var searches: [NodeID: Search] = [:]
    private var call: Call?
    private var trial: PortTrial?
    private var wake = Instant.never

    package init(random: any RandomNumberGenerator) { self.random = random }

    /// Members to whom a direct way is sought.
    package var soughtCount: Int { searches.count }

    /// Whether a member that is sought says that nothing stands before it.
    package func hasNoGate(_ id: NodeID) -> Bool {
        searches[id]?.candidates?.gate.mapping == NATMapping.none
    }

    /// Takes in what happened, and appends what is to be done to `effects`, in order; `gate` is
    /// what stands before this node.
    package mutating func handle(
        _ event: Event,
        behind gate: Gate,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        switch event {
        case .relayed(let id):
            if searches[id] == nil, searches.count < PunchLimits.membersMax {
                searches[id] = Search(tellDue: now)
            }
        case .settled(let id): settle(id)
        case .received(let candidates, let id):
            received(candidates, from: id, behind: gate, at: now)
        case .own(let endpoints): change(to: endpoints, at: now)
        case .timeout: wake = .never
        }
        runDue(behind: gate, at: now, into: &effects)
        runCall(behind: gate, at: now, into: &effects)
        runTrial(at: now, into: &effects)
        let deadline = searches.values.reduce(min(call?.due ?? .never, trial?.due ?? .never)) {
            min($0, $1.due)
        }
        guard deadline != wake else { return }
        wake = deadline
        effects.append(.wake(at: deadline))
    }

    private mutating func settle(_ id: NodeID) {
        searches[id] = nil
        if call?.id == id { call = nil }
        if trial?.id == id { trial = nil }
    }

    private mutating func received(
        _ candidates: Candidates,
        from id: NodeID,
        behind gate: Gate,
        at now: Instant
    ) {
        guard var search = searches[id] else { return }
        search.tellDue = candidates.hasHeard ? .never : now
        let isNew = search.candidates.map { !$0.leadsWhere(candidates) } ?? true
        search.candidates = candidates
        if isNew { (search.rounds, search.roundDue) = (0, now) }
        if candidates.isSearching, trial == nil, search.trialDue <= now,
            gate.canTry(candidates.gate)
        {
            search.trialDue = now + PunchLimits.probesAgain
            trial = PortTrial(of: id, candidates.gate, at: now, using: &random)
        }
        searches[id] = search
    }

    private mutating func change(to endpoints: [Endpoint], at now: Instant) {
        guard endpoints != own else { return }
        own = endpoints
        for id in searches.keys {
            searches[id]?.tells = 0
            searches[id]?.tellDue = now
            // A gate of ours may be another one now.
            if searches[id]?.candidates != nil {
                searches[id]?.rounds = 0
                searches[id]?.roundDue = now
            }
        }
    }

    // MARK: Rounds

    private mutating func runDue(
        behind gate: Gate,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        let due = searches.filter { $0.value.due <= now }
        for id in due.keys.sorted() {
            guard var search = searches[id] else { continue }
            if search.tellDue <= now {
                search.tells += 1
                let hasHeard = search.candidates != nil
                // Who told us asks for ours again if they are lost.
                let isLast = hasHeard || search.tells >= PunchLimits.tellsMax
                search.tellDue =
                    isLast ? .never : now + PunchLimits.tellFirst * (1 << (search.tells - 1))
                search.toldMapping = gate.mapping
                effects.append(.tell(id, Candidates(own, gate: gate, hasHeard: hasHeard)))
            }
            if search.roundDue <= now {
                round(&search, with: id, behind: gate, at: now, into: &effects)
            }
            searches[id] = search
        }
    }

    private mutating func round(
        _ search: inout Search,
        with id: NodeID,
        behind gate: Gate,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard let candidates = search.candidates else { return }
        search.rounds += 1
        search.roundDue = now + Self.pause(after: search.rounds)
        let isFast = search.rounds <= PunchLimits.roundsFast
        // First what is tried for a spare relay: the packet core takes so many challenges a second.
        if !isFast { effects.append(.remains(id)) }
        for endpoint in candidates.endpoints { effects.append(.attempt(id, endpoint)) }
        guard !isFast else {
            tryAhead(candidates.gate, of: id, behind: gate, into: &effects)
            return
        }
        // What is known of a gate comes with time.
        if search.toldMapping?.kind != gate.mapping.kind { search.tellDue = now }
        guard call == nil, search.searchDue <= now, candidates.gate.canTry(gate) else { return }
        let (pause, most) = (PunchLimits.searchPauseFirst, PunchLimits.searchPauseMax)
        search.searchDue = now + pause.doubled(search.searches, atMost: most)
        search.searches += 1
        call = Call(id: id, due: now, end: now + PunchLimits.searchTime)
        effects.append(.search(id, candidates.gate.seen))
    }

    /// Tries the next ports of a gate that gives them in an order.
    private func tryAhead(
        _ other: Gate,
        of id: NodeID,
        behind gate: Gate,
        into effects: inout [Effect]
    ) {
        guard let step = other.step, gate.canTry(other) else { return }
        for count in 1...PunchLimits.portsAhead {
            effects.append(.attempt(id, other.seen.ahead(UInt16(count), by: step)))
        }
    }

    private static func pause(after rounds: Int) -> Duration {
        PunchLimits.roundFirst.doubled(
            rounds - PunchLimits.roundsFast,
            atMost: PunchLimits.roundMax
        )
    }

    // MARK: Many ports

    /// Calls upon the other end to try our ports; the call may be lost.
    private mutating func runCall(
        behind gate: Gate,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard var current = call, current.due <= now else { return }
        guard current.end > now else {
            call = nil
            return
        }
        current.count += 1
        let isLast = current.count >= PunchLimits.callsMax
        current.due = isLast ? current.end : now + PunchLimits.callPause
        call = current
        let candidates = Candidates(own, gate: gate, hasHeard: true, isSearching: true)
        effects.append(.tell(current.id, candidates))
    }

    private mutating func runTrial(at now: Instant, into effects: inout [Effect]) {
        guard var current = trial, current.due <= now else { return }
        for _ in 0..<PunchLimits.probesAtOnce where !current.isOver {
            effects.append(.attempt(current.id, current.next()))
        }
        current.due = now + PunchLimits.probesPause
        trial = current.isOver ? nil : current
    }
}

extension PathMessage.Candidates {
    /// Whether they lead to the same places, as far as can be said.
    fileprivate func leadsWhere(_ other: Self) -> Bool {
        endpoints == other.endpoints && gate.mapping.kind == other.gate.mapping.kind
    }
}

extension NATMapping {
    /// The mapping, but for the ports, which change all the time.
    fileprivate var kind: Self {
        if case .addressDependent = self { .addressDependent(step: nil) } else { self }
    }
}

extension Gate {
    /// Whether a member behind this gate can hit ports of the other one.
    ///
    /// All see it at one port, for all that is known, and the other one at several. An open gate
    /// lets the other in, so that nothing has to be hit.
    fileprivate func canTry(_ other: Gate) -> Bool {
        if case .addressDependent = mapping { return false }
        return filtering != .open && seen.port != 0 && other.mayBeSymmetric && other.seen.port != 0
    }
}
