// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

// Announcing, asking for what was announced and did not come, and answering who asks.
extension BroadcastTree {
    /// Tells a neighbour of a rumor, with others that come soon.
    mutating func announce<Random>(
        _ announcement: Announcement,
        to index: Int,
        _ turn: inout GossipTurn<Random>
    ) {
        peers[index].queue.append(announcement)
        if peers[index].queue.count >= GossipLimits.queueMax { return flush(index, &turn) }
        if peers[index].due == .never {
            let pause = turn.random.duration(
                GossipLimits.announceAfterMin,
                GossipLimits.announceAfterMax
            )
            peers[index].due = turn.now + pause
            deadline = min(deadline, peers[index].due)
        }
    }

    private mutating func flush<Random>(_ index: Int, _ turn: inout GossipTurn<Random>) {
        peers[index].due = .never
        let queue = peers[index].queue
        guard !queue.isEmpty else { return }
        peers[index].queue = []
        let repeats = peers[index].repeats
        peers[index].repeats = queue
        turn.send(.ihave(repeats + queue), to: peers[index].id)
    }

    mutating func announced<Random>(
        _ announcements: [Announcement],
        from id: NodeID,
        _ turn: inout GossipTurn<Random>
    ) {
        guard let peer = index(of: id) else { return }
        for announcement in announcements {
            if !peers[peer].queue.isEmpty {
                peers[peer].queue.removeAll { $0.id == announcement.id }
            }
            if let known = memory.index(of: announcement.id) {
                shorten(known, by: announcement, peer, &turn)
            } else {
                miss(announcement, from: id, at: turn.now)
            }
        }
    }

    private mutating func miss(_ announcement: Announcement, from id: NodeID, at now: Instant) {
        let announcer = Announcer(id: id, hops: announcement.hops)
        if let index = missing.firstIndex(where: { $0.id == announcement.id }) {
            if !missing[index].announcers.contains(where: { $0.id == id }) {
                missing[index].announcers.append(announcer)
            }
            return
        }
        guard missing.count < GossipLimits.missingMax else { return }
        var byIt = 0
        for entry in missing where entry.announcers.first?.id == id { byIt += 1 }
        guard byIt < GossipLimits.missingPerPeerMax else { return }
        let due = now + GossipLimits.graftFirst
        missing.append(Missing(id: announcement.id, announcers: [announcer], due: due))
        deadline = min(deadline, due)
    }

    /// Takes a link into the tree by which the rumor would have come in fewer hops.
    private mutating func shorten<Random>(
        _ known: Int,
        by announcement: Announcement,
        _ peer: Int,
        _ turn: inout GossipTurn<Random>
    ) {
        let entry = memory[known]
        guard !peers[peer].isEager, entry.state == .accepted, !entry.isBroad,
            Int(announcement.hops) + 1 + GossipLimits.shorterBy <= Int(entry.hops),
            turn.now <= entry.at + GossipLimits.shorterWithin,
            let parent = peers.firstIndex(where: { $0.tag == entry.parent })
        else { return }
        memory.setRoute(peers[peer].tag, hops: announcement.hops + 1, at: known)
        peers[peer].isEager = true
        turn.send(.graft([]), to: peers[peer].id)
        prune(parent, &turn)
    }

    mutating func grafted<Random>(
        _ ids: [RumorID],
        by id: NodeID,
        _ turn: inout GossipTurn<Random>
    ) {
        guard let peer = index(of: id) else { return }
        peers[peer].isEager = true
        for rumorID in ids {
            guard let known = memory.index(of: rumorID) else { continue }
            let entry = memory[known]
            guard entry.state == .accepted, !entry.payload.isEmpty,
                peers[peer].graftBytes.take(entry.payload.count, at: turn.now)
            else { continue }
            let hops = entry.hops == .max ? .max : entry.hops + 1
            let rumor = Rumor(entry.payload, hops: hops, isBroad: entry.isBroad)
            turn.send(.gossip(rumor), to: id)
        }
    }

    mutating func timeout<Random>(_ turn: inout GossipTurn<Random>) {
        guard deadline <= turn.now else { return }
        deadline = .never
        for index in peers.indices {
            if peers[index].due <= turn.now { flush(index, &turn) }
            deadline = min(deadline, peers[index].due)
        }
        if !missing.isEmpty { graftMissing(&turn) }
    }

    /// Asks for all that did not come, each of an announcer that was not asked for it last.
    private mutating func graftMissing<Random>(_ turn: inout GossipTurn<Random>) {
        var asked: [[RumorID]] = Array(repeating: [], count: peers.count)
        for index in missing.indices where missing[index].due <= turn.now {
            let announcers = missing[index].announcers
            let announcer = announcers[missing[index].grafts % announcers.count]
            missing[index].grafts += 1
            missing[index].due = turn.now + GossipLimits.graftNext
            guard let peer = self.index(of: announcer.id),
                asked[peer].count < GossipMessage.announcementsMax
            else { continue }
            asked[peer].append(missing[index].id)
        }
        for peer in peers.indices where !asked[peer].isEmpty {
            peers[peer].isEager = true
            turn.send(.graft(asked[peer]), to: peers[peer].id)
        }
        missing.removeAll { $0.grafts >= GossipLimits.graftsMax }
        deadline = missing.reduce(deadline) { min($0, $1.due) }
    }
}
