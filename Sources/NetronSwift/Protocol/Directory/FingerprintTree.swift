// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// What a set of statements is, in few bytes, for each part of the space of places.
///
/// A 16-ary tree in flat arrays: of each part the sum (XOR) of its statements' fingerprints and
/// their count, and of each leaf the first statement of a chain. A change costs one step a level.
///
/// The levels go by the number of statements, so that a leaf has at most about 24: one up to 384
/// (0.3 KiB), two up to 6,144 (4 KiB), else three (67 KiB).
///
/// A fingerprint is a keyed hash with a key that all members have. So two sets that chance made
/// different are told apart; a member that makes identities by the hundred can find statements of
/// its own that cancel out, and by these hide a difference from those whom it feeds different sets.
/// Broadcasts, and neighbours that it did not feed, still bring what it hides.
struct FingerprintTree: Sendable {
    static let none = UInt32.max
    private static let levelsMax = 3
    private static let perLeafMax = 24

    private(set) var levels = 1
    private var sums: [UInt64] = []
    private var counts: [UInt32] = []
    private var heads: [UInt32] = []

    init() { clear(levels: 1) }

    /// How many levels that many statements need; some fewer do not change it back.
    func levelsWanted(for count: Int) -> Int {
        if levels < Self.levelsMax, count > Self.perLeafMax << (4 * levels) { return levels + 1 }
        if levels > 1, count < (Self.perLeafMax / 2) << (4 * (levels - 1)) { return levels - 1 }
        return levels
    }

    /// Begins anew, empty, with that many levels.
    mutating func clear(levels: Int) {
        self.levels = levels
        let nodes = Self.start(of: levels + 1)
        sums = [UInt64](repeating: 0, count: nodes)
        counts = [UInt32](repeating: 0, count: nodes)
        heads = [UInt32](repeating: Self.none, count: 1 << (4 * levels))
    }

    /// Adds a statement, or takes one away.
    mutating func change(_ place: DirectoryPlace, _ fingerprint: UInt64, by difference: Int) {
        for level in 0...levels {
            let node = Self.start(of: level) + Self.index(of: place, at: level)
            sums[node] ^= fingerprint
            counts[node] = UInt32(Int(counts[node]) + difference)
        }
    }

    /// Puts another fingerprint in the place of a statement's.
    mutating func replace(_ place: DirectoryPlace, _ old: UInt64, with new: UInt64) {
        for level in 0...levels {
            sums[Self.start(of: level) + Self.index(of: place, at: level)] ^= old ^ new
        }
    }

    /// What there is in a range; nil for one that is smaller than a leaf.
    func summary(of range: DirectoryRange) -> DirectoryMessage.Summary? {
        guard range.bits <= 4 * levels else { return nil }
        let level = (range.bits + 3) / 4
        let first = Self.start(of: level) + Self.index(of: range.first, at: level)
        var (sum, count): (UInt64, Int) = (0, 0)
        for node in first..<(first + (1 << (4 * level - range.bits))) {
            sum ^= sums[node]
            count += Int(counts[node])
        }
        return .init(fingerprint: sum, count: count)
    }

    /// The leaves that a range touches.
    func leaves(of range: DirectoryRange) -> ClosedRange<Int> {
        Self.index(of: range.first, at: levels)...Self.index(of: range.last, at: levels)
    }

    func leaf(of place: DirectoryPlace) -> Int { Self.index(of: place, at: levels) }

    /// The first statement of a leaf's chain, or `none`.
    subscript(leaf: Int) -> UInt32 {
        get { heads[leaf] }
        set { heads[leaf] = newValue }
    }

    /// The number of nodes above a level.
    private static func start(of level: Int) -> Int { ((1 << (4 * level)) - 1) / 15 }

    private static func index(of place: DirectoryPlace, at level: Int) -> Int {
        level == 0 ? 0 : Int(place.number >> UInt64(64 - 4 * level))
    }
}
