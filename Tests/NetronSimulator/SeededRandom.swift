// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Repeatable chance: SplitMix64, after Steele, Lea and Flood (2014).
package struct SeededRandom: RandomNumberGenerator, Hashable, Sendable {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mix(state)
    }

    /// That many random bytes.
    package mutating func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) }
    }

    /// A number from 0 to just below 1.
    package mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// Whether something happens that happens with this probability; draws nothing for 0.
    package mutating func happens(_ probability: Double) -> Bool {
        probability > 0 && unit() < probability
    }

    /// An exponential variate of mean 1, by comparisons alone (von Neumann, 1951).
    package mutating func exponential() -> Double {
        var whole = 0.0
        while true {
            let first = unit()
            var last = first
            var length = 1
            var next = unit()
            while next < last {
                last = next
                length += 1
                next = unit()
            }
            if length % 2 == 1 { return whole + first }
            whole += 1
        }
    }

    /// Scrambles a word: the last steps of SplitMix64, a bijection.
    package static func mix(_ word: UInt64) -> UInt64 { word.scrambled }

    /// One word of two.
    package static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
        mix(mix(left &+ 0x9E37_79B9_7F4A_7C15) ^ right)
    }
}
