// SPDX-License-Identifier: Apache-2.0

package import NetronWire

// What can be read.
extension Ledger {
    /// What is kept here.
    package struct Statistics: Hashable, Sendable {
        /// Members of whom a state is kept, this node included.
        package let states: Int
        /// Records of all of them.
        package let records: Int
        /// States that are missing, as far as is known.
        package let missing: Int
        package let ownRecords: Int
        package let ownBytes: Int
    }

    /// What counts for a key; nil if nothing does.
    package func record(
        of key: LedgerKey,
        wall: UInt64,
        heads: Heads
    ) throws(StoreError) -> LedgerRecord? {
        let claims = try shelf.claims(on: key)
        let author =
            key.hasOwner
            ? decide(claims, at: wall, heads).holder
            : OpenBucket.last(
                of: claims.filter { $0.author == id || heads($0.author) != nil }
            )?.author
        guard let author, let state = try shelf.state(of: author), let entry = state[key],
            let value = entry.value
        else { return nil }
        return LedgerRecord(key, value: value, by: author, since: entry.since, time: entry.time)
    }

    /// The records of a bucket, from `cursor` on, which a page before named; in no order that means
    /// anything.
    package mutating func records(
        in bucket: LedgerName,
        from cursor: [UInt8]?,
        limit: Int,
        wall: UInt64,
        heads: Heads
    ) throws(StoreError) -> LedgerPage {
        try shelf.flush()
        let limit = min(max(limit, 1), LedgerLimits.pageMax)
        let (keys, next) = try shelf.keys(in: bucket, from: cursor, limit: limit)
        var records: [LedgerRecord] = []
        for key in keys {
            if let record = try record(of: key, wall: wall, heads: heads) { records.append(record) }
        }
        return LedgerPage(records: records, next: next)
    }

    /// Some of the buckets that members wrote in, from `cursor` on, which a page before named; in
    /// no order that means anything.
    package mutating func buckets(
        from cursor: [UInt8]?,
        limit: Int
    ) throws(StoreError) -> LedgerBucketPage {
        try shelf.flush()
        let limit = min(max(limit, 1), LedgerLimits.pageMax)
        let (names, next) = try shelf.buckets(from: cursor, limit: limit)
        return LedgerBucketPage(names: names, next: next)
    }

    package mutating func statistics() throws(StoreError) -> Statistics {
        try shelf.flush()
        return Statistics(
            states: try shelf.storage.count(of: .states),
            records: try shelf.storage.count(of: .index),
            missing: wants.count,
            ownRecords: own.state.count,
            ownBytes: own.state.byteCount
        )
    }

    /// The keys of a member's state, and where its claims come; none if the state is not here.
    package func placedKeys(of author: NodeID, with places: PlaceKey) -> [PlacedKey] {
        guard let state = try? shelf.state(of: author) else { return [] }
        return state.entries.map { entry in
            // Of an owned key the first claim counts, of another one the last record.
            let rank = entry.key.hasOwner ? entry.since : .max - entry.time.number
            return PlacedKey(place: places.place(of: entry.key), rank: rank)
        }
    }

    /// Whether the state that a statement names is here.
    package func hasState(named presence: Presence) -> Bool {
        guard let summary = presence.ledger else { return true }
        return (try? shelf.root(of: presence.author)) == summary.root
    }

    /// The keys of what this node told last.
    package var toldKeys: [LedgerKey] { own.said.entries.map(\.key) }

    package var storage: any LedgerStorage { shelf.storage }

    /// Of how many members a state is kept, also of those that wait for being written.
    package var keptCount: Int { shelf.keptCount }

    /// Whether nothing is kept of anybody, and nothing is missing.
    package var isEmpty: Bool { shelf.isEmpty && wants.count == 0 }

    /// What this node wrote.
    package var ownState: LedgerState { own.state }

    /// Whether all states are here that members say to have, as far as is known.
    package var isComplete: Bool {
        wants.count == 0 && !wants.isIncomplete && coverage.bits == 0
    }
}
