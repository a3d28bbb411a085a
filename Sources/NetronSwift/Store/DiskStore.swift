// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// A store on disk as `any LedgerStorage` can be one, beside `MemoryStore`: all who hold it share
/// one `Store`.
///
/// One actor uses it, as long as it is open: it is not `Sendable`, so it can be among the
/// properties of an actor, or of values in them, and cannot be sent to another. Writing inside of
/// a closure that bytes are lent to ends the process.
package final class DiskStore: LedgerStorage {
    private var store: Store

    package init(_ store: consuming Store) { self.store = store }

    /// What was there when the store was opened.
    package var beginning: Store.Beginning { store.beginning }

    package func withValue<Result>(
        of key: [UInt8],
        in table: LedgerTable,
        _ body: (Span<UInt8>) -> Result
    ) throws(StoreError) -> Result? {
        try store.withValue(of: key, in: table, body)
    }

    package func scan(
        _ range: LedgerRange,
        _ visit: (_ key: Span<UInt8>, _ value: Span<UInt8>) -> Bool
    ) throws(StoreError) {
        try store.scan(range, visit)
    }

    package func count(of table: LedgerTable) throws(StoreError) -> Int {
        try store.count(of: table)
    }

    package func apply(_ batch: LedgerBatch) throws(StoreError) { try store.apply(batch) }

    package func statistics() throws(StoreError) -> StorageStatistics { try store.statistics() }

    package func verify() throws(StoreError) { try store.verify() }

    package func compact() throws(StoreError) { try store.compact() }

    @discardableResult
    package func compactIfWorth() throws(StoreError) -> Bool { try store.compactIfWorth() }
}
