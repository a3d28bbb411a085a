// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// The members that come first for announcing the network to the outside, in one epoch.
///
/// A hash of epoch and id ranks those in question; who can be reached comes before who cannot. The
/// best 32 are kept, so that all are looked through only when more than 24 of them left.
struct Announcers: Sendable {
    struct Candidate: Sendable {
        let id: NodeID
        let isReachable: Bool
        let rank: UInt64

        static func < (left: Self, right: Self) -> Bool {
            guard left.isReachable == right.isReachable else { return left.isReachable }
            return (left.rank, left.id) < (right.rank, right.id)
        }
    }

    /// nil when the candidates are to be looked for.
    private(set) var epoch: UInt64?
    /// The places in question, the lowest ones.
    private(set) var range = DirectoryRange.all
    private(set) var candidates: [Candidate] = []
    /// Whether the candidates are all that there are.
    private var isAll = false

    mutating func begin(_ epoch: UInt64, in range: DirectoryRange, with all: [Candidate]) {
        self.epoch = epoch
        self.range = range
        candidates = Array(all.sorted(by: <).prefix(DirectoryLimits.candidatesMax))
        isAll = candidates.count == all.count
    }

    mutating func insert(_ candidate: Candidate) {
        let place = candidates.firstIndex { candidate < $0 } ?? candidates.count
        guard isAll || place < candidates.count else { return }
        candidates.insert(candidate, at: place)
        guard candidates.count > DirectoryLimits.candidatesMax else { return }
        candidates.removeLast()
        isAll = false
    }

    mutating func remove(_ id: NodeID) {
        guard let place = candidates.firstIndex(where: { $0.id == id }) else { return }
        candidates.remove(at: place)
        if !isAll, candidates.count < DirectoryLimits.announcersMax { epoch = nil }
    }
}

extension Directory {
    /// The members that announce the network in an epoch: of those that are online the 8 whose hash
    /// with the epoch is lowest, reachable ones first.
    ///
    /// In a large network only those with the lowest places come into question, whom also members
    /// without room for all know.
    package mutating func announcers(epoch: UInt64) -> [NodeID] {
        let range = announcerRange
        if announcers.epoch != epoch || announcers.range != range {
            let all = members.slots(in: range).compactMap { candidate(in: $0, epoch: epoch) }
            announcers.begin(epoch, in: range, with: all)
        }
        return announcers.candidates.prefix(DirectoryLimits.announcersMax).map(\.id)
    }

    private var announcerRange: DirectoryRange {
        let count = estimatedCount
        guard count > DirectoryLimits.announcersAmongAll || !coverage.isAll else { return .all }
        let current = announcers.range.bits
        if current > 0, current >= coverage.bits,
            DirectoryLimits.announcersAmongRange.contains(count >> current)
        {
            return announcers.range
        }
        var bits = coverage.bits
        while count >> bits > DirectoryLimits.announcersAmong { bits += 1 }
        return DirectoryRange(bits: bits, around: DirectoryPlace(0))
    }

    /// Takes in that a member is new, or is reached otherwise, or not at all any more.
    mutating func rank(_ slot: Int) {
        guard let epoch = announcers.epoch,
            announcers.range.contains(members.slots[slot].place)
        else { return }
        announcers.remove(members.slots[slot].id)
        guard announcers.epoch != nil, let candidate = candidate(in: slot, epoch: epoch) else {
            return
        }
        announcers.insert(candidate)
    }

    private func candidate(in slot: Int, epoch: UInt64) -> Announcers.Candidate? {
        let id = members.slots[slot].id
        let said = members.said[slot]
        guard !said.bytes.isEmpty, said.flags.isDisjoint(with: [.leaving, .offline]) else {
            return nil
        }
        var message: [UInt8] = []
        message.append(bigEndian: epoch)
        let digest = cryptography.digest(message + id.bytes, key)
        return Announcers.Candidate(
            id: id,
            isReachable: said.flags.contains(.reachable),
            rank: digest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        )
    }
}
