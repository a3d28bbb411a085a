// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// A machine under its host's clock and the network's, which a test turns by hand.
protocol TwoClockScript {
    associatedtype Effect

    var now: Instant { get set }
    /// Milliseconds since 1970.
    var wall: UInt64 { get set }
    /// The moment that the machine wants to be woken at.
    var deadline: Instant { get }

    /// What the machine does when its timer ran out.
    mutating func timeOut() -> [Effect]
}

extension TwoClockScript {
    /// Lets both clocks run, and wakes the machine as often as it wants.
    @discardableResult
    mutating func pass(_ duration: Duration) -> [Effect] {
        let end = now + duration
        var effects: [Effect] = []
        var count = 0
        while deadline <= end {
            count += 1
            precondition(count < 100_000, "the machine wakes for nothing")
            advance(to: max(now, deadline))
            effects += timeOut()
        }
        advance(to: end)
        return effects
    }

    private mutating func advance(to instant: Instant) {
        // Whole milliseconds of the sum, so that the clocks do not drift apart.
        wall += instant.nanoseconds / 1_000_000 - now.nanoseconds / 1_000_000
        now = instant
    }
}
