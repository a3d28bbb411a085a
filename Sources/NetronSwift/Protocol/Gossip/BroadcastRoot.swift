// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

// The root of the tree, and each node's shortest way there.
//
// Who has the least id is the root, counts a number up every few minutes, and tells its neighbours;
// each tells its own what is new. A way is taken for a newer number, or for the same number with
// fewer hops: so there are no circles, and a root that is gone leaves its tree as it was until it
// is forgotten. A member that lies about the root gets a place in the middle, and nothing else: the
// announcements on all other links stay.
extension BroadcastTree {
    mutating func start(as id: NodeID, at now: Instant) {
        key = id.bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        route = TreeRoute(root: key, number: 1, hops: 0)
        rootDue = now + GossipLimits.rootInterval
        tells = Allowance(
            perMinute: GossipLimits.routesPerMinute,
            burst: GossipLimits.routesBurst,
            at: now
        )
        deadline = rootDue
    }

    /// A neighbour says where it sees the root.
    mutating func routed<Random>(
        _ told: TreeRoute,
        isParent: Bool,
        by id: NodeID,
        _ turn: inout GossipTurn<Random>
    ) {
        guard let index = index(of: id) else { return }
        peers[index].route = told
        peers[index].isChild = isParent
        let tag = peers[index].tag
        if told.root == key {
            // It speaks of us, maybe of what we were before we began anew.
            if told.number.isAfter(route.number) || route.root != key { reign(after: told, &turn) }
        } else if isBetter(told) {
            follow(told, by: tag, &turn)
        } else if tag == parent, isParent || told.hops >= route.hops || told.root != route.root {
            // Its own way is through here, or is lost.
            seekParent(&turn)
        } else if told.hops == TreeRoute.lost, route.hops != TreeRoute.lost {
            // It needs another way, and is told of ours when it has told all whose way it was.
            peers[index].isUntold = true
            tell(after: GossipLimits.rescueAfter, &turn)
        }
        settle(index)
    }

    private func isBetter(_ told: TreeRoute) -> Bool {
        guard told.hops < TreeRoute.lost else { return false }
        if let forgotten, told.root == forgotten.root, !told.number.isAfter(forgotten.number) {
            return false
        }
        guard told.root == route.root else { return told.root < route.root }
        if told.number != route.number { return told.number.isAfter(route.number) }
        return Int(told.hops) + 1 < Int(route.hops)
    }

    private mutating func follow<Random>(
        _ told: TreeRoute,
        by tag: UInt16,
        _ turn: inout GossipTurn<Random>
    ) {
        let isNews = told.root != route.root || told.number != route.number
        if isNews { rootDue = turn.now + GossipLimits.rootForgottenAfter }
        route = told
        // So far away nothing is but what was made up.
        route.hops = told.hops < TreeRoute.lost ? told.hops + 1 : TreeRoute.lost
        parent = tag
        tellAll(&turn)
    }

    /// Is the root itself, from a number on that is new to all.
    private mutating func reign<Random>(after told: TreeRoute, _ turn: inout GossipTurn<Random>) {
        guard key <= route.root else { return }
        route = TreeRoute(root: key, number: told.number &+ 1, hops: 0)
        parent = 0
        rootDue = turn.now + GossipLimits.rootInterval
        tellAll(&turn)
    }

    /// Takes another way, by somebody whose own way cannot be through here: it is no longer.
    mutating func seekParent<Random>(_ turn: inout GossipTurn<Random>) {
        let lost = parent
        parent = 0
        guard route.root != key else { return }
        var best: (hops: UInt8, tag: UInt16)?
        for peer in peers where peer.tag != lost && !peer.isChild {
            guard let told = peer.route, told.root == route.root, told.number == route.number,
                told.hops <= route.hops, told.hops < best?.hops ?? TreeRoute.lost
            else { continue }
            best = (told.hops, peer.tag)
        }
        if let best {
            parent = best.tag
            route.hops = best.hops + 1
            tellAll(&turn)
        } else if route.hops != TreeRoute.lost {
            // Whose way is through here has none either, and hears it at once.
            route.hops = TreeRoute.lost
            for index in peers.indices { peers[index].isUntold = true }
            tellDue = turn.now
            deadline = turn.now
        }
    }

    /// Makes a link one of the tree or none, where both ends know which.
    private mutating func settle(_ index: Int) {
        if isBranch(index) {
            peers[index].isEager = true
        } else if isSettled(index), !peers[index].isUntold {
            peers[index].isEager = false
        }
    }

    private mutating func tellAll<Random>(_ turn: inout GossipTurn<Random>) {
        for index in peers.indices { peers[index].isUntold = true }
        tellSoon(&turn)
    }

    /// Tells who does not know where the root is, with what comes until then.
    mutating func tellSoon<Random>(_ turn: inout GossipTurn<Random>) {
        let pause = turn.random.duration(GossipLimits.routeAfterMin, GossipLimits.routeAfterMax)
        tell(after: pause, &turn)
    }

    private mutating func tell<Random>(after pause: Duration, _ turn: inout GossipTurn<Random>) {
        guard tellDue == .never else { return }
        tellDue = turn.now + pause
        deadline = min(deadline, tellDue)
    }

    private mutating func tell<Random>(_ turn: inout GossipTurn<Random>) {
        tellDue = .never
        guard tells.take(at: turn.now) else { return tellSoon(&turn) }
        for index in peers.indices where peers[index].isUntold {
            peers[index].isUntold = false
            let isParent = peers[index].tag == parent
            turn.send(.route(route, isParent: isParent), to: peers[index].id)
            settle(index)
        }
    }

    mutating func runRoot<Random>(_ turn: inout GossipTurn<Random>) {
        if rootDue <= turn.now {
            if route.root != key { forgotten = route }
            let number = route.root == key ? route.number &+ 1 : 1
            route = TreeRoute(root: key, number: number, hops: 0)
            parent = 0
            rootDue = turn.now + GossipLimits.rootInterval
            if !peers.isEmpty { tellAll(&turn) }
        }
        if tellDue <= turn.now { tell(&turn) }
        deadline = min(deadline, rootDue, tellDue)
    }
}

extension UInt32 {
    /// Whether a number comes after another in a circle.
    fileprivate func isAfter(_ other: UInt32) -> Bool { Int32(bitPattern: self &- other) > 0 }
}
