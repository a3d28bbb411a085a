// SPDX-License-Identifier: Apache-2.0

/// How much room the records of a node take, and how much of it counts.
package struct StorageStatistics: Hashable, Sendable {
    /// How much a file may have beside twice what counts before it is worth compacting.
    static let spareBytes = 256 << 10

    /// How many bytes of a disk they take; 0 in memory.
    package let fileBytes: Int

    /// How many bytes count: the records, and what leads to them.
    package let liveBytes: Int

    /// How many bytes they may take.
    package let budgetBytes: Int

    /// How many records each table has.
    package let records: [LedgerTable: Int]

    package init(
        fileBytes: Int,
        liveBytes: Int,
        budgetBytes: Int,
        records: [LedgerTable: Int]
    ) {
        self.fileBytes = fileBytes
        self.liveBytes = liveBytes
        self.budgetBytes = budgetBytes
        self.records = records
    }

    /// Whether compacting would give a good part of the disk back.
    package var isWorthCompacting: Bool { fileBytes > 2 * liveBytes + Self.spareBytes }
}
