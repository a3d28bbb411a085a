// SPDX-License-Identifier: Apache-2.0

internal import CLMDB
internal import Glibc
package import NetronWire

/// The pages of a store's file.
package struct StorePages: Hashable, Sendable {
    /// How many bytes each has.
    package let byteCount: Int
    /// Those that have records, or lead to them.
    package let live: Int
    /// Those that will be used again.
    package let free: Int
    /// How many a lookup reads in the deepest table.
    package let depth: Int
}

extension Store {
    package func statistics() throws(StoreError) -> StorageStatistics {
        let fileBytes = try StoreFile(path.file, of: path, O_RDONLY).byteCount()
        return try read { snapshot throws(StoreError) in
            let pages = try snapshot.pages()
            var records: [LedgerTable: Int] = [:]
            for table in LedgerTable.allCases { records[table] = try snapshot.count(of: table) }
            return StorageStatistics(
                fileBytes: fileBytes,
                liveBytes: pages.live * pages.byteCount,
                budgetBytes: options.fileBytesMax,
                records: records
            )
        }
    }

    /// The pages of the file; the lists of free ones are read for that.
    package func pages() throws(StoreError) -> StorePages {
        try read { snapshot throws(StoreError) in try snapshot.pages() }
    }
}

extension Snapshot {
    /// LMDB's numbers of the trees that it has in each file.
    private static let freeTree: MDB_dbi = 0
    private static let mainTree: MDB_dbi = 1

    fileprivate func pages() throws(StoreError) -> StorePages {
        let main = try statistics(of: Self.mainTree)
        var live = main.pages
        var depth = 0
        for table in LedgerTable.allCases {
            let tree = try statistics(of: environment.handle(of: table))
            live += tree.pages
            depth = max(depth, Int(tree.ms_depth))
        }
        return StorePages(
            byteCount: Int(main.ms_psize),
            live: live,
            free: try freePageCount(),
            depth: depth
        )
    }

    func statistics(of tree: MDB_dbi) throws(StoreError) -> MDB_stat {
        var statistics = MDB_stat()
        try unsafe environment.check(mdb_stat(transaction, tree, &statistics))
        return statistics
    }

    /// How many pages the lists of free pages have: each begins with its count.
    private func freePageCount() throws(StoreError) -> Int {
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
