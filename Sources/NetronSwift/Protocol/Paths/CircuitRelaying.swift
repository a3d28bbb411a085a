// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

// What others want of this node: to be the end of a circuit, or to relay it.
extension CircuitMachine {
    /// A circuit between two neighbours, which may still be on its way to the second.
    struct Relayed: Hashable, Sendable {
        let opening: PathMessage.Opening
        let opener: NodeID
        /// What the opener writes on its datagrams.
        let into: CircuitID
        /// Who was asked to go on, and what it writes.
        var next: NodeID
        var nextInto: CircuitID
        /// What it wants to see; nil until it has answered.
        var nextOut: CircuitID?
        /// Who is asked if it refuses.
        var others: [NodeID]
        /// When it is given up, if nobody answers.
        var due: Instant

        var isOpen: Bool { nextOut != nil }

        /// The neighbour that names the circuit so, and what it wants to see.
        func side(_ circuit: CircuitID) -> (neighbour: NodeID, out: CircuitID?)? {
            if circuit == into { return (opener, opening.circuit) }
            return circuit == nextInto ? (next, nextOut) : nil
        }

        func joins(_ peer: NodeID) -> Bool { opener == peer || next == peer }
    }

    mutating func asked(
        _ opening: PathMessage.Opening,
        by peer: NodeID,
        at now: Instant,
        _ ways: [NodeID],
        into effects: inout [Effect]
    ) {
        let sender = opening.relays.last ?? opening.origin
        guard sender == peer, opening.origin != id, openers.spend(1, of: peer, at: now) else {
            return ignore()
        }
        if opening.target == id { return accept(opening, from: peer, into: &effects) }
        if let index = relayed.firstIndex(where: {
            $0.opener == peer && $0.opening.circuit == opening.circuit
        }) {
            return repeatAnswer(at: index, into: &effects)
        }
        do {
            try relay(opening, from: peer, at: now, ways, into: &effects)
        } catch {
            counters.refused += 1
            effects.append(.send(.refused(opening.circuit, error), to: peer))
        }
    }

    private mutating func accept(
        _ opening: PathMessage.Opening,
        from peer: NodeID,
        into effects: inout [Effect]
    ) {
        // Our answer was lost, or crossed the repeated request.
        if let known = ends.first(where: {
            $0.value.neighbour == peer && $0.value.out == opening.circuit
        }) {
            return effects.append(.send(.opened(opening.circuit, by: known.key), to: peer))
        }
        let others = ends.values.count { $0.neighbour == peer }
        guard ends.count < CircuitLimits.endsMax, others < CircuitLimits.perOpenerMax else {
            counters.refused += 1
            return effects.append(.send(.refused(opening.circuit, .busy), to: peer))
        }
        let circuit = unusedID()
        ends[circuit] = End(neighbour: peer, other: opening.origin, out: opening.circuit)
        counters.accepted += 1
        effects.append(.end(CircuitSide(peer, into: circuit, out: opening.circuit)))
        effects.append(.send(.opened(opening.circuit, by: circuit), to: peer))
    }

    private mutating func relay(
        _ opening: PathMessage.Opening,
        from peer: NodeID,
        at now: Instant,
        _ ways: [NodeID],
        into effects: inout [Effect]
    ) throws(PathMessage.Refusal) {
        guard relayedMax > 0 else { throw .unwilling }
        let perOpenerMax = min(CircuitLimits.perOpenerMax, (relayedMax + 1) / 2)
        let isFull =
            relayed.count >= relayedMax || relayed.count { $0.opener == peer } >= perOpenerMax
            || relayed.count { $0.opening.target == opening.target } >= CircuitLimits.perTargetMax
        guard !isFull else { throw .busy }
        let isLoop = opening.relays.contains(id)
        let hopsLeft = PathMessage.relaysMax - opening.relays.count
        guard !isLoop, hopsLeft > 0 else { throw .noWay }
        let passed = opening.relays + [opening.origin, id]
        var next = ways.filter { !passed.contains($0) }
        // The last relay leads to the target itself.
        if hopsLeft == 1 { next.removeAll { $0 != opening.target } }
        guard let first = next.first else { throw .noWay }
        let into = unusedID()
        let nextInto = unusedID(besides: into)
        relayed.append(
            Relayed(
                opening: opening,
                opener: peer,
                into: into,
                next: first,
                nextInto: nextInto,
                others: Array(next.dropFirst().prefix(1)),
                due: now + CircuitLimits.relayingMax
            )
        )
        pass(on: relayed.count - 1, into: &effects)
    }

    private func pass(on index: Int, into effects: inout [Effect]) {
        let circuit = relayed[index]
        let onward = PathMessage.Opening(
            circuit.nextInto,
            from: circuit.opening.origin,
            to: circuit.opening.target,
            through: circuit.opening.relays + [id]
        )
        effects.append(.send(.open(onward), to: circuit.next))
    }

    private func repeatAnswer(at index: Int, into effects: inout [Effect]) {
        let circuit = relayed[index]
        guard circuit.isOpen else { return pass(on: index, into: &effects) }
        let answer = PathMessage.opened(circuit.opening.circuit, by: circuit.into)
        effects.append(.send(answer, to: circuit.opener))
    }

    mutating func relayOpened(
        _ circuit: CircuitID,
        _ out: CircuitID,
        by peer: NodeID,
        into effects: inout [Effect]
    ) {
        guard
            let index = relayed.firstIndex(where: { $0.nextInto == circuit && $0.next == peer })
        else { return ignore() }
        if !relayed[index].isOpen {
            relayed[index].nextOut = out
            relayed[index].due = .never
            counters.relayed += 1
            let found = relayed[index]
            effects.append(
                .forward(
                    CircuitSide(found.opener, into: found.into, out: found.opening.circuit),
                    CircuitSide(peer, into: circuit, out: out)
                )
            )
        }
        repeatAnswer(at: index, into: &effects)
    }

    mutating func relayRefused(
        _ circuit: CircuitID,
        _ refusal: PathMessage.Refusal,
        by peer: NodeID,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard
            let index = relayed.firstIndex(where: {
                $0.nextInto == circuit && $0.next == peer && !$0.isOpen
            })
        else { return ignore() }
        guard let other = relayed[index].others.first else {
            let refused = relayed.remove(at: index)
            let answer = PathMessage.refused(refused.opening.circuit, refusal)
            return effects.append(.send(answer, to: refused.opener))
        }
        relayed[index].others.removeFirst()
        relayed[index].next = other
        relayed[index].nextInto = unusedID()
        pass(on: index, into: &effects)
    }

    mutating func giveUpRelaying(at now: Instant, into effects: inout [Effect]) {
        for circuit in relayed.filter({ $0.due <= now }) {
            relayed.removeAll { $0.into == circuit.into }
            let answer = PathMessage.refused(circuit.opening.circuit, .noWay)
            effects.append(.send(answer, to: circuit.opener))
        }
    }

    /// Ends a circuit that is relayed, and tells the neighbours but the one who knows.
    mutating func endRelaying(
        _ circuit: Relayed,
        except teller: NodeID?,
        into effects: inout [Effect]
    ) {
        relayed.removeAll { $0.into == circuit.into }
        if circuit.isOpen { effects.append(.close(circuit.into)) }
        if circuit.opener != teller {
            effects.append(.send(.close(circuit.opening.circuit), to: circuit.opener))
        }
        if circuit.next != teller, let out = circuit.nextOut {
            effects.append(.send(.close(out), to: circuit.next))
        }
    }
}
