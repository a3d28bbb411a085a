// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// Circuits: ways to members through other members, which carry sealed datagrams unread.
///
/// A pure machine: events and the time go in, effects come out. Who wants one asks a member that
/// it has a session with (`open`); each who is asked names the circuit for its own neighbour, so
/// that no two nodes have to agree on a number. Requests may be lost: who asked repeats them, and
/// each repetition is answered, or passed on, once more. A circuit has no keepalive; it ends when
/// the packet core hears nothing on it, or by `close`.
///
/// What others want of this node is in CircuitRelaying.swift.
package struct CircuitMachine {
    package typealias Event = CircuitEvent
    package typealias Effect = CircuitEffect
    /// A circuit that this node is an end of.
    struct End: Hashable, Sendable {
        let neighbour: NodeID
        /// Who is at the other end.
        let other: NodeID
        /// What the neighbour wants to see; nil until it has answered.
        var out: CircuitID?
        /// How often it was asked, and when it is asked again.
        var tries = 0
        var due = Instant.never
    }

    /// A member that a circuit is wanted to.
    struct Want: Hashable, Sendable {
        /// Whether there is one already, so that there is no haste.
        let isSpare: Bool
        /// Who is still to be asked, the best first.
        var relays: [NodeID]
        /// Who is when none of these is there to answer.
        var others: [NodeID] = []
        /// Who was.
        var asked: [NodeID] = []

        /// Takes who is asked next: others only if nobody else is waited for.
        mutating func next(isAlone: Bool) -> NodeID? {
            others.removeAll { asked.contains($0) || relays.contains($0) }
            let next: NodeID
            if !relays.isEmpty {
                next = relays.removeFirst()
            } else if isAlone, !others.isEmpty, asked.count < CircuitLimits.relaysAskedMax {
                next = others.removeFirst()
            } else {
                return nil
            }
            asked.append(next)
            return next
        }
    }

    let id: NodeID
    /// How many circuits of others this node relays; none if it is not willing to.
    let relayedMax: Int
    /// Threads of the packet core, among which circuits are dealt.
    let lanes: Int
    private var place = 0
    var random: any RandomNumberGenerator
    var ends: [CircuitID: End] = [:]
    var wants: [NodeID: Want] = [:]
    var relayed: [Relayed] = []
    var openers = PeerBudgets(
        perSecond: CircuitLimits.openingsPerSecond,
        burst: CircuitLimits.openingsBurst,
        peersMax: CircuitLimits.openersMax
    )
    package internal(set) var counters = CircuitCounters()
    private var wake = Instant.never

    package init(
        of id: NodeID,
        relayedMax: Int = CircuitLimits.relayedMax,
        lanes: Int = 1,
        random: any RandomNumberGenerator
    ) {
        (self.id, self.relayedMax, self.lanes, self.random) = (id, relayedMax, lanes, random)
    }

    /// Takes in what happened, and appends what is to be done to `effects`, in order.
    ///
    /// `ways` are members that there are sessions with and that may lead to the target of a request
    /// that came (see `Event.wayWanted`), the best first: the target itself if it is one of them.
    package mutating func handle(
        _ event: Event,
        at now: Instant,
        ways: [NodeID] = [],
        into effects: inout [Effect]
    ) {
        switch event {
        case .wanted(let target, let relays, let others):
            if let circuit = circuits(to: target).first {
                effects.append(.opened(circuit, to: target))
            } else {
                want(target, through: relays, or: others, isSpare: false, at: now, into: &effects)
            }
        case .spareWanted(let target, let relays):
            want(target, through: relays, or: [], isSpare: true, at: now, into: &effects)
        case .received(let message, let peer):
            receive(message, from: peer, at: now, ways, into: &effects)
        case .sessionDown(let peer): sessionDown(peer, at: now, into: &effects)
        case .ended(let circuit): end(circuit, at: now, isHere: true, into: &effects)
        case .timeout: wake = .never
        }
        askAgain(at: now, into: &effects)
        giveUpRelaying(at: now, into: &effects)
        let deadline = min(
            ends.values.lazy.map(\.due).min() ?? .never,
            relayed.lazy.map(\.due).min() ?? .never
        )
        guard deadline != wake else { return }
        wake = deadline
        effects.append(.wake(at: deadline))
    }

    /// The circuits that lead to a member.
    package func circuits(to other: NodeID) -> [CircuitID] {
        ends.filter { $0.value.other == other && $0.value.out != nil }.keys.sorted()
    }

    /// Through whom a circuit of this node goes first; nil if there is none of that name.
    package func relay(of circuit: CircuitID) -> NodeID? { ends[circuit]?.neighbour }

    /// How many circuits this node relays.
    package var relayedCount: Int { relayed.count { $0.isOpen } }

    private mutating func receive(
        _ message: PathMessage,
        from peer: NodeID,
        at now: Instant,
        _ ways: [NodeID],
        into effects: inout [Effect]
    ) {
        switch message {
        case .open(let opening): asked(opening, by: peer, at: now, ways, into: &effects)
        case .opened(let circuit, let out):
            opened(circuit, out, by: peer, at: now, into: &effects)
        case .refused(let circuit, let refusal):
            refused(circuit, refusal, by: peer, at: now, into: &effects)
        case .close(let circuit):
            guard isThrough(peer, circuit) else { return ignore() }
            end(circuit, at: now, isHere: false, into: &effects)
        // What a way is found by is not the matter of circuits.
        case .candidates, .keepalive: counters.ignored += 1
        }
    }

    /// Whether what a neighbour says of a circuit may be true.
    private func isThrough(_ peer: NodeID, _ circuit: CircuitID) -> Bool {
        ends[circuit]?.neighbour == peer
            || relayed.contains { $0.side(circuit)?.neighbour == peer }
    }

    mutating func ignore() { counters.ignored += 1 }

    /// An id in a place that no circuit here has, nor had of late.
    mutating func unusedID(besides other: CircuitID? = nil) -> CircuitID {
        let used =
            ends.keys.map(\.place) + relayed.flatMap { [$0.into.place, $0.nextInto.place] }
            + [other].compactMap { $0?.place }
        repeat { place = (place + 1) % CircuitID.placesMax } while used.contains(place)
        return CircuitID(place: place, lane: place % lanes, using: &random)
    }
}

