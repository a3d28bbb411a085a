// SPDX-License-Identifier: Apache-2.0

/// What counts for a key of the ledger, as this node knows it.
package struct LedgerRecord: Hashable, Sendable {
    package let key: LedgerKey

    /// What was written.
    package let value: [UInt8]

    /// Who wrote it, and has the key if the bucket is one of owners.
    package let author: NodeID

    /// From when on the author has the key, in milliseconds since 1970.
    package let since: UInt64

    /// When it was last written.
    package let time: HybridTime

    package init(
        _ key: LedgerKey,
        value: [UInt8],
        by author: NodeID,
        since: UInt64,
        time: HybridTime
    ) {
        self.key = key
        self.value = value
        self.author = author
        self.since = since
        self.time = time
    }
}

/// Some buckets that are in use.
package struct LedgerBucketPage: Hashable, Sendable {
    package let names: [LedgerName]
    /// Where the next page begins; nil when this was the last one.
    package let next: [UInt8]?

    package init(names: [LedgerName], next: [UInt8]?) {
        (self.names, self.next) = (names, next)
    }
}

/// Some records of a bucket.
package struct LedgerPage: Hashable, Sendable {
    package let records: [LedgerRecord]
    /// Where the next page begins; nil when this was the last one.
    package let next: [UInt8]?

    package init(records: [LedgerRecord], next: [UInt8]?) {
        (self.records, self.next) = (records, next)
    }
}
