// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// How much of something is still allowed: a bucket that fills with time.
struct Allowance {
    private let perMinute: Int
    private let burst: Int
    private var left: Int
    private var since: Instant

    init(perMinute: Int, burst: Int, at now: Instant) {
        self.perMinute = perMinute
        self.burst = burst
        left = burst
        since = now
    }

    init(perSecond: Int, burst: Int, at now: Instant) {
        self.init(perMinute: perSecond * 60, burst: burst, at: now)
    }

    /// Takes `amount`, or nothing and false if there is less.
    mutating func take(_ amount: Int = 1, at now: Instant) -> Bool {
        if left == burst {
            since = max(since, now)
        } else if now > since {
            let nanoseconds = Int(min(now.nanoseconds - since.nanoseconds, Self.longest))
            let grown = nanoseconds / 1_000 * perMinute / Self.minute
            if grown > 0 {
                left = min(burst, left + grown)
                since = now
            }
        }
        guard left >= amount else { return false }
        left -= amount
        return true
    }

    /// In microseconds.
    private static let minute = 60_000_000
    /// Ten minutes fill every bucket.
    private static let longest: UInt64 = 600_000_000_000
}
