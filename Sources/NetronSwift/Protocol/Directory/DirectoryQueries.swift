// SPDX-License-Identifier: Apache-2.0

package import NetronWire

// What can be asked.
extension Directory {
    /// What one member is to others.
    package enum Standing: Hashable, Sendable {
        case online
        /// Some cannot reach it, and it did not say anything since.
        case suspect
        /// It was suspected for a minute; its statement still holds.
        case offline
        /// It left.
        case left
    }

    /// Who claims an address, and since when, in milliseconds since 1970.
    package struct Holder: Hashable, Sendable {
        package let id: NodeID
        package let since: UInt64
    }

    /// How many members there are, this node included, whose lease runs and who did not leave.
    package var liveCount: Int { members.count - leavingCount }

    /// How many of them are not offline.
    package var onlineCount: Int { liveCount - offlineCount }

    /// Whether a round with a neighbour found all that it has.
    package var isReconciled: Bool { isSynced }

    /// The newest statement of a member, also of one that left.
    package func record(of id: NodeID) -> Presence? { members.find(id).map(members.presence) }

    /// The newest statement of a member that did not leave.
    package func head(of id: NodeID) -> Presence? {
        guard let slot = members.find(id), !members.said[slot].flags.contains(.leaving) else {
            return nil
        }
        return members.presence(slot)
    }

    /// The statement that this node made last.
    package var ownRecord: Presence? { record(of: id) }

    /// What a member is; nil for one that is not known.
    package func standing(of id: NodeID) -> Standing? {
        guard let flags = members.find(id).map({ members.said[$0].flags }) else { return nil }
        if flags.contains(.leaving) { return .left }
        if flags.contains(.offline) { return .offline }
        return flags.contains(.suspect) ? .suspect : .online
    }

    /// Whether a member is here, as far as is known.
    package func isOnline(_ id: NodeID) -> Bool {
        switch standing(of: id) {
        case .online, .suspect: true
        case .offline, .left, nil: false
        }
    }

    /// Who claims an inner address, the one with the best claim first: since, then id.
    ///
    /// Of more than 16 those who have it for longest. Who left claims nothing.
    package func holders(of address: IPAddress) -> [Holder] {
        members.claimants(of: address)
            .filter { !members.said[$0.slot].flags.contains(.leaving) }
            .map { Holder(id: members.slots[$0.slot].id, since: $0.since) }
    }

    /// The member whose own address it is, which is made of its id.
    package func member(withNetworkAddress address: IPAddress) -> NodeID? {
        members.find(ula: address).map { members.slots[$0].id }
    }

    /// Some of the members, and where the next ones begin; nil when there are no more.
    ///
    /// Begin with 0. Who is here all the while is seen exactly once; who comes or goes may be
    /// missed.
    package func members(from cursor: Int, count: Int) -> (ids: [NodeID], next: Int?) {
        var ids: [NodeID] = []
        var cursor = max(0, cursor)
        while cursor < members.slots.count, ids.count < count {
            if !members.said[cursor].bytes.isEmpty { ids.append(members.slots[cursor].id) }
            cursor += 1
        }
        return (ids, cursor < members.slots.count ? cursor : nil)
    }

    /// What all statements together are: equal at two nodes that hold the same ones.
    package var summary: DirectoryMessage.Summary { members.summary(of: .all) }
}
