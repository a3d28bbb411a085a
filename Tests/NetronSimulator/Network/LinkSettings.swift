// SPDX-License-Identifier: Apache-2.0

/// What links do to datagrams.
package struct LinkSettings: Hashable, Sendable {
    /// The share of datagrams that is lost, 0 to 1.
    package var loss = 0.0
    /// The share that comes twice; a session drops the second, as its replay window does.
    package var duplication = 0.0
    /// The share that is held up for up to `reorderingDelay`, so that later ones overtake.
    package var reordering = 0.0
    package var reorderingDelay = Duration.milliseconds(200)
    /// The mean of what comes on top of a link's delay, as a share of it; exponential.
    package var jitter = 0.05
    /// Delays of all links are multiplied by it.
    package var delayScale = 1.0
    /// The longest IP packet that passes.
    package var mtuBytes = 1500

    package init() {}
}

/// How long the way is between two nodes.
///
/// Nodes lie on a plane, each with an access line of its own: 2 to 15 ms for the two lines, up to
/// some 110 ms for the distance, and up to two fifths more for the detour that the pair's route
/// takes. So links differ, stay as they are, and mostly keep the triangle inequality, as measured
/// delays of the Internet do (Dabek et al., "Vivaldi", 2004, section 5).
struct Position {
    private let x: Double
    private let y: Double
    private let access: Double
    private let key: UInt64

    /// The plane's side, in milliseconds one way.
    private static let side = 80.0

    init(seed: UInt64, node: Int) {
        var random = SeededRandom(seed: SeededRandom.mix(seed, UInt64(node)))
        x = random.unit() * Self.side
        y = random.unit() * Self.side
        access = 1 + random.unit() * 6.5
        key = random.next()
    }

    /// Nanoseconds one way; the same in both directions.
    func delay(to other: Self) -> UInt64 {
        // The longer side and two fifths of the shorter one: a norm, and the true distance but for
        // some per cent, without the C library's root.
        let sides = (abs(x - other.x), abs(y - other.y))
        let distance = max(sides.0, sides.1) + 0.4 * min(sides.0, sides.1)
        let detour = Double(SeededRandom.mix(key ^ other.key) >> 40) * 0x1p-24 * 0.4
        return UInt64((access + other.access + distance * (1 + detour)) * 1e6)
    }
}
