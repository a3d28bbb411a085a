// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Brings rumors to all members, each mostly once.
///
/// Plumtree (Leitao, Pereira and Rodrigues, 2007) over the active view: eager links are the tree
/// and carry payloads, lazy ones carry announcements, and who misses what was announced grafts the
/// announcer into the tree. What is our own:
/// - Of two ways that a rumor came, the one with fewer hops stays in the tree.
/// - Both ends of a lazy link would announce; who hears the other first is silent.
/// - An announcement is repeated once in the next message to the same neighbour, so that two losses
///   in a row are needed to lose it.
/// - A tree that serves all has paths through its middle that are twice as long as needed. Who
///   hears rumors from afar begins its own broadly: for two hops they go to all neighbours.
///
/// Announcing and grafting are in BroadcastRepair.swift.
struct BroadcastTree {
    struct Peer {
        let id: NodeID
        /// Never 0, and no other peer's.
        let tag: UInt16
        var isEager = true
        /// What it will be told of.
        var queue: [Announcement] = []
        /// What it was told of, and will be once more.
        var repeats: [Announcement] = []
        var due = Instant.never
        var graftBytes: Allowance
    }

    struct Announcer {
        let id: NodeID
        let hops: UInt8
    }

    struct Missing {
        let id: RumorID
        var announcers: [Announcer]
        var grafts = 0
        var due: Instant
    }

    struct Pending {
        let id: RumorID
        let rumor: Rumor
        let from: NodeID
    }

    let identify: @Sendable ([UInt8]) -> RumorID
    var peers: [Peer] = []
    var memory = RumorMemory()
    var missing: [Missing] = []
    var pending: [Pending] = []
    /// When something is due; may be earlier, never later.
    var deadline = Instant.never
    var duplicates: UInt64 = 0
    private var lastTag: UInt16 = 0
    /// The hops of the last rumors that kept to the tree, as a decaying maximum in eighths.
    var far: UInt16 = 0

    init(identify: @escaping @Sendable ([UInt8]) -> RumorID) { self.identify = identify }

    func index(of id: NodeID) -> Int? { peers.firstIndex { $0.id == id } }

    mutating func neighbourUp(_ id: NodeID, at now: Instant) {
        guard index(of: id) == nil else { return }
        lastTag = lastTag == .max ? 1 : lastTag + 1
        let graftBytes = Allowance(
            perSecond: GossipLimits.graftBytesPerSecond,
            burst: GossipLimits.graftBytesBurst,
            at: now
        )
        peers.append(Peer(id: id, tag: lastTag, graftBytes: graftBytes))
    }

    mutating func neighbourDown(_ id: NodeID) {
        peers.removeAll { $0.id == id }
        for index in missing.indices { missing[index].announcers.removeAll { $0.id == id } }
        missing.removeAll { $0.announcers.isEmpty }
    }
}

// Rumors that begin, come, and go on.
extension BroadcastTree {
    mutating func broadcast<Random>(_ payload: [UInt8], _ turn: inout GossipTurn<Random>) {
        precondition(payload.count <= Rumor.payloadBytesMax, "\(payload.count) bytes to broadcast")
        let id = identify(payload)
        guard memory.index(of: id) == nil else { return }
        let breadth = far / 8 >= UInt16(GossipLimits.farHops) ? GossipLimits.breadth : 0
        let rumor = Rumor(payload, hops: 0, breadth: breadth, isBroad: breadth > 0)
        remember(rumor, id, parent: 0, state: .accepted, at: turn.now)
        pass(rumor, id, from: nil, &turn)
    }

    private mutating func remember(
        _ rumor: Rumor,
        _ id: RumorID,
        parent: UInt16,
        state: RumorMemory.State,
        at now: Instant
    ) {
        let entry = RumorMemory.Entry(
            id: id,
            at: now,
            payload: state == .accepted ? rumor.payload : [],
            parent: parent,
            hops: rumor.hops,
            isBroad: rumor.isBroad,
            state: state
        )
        memory.insert(entry)
    }

