// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Who keeps its place in a directory that has none for all.
///
/// First who lies in a range that is kept whole (`DirectoryCoverage`): the common one is the same
/// at all members, so that they agree on who announces the network; of the near one the node
/// answers others. Then contacts: those that can be reached before those that cannot, and about as
/// many of each distance from the own place, that is of the half of all places that is farthest, of
/// the next quarter, and so on. Which ones, a hash with the own place decides, so that each member
/// has others, and all are known to about as many. Who is gone comes last.
struct Precedence: Hashable, Comparable, Sendable {
    enum Group: UInt8, Comparable {
        case covered
        case reachable
        case unreachable
        case gone

        static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    let group: Group
    let rank: UInt64
    let id: NodeID

    /// Whether `left` is kept rather than `right`.
    static func < (left: Self, right: Self) -> Bool {
        (left.group, left.rank, left.id) < (right.group, right.rank, right.id)
    }

    /// The rank of a contact: even within each distance, and half as much for the next one, which
    /// half as many lie in.
    static func rank(of place: DirectoryPlace, from own: DirectoryPlace) -> UInt64 {
        let distance = place.number ^ own.number
        return (place.number ^ own.number.scrambled).scrambled
            >> UInt64(distance.leadingZeroBitCount)
    }
}

/// Who gives way to newcomers.
struct DirectoryRoom: Sendable {
    /// Those that give way next, the first of them at the end.
    private(set) var last: [Precedence] = []
    private var lookDue = Instant(nanoseconds: 0)

    /// Whether it is to be looked for those that come last; for who has to have a place, at once.
    func wantsLook(for newcomer: Precedence, at now: Instant) -> Bool {
        last.isEmpty && (lookDue <= now || newcomer.group == .covered)
    }

    mutating func look(through all: [Precedence], at now: Instant) {
        lookDue = now + DirectoryLimits.evictionPause
        // Only so many that who comes last now still does when its turn comes.
        let most = max(all.count / DirectoryLimits.evictionsPart, 1)
        last = all.sorted().suffix(min(most, DirectoryLimits.evictionsMax))
    }

    /// Takes who gives way to a newcomer, or nil if the newcomer comes last itself.
    mutating func takeLast(for newcomer: Precedence) -> Precedence? {
        guard let candidate = last.last, newcomer < candidate else { return nil }
        return last.removeLast()
    }

    /// Takes in that there is a new member, which may be one of those that come last.
    mutating func insert(_ new: Precedence) {
        guard let first = last.first, first < new else { return }
        last.insert(new, at: last.firstIndex { new < $0 } ?? last.count)
    }

    /// Takes in that a member went, which comes last then.
    mutating func insert(gone member: Precedence) {
        guard !last.isEmpty else { return }
        if last.count >= DirectoryLimits.evictionsMax { last.removeFirst() }
        insert(member)
    }

    /// It is to be looked anew, and at once.
    mutating func forget() {
        last = []
        lookDue = Instant(nanoseconds: 0)
    }
}

extension Directory {
    /// Whether there is room for a newcomer, if need be after somebody gave way.
    mutating func makeRoom(
        for presence: Presence,
        at now: Instant,
        into effects: inout [Effect]
    ) -> Bool {
        let others = members.count - (members.find(id) == nil ? 0 : 1)
        guard others >= membersMax else { return true }
        narrow()
        let newcomer = precedence(
            of: presence.author,
            at: place(of: presence.author),
            isGone: presence.isLeaving,
            isReachable: presence.isReachable
        )
        if room.wantsLook(for: newcomer, at: now) { room.look(through: precedences(), at: now) }
        while let candidate = room.takeLast(for: newcomer) {
            // It may have gone meanwhile, or be reached otherwise.
            guard let slot = members.find(candidate.id), precedence(of: slot) == candidate else {
                continue
            }
            remove(slot, into: &effects)
            room.insert(newcomer)
            return true
        }
        return false
    }

    /// Takes in that a member left or counts as offline: it gives way before others.
    mutating func went(_ slot: Int) {
        if members.slots[slot].id != id { room.insert(gone: precedence(of: slot)) }
    }

    /// Those of all members but this node.
    private func precedences() -> [Precedence] {
        var all: [Precedence] = []
        all.reserveCapacity(members.count)
        for slot in members.slots.indices
        where !members.said[slot].bytes.isEmpty && members.slots[slot].id != id {
            all.append(precedence(of: slot))
        }
        return all
    }

    private func precedence(of slot: Int) -> Precedence {
        let member = members.slots[slot]
        let flags = members.said[slot].flags
        return precedence(
            of: member.id,
            at: member.place,
            isGone: !flags.isDisjoint(with: [.leaving, .offline]),
            isReachable: flags.contains(.reachable)
        )
    }

    private func precedence(
        of id: NodeID,
        at place: DirectoryPlace,
        isGone: Bool,
        isReachable: Bool
    ) -> Precedence {
        // Who left is kept where all are, so that older statements do not come back; but not before
        // there is a reason to keep less.
        let isCovered = !coverage.isAll && coverage.contains(place)
        let group: Precedence.Group =
            isCovered ? .covered : isGone ? .gone : isReachable ? .reachable : .unreachable
        return Precedence(
            group: group,
            rank: Precedence.rank(of: place, from: coverage.place),
            id: id
        )
    }
}
