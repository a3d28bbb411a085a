// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

// Ways to members that cannot be dialled: a circuit through others at first, and from there a
// direct one.
extension NodeMachine {
    /// Tells the circuits what happened, and does what they ask for.
    mutating func route(
        _ event: CircuitEvent,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        var asked: [CircuitEffect] = []
        let ways = event.wayWanted.map(ways) ?? []
        circuits.handle(event, at: now, ways: ways, into: &asked)
        for effect in asked { carryOut(effect, at: now, into: &effects) }
    }

    private mutating func carryOut(
        _ effect: CircuitEffect,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        switch effect {
        case .send(let message, let id): post(.path(message), to: id, into: &effects)
        case .end(let side): effects.append(.circuit(side))
        case .forward(let one, let other): effects.append(.relay(one, other))
        case .close(let circuit): effects.append(.endCircuit(circuit))
        case .opened(let circuit, let id): opened(circuit, to: id, at: now, into: &effects)
        case .failed(let id):
            sought[id]?.circuitDue = now + NodeLimits.circuitPause
            wakeSought()
        case .lost(let circuit, let id):
            guard members[id]?.endpoint.circuit == circuit else { return }
            seekCircuit(to: id, at: now, into: &effects)
        case .wake(let instant):
            circuitsDue = instant
            wake(at: instant)
        }
    }

    private mutating func opened(
        _ circuit: CircuitID,
        to id: NodeID,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        let endpoint = Endpoint(circuit)
        if let member = members[id] {
            // What it was reached by is gone, or may be soon.
            effects.append(.tryPath(id, endpoint))
            // It may have given up the session, and answers no challenge of it.
            guard member.isSilent else { return }
        }
        if !dials.isFull, !dials.isDialling(endpoint) {
            dials.begin(endpoint, id, at: now)
            wake(at: dials.deadline)
            effects.append(.dial(endpoint, id))
        }
    }

    /// The members with a direct session that lead to a member, the best first.
    private func ways(to target: NodeID) -> [NodeID] {
        let isNear = members[target]?.endpoint.isRelayed == false
        let introducers = statement(of: target)?.introducers ?? []
        return (isNear ? [target] : []) + introducers.filter(isNearRelay)
    }

    /// Asks for a circuit to a member, or first for a session with somebody who leads to it.
    mutating func seekCircuit(
        to id: NodeID,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard let record = statement(of: id) else { return }
        let introducers = record.introducers.filter { $0 != own?.id }
        let relays = ways(to: id).filter { $0 != id }
        if relays.count < NodeLimits.relaysPerMember {
            for introducer in introducers where members[introducer] == nil {
                want(introducer, at: now)
            }
        }
        // They may know more of those who lead there; and one of those may be gone.
        let others = gossip.active.filter {
            $0 != id && isNearRelay($0) && !relays.contains($0)
        }
        let first = relays.isEmpty ? others : relays
        guard !first.isEmpty else { return }
        let event = CircuitEvent.wanted(id, through: first, orElse: relays.isEmpty ? [] : others)
        route(event, at: now, into: &effects)
    }

    /// Asks for the circuits that somebody new leads to, also where all who were asked before have
    /// refused just now.
    mutating func routeThrough(
        _ new: NodeID,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard !sought.isEmpty else { return }
        let waiting = sought.keys.sorted().filter {
            sought[$0]?.isWayAsked == true
                && statement(of: $0)?.introducers.contains(new) == true
        }
        for id in waiting {
            sought[id]?.circuitDue = .never
            route(.wanted(id, through: [new]), at: now, into: &effects)
        }
    }
}

