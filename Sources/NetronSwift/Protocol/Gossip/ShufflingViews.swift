// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

// Shuffles: members tell each other of members, so that passive views stay fresh.
extension PartialViews {
    /// Shuffles with a neighbour and those behind it, and says when again.
    mutating func shuffle(_ turn: inout GossipTurn) {
        let interval = shuffleInterval
        shuffleInterval = min(interval * 2, GossipLimits.shuffleIntervalMax)
        shuffleDue = turn.time + turn.random.duration(interval * 3 / 4, interval * 5 / 4)
        guard let neighbour = active.randomElement(using: &turn.random) else {
            shuffleDue = .never
            return
        }
        shuffle(with: neighbour.id, &turn)
    }

    mutating func shuffle(with id: NodeID, _ turn: inout GossipTurn) {
        let number = UInt32.random(in: 1...UInt32.max, using: &turn.random)
        let hints = [brief(own)] + sample(without: id, random: &turn.random)
        remember(Path(number: number, before: nil, after: id, at: turn.time))
        turn.send(.shuffle(number: number, ttl: GossipLimits.shuffleWalk, hints), to: id)
    }

    /// Some neighbours and some passive members.
    func sample(without id: NodeID, random: inout GossipChance) -> [Hint] {
        var others = active.map(\.id).filter { $0 != id }
        var hints: [Hint] = []
        while hints.count < GossipLimits.shuffledActive, !others.isEmpty {
            let place = Int.random(in: 0..<others.count, using: &random)
            hints.append(hint(of: others.remove(at: place)))
        }
        hints += passive.sample(GossipLimits.shuffledPassive, without: id, random: &random)
        return hints.filter { !$0.endpoints.isEmpty }.map(brief)
    }

    private func brief(_ hint: Hint) -> Hint {
        Hint(hint.id, at: Array(hint.endpoints.prefix(GossipLimits.shuffledEndpointsMax)))
    }

    private mutating func remember(_ path: Path) {
        paths.removeAll { $0.at + GossipLimits.pathForgottenAfter < path.at }
        if paths.count >= GossipLimits.pathsMax { paths.removeFirst() }
        paths.append(path)
    }

    mutating func shuffled(
        _ message: (number: UInt32, ttl: UInt8, hints: [Hint]),
        from id: NodeID,
        _ turn: inout GossipTurn
    ) {
        guard takeWalk(of: id, at: turn.time), var origin = message.hints.first,
            origin.id != own.id
        else { return }
        if origin.id == id { origin = brief(seen(origin)) }
        let hints = [origin] + message.hints.dropFirst()
        let next = active.filter { $0.id != id && $0.id != origin.id }
            .randomElement(using: &turn.random)
        let number = message.number
        if message.ttl > 1, let next {
            remember(Path(number: number, before: id, after: next.id, at: turn.time))
            let step = GossipMessage.shuffle(number: number, ttl: message.ttl - 1, hints)
            return turn.send(step, to: next.id)
        }
        let reply = sample(without: origin.id, random: &turn.random)
        if !reply.isEmpty { turn.send(.shuffleReply(number: number, reply), to: id) }
        take(hints, toldBy: id, &turn)
    }

    mutating func replied(
        _ message: (number: UInt32, hints: [Hint]),
        from id: NodeID,
        _ turn: inout GossipTurn
    ) {
        if message.number == 0 {
            // What who takes a newcomer in gives it to begin with.
            let isAsked = attempts.contains { $0.hint.id == id }
            guard isAsked || takeWalk(of: id, at: turn.time), passive.candidates.count < 4 else {
                return
            }
            return take(message.hints, toldBy: id, &turn)
        }
        guard
            let index = paths.firstIndex(where: { $0.number == message.number && $0.after == id })
        else { return }
        let path = paths.remove(at: index)
        guard let before = path.before else {
            return take(message.hints, toldBy: id, &turn)
        }
        turn.send(.shuffleReply(number: message.number, message.hints), to: before)
    }

    /// Takes the members in that a neighbour told of, and asks one of them if there is room.
    private mutating func take(
        _ hints: [Hint],
        toldBy teller: NodeID,
        _ turn: inout GossipTurn
    ) {
        for hint in hints.prefix(GossipLimits.hintsTakenMax) {
            add(hint, toldBy: teller, &turn)
        }
        if !isFull, fillDue == .never { fill(&turn) }
    }
}
