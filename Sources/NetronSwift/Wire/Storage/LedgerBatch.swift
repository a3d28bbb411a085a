// SPDX-License-Identifier: Apache-2.0

/// Changes of records that are made together, or not at all.
///
/// Keys have 1 to `LedgerTable.keyBytesMax` bytes, values up to `LedgerTable.valueBytesMax`.
package struct LedgerBatch: Hashable, Sendable {
    /// One record that is put, or removed where the value is nil.
    package struct Change: Hashable, Sendable {
        package let table: LedgerTable
        package let key: [UInt8]
        package let value: [UInt8]?
    }

    /// In the order in which they are made: of two with one key the last counts.
    package private(set) var changes: [Change] = []

    package init() {}

    package var isEmpty: Bool { changes.isEmpty }

    /// Whether it only removes: room is found for that in a store that is full.
    package var onlyRemoves: Bool { changes.allSatisfy { $0.value == nil } }

    /// Puts a record in the place of one that may be there.
    package mutating func put(_ value: [UInt8], for key: [UInt8], in table: LedgerTable) {
        LedgerTable.check(key: key, value: value)
        changes.append(Change(table: table, key: key, value: value))
    }

    /// Removes a record, if it is there.
    package mutating func remove(_ key: [UInt8], from table: LedgerTable) {
        LedgerTable.check(key: key)
        changes.append(Change(table: table, key: key, value: nil))
    }
}