// Circuits that this node wants.
extension CircuitMachine {
    private mutating func want(
        _ target: NodeID,
        through relays: [NodeID],
        or others: [NodeID],
        isSpare: Bool,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard target != id, wants[target] != nil || wants.count < CircuitLimits.wantsMax else {
            return
        }
        var want = wants[target] ?? Want(isSpare: isSpare, relays: [])
        for relay in relays where relay != target && relay != id {
            let isKnown = want.relays.contains(relay) || want.asked.contains(relay)
            let count = want.relays.count + want.asked.count
            if !isKnown, count < CircuitLimits.relaysAskedMax { want.relays.append(relay) }
        }
        if want.others.isEmpty { want.others = others.filter { $0 != target && $0 != id } }
        wants[target] = want
        askMore(for: target, at: now, into: &effects)
    }

    /// Asks the next relays, as many as are asked at a time; who did not answer at once may be gone
    /// or slow, and does not keep others from being asked.
    private mutating func askMore(
        for target: NodeID,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard var want = wants[target] else { return }
        let waiting = ends.values.filter { $0.other == target && $0.out == nil }
        var open = waiting.count { $0.tries < CircuitLimits.slowTries }
        let most = want.isSpare ? 1 : CircuitLimits.parallel
        while open < most, ends.count < CircuitLimits.endsMax,
            let relay = want.next(isAlone: open == 0)
        {
            let circuit = unusedID()
            ends[circuit] = End(neighbour: relay, other: target)
            ask(circuit, at: now, into: &effects)
            open += 1
        }
        guard open > 0 || !waiting.isEmpty else {
            wants[target] = nil
            return effects.append(.failed(target))
        }
        wants[target] = want
    }

    private mutating func ask(
        _ circuit: CircuitID,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard var end = ends[circuit] else { return }
        end.due = now + CircuitLimits.answerFirst * (1 << end.tries)
        end.tries += 1
        ends[circuit] = end
        let opening = PathMessage.Opening(circuit, from: id, to: end.other)
        effects.append(.send(.open(opening), to: end.neighbour))
    }

    private mutating func askAgain(at now: Instant, into effects: inout [Effect]) {
        let due = ends.filter { $0.value.due <= now }.keys.sorted()
        for circuit in due {
            guard let end = ends[circuit] else { continue }
            if end.tries < CircuitLimits.triesMax {
                ask(circuit, at: now, into: &effects)
                askMore(for: end.other, at: now, into: &effects)
            } else {
                ends[circuit] = nil
                // Its answer may only be late.
                effects.append(.send(.close(circuit), to: end.neighbour))
                askMore(for: end.other, at: now, into: &effects)
            }
        }
    }

    private mutating func opened(
        _ circuit: CircuitID,
        _ out: CircuitID,
        by peer: NodeID,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard let end = ends[circuit], end.neighbour == peer else {
            return relayOpened(circuit, out, by: peer, into: &effects)
        }
        // An answer to each of our requests; the first one counts.
        guard end.out == nil else { return }
        ends[circuit]?.out = out
        ends[circuit]?.due = .never
        wants[end.other] = nil
        counters.opened += 1
        effects.append(.end(CircuitSide(peer, into: circuit, out: out)))
        effects.append(.opened(circuit, to: end.other))
    }

    private mutating func refused(
        _ circuit: CircuitID,
        _ refusal: PathMessage.Refusal,
        by peer: NodeID,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard let end = ends[circuit], end.neighbour == peer, end.out == nil else {
            return relayRefused(circuit, refusal, by: peer, at: now, into: &effects)
        }
        ends[circuit] = nil
        askMore(for: end.other, at: now, into: &effects)
    }
}

// The end of circuits.
extension CircuitMachine {
    private mutating func sessionDown(
        _ peer: NodeID,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        let gone = ends.filter { $0.value.neighbour == peer }.keys.sorted()
        for circuit in gone { end(circuit, at: now, isHere: false, into: &effects) }
        for circuit in circuits(to: peer) { end(circuit, at: now, isHere: true, into: &effects) }
        for circuit in relayed.filter({ $0.joins(peer) }) {
            endRelaying(circuit, except: peer, into: &effects)
        }
    }

    /// Ends a circuit, because of what happened `isHere` or by the word of the neighbour.
    private mutating func end(
        _ circuit: CircuitID,
        at now: Instant,
        isHere: Bool,
        into effects: inout [Effect]
    ) {
        guard let end = ends.removeValue(forKey: circuit) else {
            guard let found = relayed.first(where: { $0.side(circuit) != nil }) else { return }
            let teller = isHere ? nil : found.side(circuit)?.neighbour
            return endRelaying(found, except: teller, into: &effects)
        }
        guard let out = end.out else {
            return askMore(for: end.other, at: now, into: &effects)
        }
        effects.append(.close(circuit))
        if isHere { effects.append(.send(.close(out), to: end.neighbour)) }
        effects.append(.lost(circuit, to: end.other))
    }
}
