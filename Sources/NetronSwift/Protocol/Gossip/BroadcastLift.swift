// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

// A place nearer to the root.
//
// In an overlay of chance a few nodes are further from the root than need be: their links lead up,
// and all but one are of no use to the tree. Such a node asks an ancestor to be its neighbour
// in the place of one that is lazy there, too; one that has none asks a child of its own to do it.
// So the tree becomes as deep as one that was planned.
extension BroadcastTree {
    mutating func liftLater(_ turn: inout GossipTurn) {
        guard route.hops >= GossipLimits.liftHopsMin else {
            liftDue = .never
            liftPause = GossipLimits.liftPauseMin
            return
        }
        guard liftDue == .never else { return }
        liftDue = turn.time + turn.random.duration(liftPause, liftPause * 2)
        deadline = min(deadline, liftDue)
    }

    mutating func lift(_ turn: inout GossipTurn) {
        liftDue = .never
        if let own, isLow, let parent = liftParent {
            let ttl = UInt8.random(in: 2...GossipLimits.liftSteps, using: &turn.random)
            turn.send(.lift(Hint(own, at: []), ttl: ttl), to: parent)
        }
        // Also who need not ask now is looked at again: neighbours come and go.
        liftPause = min(liftPause * 2, GossipLimits.liftPauseMax)
        liftLater(&turn)
    }

    /// Whether all links lead up, but for one that may lead to somebody as low.
    private var isLow: Bool {
        guard isRooted, route.hops >= GossipLimits.liftHopsMin else { return false }
        var level = 0
        for index in peers.indices {
            guard isSettled(index), !peers[index].isChild, let told = peers[index].route,
                told.hops <= route.hops
            else { return false }
            if told.hops == route.hops { level += 1 }
        }
        return level <= 1
    }

    /// Whom a child's wish goes on to: the parent, if there is one.
    var liftParent: NodeID? { peers.first { $0.tag == parent }?.id }

    /// Whom a wish goes on to that came as far up as it shall, where there is no place.
    func liftChild(except id: NodeID, _ turn: inout GossipTurn) -> NodeID? {
        peers.filter { $0.isChild && $0.id != id }.randomElement(using: &turn.random)?.id
    }

    /// Whether a neighbour could give its place to another without harm to the tree.
    var hasLazy: Bool { peers.contains { !$0.isEager } }
}