    mutating func received<Random>(
        _ rumor: Rumor,
        from id: NodeID,
        _ turn: inout GossipTurn<Random>
    ) {
        let rumorID = identify(rumor.payload)
        let peer = index(of: id)
        if let known = memory.index(of: rumorID) {
            duplicates += 1
            if let peer { duplicate(rumor, rumorID, known: known, peer: peer, &turn) }
            return
        }
        var parent: UInt16 = 0
        if let peer, !rumor.isAside {
            parent = peers[peer].tag
            peers[peer].isEager = true
        }
        remember(rumor, rumorID, parent: parent, state: .pending, at: turn.now)
        if pending.count >= GossipLimits.pendingMax {
            judged(pending[0].id, .refuse, &turn)
        }
        pending.append(Pending(id: rumorID, rumor: rumor, from: id))
        turn.effects.append(.deliver(rumorID, rumor.payload, from: id))
    }

    mutating func judged<Random>(
        _ id: RumorID,
        _ verdict: GossipEvent.Verdict,
        _ turn: inout GossipTurn<Random>
    ) {
        guard let place = pending.firstIndex(where: { $0.id == id }) else { return }
        let pending = pending.remove(at: place)
        guard let index = memory.index(of: id) else { return }
        guard verdict == .accept else {
            memory.setState(.refused, at: index)
            missing.removeAll { $0.id == id }
            return
        }
        memory.setState(.accepted, at: index)
        memory.keep(pending.rumor.payload, at: index, now: turn.now)
        if !pending.rumor.isBroad {
            far = max(UInt16(pending.rumor.hops) * 8, far - far / 32)
        }
        pass(pending.rumor, id, from: pending.from, &turn)
    }

    /// Gives a rumor to all neighbours that may not have it, or tells them of it later.
    private mutating func pass<Random>(
        _ rumor: Rumor,
        _ id: RumorID,
        from sender: NodeID?,
        _ turn: inout GossipTurn<Random>
    ) {
        var announcers: [Announcer] = []
        if let place = missing.firstIndex(where: { $0.id == id }) {
            announcers = missing.remove(at: place).announcers
        }
        var next = rumor
        next.hops = rumor.hops == .max ? .max : rumor.hops + 1
        next.breadth = rumor.breadth > 0 ? rumor.breadth - 1 : 0
        next.isAside = false
        let isNarrow = peers.count < GossipLimits.announcersMin
        for index in peers.indices where peers[index].id != sender {
            // Who announced it has it.
            if announcers.contains(where: { $0.id == peers[index].id }) { continue }
            if peers[index].isEager {
                turn.send(.gossip(next), to: peers[index].id)
                if !isNarrow { continue }
            } else if rumor.breadth > 0 {
                var aside = next
                aside.isAside = true
                turn.send(.gossip(aside), to: peers[index].id)
            }
            announce(Announcement(id, hops: rumor.hops), to: index, &turn)
        }
    }

    /// A rumor came once more: one of the two ways is too many.
    private mutating func duplicate<Random>(
        _ rumor: Rumor,
        _ id: RumorID,
        known: Int,
        peer: Int,
        _ turn: inout GossipTurn<Random>
    ) {
        peers[peer].queue.removeAll { $0.id == id }
        let entry = memory[known]
        guard !rumor.isAside, !rumor.isBroad, entry.state != .refused else { return }
        guard entry.parent != peers[peer].tag else { return }
        let isShorter = rumor.hops < entry.hops
        if isShorter, let parent = peers.firstIndex(where: { $0.tag == entry.parent }) {
            peers[peer].isEager = true
            memory.setRoute(peers[peer].tag, hops: rumor.hops, at: known)
            prune(parent, &turn)
        } else {
            prune(peer, &turn)
        }
    }

    mutating func prune<Random>(_ index: Int, _ turn: inout GossipTurn<Random>) {
        peers[index].isEager = false
        turn.send(.prune, to: peers[index].id)
    }

    mutating func pruned(by id: NodeID) {
        if let index = index(of: id) { peers[index].isEager = false }
    }
}