// Direct ways.
extension NodeMachine {
    /// Tells the search for direct ways what happened, and does what it asks for.
    mutating func punch(
        _ event: PunchEvent,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        var asked: [PunchEffect] = []
        // Nearly always nobody is sought, and all sessions are told of.
        let isIdle = puncher.soughtCount == 0 && !event.isRelayed
        puncher.handle(event, behind: isIdle ? Gate() : nat.gate(at: now), at: now, into: &asked)
        for effect in asked {
            switch effect {
            case .tell(let id, let candidates):
                post(.path(.candidates(candidates)), to: id, into: &effects)
            case .attempt(let id, let endpoint):
                // A gate of the other may let in who answers.
                dials.tried(endpoint.address, at: now)
                effects.append(.tryPath(id, endpoint))
            case .search(let id, let endpoint):
                dials.tried(endpoint.address, at: now)
                effects.append(.searchPath(id, endpoint))
            case .remains(let id):
                tryTCP(to: id, at: now, into: &effects)
                keepSpare(to: id, at: now, into: &effects)
            case .wake(let instant):
                puncherDue = instant
                wake(at: instant)
            }
        }
    }

    /// Looks whether a member that strangers may reach, and that is not reached by UDP, is by TCP:
    /// better than by any circuit.
    private mutating func tryTCP(
        to id: NodeID,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard members[id]?.endpoint.isRelayed == true,
            isKnownReachable(id) || puncher.hasNoGate(id), let record = directory.record(of: id)
        else { return }
        for endpoint in record.endpoints.map({ $0.by(.tcp) }) where canDial(endpoint) {
            effects.append(.tryPath(id, endpoint))
        }
    }

    /// Sees to it that there is another circuit when a relay dies, and that it does not end for
    /// want of use.
    private mutating func keepSpare(
        to id: NodeID,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        // A connection of TCP is better than any circuit.
        guard members[id]?.endpoint.isRelayed == true else { return }
        tryCircuits(to: id, most: NodeLimits.relaysPerMember, at: now, into: &effects)
    }

    /// Finds another way to a member whose path seems to be dead: so there is one before it is
    /// given up.
    mutating func seekOtherWay(
        to id: NodeID,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard members[id] != nil else { return }
        members[id]?.isSilent = true
        for endpoint in directory.record(of: id)?.endpoints ?? [] where canDial(endpoint) {
            effects.append(.tryPath(id, endpoint))
        }
        tryCircuits(to: id, most: NodeLimits.relaysPerMember + 1, at: now, into: &effects)
    }

    /// Tries the circuits to a member that it is not reached by, and asks for one more where they
    /// go through few relays.
    private mutating func tryCircuits(
        to id: NodeID,
        most: Int,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        let open = circuits.circuits(to: id)
        for circuit in open where members[id]?.endpoint.circuit != circuit {
            effects.append(.tryPath(id, Endpoint(circuit)))
        }
        // Two through one relay, as both ends may have opened one, end with it.
        let used = Set(open.compactMap(circuits.relay))
        guard used.count < most else { return }
        let leading = ways(to: id) + gossip.active + anchors
        let relays = leading.filter { $0 != id && !used.contains($0) && isNearRelay($0) }
        guard !relays.isEmpty else { return }
        route(.spareWanted(id, through: relays), at: now, into: &effects)
    }

    /// Takes in what a member says of the way between us.
    mutating func takeIn(
        _ message: PathMessage,
        from id: NodeID,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        if case .keepalive(let keepalive) = message {
            return minded(keepalive, by: id, at: now, into: &effects)
        }
        guard case .candidates(var candidates) = message else {
            return route(.received(message, from: id), at: now, into: &effects)
        }
        candidates.endpoints.removeAll { !isUsable($0) }
        if !isUsable(candidates.gate.seen) { candidates.gate.seen = .nowhere }
        punch(.received(candidates, from: id), at: now, into: &effects)
    }

    private func isUsable(_ endpoint: Endpoint) -> Bool {
        canDial(endpoint) && !endpoint.address.isLoopback
    }

    /// Takes note of how a member is reached now.
    mutating func settleWay(
        to id: NodeID,
        by endpoint: Endpoint,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        punch(endpoint.isUDP ? .settled(id) : .relayed(id), at: now, into: &effects)
    }
}
