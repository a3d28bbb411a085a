// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

// What members ask, and what they answer.
extension Ledger {
    mutating func receive(
        _ message: LedgerMessage,
        from peer: NodeID,
        at moment: Moment,
        _ heads: Heads,
        into effects: inout [Effect]
    ) {
        guard !distrusted.contains(peer, at: moment.instant) else {
            counters.unheard += 1
            return
        }
        if case .chunks(let message) = message {
            receive(message, from: peer, at: moment, heads, into: &effects)
            return
        }
        guard isAsked(message, of: peer) || askers.spend(1, of: peer, at: moment.instant) else {
            counters.unheard += 1
            return
        }
        switch message {
        case .want(let list): give(list, to: peer, into: &effects)
        case .states(let states):
            for state in states { take(state, from: peer, at: moment, heads, into: &effects) }
        case .lack(let authors):
            for author in authors where wants[author]?.asked == peer {
                wants.again(author, at: moment.instant)
            }
        case .chunks: break
        }
    }

    /// Whether it answers a question of ours: of these there are no more than were asked.
    private func isAsked(_ message: LedgerMessage, of peer: NodeID) -> Bool {
        guard case .states(let states) = message else { return false }
        return states.allSatisfy { wants[$0.name.author]?.asked == peer }
    }

    private mutating func receive(
        _ message: ChunkMessage,
        from peer: NodeID,
        at moment: Moment,
        _ heads: Heads,
        into effects: inout [Effect]
    ) {
        if case .request(let request) = message {
            serve(request, to: peer, at: moment.instant, into: &effects)
        } else if transfer.objects.isEmpty {
            counters.unasked += 1
        } else {
            run(.received(message, from: peer), at: moment, heads, into: &effects)
        }
    }

    /// Takes in a state that was asked for.
    mutating func take(
        _ answer: LedgerMessage.State,
        from peer: NodeID,
        at moment: Moment,
        _ heads: Heads,
        into effects: inout [Effect]
    ) {
        let author = answer.name.author
        guard let want = wants[author], want.asked == peer, want.stamp == answer.name.stamp else {
            counters.unasked += 1
            return
        }
        guard let state = want.summary.state(answer.bytes, with: cryptography) else {
            counters.forged += 1
            distrusted.note(peer, at: moment.instant)
            wants.again(author, at: moment.instant)
            return
        }
        install(state, want.summary, of: author, at: moment, heads, into: &effects)
    }

    // MARK: Answers of ours

    private func give(
        _ list: [LedgerMessage.Want],
        to peer: NodeID,
        into effects: inout [Effect]
    ) {
        var states: [LedgerMessage.State] = []
        var size = 0
        var lacking: [NodeID] = []
        for name in list {
            guard let bytes = encodedState(name),
                bytes.count <= LedgerLimits.messageStateBytesMax
            else {
                lacking.append(name.author)
                continue
            }
            let cost = bytes.count + LedgerMessage.stateOverhead
            if size + cost > LedgerMessage.stateBytesMax {
                effects.append(.send(.states(states), to: peer))
                (states, size) = ([], 0)
            }
            states.append(.init(name, bytes))
            size += cost
        }
        if !states.isEmpty { effects.append(.send(.states(states), to: peer)) }
        if !lacking.isEmpty { effects.append(.send(.lack(lacking), to: peer)) }
    }

    /// The state of that name, if it is here.
    private func encodedState(_ name: LedgerMessage.Want) -> [UInt8]? {
        // Of our own the one that was told, which what was written since is not.
        if name.author == id {
            return own.saidStamp == name.stamp ? own.said.encoded() : nil
        }
        guard let root = try? shelf.root(of: name.author), root.stamp == name.stamp else {
            return nil
        }
        return (try? shelf.state(of: name.author))?.encoded()
    }

    private mutating func serve(
        _ request: ChunkMessage.Request,
        to peer: NodeID,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        let admitted = server.admit(request, from: peer, at: now)
        guard !admitted.isEmpty else {
            counters.unheard += 1
            return
        }
        let content = Self.name(of: request.object).flatMap { name in
            encodedState(name).map { (bytes: $0, tag: name.stamp) }
        }
        for answer in ChunkServer.answers(to: request, chunks: admitted, with: content) {
            effects.append(.send(.chunks(answer), to: peer))
        }
    }
}
