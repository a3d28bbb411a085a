// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// A query of ours that may be answered.
struct DHTTransaction {
    enum Purpose: Hashable {
        /// Upkeep: is the node there?
        case ping
        /// A step of the lookup with a number.
        case step(UInt32)
        /// An announcement or item, at the end of the lookup with a number.
        case store(UInt32)
    }

    let number: UInt32
    let endpoint: Endpoint
    /// Who is asked, if that is known.
    let id: DHTID?
    let purpose: Purpose
    /// Whether upkeep pays.
    let isUpkeep: Bool
}

/// The queries that await a reply, and when they stop doing so.
///
/// All wait equally long; so their order in time is the order in which they were sent.
struct DHTTransactions {
    private var open: [UInt32: DHTTransaction] = [:]
    private var order: [(number: UInt32, sentAt: Instant)] = []
    /// What is before these places of `order` was seen to be slow, or is over.
    private var slowHead = 0
    private var lostHead = 0

    var isFull: Bool { open.count >= DHTLimits.transactionsMax }

    var count: Int { open.count }

    /// A number that no open query has.
    func freshNumber(using random: inout some RandomNumberGenerator) -> UInt32 {
        var number: UInt32
        repeat { number = random.next() } while open[number] != nil
        return number
    }

    mutating func add(_ transaction: DHTTransaction, at now: Instant) {
        precondition(!isFull && open[transaction.number] == nil)
        open[transaction.number] = transaction
        order.append((transaction.number, now))
    }

    subscript(number: UInt32) -> DHTTransaction? { open[number] }

    mutating func close(_ number: UInt32) {
        open[number] = nil
        guard open.isEmpty else { return }
        order.removeAll(keepingCapacity: true)
        (slowHead, lostHead) = (0, 0)
    }

    mutating func removeAll() {
        open = [:]
        order = []
        (slowHead, lostHead) = (0, 0)
    }

    /// The next query that got slow, told once.
    mutating func nextSlow(at now: Instant) -> DHTTransaction? {
        skip(&slowHead)
        guard slowHead < order.count, order[slowHead].sentAt + DHTLimits.slowAfter <= now else {
            return nil
        }
        slowHead += 1
        return open[order[slowHead - 1].number]
    }

    /// The next query that is lost; it is closed.
    mutating func nextLost(at now: Instant) -> DHTTransaction? {
        skip(&lostHead)
        guard lostHead < order.count, order[lostHead].sentAt + DHTLimits.lostAfter <= now else {
            return nil
        }
        let number = order[lostHead].number
        let transaction = open[number]
        lostHead += 1
        slowHead = max(slowHead, lostHead)
        close(number)
        trim()
        return transaction
    }

    mutating func deadline() -> Instant {
        skip(&slowHead)
        skip(&lostHead)
        let slow =
            slowHead < order.count ? order[slowHead].sentAt + DHTLimits.slowAfter : .never
        let lost =
            lostHead < order.count ? order[lostHead].sentAt + DHTLimits.lostAfter : .never
        return min(slow, lost)
    }

    private func skip(_ head: inout Int) {
        while head < order.count, open[order[head].number] == nil { head += 1 }
    }

    private mutating func trim() {
        guard lostHead >= DHTLimits.transactionsMax else { return }
        order.removeFirst(lostHead)
        slowHead -= lostHead
        lostHead = 0
    }
}
