// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

// A place nearer to the root.
//
// In an overlay of chance a few nodes are further from the root than need be: all their links lead
// up, and all but one are of no use to the tree. Such a node asks an ancestor to be its neighbour
// in the place of one that is lazy there, too. So the tree becomes as deep as one that was planned.
extension BroadcastTree {
    mutating func liftLater<Random>(_ turn: inout GossipTurn<Random>) {
        guard route.hops >= GossipLimits.liftHopsMin else {
            liftDue = .never
            liftPause = GossipLimits.liftPauseMin
            return
        }
        guard liftDue == .never else { return }
        liftDue = turn.time + turn.random.duration(liftPause, liftPause * 2)
        deadline = min(deadline, liftDue)
    }

    mutating func lift<Random>(_ turn: inout GossipTurn<Random>) {
        liftDue = .never
        guard let own, isLow, let parent = peers.first(where: { $0.tag == parent }) else { return }
        turn.send(.lift(Hint(own, at: []), ttl: GossipLimits.liftSteps), to: parent.id)
        liftPause = min(liftPause * 2, GossipLimits.liftPauseMax)
        liftLater(&turn)
    }

    /// Whether all links lead up.
    private var isLow: Bool {
        guard isRooted, route.hops >= GossipLimits.liftHopsMin else { return false }
        return peers.indices.allSatisfy {
            isSettled($0) && peers[$0].route?.hops ?? .max < route.hops
        }
    }

    /// Whom a child's wish goes to; nil if it is to be fulfilled here.
    func liftParent(ttl: UInt8) -> NodeID? {
        ttl > 1 ? peers.first { $0.tag == parent }?.id : nil
    }

    /// Whether a neighbour could give its place to another without harm to the tree.
    var hasLazy: Bool { peers.contains { !$0.isEager } }
}
