// SPDX-License-Identifier: Apache-2.0

/// Records of a node in memory: for one that shall leave nothing on disk, and for simulations.
///
/// A value: a copy is what a disk would have after a crash.
package struct MemoryStore: LedgerStorage, Sendable {
    /// How many bytes a record costs beside its key and value: the heads of two arrays.
    package static let recordBytes = 64

    /// How many bytes the records may have.
    package let bytesMax: Int

    /// How many bytes the records have.
    package private(set) var byteCount = 0

    private var shelves = [Shelf](repeating: Shelf(), count: LedgerTable.allCases.count)

    package init(bytesMax: Int = .max) { self.bytesMax = bytesMax }

    package func withValue<Result>(
        of key: [UInt8],
        in table: LedgerTable,
        _ body: (Span<UInt8>) -> Result
    ) -> Result? {
        let shelf = shelves[table.rawValue]
        let (place, isThere) = shelf.place(of: key)
        guard isThere else { return nil }
        let value = shelf.values[place]
        return body(value.span)
    }

    package func scan(
        _ range: LedgerRange,
        _ visit: (_ key: Span<UInt8>, _ value: Span<UInt8>) -> Bool
    ) {
        let shelf = shelves[range.table.rawValue]
        for place in shelf.place(of: range.first).0..<shelf.keys.count {
            let key = shelf.keys[place]
            let value = shelf.values[place]
            guard key.starts(with: range.prefix), visit(key.span, value.span) else { return }
        }
    }

    package func count(of table: LedgerTable) -> Int { shelves[table.rawValue].keys.count }

    package func compact() {}

    package mutating func apply(_ batch: LedgerBatch) throws(StoreError) {
        var undo: [LedgerBatch.Change] = []
        for change in batch.changes { undo.append(replace(change)) }
        guard byteCount > bytesMax, !batch.onlyRemoves else { return }
        for change in undo.reversed() { _ = replace(change) }
        throw StoreError(
            .full,
            "the ledger in memory is full: it may have \(bytesMax) bytes; raise --ledger-budget"
        )
    }

    package func statistics() -> StorageStatistics {
        let counts = LedgerTable.allCases.map { ($0, count(of: $0)) }
        return StorageStatistics(
            fileBytes: 0,
            liveBytes: byteCount,
            budgetBytes: bytesMax,
            records: Dictionary(uniqueKeysWithValues: counts)
        )
    }

    /// Does nothing: no disk can damage what is here.
    package func verify() {}

    /// Does nothing: what is removed here is given back at once.
    package func compactIfWorth() -> Bool { false }

    /// Makes one change, and gives the one that takes it back.
    private mutating func replace(_ change: LedgerBatch.Change) -> LedgerBatch.Change {
        let old = shelves[change.table.rawValue].replace(change.key, by: change.value)
        if let old { byteCount -= change.key.count + old.count + Self.recordBytes }
        if let new = change.value { byteCount += change.key.count + new.count + Self.recordBytes }
        return LedgerBatch.Change(table: change.table, key: change.key, value: old)
    }
}

/// The records of one table, in the order of their keys.
private struct Shelf {
    var keys: [[UInt8]] = []
    var values: [[UInt8]] = []

    /// Where a key is, or where it belongs.
    func place(of key: [UInt8]) -> (Int, isThere: Bool) {
        var low = 0
        var high = keys.count
        while low < high {
            let middle = (low + high) / 2
            if keys[middle].lexicographicallyPrecedes(key) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return (low, low < keys.count && keys[low] == key)
    }

    /// Puts or removes one value, and gives the one that was there.
    mutating func replace(_ key: [UInt8], by value: [UInt8]?) -> [UInt8]? {
        let (place, isThere) = place(of: key)
        let old = isThere ? values[place] : nil
        switch (value, isThere) {
        case (let value?, true): values[place] = value
        case (let value?, false):
            keys.insert(key, at: place)
            values.insert(value, at: place)
        case (nil, true):
            keys.remove(at: place)
            values.remove(at: place)
        case (nil, false): break
        }
        return old
    }
}
