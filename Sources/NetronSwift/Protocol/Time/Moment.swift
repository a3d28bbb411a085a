// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// The time on the two clocks that count.
struct Moment {
    /// The node's own clock, for waits and rates.
    let instant: Instant
    /// Network time in milliseconds since 1970, for leases.
    let wall: UInt64
}
