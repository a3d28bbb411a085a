// SPDX-License-Identifier: Apache-2.0

/// A moment on the node's own clock.
///
/// Nanoseconds of CLOCK_BOOTTIME, which runs on while the host sleeps; the same number that the
/// packet core calls `now_ns`. It means nothing to another host or after a reboot.
public struct Instant: Hashable, Comparable, Sendable {
    /// Nanoseconds since the clock's own start.
    public var nanoseconds: UInt64

    /// Makes the moment that many nanoseconds after the clock's start.
    public init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    /// Later than every moment: the deadline of what is not awaited.
    public static let never = Self(nanoseconds: .max)

    /// Whether `left` comes before `right`.
    public static func < (left: Self, right: Self) -> Bool { left.nanoseconds < right.nanoseconds }

    /// The moment `duration` after `start`.
    ///
    /// It stops at the clock's start and at `never`, and what is never stays never: a deadline is
    /// computed from figures that others may have sent, and must not trap.
    public static func + (start: Self, duration: Duration) -> Self {
        guard start != never else { return never }
        let sum = Int128(start.nanoseconds) + duration.attoseconds / attosecondsPerNanosecond
        return Self(nanoseconds: UInt64(clamping: sum))
    }

    /// How long after `start` the moment `end` comes; negative when it comes before.
    public static func - (end: Self, start: Self) -> Duration {
        let difference = Int128(end.nanoseconds) - Int128(start.nanoseconds)
        return Duration(attoseconds: difference * attosecondsPerNanosecond)
    }
}

private let attosecondsPerNanosecond: Int128 = 1_000_000_000
