// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// A bucket that fills at a steady rate and is emptied by what is spent.
struct ByteBudget: Hashable, Sendable {
    private let perSecond: Int
    private let burst: Int
    private var level: Int
    private var filled: Instant

    /// Makes a full bucket.
    ///
    /// The unit may be bytes or anything else that is counted.
    init(perSecond: Int, burst: Int, at now: Instant) {
        precondition(perSecond > 0 && burst > 0, "a bucket that never has anything")
        self.perSecond = perSecond
        self.burst = burst
        level = burst
        filled = now
    }

    /// Takes in what was earned since.
    private mutating func fill(at now: Instant) {
        guard now > filled else { return }
        let elapsed = now.nanoseconds - filled.nanoseconds
        let whole = UInt64(burst) * 1_000_000_000 / UInt64(perSecond)
        if elapsed >= whole {
            level = burst
            filled = now
            return
        }
        // What is no whole unit yet stays in the time that is not counted yet.
        let earned = elapsed * UInt64(perSecond) / 1_000_000_000
        level = min(burst, level + Int(earned))
        filled = Instant(
            nanoseconds: filled.nanoseconds + earned * 1_000_000_000 / UInt64(perSecond)
        )
    }

    /// Whether there is that much.
    mutating func has(_ amount: Int, at now: Instant) -> Bool {
        fill(at: now)
        return level >= amount
    }

    /// Spends that much if it is there.
    mutating func spend(_ amount: Int, at now: Instant) -> Bool {
        guard has(amount, at: now) else { return false }
        level -= amount
        return true
    }

    /// When there will be that much, which must not be more than the bucket holds.
    func ready(_ amount: Int) -> Instant {
        precondition(amount <= burst, "more than the bucket ever has")
        let missing = max(0, amount - level)
        let wait = (UInt64(missing) * 1_000_000_000 + UInt64(perSecond) - 1) / UInt64(perSecond)
        return filled + .nanoseconds(Int64(wait))
    }

    /// Whether nothing was spent for so long that it is as good as new.
    mutating func isFull(at now: Instant) -> Bool { has(burst, at: now) }
}
