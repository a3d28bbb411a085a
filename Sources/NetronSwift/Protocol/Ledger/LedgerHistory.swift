// SPDX-License-Identifier: Apache-2.0

package import NetronWire

// Statements that newer ones replaced, for who wants to see what members said before. No rule
// depends on them, and they are the first that go when there is no room.
//
//     table heads    author (32 bytes), incarnation (8 bytes), version (4 bytes)
//                    -> the statement as it was signed
extension LedgerShelf {
    /// What of the history is not written yet.
    struct History: Sendable {
        /// How many statements are kept of a member, the newest one included.
        var count = 0
        var new: [Presence] = []
        var gone: [NodeID] = []
    }

    /// The kept statements of a member, or of all, each member's from the oldest on.
    func history(of author: NodeID? = nil) throws(StoreError) -> [Presence] {
        var all: [Presence] = []
        let range = LedgerRange(.heads, prefix: author?.bytes ?? [])
        try storage.scan(range) { _, value in
            if let presence = try? Presence(bytes: [UInt8](value)) { all.append(presence) }
            return true
        }
        return all
    }

    /// Writes what waits of the history, and removes what is too much of it.
    func addHistory(to batch: inout LedgerBatch) throws(StoreError) {
        for author in history.gone {
            for key in try keys(of: author) { batch.remove(key, from: .heads) }
        }
        let authors = Set(history.new.map(\.author))
        for author in authors.sorted() {
            var keys = history.gone.contains(author) ? [] : try keys(of: author)
            for presence in history.new where presence.author == author {
                let key = Self.key(of: presence)
                batch.put(presence.bytes, for: key, in: .heads)
                if !keys.contains(key) { keys.append(key) }
            }
            keys.sort { $0.lexicographicallyPrecedes($1) }
            for key in keys.dropLast(history.count) { batch.remove(key, from: .heads) }
        }
    }

    /// Removes so many statements of the history, which makes room; answers how many there were.
    @discardableResult
    mutating func dropHistory(upTo most: Int) throws(StoreError) -> Int {
        history.new = []
        history.gone = []
        var count = 0
        while count < most {
            // Neighbours, so that few pages are changed.
            let limit = min(most - count, LedgerLimits.historyDropCount)
            let some = try storage.records(in: LedgerRange(.heads), limit: limit)
            guard !some.isEmpty else { break }
            var batch = LedgerBatch()
            for record in some { batch.remove(record.key, from: .heads) }
            try storage.apply(batch)
            count += some.count
        }
        return count
    }

    private func keys(of author: NodeID) throws(StoreError) -> [[UInt8]] {
        var keys: [[UInt8]] = []
        try storage.scan(LedgerRange(.heads, prefix: author.bytes)) { key, _ in
            keys.append([UInt8](key))
            return true
        }
        return keys
    }

    private static func key(of presence: Presence) -> [UInt8] {
        var writer = ByteWriter(reserving: NodeID.byteCount + 12)
        writer.write(presence.author.bytes)
        writer.write(presence.order.incarnation)
        writer.write(presence.order.version)
        return writer.bytes
    }
}

extension Ledger {
    /// A statement that does not name the one before it, though both are kept.
    package struct BrokenLink: Hashable, Sendable {
        package let author: NodeID
        package let order: Presence.Order
    }

    /// Keeps a statement beside those before it.
    mutating func keepHistory(_ presence: Presence, at moment: Moment) {
        guard shelf.history.count > 0, coverage.contains(presence.author) else { return }
        shelf.history.new.append(presence)
        let isMuch = shelf.pendingCount >= LedgerLimits.pendingMax
        let pause = isMuch ? Duration.zero : LedgerLimits.flushPause
        flushDue = min(flushDue, moment.instant + pause)
    }

    mutating func forgetHistory(of author: NodeID, at moment: Moment) {
        guard shelf.history.count > 0 else { return }
        shelf.history.new.removeAll { $0.author == author }
        shelf.history.gone.append(author)
        flushDue = min(flushDue, moment.instant + LedgerLimits.flushPause)
    }

    /// The kept statements of a member, the newest first.
    package mutating func history(of author: NodeID) throws(StoreError) -> [Presence] {
        try shelf.flush()
        return try shelf.history(of: author).reversed()
    }

    /// Where the kept statements of members do not follow each other.
    ///
    /// Statements of others that were never heard leave gaps, which are no fault.
    package mutating func brokenLinks() throws(StoreError) -> [BrokenLink] {
        try shelf.flush()
        var broken: [BrokenLink] = []
        var last: Presence?
        for presence in try shelf.history() {
            if let last, last.author == presence.author, last.order.next == presence.order,
                let previous = presence.previous, previous != last.digest(with: cryptography)
            {
                broken.append(BrokenLink(author: presence.author, order: presence.order))
            }
            last = presence
        }
        return broken
    }
}
