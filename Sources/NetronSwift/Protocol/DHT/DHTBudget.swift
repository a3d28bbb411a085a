// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// A number of bytes that fills up with time: a token bucket.
struct DHTBudget {
    private let bytesPerSecond: Int
    private let burst: Int
    private var level: Int
    private var at: Instant?

    init(bytesPerSecond: Int, burst: Int) {
        precondition(bytesPerSecond > 0 && burst > 0)
        self.bytesPerSecond = bytesPerSecond
        self.burst = burst
        level = burst
    }

    /// Whether something may be spent; what is spent then may exceed what there is, and is owed.
    mutating func isOpen(at now: Instant) -> Bool {
        refill(at: now)
        return level > 0
    }

    /// Spends the bytes if they are there.
    mutating func take(_ count: Int, at now: Instant) -> Bool {
        refill(at: now)
        guard level >= count else { return false }
        level -= count
        return true
    }

    /// Spends bytes that went already; a debt is bounded by the burst.
    mutating func charge(_ count: Int) { level = max(level - count, -burst) }

    private mutating func refill(at now: Instant) {
        guard let start = at else {
            at = now
            return
        }
        guard now > start else { return }
        let elapsed = now.nanoseconds - start.nanoseconds
        let second: UInt64 = 1_000_000_000
        // No more than what fills it from the deepest debt.
        let most = UInt64(2 * burst / bytesPerSecond + 1) * second
        let (gained, rest) = (min(elapsed, most) * UInt64(bytesPerSecond))
            .quotientAndRemainder(dividingBy: second)
        guard gained > 0 else { return }
        level = min(burst, level + Int(gained))
        // What is less than a byte counts the next time.
        at = now + .nanoseconds(-Int64(rest / UInt64(bytesPerSecond)))
    }
}

/// How often each address may ask, in a table of fixed size (GCRA: one time per slot).
struct DHTSourceLimiter {
    private let seed: UInt64
    /// When a slot's whole burst is there again; empty until the first query.
    private var times: [UInt64] = []

    init(seed: UInt64) { self.seed = seed }

    /// Whether a query of the address is to be answered; then it counts.
    mutating func admit(_ address: IPAddress, at now: Instant) -> Bool {
        if times.isEmpty { times = [UInt64](repeating: 0, count: DHTLimits.sourceSlots) }
        let interval = 1_000_000_000 / UInt64(DHTLimits.queriesPerSourcePerSecond)
        let burst = interval * UInt64(DHTLimits.queriesPerSourceBurst)
        let slot = Int((address.hostKey ^ seed).scrambled % UInt64(DHTLimits.sourceSlots))
        let time = max(times[slot], now.nanoseconds)
        guard time - now.nanoseconds <= burst - interval else { return false }
        times[slot] = time + interval
        return true
    }
}
