// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import NetronWire

/// Looks at a store's file before LMDB does, which trusts every byte of it.
///
/// From the newer meta page on it walks over all trees, and holds each page, node and number to
/// what LMDB would have written: after that no byte can make LMDB read or write outside of its
/// pages, or stop at an assertion. What values say is not looked at: a checksum behind each sees
/// to that.
struct StoreCheck {
    /// The deepest tree that LMDB can follow (CURSOR_STACK).
    static let depthMax = 32

    /// The longest key that LMDB takes.
    static let keyBytesMax = 511

    /// The largest page that LMDB has.
    static let pageBytesMax = 32 << 10

    /// How many bytes a file has at most: twice what options can hold it to.
    static let fileBytesMax = 2 * StoreOptions.fileBytesMost

    /// The free tree's keys are numbers (MDB_INTEGERKEY).
    private static let freeTreeFlags: UInt16 = 0x0008

    /// How the file was made is noted there too (MDB_NOSUBDIR); nobody reads it.
    private static let noFolderFlag: UInt16 = 0x4000

    let path: StorePath
    let file: StoreFile
    let meta: StoreMeta
    /// Whole pages of the file.
    let pageCount: UInt64
    var used: PageSet

    var pageSize: Int { meta.pageSize }

    /// Throws unless the file is a sound store of that network.
    static func run(_ path: StorePath, network: [UInt8]) throws(StoreError) {
        // A pipe would be waited for.
        let file = try StoreFile(path.file, of: path, O_RDONLY | O_NONBLOCK)
        var check = try StoreCheck(path, file)
        try check.walkAll(network: network)
    }

    private init(_ path: StorePath, _ file: StoreFile) throws(StoreError) {
        self.path = path
        self.file = file
        let byteCount = try file.byteCount()
        guard byteCount > 0 else { throw path.corrupt("it is empty") }
        let front = try file.read(StoreMeta.byteCount, at: 0)
        // The first says where the second is; if that is lost, it is where this host would put it.
        let claimed = StoreMeta(front)?.pageSize ?? 0
        let pageSize = Self.isPageSize(claimed) ? claimed : Self.systemPage
        let back = try file.read(StoreMeta.byteCount, at: pageSize)
        guard let first = StoreMeta(front), let second = StoreMeta(back) else {
            let isStore = StoreMeta.isMarked(front) || StoreMeta.isMarked(back)
            throw isStore ? path.corrupt("a meta page is damaged") : path.foreign
        }
        meta = try Self.newer(first, second, path)
        pageCount = UInt64(byteCount / meta.pageSize)
        let pagesMax = UInt64(Self.fileBytesMax / meta.pageSize)
        guard (1..<pagesMax).contains(meta.lastPage), (2...pagesMax).contains(pageCount) else {
            throw path.corrupt("it is too short, or too long")
        }
        used = PageSet(count: meta.lastPage + 1)
        // Pages are read in the order of keys, which for a disk is no order.
        file.prefetch(byteCount)
    }

    private static func newer(
        _ first: StoreMeta,
        _ second: StoreMeta,
        _ path: StorePath
    ) throws(StoreError) -> StoreMeta {
        guard first.version == second.version, first.pageSize == second.pageSize,
            isPageSize(first.pageSize)
        else { throw path.corrupt("its meta pages differ") }
        guard first.version == StoreMeta.version else { throw path.newer }
        let isFirst = first.transaction > second.transaction
        let (new, old) = isFirst ? (first, second) : (second, first)
        guard new.transaction > 0, new.transaction - old.transaction == 1,
            new.transaction % 2 == (isFirst ? 0 : 1)
        else { throw path.corrupt("its meta pages do not follow each other") }
        return new
    }

    private static func isPageSize(_ size: Int) -> Bool {
        size >= 4096 && size <= pageBytesMax && size.nonzeroBitCount == 1
    }

    private static var systemPage: Int {
        min(max(4096, sysconf(Int32(_SC_PAGESIZE))), pageBytesMax)
    }

    private mutating func walkAll(network: [UInt8]) throws(StoreError) {
        guard meta.free.flags & ~Self.noFolderFlag == Self.freeTreeFlags, meta.main.flags == 0
        else { throw path.corrupt("a tree has other rules") }
        var main = TreeWalk(of: .main)
        try walk(meta.main, &main)
        guard let stamp = main.stamp else { throw path.corrupt("it does not say whose it is") }
        guard stamp.format <= StoreStamp.format else { throw path.newer }
        guard stamp.format == StoreStamp.format, stamp.transaction == meta.transaction else {
            throw path.corrupt("its last transaction is lost")
        }
        guard stamp.network == network else { throw path.otherNetwork }
        guard !main.hasStrangers, main.tables.count == LedgerTable.allCases.count else {
            throw path.corrupt("its tables are not those of a ledger")
        }
        for tree in main.tables {
            guard tree.flags == 0 else { throw path.corrupt("a tree has other rules") }
            var table = TreeWalk(of: .table)
            try walk(tree, &table)
        }
        var free = TreeWalk(of: .free)
        try walk(meta.free, &free)
        // Behind the end of the file there can be free pages only, which were never written.
        for page in pageCount..<max(pageCount, meta.lastPage + 1) where !used.contains(page) {
            throw path.corrupt("it was cut short")
        }
    }
}

/// Pages that something has, of the first `count`.
struct PageSet {
    private var words: [UInt64]

    init(count: UInt64) { words = [UInt64](repeating: 0, count: Int((count + 63) / 64)) }

    func contains(_ page: UInt64) -> Bool { words[Int(page / 64)] & 1 << (page % 64) != 0 }

    /// Whether the page was not in the set; it is now.
    mutating func insert(_ page: UInt64) -> Bool {
        defer { words[Int(page / 64)] |= 1 << (page % 64) }
        return !contains(page)
    }
}
