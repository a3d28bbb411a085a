// SPDX-License-Identifier: Apache-2.0

import NetronWire

/// A disk in memory, which stays when the machine that writes on it is gone, and can fail.
final class Disk: LedgerStorage {
    private(set) var store: MemoryStore
    private(set) var writeCount = 0
    /// What each write fails with.
    var failure: StoreError?
    /// How many records can be removed at once, as that takes room on a disk.
    var removalsMax = Int.max

    init(bytesMax: Int = .max) { store = MemoryStore(bytesMax: bytesMax) }

    func withValue<Result>(
        of key: [UInt8],
        in table: LedgerTable,
        _ body: (Span<UInt8>) -> Result
    ) -> Result? {
        store.withValue(of: key, in: table, body)
    }

    func scan(
        _ range: LedgerRange,
        _ visit: (_ key: Span<UInt8>, _ value: Span<UInt8>) -> Bool
    ) {
        store.scan(range, visit)
    }

    func statistics() -> StorageStatistics { store.statistics() }

    func verify() {}

    func compact() {}

    func compactIfWorth() -> Bool { false }

    func count(of table: LedgerTable) -> Int { store.count(of: table) }

    func apply(_ batch: LedgerBatch) throws(StoreError) {
        if let failure { throw failure }
        if batch.onlyRemoves, batch.changes.count > removalsMax {
            throw StoreError(.full, "there is no room for so many removals")
        }
        try store.apply(batch)
        writeCount += 1
    }
}
