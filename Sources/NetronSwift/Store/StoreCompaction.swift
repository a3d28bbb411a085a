// SPDX-License-Identifier: Apache-2.0

internal import CLMDB
package import NetronWire

extension Store {
    /// Copies what counts to a file beside, and puts that in the place of the old one.
    ///
    /// It takes as much room on the disk as counts, and little memory. The store is as it was
    /// whenever the process or the host stops meanwhile, and if it throws.
    package mutating func compact() throws(StoreError) {
        let fileBytes = try statistics().fileBytes
        let draft = try Environment(drafting: path, options, fileBytes: fileBytes)
        do throws(StoreError) {
            try environment.copy(to: draft)
            try draft.settle()
            try path.installDraft()
        } catch {
            try? path.removeDraft()
            throw error
        }
        environment = draft
        // What was copied lay in memory for a moment. The C library would keep most of that, as
        // pieces between what stays, and a little more each day.
        _ = malloc_trim(0)
        try path.synchronizeDirectory()
    }

    /// Compacts if the file is larger than twice what counts and 256 KiB; answers whether it was.
    @discardableResult
    package mutating func compactIfWorth() throws(StoreError) -> Bool {
        guard try statistics().isWorthCompacting else { return false }
        try compact()
        return true
    }
}

extension Environment {
    /// About how many bytes are copied in one transaction: they are in memory until it ends.
    private static let copyBytes = 256 << 10

    /// Puts all records into a file that has none.
    ///
    /// LMDB can copy too (MDB_CP_COMPACT). It takes 2 MiB of memory and a thread for that, refuses
    /// a file in which a page is neither used nor free, and counts the transactions from 1 again,
    /// so that the stamp would have to be written anew.
    fileprivate func copy(to draft: Environment) throws(StoreError) {
        for table in LedgerTable.allCases {
            var rest = LedgerRange(table)
            while true {
                let records = try some(of: rest)
                guard let last = records.last else { break }
                try draft.write(.removal) { transaction throws(StoreError) in
                    for record in records {
                        try transaction.append(record.value, for: record.key, in: table)
                    }
                }
                // The least key behind the last one.
                rest = LedgerRange(table, from: last.key + [0])
            }
        }
    }

    private func some(of range: LedgerRange) throws(StoreError) -> [StoredRecord] {
        var records: [StoredRecord] = []
        var byteCount = 0
        try read { snapshot throws(StoreError) in
            try snapshot.scan(range) { key, value in
                records.append(StoredRecord(key: [UInt8](key), value: [UInt8](value)))
                byteCount += key.count + value.count
                return byteCount < Self.copyBytes
            }
        }
        return records
    }
}
