// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Of which members a node keeps the states: of those whose place begins with the same bits as its
/// own.
///
/// With 0 bits these are all. A place is the first 8 bytes of the keyed BLAKE2b of an id with the
/// key "netron/1 coverage", so that each bit more is half of them, whoever they are.
struct LedgerCoverage: Sendable {
    private(set) var bits = 0
    /// Members of whom the state is kept wherever they are: for others, or because it is read.
    var guests: Set<NodeID> = []
    private let own: UInt64
    private let digest: @Sendable (_ message: [UInt8], _ key: [UInt8]) -> [UInt8]

    init(around id: NodeID, with cryptography: Cryptography) {
        digest = cryptography.digest
        own = Self.place(of: id, digest)
    }

    func contains(_ author: NodeID) -> Bool {
        guard bits > 0, !guests.contains(author) else { return true }
        return (Self.place(of: author, digest) ^ own) >> UInt64(UInt64.bitWidth - bits) == 0
    }

    /// Takes one bit more; false if it is the last one already.
    mutating func lengthen() -> Bool {
        guard bits < LedgerLimits.coverageBitsMax else { return false }
        bits += 1
        return true
    }

    /// Takes one bit less; false if there is none.
    mutating func shorten() -> Bool {
        guard bits > 0 else { return false }
        bits -= 1
        return true
    }

    private static func place(
        of id: NodeID,
        _ digest: (_ message: [UInt8], _ key: [UInt8]) -> [UInt8]
    ) -> UInt64 {
        digest(id.bytes, Array("netron/1 coverage".utf8)).prefix(8)
            .reduce(0) { $0 << 8 | UInt64($1) }
    }
}

// A node never refuses a state for want of room: it keeps those of fewer members.
extension Ledger {
    /// Of how many bits the own place and that of those whose states are kept begin alike; 0 for a
    /// node that keeps all.
    package var coverageBits: Int { coverage.bits }

    /// Keeps the states of half as many members, until there is room; false if that is no help.
    mutating func makeRoom(into effects: inout [Effect]) -> Bool {
        do {
            // What nobody needs goes first.
            if try shelf.dropHistory(upTo: LedgerLimits.historyDropMax) > 0 {
                effects.append(.tellHeads)
                return true
            }
        } catch {
            effects.append(.failed(error))
            return false
        }
        guard coverage.lengthen() else { return false }
        do {
            try dropUncovered(into: &effects)
            try shelf.compact()
        } catch {
            effects.append(.failed(error))
            return false
        }
        // What waited is lost, and what is covered of it is asked for again.
        effects.append(.tellHeads)
        return true
    }

    /// Keeps the state of a member whatever else is kept, or not any more.
    mutating func guest(
        _ author: NodeID,
        isKept: Bool,
        at moment: Moment,
        _ heads: Heads,
        into effects: inout [Effect]
    ) {
        if isKept {
            coverage.guests.insert(author)
        } else if coverage.guests.remove(author) != nil,
            !coverage.contains(author) || heads(author) == nil
        {
            remove(author, at: moment, into: &effects)
        }
    }

    private mutating func dropUncovered(into effects: inout [Effect]) throws(StoreError) {
        wants.keep(where: coverage.contains)
        var last: NodeID?
        var count = LedgerLimits.dropCount
        while true {
            let some = try shelf.authors(after: last, limit: count)
            var keys: [LedgerKey] = []
            for author in some where author != id && !coverage.contains(author) {
                guard let old = try shelf.state(of: author) else { continue }
                let changes = LedgerChanges(from: old, to: .empty)
                shelf.remove(author, by: changes)
                keys += changes.list.map(\.key)
            }
            do {
                try shelf.flush()
            } catch {
                // Removing takes room too, of which a small file keeps little: fewer at once.
                guard error.kind == .full, count > 1 else { throw error }
                count /= 2
                continue
            }
            if !keys.isEmpty { effects.append(.changed(keys)) }
            guard some.count == count else { return }
            last = some.last
        }
    }

    /// Keeps the states of twice as many members, if they are sure to have room.
    mutating func widen(into effects: inout [Effect]) throws(StoreError) {
        guard coverage.bits > 0 else { return }
        let statistics = try storage.statistics()
        // What authorities say takes its room, and does not grow with those who are covered.
        let trustBytes = try trustRecords().reduce(0) { $0 + $1.value.count }
        let bytes = statistics.liveBytes - trustBytes
        guard bytes < statistics.budgetBytes / LedgerLimits.widenPart,
            coverage.shorten()
        else { return }
        effects.append(.tellHeads)
    }
}
