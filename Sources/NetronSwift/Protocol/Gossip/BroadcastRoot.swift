// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

// The root of the tree, and each node's shortest way there.
//
// Who has the least id is the root, counts a number up every few minutes, and tells its neighbours;
// each tells its own what is new. A way is taken for a newer number, or for the same number with
// fewer hops, so that there are no circles. Whose parent goes takes another way that is no longer,
// or says that it is lost and is told of one. When the root itself is gone its neighbours say so,
// and those that have no lesser neighbour offer themselves. A member that lies about the root gets
// a place in the middle, and nothing else: the announcements on all other links stay.
extension BroadcastTree {
    mutating func start(as id: NodeID, at now: Instant) {
        own = id
        key = id.treeKey
        tells = Allowance(
            perMinute: GossipLimits.routesPerMinute,
            burst: GossipLimits.routesBurst,
            at: now
        )
        reign(at: now)
    }

    /// Whether there is a way to the root.
    var isRooted: Bool { route.hops < TreeRoute.gone }

    /// A neighbour says where it sees the root.
    mutating func routed(
        _ told: TreeRoute,
        isParent: Bool,
        by id: NodeID,
        _ turn: inout GossipTurn
    ) {
        guard let index = index(of: id) else { return }
        let tag = peers[index].tag
        if told.hops == TreeRoute.gone { return rootGone(told, toldBy: id, &turn) }
        peers[index].route = told
        peers[index].isChild = isParent
        if told.root == key {
            // It speaks of us, maybe of what we were before we began anew.
            if route.root != key || told.number.isAfter(route.number) {
                ownNumber = told.number
                reign(at: turn.time)
                tellAll(&turn)
            }
        } else if isBetter(told) {
            follow(told, by: tag, &turn)
        } else if tag == parent, isParent || told.hops >= route.hops || told.root != route.root {
            // Its own way is through here, or is lost.
            parent = 0
            seekParent(&turn)
        } else if told.hops == TreeRoute.lost, isRooted {
            // It needs another way, and is told of ours when it has told all whose way it was.
            peers[index].tellings = GossipLimits.routeTellings
            tell(after: GossipLimits.rescueAfter, &turn)
        }
        settle(index)
    }

    private func isBetter(_ told: TreeRoute) -> Bool {
        guard told.hops < GossipLimits.routeHopsMax else { return false }
        if let forgotten, told.root == forgotten.root, !told.number.isAfter(forgotten.number) {
            return false
        }
        guard told.root == route.root else { return told.root < route.root }
        if !isRooted { return true }
        if told.number != route.number { return told.number.isAfter(route.number) }
        return told.hops + 1 < route.hops
    }

    private mutating func follow(
        _ told: TreeRoute,
        by tag: UInt16,
        _ turn: inout GossipTurn
    ) {
        let isNews = told.root != route.root || told.number != route.number
        if isNews { rootDue = turn.time + GossipLimits.rootForgottenAfter }
        route = told
        route.hops += 1
        parent = tag
        tellAll(&turn)
        liftLater(&turn)
    }

    /// Is the root itself, with a number that is new to all.
    private mutating func reign(at now: Instant) {
        ownNumber &+= 1
        route = TreeRoute(root: key, number: ownNumber, hops: 0)
        parent = 0
        rootDue = now + GossipLimits.rootInterval
        deadline = min(deadline, rootDue)
    }

    /// The root left or fell silent; everybody is told, and another is found.
    mutating func rootGone(
        _ gone: TreeRoute,
        toldBy teller: NodeID?,
        _ turn: inout GossipTurn
    ) {
        guard gone.root != key else {
            // It is us, and only a link was lost.
            guard !ownNumber.isAfter(gone.number) else { return }
            ownNumber = gone.number
            reign(at: turn.time)
            return tellAll(&turn)
        }
        guard gone.root == route.root, !route.number.isAfter(gone.number),
            tells.take(at: turn.time)
        else { return }
        forgotten = gone
        route = .none
        parent = 0
        let words = TreeRoute(root: gone.root, number: gone.number, hops: TreeRoute.gone)
        for index in peers.indices {
            if peers[index].route?.root == gone.root { peers[index].route = nil }
            peers[index].isChild = false
            if peers[index].id == teller { continue }
            turn.send(.route(words, isParent: false), to: peers[index].id)
        }
        let isLeast = peers.allSatisfy { $0.id.treeKey > key }
        let pause = isLeast ? GossipLimits.routeAfterMax : GossipLimits.candidacyAfter
        rootDue = turn.time + pause
        deadline = min(deadline, rootDue)
    }

