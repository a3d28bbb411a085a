// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Who keeps its place in a directory that has none for all: who is here before who is not, then
/// who can be reached before who cannot, then the lowest place.
///
/// It is the same at every member, so that full directories hold the same statements: they agree
/// on who announces the network, and have nothing to reconcile.
struct Precedence: Hashable, Comparable, Sendable {
    enum Group: UInt8, Comparable {
        case reachable
        case unreachable
        case gone

        static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    let group: Group
    let place: DirectoryPlace
    let id: NodeID

    /// Whether `left` is kept rather than `right`.
    static func < (left: Self, right: Self) -> Bool {
        (left.group, left.place, left.id) < (right.group, right.place, right.id)
    }
}

/// Who gives way to newcomers, and how many members there seem to be.
struct DirectoryRoom: Sendable {
    /// Those that give way next, the first of them at the end.
    private(set) var last: [Precedence] = []
    /// Who came last of those that have a place, when somebody had to give way; nil as long as all
    /// have one.
    private var horizon: Precedence?
    /// How many came before the whole of that one's group.
    private var before = 0
    private var lookDue = Instant(nanoseconds: 0)

    /// Whether it is to be looked for those that come last.
    func wantsLook(at now: Instant) -> Bool { last.isEmpty && lookDue <= now }

    mutating func look(through all: [Precedence], at now: Instant) {
        lookDue = now + DirectoryLimits.evictionPause
        let sorted = all.sorted()
        last = sorted.suffix(DirectoryLimits.evictionsMax)
        horizon = sorted.last
        before = sorted.count { $0.group != sorted.last?.group }
    }

    /// About how many members there are when so many have a place.
    ///
    /// Places are even, so those of the last group lie as dense beyond the last one as before it.
    func estimate(from count: Int) -> Int {
        guard let horizon, horizon.group != .gone else { return count }
        let share = (Double(horizon.place.number) + 1) / 0x1p64
        let all = Double(before) + Double(max(0, count - before)) / share
        return max(count, Int(min(all, Double(DirectoryLimits.estimateMax))))
    }

    /// Takes who gives way to a newcomer, or nil if the newcomer comes last itself.
    mutating func takeLast(for newcomer: Precedence) -> Precedence? {
        guard let candidate = last.last, newcomer < candidate else { return nil }
        last.removeLast()
        horizon = last.last ?? candidate
        return candidate
    }

    /// Takes in that there is a new member, which may be one of those that come last.
    mutating func insert(_ new: Precedence) {
        guard let first = last.first, first < new else { return }
        last.insert(new, at: last.firstIndex { new < $0 } ?? last.count)
    }

    /// All have a place.
    mutating func clear() {
        last = []
        horizon = nil
    }
}

extension Directory {
    /// About how many members there are, this node included.
    package var estimatedCount: Int { room.estimate(from: members.count) }

    /// Whether there is room for a newcomer, if need be after somebody gave way.
    mutating func makeRoom(
        for presence: Presence,
        at now: Instant,
        into effects: inout [Effect]
    ) -> Bool {
        let others = members.count - (members.find(id) == nil ? 0 : 1)
        guard others >= membersMax else {
            if others < membersMax - DirectoryLimits.evictionsMax { room.clear() }
            return true
        }
        if room.wantsLook(at: now) { room.look(through: precedences(), at: now) }
        let newcomer = Precedence(
            group: presence.isLeaving ? .gone : presence.isReachable ? .reachable : .unreachable,
            place: place(of: presence.author),
            id: presence.author
        )
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
        let isGone = !flags.isDisjoint(with: [.leaving, .offline])
        let group: Precedence.Group =
            isGone ? .gone : flags.contains(.reachable) ? .reachable : .unreachable
        return Precedence(group: group, place: member.place, id: member.id)
    }
}
