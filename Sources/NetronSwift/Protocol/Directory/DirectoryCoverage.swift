// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// Of which parts of all places a directory without room for all keeps every member.
///
/// Two ranges of so many bits: the *common* one, of the lowest places, which is the same at all
/// members; and the *near* one, around the own place. With 0 bits these are all places. Members
/// that are in neither are contacts, see `Precedence`.
struct DirectoryCoverage: Sendable {
    private(set) var bits = 0
    let place: DirectoryPlace

    init(around place: DirectoryPlace, bits: Int = 0) {
        (self.place, self.bits) = (place, bits)
    }

    /// Whether all members have a place.
    var isAll: Bool { bits == 0 }

    var common: DirectoryRange { DirectoryRange(bits: bits, around: DirectoryPlace(0)) }
    var near: DirectoryRange { DirectoryRange(bits: bits, around: place) }

    /// The ranges, each once.
    var ranges: [DirectoryRange] { common == near ? [common] : [common, near] }

    func contains(_ place: DirectoryPlace) -> Bool {
        common.contains(place) || near.contains(place)
    }

    /// Whether every member of a range has a place.
    func contains(_ range: DirectoryRange) -> Bool {
        range.bits >= bits && contains(range.first)
    }

    mutating func lengthen(to bits: Int) { self.bits = max(self.bits, bits) }

    mutating func shorten(to bits: Int) { self.bits = min(self.bits, bits) }
}

extension Directory {
    /// Whether all members have a place here, as far as is known.
    package var keepsAll: Bool { coverage.isAll && countOfPart == 0 }

    /// Of how many bits the places begin of which all members are kept; 0 for all.
    package var coverageBits: Int { coverage.bits }

    /// How many members there are in the ranges that are kept whole.
    var coveredCount: Int {
        coverage.ranges.reduce(0) { $0 + count(in: $1) }
    }

    func count(in range: DirectoryRange) -> Int { Int(members.summary(of: range).count) }

    /// About how many members there are, this node included.
    ///
    /// Places are even, so what is kept whole tells of the rest. A range that was made larger
    /// counts when it has had the time to fill.
    package var estimatedCount: Int {
        let proven = DirectoryCoverage(around: coverage.place, bits: provenBits)
        guard !proven.isAll else { return max(members.count, countOfPart) }
        // Of the two ranges one may not be known whole yet.
        let all = max(count(in: proven.common), count(in: proven.near)) << proven.bits
        return max(members.count, min(all, DirectoryLimits.estimateMax))
    }

    /// Keeps less whole, if there is no room for so much.
    mutating func narrow() {
        let before = coverage.bits
        while coveredCount > membersMax / DirectoryLimits.coveredPart,
            coverage.bits < DirectoryLimits.coverageBitsMax
        {
            coverage.lengthen(to: coverage.bits + 1)
        }
        tookBits(otherThan: before)
    }

    /// Keeps no more whole than there is room for among so many members.
    mutating func narrow(to count: Int) {
        guard count > membersMax else { return }
        let before = coverage.bits
        coverage.lengthen(to: bits(for: count))
        tookBits(otherThan: before)
    }

    /// Of how many bits the ranges are that there is room for among so many members.
    func bits(for count: Int) -> Int {
        let most = membersMax / DirectoryLimits.coveredPart
        let count = min(count, DirectoryLimits.estimateMax)
        var bits = 0
        while bits < DirectoryLimits.coverageBitsMax, 2 * count >> bits > most { bits += 1 }
        return bits
    }

    private mutating func tookBits(otherThan before: Int) {
        guard coverage.bits != before else { return }
        provenBits = coverage.bits
        room.forget()
    }

    /// Keeps more whole, if there is sure to be room for it.
    mutating func widenIfDue(at now: Instant) {
        guard coverage.bits > 0 || provenBits > 0, widenDue <= now else { return }
        widenDue = now + DirectoryLimits.widenPause
        provenBits = coverage.bits
        let count = estimatedCount
        let most = membersMax / DirectoryLimits.coveredPart * 4 / 5
        if count <= membersMax * 4 / 5 {
            coverage.shorten(to: 0)
        } else if coverage.bits > 1, 2 * count >> (coverage.bits - 1) <= most {
            coverage.shorten(to: coverage.bits - 1)
        }
    }
}

// Whom a node without room for all can ask for the rest.
extension Directory: PlacementContacts {
    package func nearest(to place: DirectoryPlace, count: Int) -> [PlacementContact] {
        var bits = DirectoryLimits.nearestBitsFirst
        var found: [Int] = []
        var isEnough = false
        while !isEnough {
            let range = DirectoryRange(bits: bits, around: place)
            let size = self.count(in: range)
            if size > count || bits == 0 {
                found = members.slots(in: range).filter(isHere)
                let reachable = found.count { members.said[$0].flags.contains(.reachable) }
                isEnough = bits == 0 || reachable >= count || size > DirectoryLimits.nearestMax
            }
            bits -= 1
        }
        let ranked = found.map { slot in
            let isReachable = members.said[slot].flags.contains(.reachable)
            return (isReachable ? 0 : 1, members.slots[slot].place.number ^ place.number, slot)
        }
        return ranked.sorted(by: <).prefix(count).map { _, _, slot in
            let member = members.slots[slot]
            return PlacementContact(member.id, at: member.place, members.presence(slot).endpoints)
        }
    }

    private func isHere(_ slot: Int) -> Bool {
        members.said[slot].flags.isDisjoint(with: [.leaving, .offline])
            && members.slots[slot].id != id
    }

    package func statement(at place: DirectoryPlace) -> Presence? {
        guard let slot = members.find(place), !members.said[slot].flags.contains(.leaving) else {
            return nil
        }
        return members.presence(slot)
    }
}