    /// Takes another way, by somebody whose own way cannot be through here: it is shorter than ours
    /// was, or as long and its end has a lesser id.
    mutating func seekParent(_ turn: inout GossipTurn) {
        guard route.root != key, isRooted else { return }
        var best: (hops: UInt8, key: UInt64, tag: UInt16)?
        for peer in peers where !peer.isChild {
            guard let told = peer.route, told.root == route.root, told.number == route.number
            else { continue }
            let key = peer.id.treeKey
            guard (told.hops, key) < (route.hops, self.key),
                told.hops < best?.hops ?? TreeRoute.gone
            else { continue }
            best = (told.hops, key, peer.tag)
        }
        if let best {
            parent = best.tag
            route.hops = best.hops + 1
            tellAll(&turn)
            return liftLater(&turn)
        }
        // Whose way is through here has none either, and hears it at once.
        route.hops = TreeRoute.lost
        tellAll(&turn)
        tellDue = turn.time
        deadline = turn.time
    }

    /// Makes a link one of the tree or none, where both ends know which.
    private mutating func settle(_ index: Int) {
        if isBranch(index) {
            peers[index].isEager = true
        } else if isSettled(index), peers[index].tellings < GossipLimits.routeTellings {
            peers[index].isEager = false
        }
    }

    private mutating func tellAll(_ turn: inout GossipTurn) {
        for index in peers.indices { peers[index].tellings = GossipLimits.routeTellings }
        tellSoon(&turn)
    }

    /// Tells the parent once more that it is one.
    mutating func tellParent(_ turn: inout GossipTurn) {
        guard let index = peers.firstIndex(where: { $0.tag == parent }) else { return }
        peers[index].isEager = true
        peers[index].tellings = max(peers[index].tellings, 1)
        tellSoon(&turn)
    }

    /// Tells who does not know where the root is, with what comes until then.
    mutating func tellSoon(_ turn: inout GossipTurn) {
        let pause = turn.random.duration(GossipLimits.routeAfterMin, GossipLimits.routeAfterMax)
        tellDue = min(tellDue, turn.time + pause)
        deadline = min(deadline, tellDue)
    }

    private mutating func tell(after pause: Duration, _ turn: inout GossipTurn) {
        guard tellDue == .never else { return }
        tellDue = turn.time + pause
        deadline = min(deadline, tellDue)
    }

    private mutating func tell(_ turn: inout GossipTurn) {
        tellDue = .never
        guard tells.take(at: turn.time) else {
            return tell(after: GossipLimits.rescueAfter, &turn)
        }
        var isMore = false
        for index in peers.indices where peers[index].tellings > 0 {
            peers[index].tellings -= 1
            isMore = isMore || peers[index].tellings > 0
            if route != .none {
                let isParent = peers[index].tag == parent
                turn.send(.route(route, isParent: isParent), to: peers[index].id)
            }
            settle(index)
        }
        // Once more, since it may have been lost.
        if isMore { tell(after: GossipLimits.rescueAfter, &turn) }
    }

    mutating func runRoot(_ turn: inout GossipTurn) {
        if rootDue <= turn.time {
            if route.root != key, route != .none { forgotten = route }
            reign(at: turn.time)
            if !peers.isEmpty { tellAll(&turn) }
        }
        if tellDue <= turn.time { tell(&turn) }
        if liftDue <= turn.time { lift(&turn) }
        deadline = min(deadline, rootDue, tellDue, liftDue)
    }
}

extension NodeID {
    /// By what the root is found, and named: the first 8 bytes.
    var treeKey: UInt64 { leadingNumber }
}

extension UInt32 {
    /// Whether a number comes after another in a circle.
    fileprivate func isAfter(_ other: UInt32) -> Bool { Int32(bitPattern: self &- other) > 0 }
}
