// SPDX-License-Identifier: Apache-2.0

internal import CLMDB
internal import Glibc
package import NetronWire

/// How large a store is, and how much of that counts.
package struct StoreStatistics: Hashable, Sendable {
    /// How much a file may have beside twice what counts before it is worth compacting.
    static let spareBytes = 256 << 10

    package let fileBytes: Int
    package let pageBytes: Int
    /// Pages that have records, or lead to them.
    package let livePages: Int
    /// Pages that will be used again.
    package let freePages: Int
    /// How many pages a lookup reads in the deepest table.
    package let depth: Int
    /// How many records each table has.
    package let entries: [LedgerTable: Int]

    package var liveBytes: Int { livePages * pageBytes }

    /// Whether compacting would give a good part of the disk back.
    package var isWorthCompacting: Bool { fileBytes > 2 * liveBytes + Self.spareBytes }
}

extension Store {
    package func statistics() throws(StoreError) -> StoreStatistics {
        let fileBytes = try StoreFile(path.file, of: path, O_RDONLY).byteCount()
        return try read { snapshot throws(StoreError) in
            let main = try snapshot.statistics(of: Snapshot.mainTree)
            var entries: [LedgerTable: Int] = [:]
            var livePages = main.pages
            var depth = 0
            for table in LedgerTable.allCases {
                let tree = try snapshot.statistics(of: environment.handle(of: table))
                entries[table] = tree.ms_entries
                livePages += tree.pages
                depth = max(depth, Int(tree.ms_depth))
            }
            return StoreStatistics(
                fileBytes: fileBytes,
                pageBytes: Int(main.ms_psize),
                livePages: livePages,
                freePages: try snapshot.freePageCount(),
                depth: depth,
                entries: entries
            )
        }
    }
}

extension Snapshot {
    /// LMDB's numbers of the trees that it has in each file.
    private static let freeTree: MDB_dbi = 0
    static let mainTree: MDB_dbi = 1

    func statistics(of tree: MDB_dbi) throws(StoreError) -> MDB_stat {
        var statistics = MDB_stat()
        try unsafe environment.check(mdb_stat(transaction, tree, &statistics))
        return statistics
    }

    /// How many pages the lists of free pages have: each begins with its count.
    func freePageCount() throws(StoreError) -> Int {
        var cursor: OpaquePointer?
        try unsafe environment.check(mdb_cursor_open(transaction, Self.freeTree, &cursor))
        defer { unsafe mdb_cursor_close(cursor) }
        var count = 0
        var key = unsafe MDB_val()
        var list = unsafe MDB_val()
        while true {
            let code = unsafe mdb_cursor_get(cursor, &key, &list, MDB_NEXT)
            if code == MDB_NOTFOUND { return count }
            try environment.check(code)
            count += unsafe list.mv_data.loadUnaligned(as: Int.self)
        }
    }
}

extension MDB_stat {
    fileprivate var pages: Int { ms_branch_pages + ms_leaf_pages + ms_overflow_pages }
}
