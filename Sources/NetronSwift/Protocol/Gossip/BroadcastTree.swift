// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Brings rumors to all members, each mostly once.
///
/// Plumtree (Leitao, Pereira and Rodrigues, 2007) over the active view: eager links are the tree
/// and carry payloads, lazy ones carry announcements, and who misses what was announced asks an
/// announcer for it. What is our own:
/// - The tree has a root, the member with the least id, and each node's way there is the shortest.
///   Plumtree's tree serves the author well for whom it grew, and others by up to twice as many
///   hops; this one serves all alike. Where the root is not agreed on, the rules are Plumtree's.
/// - What begins far from the root climbs by all ways there, not only by the tree's, and so gets
///   into more of its branches before it is at the root.
/// - Both ends of a lazy link would announce; who hears the other first is silent.
/// - What climbs by the tree is confirmed by an announcement, and repeated if it is not.
/// - An announcement is repeated once in the next message to the same neighbour.
///
/// Announcing and asking are in BroadcastRepair.swift, the root in BroadcastRoot.swift
/// and BroadcastLift.swift.
struct BroadcastTree {
    struct Peer {
        let id: NodeID
        /// Never 0, and no other peer's.
        let tag: UInt16
        var isEager = true
        /// What it will be told of.
        var queue: [RumorID] = []
        /// What it was told of, and will be once more.
        var repeats: [RumorID] = []
        var repeatsUntil = Instant.never
        var due = Instant.never
        var graftBytes: Allowance
        /// Where it sees the root.
        var route: TreeRoute?
        /// Whether its way to the root is through here.
        var isChild = false
        /// How often it has to be told where the root is.
        var tellings = GossipLimits.routeTellings
    }

    struct Missing {
        let id: RumorID
        /// By whose word we know of it.
        let teller: NodeID
        var announcers: [NodeID]
        var grafts = 0
        var due: Instant
    }

    struct Pending {
        let id: RumorID
        let rumor: Rumor
        let from: NodeID
    }

    /// What was given to the parent, which will say that it has it.
    struct Climb {
        let id: RumorID
        let rumor: Rumor
        let to: NodeID
        var tries = 1
        var due: Instant
    }

    let identify: @Sendable ([UInt8]) -> RumorID
    var peers: [Peer] = []
    var memory = RumorMemory()
    var missing: [Missing] = []
    var pending: [Pending] = []
    var climbs: [Climb] = []
    /// When something is due; may be earlier, never later.
    var deadline = Instant.never
    var duplicates: UInt64 = 0
    private var lastTag: UInt16 = 0

    // The root; see BroadcastRoot.swift.
    var own: NodeID?
    var key: UInt64 = 0
    var route = TreeRoute.none
    /// The peer on the way to the root, by tag; 0 for none.
    var parent: UInt16 = 0
    /// The last number of a root that is gone, or said nothing for too long.
    var forgotten: TreeRoute?
    /// The last number of our own as the root.
    var ownNumber: UInt32 = 0
    /// When the root is to say something, or to have said something.
    var rootDue = Instant.never
    var tellDue = Instant.never
    /// When a place nearer to the root is asked for; see BroadcastLift.swift.
    var liftDue = Instant.never
    var liftPause = GossipLimits.liftPauseMin
    var tells = Allowance(perSecond: 0, burst: 0, at: Instant(nanoseconds: 0))

    init(identify: @escaping @Sendable ([UInt8]) -> RumorID) { self.identify = identify }

    func index(of id: NodeID) -> Int? { peers.firstIndex { $0.id == id } }

    mutating func neighbourUp(_ id: NodeID, _ turn: inout GossipTurn) {
        guard index(of: id) == nil else { return }
        lastTag = lastTag == .max ? 1 : lastTag + 1
        let graftBytes = Allowance(
            perSecond: GossipLimits.graftBytesPerSecond,
            burst: GossipLimits.graftBytesBurst,
            at: turn.time
        )
        var peer = Peer(id: id, tag: lastTag, graftBytes: graftBytes)
        // Who is in the tree gets nothing by a link sooner that is none of the tree, but by more
        // hops, and passes these on; until both ends have told where the root is, it is such a one.
        peer.isEager = !peers.indices.contains(where: isBranch)
        peers.append(peer)
        tellSoon(&turn)
    }

    /// A neighbour is one no longer; `isGone` if nobody is there.
    mutating func neighbourDown(
        _ id: NodeID,
        isGone: Bool,
        _ turn: inout GossipTurn
    ) {
        guard let index = index(of: id) else { return }
        let peer = peers.remove(at: index)
        for index in missing.indices { missing[index].announcers.removeAll { $0 == id } }
        guard peer.tag == parent else { return }
        parent = 0
        if isGone, route.root == id.treeKey {
            rootGone(route, toldBy: nil, &turn)
        } else {
            seekParent(&turn)
        }
    }

    /// Whether a link is one of the tree by what both ends say of the root.
    func isBranch(_ index: Int) -> Bool { peers[index].isChild || peers[index].tag == parent }

    /// Whether both ends agree on the root, so that the link is of the tree or is not.
    func isSettled(_ index: Int) -> Bool {
        guard let told = peers[index].route, isRooted else { return false }
        return told.root == route.root && told.number == route.number
    }
}

