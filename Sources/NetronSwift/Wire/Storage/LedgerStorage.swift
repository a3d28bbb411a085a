// SPDX-License-Identifier: Apache-2.0

/// The records of a node as they are read, by machines too.
///
/// Keys are compared byte by byte; a shorter one comes before those that begin with it. Bytes are
/// lent for the call only.
package protocol LedgerReading: ~Copyable {
    /// What `body` makes of a record's value; nil if there is no record.
    func withValue<Result>(
        of key: [UInt8],
        in table: LedgerTable,
        _ body: (Span<UInt8>) -> Result
    ) throws(StoreError) -> Result?

    /// Shows the records of a range in the order of their keys, until `visit` answers false.
    func scan(
        _ range: LedgerRange,
        _ visit: (_ key: Span<UInt8>, _ value: Span<UInt8>) -> Bool
    ) throws(StoreError)

    /// How many records a table has; known without counting.
    func count(of table: LedgerTable) throws(StoreError) -> Int
}

/// Where the records of a node are kept: on disk, or in memory.
package protocol LedgerStorage: LedgerReading, ~Copyable {
    /// Makes all changes of a batch, or none if it throws.
    ///
    /// They are as durable as the storage makes them when the call returns.
    mutating func apply(_ batch: LedgerBatch) throws(StoreError)

    /// How much room the records take; known without reading them.
    func statistics() throws(StoreError) -> StorageStatistics

    /// Reads all, and throws `.corrupt` if anything is damaged.
    func verify() throws(StoreError)

    /// Makes the records as dense as they can be, and gives the room on the disk back.
    mutating func compact() throws(StoreError)

    /// Gives room on the disk back if that is worth it (`isWorthCompacting`); answers whether it
    /// was.
    @discardableResult
    mutating func compactIfWorth() throws(StoreError) -> Bool
}

/// Records of one table whose keys begin with `prefix` and are not before `from`.
package struct LedgerRange: Hashable, Sendable {
    package let table: LedgerTable
    package let prefix: [UInt8]
    /// The first key, whether there is such a record or not.
    package let from: [UInt8]

    package init(_ table: LedgerTable, prefix: [UInt8] = [], from: [UInt8] = []) {
        self.table = table
        self.prefix = prefix
        self.from = from
    }

    /// The least key that can be in the range.
    package var first: [UInt8] { from.lexicographicallyPrecedes(prefix) ? prefix : from }
}

/// A copy of one record.
package struct StoredRecord: Hashable, Sendable {
    package let key: [UInt8]
    package let value: [UInt8]

    package init(key: [UInt8], value: [UInt8]) {
        self.key = key
        self.value = value
    }
}

extension LedgerReading where Self: ~Copyable {
    /// A copy of a record's value; nil if there is no record.
    package func value(of key: [UInt8], in table: LedgerTable) throws(StoreError) -> [UInt8]? {
        try withValue(of: key, in: table) { [UInt8]($0) }
    }

    /// Copies of at most `limit` records of a range.
    package func records(
        in range: LedgerRange,
        limit: Int
    ) throws(StoreError) -> [StoredRecord] {
        var records: [StoredRecord] = []
        guard limit > 0 else { return records }
        try scan(range) { key, value in
            records.append(StoredRecord(key: [UInt8](key), value: [UInt8](value)))
            return records.count < limit
        }
        return records
    }
}

extension [UInt8] {
    /// A copy of bytes that were lent.
    package init(_ bytes: Span<UInt8>) {
        self.init(capacity: bytes.count) { output in
            for index in bytes.indices { output.append(bytes[index]) }
        }
    }
}

extension Span<UInt8> {
    /// Whether the bytes begin with those.
    package func starts(with prefix: [UInt8]) -> Bool {
        guard count >= prefix.count else { return false }
        for index in prefix.indices where self[index] != prefix[index] { return false }
        return true
    }
}
