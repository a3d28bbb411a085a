// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

// Asking members to be neighbours, one after the other.
extension PartialViews {
    /// Begins to ask a member, or remembers it for later.
    mutating func begin(
        _ purpose: Attempt.Purpose,
        with hint: Hint,
        _ turn: inout GossipTurn
    ) {
        guard !attempts.contains(where: { $0.hint.id == hint.id }) else { return }
        guard attempts.count < GossipLimits.attemptsMax else {
            return add(hint, toldBy: nil, &turn)
        }
        let isConnected = sessions[hint.id] != nil
        guard isConnected || !hint.endpoints.isEmpty else { return }
        let attempt = Attempt(
            hint: hint,
            purpose: purpose,
            begun: turn.time,
            isConnected: isConnected,
            due: turn.time + GossipLimits.connectTimeout
        )
        attempts.append(attempt)
        if isConnected { return ask(attempts.count - 1, &turn) }
        turn.effects.append(.connect(hint.id, hint.endpoints))
    }

    mutating func ask(_ index: Int, _ turn: inout GossipTurn) {
        attempts[index].asks += 1
        attempts[index].due = turn.time + GossipLimits.answerTimeout
        let id = attempts[index].hint.id
        switch attempts[index].purpose {
        case .bridge, .confirm, .lift: turn.send(.neighbour(.high), to: id)
        case .fill where active.isEmpty: turn.send(.join(own), to: id)
        case .fill where active.count < GossipLimits.activeUrgent:
            turn.send(.neighbour(.high), to: id)
        case .fill, .walk: turn.send(.neighbour(.low), to: id)
        }
    }

    mutating func answered(
        _ isAccepted: Bool,
        from id: NodeID,
        _ turn: inout GossipTurn
    ) {
        guard let index = attempts.firstIndex(where: { $0.hint.id == id && $0.asks > 0 }) else {
            // We gave up, and it thinks that we are its neighbour.
            if isAccepted, !isActive(id) { stray(id, &turn) }
            return
        }
        let attempt = attempts.remove(at: index)
        if isAccepted {
            accepted(attempt, &turn)
        } else {
            if isActive(id) { remove(id, &turn) }
            add(attempt.hint, toldBy: nil, &turn)
            passive.refused(id, at: turn.time)
            refusals += 1
        }
        fillLater(&turn)
    }

    private mutating func accepted(_ attempt: Attempt, _ turn: inout GossipTurn) {
        let id = attempt.hint.id
        guard !isActive(id) else { return }
        // The room was given away meanwhile.
        let isTaken = attempt.purpose == .fill || attempt.purpose == .lift && spare.isEmpty
        if isFull, isTaken {
            turn.send(.disconnect, to: id)
            return addFormer(id, &turn)
        }
        accept(id, &turn)
        // Maybe the other side knows none of ours, nor we theirs.
        if attempt.purpose == .bridge { shuffle(with: id, &turn) }
    }

    /// Repeats what was not answered, and gives up what was repeated often enough.
    mutating func runAttempts(_ turn: inout GossipTurn) {
        var index = 0
        while index < attempts.count {
            guard attempts[index].due <= turn.time else {
                index += 1
                continue
            }
            if attempts[index].isConnected, attempts[index].asks < GossipLimits.asksMax {
                ask(index, &turn)
                index += 1
                continue
            }
            giveUp(attempts.remove(at: index), &turn)
        }
        fillLater(&turn)
    }

    private mutating func giveUp(_ attempt: Attempt, _ turn: inout GossipTurn) {
        let id = attempt.hint.id
        passive.remove(id)
        guard attempt.isConnected else { return }
        // Maybe it took us in, and each of its answers was lost.
        turn.send(.disconnect, to: id)
        if isActive(id) { remove(id, &turn) }
    }

    /// Asks the next member, now or after a pause.
    mutating func fillLater(_ turn: inout GossipTurn) {
        if refusals == 0 { return fill(&turn) }
        guard !isFull else { return }
        let most = GossipLimits.fillPausesMax[active.count]
        fillDue = turn.time + GossipLimits.fillPause.doubled(refusals, atMost: most)
    }

    /// Asks a passive member, if there is room and nobody is being asked.
    mutating func fill(_ turn: inout GossipTurn) {
        fillDue = .never
        guard !isFull else { return }
        if let slow = attemptUnderWay(at: turn.time) {
            fillDue = slow
            return
        }
        guard attempts.count < GossipLimits.attemptsMax else { return }
        let now = turn.time
        let idle = passive.candidates.filter { candidate in
            !attempts.contains { $0.hint.id == candidate.hint.id }
        }
        // Who has no neighbour is accepted by everybody, whatever was before.
        let ready = active.isEmpty ? idle : idle.filter { $0.notBefore <= now }
        guard let next = ready.randomElement(using: &turn.random) else {
            fillDue = idle.reduce(.never) { min($0, $1.notBefore) }
            if active.isEmpty, attempts.isEmpty, !isIsolatedTold {
                isIsolatedTold = true
                turn.effects.append(.isolated)
            }
            return
        }
        begin(.fill, with: next.hint, &turn)
        fillDue = now + GossipLimits.attemptSlowAfter
    }

    /// When the youngest attempt to fill a place is slow; nil if all are.
    private func attemptUnderWay(at now: Instant) -> Instant? {
        var latest: Instant?
        for attempt in attempts where attempt.purpose == .fill {
            let slow = attempt.begun + GossipLimits.attemptSlowAfter
            if slow > now { latest = max(latest ?? slow, slow) }
        }
        return latest
    }
}
