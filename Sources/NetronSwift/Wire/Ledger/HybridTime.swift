// SPDX-License-Identifier: Apache-2.0

/// When a record was written, so that of two writes that know of each other the later is greater.
///
/// A hybrid logical clock (Kulkarni et al., 2014): milliseconds since 1970 of network time in the
/// upper 48 bits, and a counter in the lower 16 for writes that the clock does not tell apart.
package struct HybridTime: Hashable, Sendable {
    /// The 64 bits.
    package let number: UInt64

    package init(number: UInt64) { self.number = number }

    /// Makes the first time of a millisecond since 1970; past `Presence.timeMax` it stops there.
    package init(milliseconds: UInt64) { number = min(milliseconds, Presence.timeMax) << 16 }

    /// Milliseconds since 1970.
    package var milliseconds: UInt64 { number >> 16 }

    /// Whether nobody whose clock shows `wall`, in milliseconds since 1970, can have written it.
    package func isAhead(of wall: UInt64) -> Bool {
        milliseconds > wall && milliseconds - wall > Presence.skewMilliseconds
    }
}

extension HybridTime: Comparable {
    package static func < (left: Self, right: Self) -> Bool { left.number < right.number }
}
