// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

// Announcing, asking for what was announced and did not come, and answering who asks.
extension BroadcastTree {
    /// Tells a neighbour of a rumor, with others that come soon.
    mutating func announce(
        _ id: RumorID,
        to index: Int,
        _ turn: inout GossipTurn
    ) {
        peers[index].queue.append(id)
        if peers[index].queue.count >= GossipLimits.queueMax { return flush(index, &turn) }
        if peers[index].due == .never {
            let pause = turn.random.duration(
                GossipLimits.announceAfterMin,
                GossipLimits.announceAfterMax
            )
            peers[index].due = turn.time + pause
            deadline = min(deadline, peers[index].due)
        }
    }

    /// A neighbour has a rumor, so that it need not be told of it.
    mutating func has(_ id: RumorID, _ index: Int) {
        if !peers[index].queue.isEmpty { peers[index].queue.removeAll { $0 == id } }
        if !climbs.isEmpty { climbs.removeAll { $0.id == id && $0.to == peers[index].id } }
    }

    private mutating func flush(_ index: Int, _ turn: inout GossipTurn) {
        peers[index].due = .never
        let queue = peers[index].queue
        guard !queue.isEmpty else { return }
        peers[index].queue = []
        // What is long past is forgotten there.
        let isFresh = turn.time < peers[index].repeatsUntil
        let repeats = isFresh ? peers[index].repeats : []
        peers[index].repeats = queue
        peers[index].repeatsUntil = turn.time + GossipLimits.payloadForgottenAfter
        turn.send(.ihave(repeats + queue), to: peers[index].id)
    }

    mutating func announced(_ ids: [RumorID], by id: NodeID, at now: Instant) {
        guard let peer = index(of: id) else { return }
        for rumorID in ids {
            has(rumorID, peer)
            if memory.index(of: rumorID) == nil { miss(rumorID, announcedBy: id, at: now) }
        }
    }

    /// Where a rumor is among the missing; looked at in place, as a copy of one costs more.
    func missingIndex(of id: RumorID) -> Int? { missing.indices.first { missing[$0].id == id } }

    private mutating func miss(_ id: RumorID, announcedBy announcer: NodeID, at now: Instant) {
        if let index = missingIndex(of: id) {
            if !missing[index].announcers.contains(announcer) {
                missing[index].announcers.append(announcer)
            }
            return
        }
        // Who is nearer to the root asks first, and gives it to those behind before they ask.
        let depth = min(Int(route.hops), GossipLimits.graftDepthMax)
        let due = now + GossipLimits.graftFirst + GossipLimits.graftDepth * depth
        expect(Missing(id: id, teller: announcer, announcers: [announcer], due: due))
    }

    /// A child lacks what we lack, too: the parent is asked at once.
    private mutating func miss(_ id: RumorID, lackedBy child: NodeID, at now: Instant) {
        if let index = missingIndex(of: id) {
            guard missing[index].grafts == 0 else { return }
            missing[index].due = now
            deadline = now
        } else {
            expect(Missing(id: id, teller: child, announcers: [], due: now))
        }
    }

    private mutating func expect(_ new: Missing) {
        guard missing.count < GossipLimits.missingMax,
            missing.indices.count(where: { missing[$0].teller == new.teller })
                < GossipLimits.missingPerPeerMax
        else { return }
        missing.append(new)
        deadline = min(deadline, new.due)
    }

    mutating func grafted(
        _ ids: [RumorID],
        by id: NodeID,
        _ turn: inout GossipTurn
    ) {
        guard let peer = index(of: id) else { return }
        if !isSettled(peer) { peers[peer].isEager = true }
        for rumorID in ids {
            guard let known = memory.index(of: rumorID) else {
                if peers[peer].isChild { miss(rumorID, lackedBy: id, at: turn.time) }
                continue
            }
            let entry = memory[known]
            guard entry.state == .accepted, !entry.payload.isEmpty,
                peers[peer].graftBytes.take(entry.payload.count, at: turn.time)
            else { continue }
            let hops = entry.hops == .max ? .max : entry.hops + 1
            turn.send(.gossip(Rumor(entry.payload, hops: hops)), to: id)
        }
    }

    mutating func timeout(_ turn: inout GossipTurn) {
        guard deadline <= turn.time else { return }
        deadline = .never
        for index in peers.indices {
            if peers[index].due <= turn.time { flush(index, &turn) }
            deadline = min(deadline, peers[index].due)
        }
        if !missing.isEmpty { graftMissing(&turn) }
        if !climbs.isEmpty { climbAgain(&turn) }
        runRoot(&turn)
    }

    /// Repeats what the parent did not confirm.
    private mutating func climbAgain(_ turn: inout GossipTurn) {
        for index in climbs.indices where climbs[index].due <= turn.time {
            climbs[index].tries += 1
            climbs[index].due = turn.time + GossipLimits.climbAgainAfter
            if self.index(of: climbs[index].to) != nil {
                turn.send(.gossip(climbs[index].rumor), to: climbs[index].to)
            }
        }
        climbs.removeAll { $0.tries >= GossipLimits.climbTriesMax }
        deadline = climbs.reduce(deadline) { min($0, $1.due) }
    }

    /// Who may have a rumor: the parent, which more likely gave it to us in vain than not, then who
    /// announced it, from the root on.
    ///
    /// The parent twice, since the question or its answer may be lost, too, and by nobody else the
    /// way is as short.
    private func askable(for rumor: Missing) -> [NodeID] {
        let announcers = rumor.announcers.sorted { hops(of: $0) < hops(of: $1) }
        guard let place = peers.firstIndex(where: { $0.tag == parent }) else { return announcers }
        let first = peers[place].id
        return [first, first] + announcers.filter { $0 != first }
    }

    private func hops(of id: NodeID) -> UInt8 {
        index(of: id).flatMap { peers[$0].route?.hops } ?? TreeRoute.lost
    }

    /// Asks for all that did not come, each of the next that may have it.
    private mutating func graftMissing(_ turn: inout GossipTurn) {
        var asked: [[RumorID]] = Array(repeating: [], count: peers.count)
        for index in missing.indices where missing[index].due <= turn.time {
            let asks = askable(for: missing[index])
            let grafts = missing[index].grafts
            missing[index].grafts += 1
            missing[index].due = turn.time + GossipLimits.graftNext
            guard !asks.isEmpty else { continue }
            let announcer = asks[grafts % asks.count]
            guard let peer = self.index(of: announcer), asked[peer].count < GossipMessage.idsMax
            else { continue }
            asked[peer].append(missing[index].id)
        }
        for peer in peers.indices where !asked[peer].isEmpty {
            if !isSettled(peer) { peers[peer].isEager = true }
            turn.send(.graft(asked[peer]), to: peers[peer].id)
            // Maybe the parent does not know that it is one.
            if peers[peer].tag != parent { tellParent(&turn) }
        }
        missing.removeAll { $0.grafts >= GossipLimits.graftsMax }
        deadline = missing.reduce(deadline) { min($0, $1.due) }
    }
}
