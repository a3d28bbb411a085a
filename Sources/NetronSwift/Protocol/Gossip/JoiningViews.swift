// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

// Requests of others to be a neighbour, and the walks of who joins.
extension PartialViews {
    mutating func joined(
        _ hint: Hint,
        from id: NodeID,
        _ turn: inout GossipTurn
    ) {
        guard hint.id == id, sessions[id] != nil else { return }
        let others = active.map(\.id)
        let wasActive = isActive(id)
        guard admit(id, isUrgent: true, &turn) else {
            return turn.send(.answer(isAccepted: false), to: id)
        }
        turn.send(.answer(isAccepted: true), to: id)
        // Its request came twice, since our answer was lost or late.
        guard !wasActive else { return }
        let walking = GossipMessage.forwardJoin(seen(hint), ttl: GossipLimits.joinWalk)
        for other in others where isActive(other) { turn.send(walking, to: other) }
        tell(id, &turn)
    }

    /// Gives a newcomer a passive view to begin with.
    private func tell(_ id: NodeID, _ turn: inout GossipTurn) {
        let hints = sample(without: id, random: &turn.random)
        if !hints.isEmpty { turn.send(.shuffleReply(number: 0, hints), to: id) }
    }

    mutating func asked(
        _ priority: GossipMessage.Priority,
        from id: NodeID,
        _ turn: inout GossipTurn
    ) {
        guard sessions[id] != nil else { return }
        let isAccepted = admit(id, isUrgent: priority == .high, &turn)
        turn.send(.answer(isAccepted: isAccepted), to: id)
    }

    /// Whether a member that asks is a neighbour now.
    private mutating func admit(
        _ id: NodeID,
        isUrgent: Bool,
        _ turn: inout GossipTurn
    ) -> Bool {
        if isActive(id) { return true }
        if isFull {
            guard isUrgent, evictions.take(at: turn.time) else { return false }
        }
        accept(id, &turn)
        return true
    }

    mutating func walked(
        _ hint: Hint,
        ttl: UInt8,
        from id: NodeID,
        _ turn: inout GossipTurn
    ) {
        guard takeWalk(of: id, at: turn.time), hint.id != own.id, !isActive(hint.id) else { return }
        if ttl == GossipLimits.joinWalkPassive { add(hint, toldBy: id, &turn) }
        let next = active.filter { $0.id != id }.randomElement(using: &turn.random)
        guard ttl > 0, let next else {
            return begin(.walk, with: hint, &turn)
        }
        turn.send(.forwardJoin(hint, ttl: ttl - 1), to: next.id)
        guard !isFull else { return }
        add(hint, toldBy: id, &turn)
        fill(&turn)
    }

    /// Somebody gets a place here that it needs more than who has it.
    mutating func lift(_ hint: Hint, _ turn: inout GossipTurn) {
        guard hint.id != own.id, !isActive(hint.id) else { return }
        begin(.lift, with: hint, &turn)
    }

    /// Whether a neighbour may ask for one more step of a walk; false for who is none.
    mutating func takeWalk(of id: NodeID, at now: Instant) -> Bool {
        guard let index = active.firstIndex(where: { $0.id == id }) else { return false }
        return active[index].walks.take(at: now)
    }

    mutating func disconnected(_ id: NodeID, _ turn: inout GossipTurn) {
        if isActive(id) {
            attempts.removeAll { $0.hint.id == id }
            remove(id, &turn)
            addFormer(id, &turn)
            fill(&turn)
        }
    }
}
