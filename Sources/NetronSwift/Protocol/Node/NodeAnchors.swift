// SPDX-License-Identifier: Apache-2.0

package import NetronWire

// Whoever cannot be reached keeps sessions with some who can: through them it is reached, and they
// see where it is.
extension NodeMachine {
    /// Members that lead to this node, those that can be reached first.
    var introducers: [NodeID] {
        let all = anchors + gossip.active.filter { !anchors.contains($0) }
        let near = all.filter(isNearRelay)
        return near.filter(isKnownReachable) + near.filter { !isKnownReachable($0) }
    }

    /// Whether a member may relay for this node: there is a session with it that goes through
    /// nobody else, and it did not say that it relays nothing.
    package func isNearRelay(_ id: NodeID) -> Bool {
        members[id]?.endpoint.isRelayed == false && isWilling(id)
    }

    private func isWilling(_ id: NodeID) -> Bool { directory.record(of: id)?.isWilling != false }

    /// Sees to it that there are enough of them.
    mutating func runAnchors(at now: Instant, into effects: inout [Effect]) {
        guard anchorsDue <= now else { return wake(at: anchorsDue) }
        anchorsDue = now + NodeLimits.anchorsInterval
        wake(at: anchorsDue)
        guard internet.isReachable(at: now) != true else {
            for anchor in anchors { release(anchor, at: now, into: &effects) }
            return
        }
        for anchor in anchors where !leadsHere(anchor) {
            release(anchor, at: now, into: &effects)
        }
        let here = gossip.active.filter { members[$0] != nil && leadsHere($0) }
        let wanted = NodeLimits.anchorsMin - Set(here + anchors).count
        guard wanted > 0 else { return }
        let met = members.values.filter { !$0.endpoint.isRelayed && leadsHere($0.id) }
            .map(\.id).filter { !here.contains($0) && !anchors.contains($0) }.sorted()
        for id in met.prefix(wanted) { anchor(id, at: now, into: &effects) }
        if met.count < wanted {
            let known = here + anchors
            for id in reachableMembers(atMost: wanted - met.count, besides: known) {
                want(id, at: now)
            }
        }
        refreshPresence(at: now, into: &effects)
    }

    /// Looks for them soon, as somebody went, or we are not reachable any more.
    mutating func scheduleAnchors(at now: Instant) {
        anchorsDue = min(anchorsDue, now + NodeLimits.anchorsPause)
        wake(at: anchorsDue)
    }

    private mutating func anchor(_ id: NodeID, at now: Instant, into effects: inout [Effect]) {
        guard !anchors.contains(id), anchors.count < NodeLimits.anchorsMax else { return }
        anchors.append(id)
        keep(id, true, at: now, into: &effects)
    }

    /// Keeps it no more for that reason.
    mutating func release(_ id: NodeID, at now: Instant, into effects: inout [Effect]) {
        guard let index = anchors.firstIndex(of: id) else { return }
        anchors.remove(at: index)
        guard members[id] != nil, !gossip.active.contains(id) else { return }
        keep(id, false, at: now, into: &effects)
    }

    /// Whether a member is here, and says that strangers reach it.
    func isKnownReachable(_ id: NodeID) -> Bool {
        directory.isOnline(id) && directory.record(of: id)?.isReachable == true
    }

    /// Whether others reach this node through the member, if there is a session with it.
    private func leadsHere(_ id: NodeID) -> Bool { isKnownReachable(id) && isWilling(id) }

    /// Some members that can be reached, by chance, so that each has its share of those who cannot.
    private mutating func reachableMembers(
        atMost count: Int,
        besides known: [NodeID]
    ) -> [NodeID] {
        var chosen: [NodeID] = []
        var seen = 0
        var cursor: Int? = 0
        while let start = cursor {
            let (ids, next) = directory.members(from: start, count: NodeLimits.headsPerTurn)
            for id in ids where id != own?.id && !known.contains(id) && leadsHere(id) {
                seen += 1
                // Algorithm R (Vitter, 1985).
                if chosen.count < count {
                    chosen.append(id)
                } else {
                    let place = Int.random(in: 0..<seen, using: &random)
                    if place < count { chosen[place] = id }
                }
            }
            cursor = next
        }
        return chosen
    }
}
