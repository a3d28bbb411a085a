// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// A bucket for each of those who asked of late.
///
/// When the table is full, who was quiet for longest gives way; its bucket is full again anyway
/// unless very many ask at once.
struct PeerBudgets: Sendable {
    private struct Entry {
        let peer: NodeID
        var budget: ByteBudget
        var last: Instant
    }

    private let perSecond: Int
    private let burst: Int
    private let peersMax: Int
    private var entries: [Entry] = []

    init(perSecond: Int, burst: Int, peersMax: Int) {
        self.perSecond = perSecond
        self.burst = burst
        self.peersMax = peersMax
    }

    /// Whether a peer could spend that much.
    mutating func has(_ amount: Int, of peer: NodeID, at now: Instant) -> Bool {
        guard let index = entries.firstIndex(where: { $0.peer == peer }) else {
            return amount <= burst
        }
        return entries[index].budget.has(amount, at: now)
    }

    /// Spends that much of a peer's bucket, if it is there.
    mutating func spend(_ amount: Int, of peer: NodeID, at now: Instant) -> Bool {
        let index = self.index(of: peer, at: now)
        entries[index].last = now
        return entries[index].budget.spend(amount, at: now)
    }

    private mutating func index(of peer: NodeID, at now: Instant) -> Int {
        if let index = entries.firstIndex(where: { $0.peer == peer }) { return index }
        let budget = ByteBudget(perSecond: perSecond, burst: burst, at: now)
        let entry = Entry(peer: peer, budget: budget, last: now)
        guard entries.count >= peersMax,
            let oldest = entries.indices.min(by: { entries[$0].last < entries[$1].last })
        else {
            entries.append(entry)
            return entries.count - 1
        }
        entries[oldest] = entry
        return oldest
    }
}