// Rumors that begin, come, and go on.
extension BroadcastTree {
    mutating func broadcast(_ payload: [UInt8], _ turn: inout GossipTurn) {
        precondition(payload.count <= Rumor.payloadBytesMax, "\(payload.count) bytes to broadcast")
        let id = identify(payload)
        guard memory.index(of: id) == nil else { return }
        let isFar = isRooted && route.hops >= GossipLimits.climbingHops
        let rumor = Rumor(payload, hops: 0, isClimbing: isFar)
        remember(rumor, id, link: 0, state: .accepted, at: turn.time)
        pass(rumor, id, from: nil, &turn)
    }

    private mutating func remember(
        _ rumor: Rumor,
        _ id: RumorID,
        link: UInt16,
        state: RumorMemory.State,
        at now: Instant
    ) {
        let entry = RumorMemory.Entry(
            id: id,
            at: now,
            payload: state == .accepted ? rumor.payload : [],
            link: link,
            hops: rumor.hops,
            state: state
        )
        memory.insert(entry)
    }

    mutating func received(
        _ rumor: Rumor,
        from id: NodeID,
        _ turn: inout GossipTurn
    ) {
        let rumorID = identify(rumor.payload)
        let peer = index(of: id)
        // Half of the way of a rumor is up, and all others are behind it.
        if let peer, peers[peer].isChild, !rumor.isAside { turn.send(.ihave([rumorID]), to: id) }
        if let known = memory.index(of: rumorID) {
            duplicates += 1
            guard let peer else { return }
            has(rumorID, peer)
            if !rumor.isAside { duplicate(known, by: peer, &turn) }
            return
        }
        var link: UInt16 = 0
        if let peer, !rumor.isAside {
            link = peers[peer].tag
            if !isSettled(peer) { peers[peer].isEager = true }
        }
        remember(rumor, rumorID, link: link, state: .pending, at: turn.time)
        if pending.count >= GossipLimits.pendingMax {
            judged(pending[0].id, .refuse, &turn)
        }
        pending.append(Pending(id: rumorID, rumor: rumor, from: id))
        turn.effects.append(.deliver(rumorID, rumor.payload, from: id))
    }

    mutating func judged(
        _ id: RumorID,
        _ verdict: GossipEvent.Verdict,
        _ turn: inout GossipTurn
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
        memory.keep(pending.rumor.payload, at: index, now: turn.time)
        pass(pending.rumor, id, from: pending.from, &turn)
    }

    /// Gives a rumor to all neighbours that may not have it, or tells them of it later.
    private mutating func pass(
        _ rumor: Rumor,
        _ id: RumorID,
        from sender: NodeID?,
        _ turn: inout GossipTurn
    ) {
        var announcers: [NodeID] = []
        if let place = missingIndex(of: id) {
            announcers = missing.remove(at: place).announcers
        }
        let hops: UInt8 = rumor.hops == .max ? .max : rumor.hops + 1
        let isNarrow = peers.count < GossipLimits.announcersMin
        for index in peers.indices where peers[index].id != sender {
            // Who announced it has it.
            if announcers.contains(peers[index].id) { continue }
            let isEager = peers[index].isEager
            let isClimbing = rumor.isClimbing && isNearer(index)
            if isEager || isClimbing {
                let next = Rumor(
                    rumor.payload,
                    hops: hops,
                    isClimbing: isClimbing,
                    isAside: !isEager
                )
                turn.send(.gossip(next), to: peers[index].id)
                if isEager, peers[index].tag == parent { climb(next, id, at: turn.time) }
            }
            if !isEager || isNarrow { announce(id, to: index, &turn) }
        }
    }

    private mutating func climb(_ rumor: Rumor, _ id: RumorID, at now: Instant) {
        guard climbs.count < GossipLimits.climbsMax,
            let index = peers.firstIndex(where: { $0.tag == parent })
        else { return }
        let due = now + GossipLimits.climbAgainAfter
        climbs.append(Climb(id: id, rumor: rumor, to: peers[index].id, due: due))
        deadline = min(deadline, due)
    }

    /// Whether a neighbour is nearer to the root than we are.
    private func isNearer(_ index: Int) -> Bool {
        guard isSettled(index), let told = peers[index].route else { return false }
        return told.hops < route.hops
    }

    /// A rumor came once more: one of the two ways is too many.
    private mutating func duplicate(
        _ known: Int,
        by peer: Int,
        _ turn: inout GossipTurn
    ) {
        let entry = memory[known]
        guard entry.state != .refused, entry.link != peers[peer].tag else { return }
        guard isBranch(peer) else { return prune(peer, &turn) }
        let other = peers.firstIndex { $0.tag == entry.link }
        if let other, peers[other].isEager, !isBranch(other) { prune(other, &turn) }
    }

    private mutating func prune(_ index: Int, _ turn: inout GossipTurn) {
        peers[index].isEager = false
        turn.send(.prune, to: peers[index].id)
    }

    mutating func pruned(by id: NodeID, _ turn: inout GossipTurn) {
        guard let index = index(of: id) else { return }
        if peers[index].tag == parent { return tellParent(&turn) }
        peers[index].isChild = false
        peers[index].isEager = false
    }
}
