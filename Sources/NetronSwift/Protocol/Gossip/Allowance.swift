// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// How much of something is still allowed: a bucket that fills with time.
struct Allowance {
    private let perSecond: Int
    private let burst: Int
    private var left: Int
    private var since: Instant

    init(perSecond: Int, burst: Int, at now: Instant) {
        self.perSecond = perSecond
        self.burst = burst
        left = burst
        since = now
    }

    /// Takes `amount`, or nothing and false if there is less.
    mutating func take(_ amount: Int = 1, at now: Instant) -> Bool {
        if left < burst, now > since {
            let nanoseconds = min(now.nanoseconds - since.nanoseconds, Self.longest)
            let grown = Int(nanoseconds) * perSecond / Self.second
            if grown > 0 {
                left = min(burst, left + grown)
                since = now
            }
        } else if left == burst {
            since = now
        }
        guard left >= amount else { return false }
        left -= amount
        return true
    }

    private static let second = 1_000_000_000
    /// A hundred seconds fill every bucket.
    private static let longest: UInt64 = 100_000_000_000
}
