// SPDX-License-Identifier: Apache-2.0

/// A page of a store's file, as LMDB 0.9 lays it out (mdb.c: MDB_page, MDB_node) on a little-endian
/// host of 64 bits.
///
/// ```
///   0                8       10      12      14      16
///   | number         | pad   | flags | lower | upper | offsets of nodes, 2 bytes each ...
///                                    | pages of a run|
///                    free from `lower` to `upper`; the nodes fill the rest, in any order:
///   0       2       4       6          8
///   | low   | high  | flags | key size | key | data, or the page of a run that has it
/// ```
///
/// Low and high are the size of the data in a leaf; in a branch they and the flags are the page
/// below. A node begins at an even offset. Nothing here may be asked for before what it stands on
/// was checked.
struct StorePage {
    static let headBytes = 16
    static let nodeHeadBytes = 8

    /// The kinds of pages.
    ///
    /// Others are of tables with several values for a key, which we have not.
    enum Kind: UInt16 {
        case branch = 1
        case leaf = 2
        case run = 4
        case meta = 8
    }

    /// What a leaf's node has for data.
    ///
    /// Other flags are of tables with several values for a key, too.
    enum Content: UInt16 {
        case bytes = 0
        /// The page number of a run that has the bytes, in 8 bytes.
        case run = 1
        /// A table.
        case table = 2
    }

    let bytes: [UInt8]

    var number: UInt64 { bytes.number64(at: 0) }
    var kind: Kind? { Kind(rawValue: bytes.number16(at: 10)) }
    var lower: Int { Int(bytes.number16(at: 12)) }
    var upper: Int { Int(bytes.number16(at: 14)) }

    /// How many pages a run has.
    var runLength: Int { Int(bytes.number32(at: 12)) }

    /// How many nodes there are, where `lower` is not below the head.
    var nodeCount: Int { (lower - Self.headBytes) / 2 }

    func offset(of node: Int) -> Int { Int(bytes.number16(at: Self.headBytes + 2 * node)) }

    /// The node at an offset, whose head is in the page.
    func node(at offset: Int) -> Node {
        let high = Int(bytes.number16(at: offset + 2)) << 16
        return Node(
            offset: offset,
            dataSize: Int(bytes.number16(at: offset)) | high,
            flags: bytes.number16(at: offset + 4),
            keySize: Int(bytes.number16(at: offset + 6))
        )
    }

    struct Node {
        let offset: Int
        let dataSize: Int
        let flags: UInt16
        let keySize: Int

        var content: Content? { Content(rawValue: flags) }
        var child: UInt64 { UInt64(dataSize) | UInt64(flags) << 32 }
        var key: Range<Int> { keyStart..<(keyStart + keySize) }

        /// Where the data begins.
        var data: Int { keyStart + keySize }

        private var keyStart: Int { offset + StorePage.nodeHeadBytes }
    }
}

/// What LMDB notes of a tree (mdb.c: MDB_db).
///
/// ```
///   0     4       6       8              16             24         32         40     48
///   | pad | flags | depth | branch pages | leaf pages   | in runs  | entries  | root |
/// ```
struct StoreTree: Hashable {
    static let byteCount = 48

    /// The root of a tree that has nothing.
    static let noRoot = UInt64.max

    let pad: UInt32
    let flags: UInt16
    let depth: Int
    let branchPages: UInt64
    let leafPages: UInt64
    let runPages: UInt64
    let entries: UInt64
    let root: UInt64

    /// The tree at an offset of bytes that are long enough.
    init(_ bytes: [UInt8], at offset: Int) {
        pad = bytes.number32(at: offset)
        flags = bytes.number16(at: offset + 4)
        depth = Int(bytes.number16(at: offset + 6))
        branchPages = bytes.number64(at: offset + 8)
        leafPages = bytes.number64(at: offset + 16)
        runPages = bytes.number64(at: offset + 24)
        entries = bytes.number64(at: offset + 32)
        root = bytes.number64(at: offset + 40)
    }
}

/// Where a snapshot of the file begins (mdb.c: MDB_meta); behind the head of pages 0 and 1.
///
/// ```
///   16      20        24        32         40          88          136         144           152
///   | magic | version | address | map size | free tree | main tree | last page | transaction |
/// ```
///
/// The pad of the free tree is the size of a page. Transaction N writes page N mod 2, so the newer
/// of the two is the file's state, and the other one that of the transaction before.
struct StoreMeta: Hashable {
    static let byteCount = 152
    static let magic: UInt32 = 0xBEEF_C0DE
    static let version: UInt32 = 1

    let magic: UInt32
    let version: UInt32
    let free: StoreTree
    let main: StoreTree
    let lastPage: UInt64
    let transaction: UInt64

    var pageSize: Int { Int(free.pad) }

    /// Whether a meta page began like that, at least once.
    static func isMarked(_ bytes: [UInt8]) -> Bool {
        bytes.count >= 20 && bytes.number32(at: 16) == magic
    }

    /// The meta page that `bytes` begin with; nil if there are too few or they are none.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= Self.byteCount, Self.isMarked(bytes),
            bytes.number16(at: 10) & StorePage.Kind.meta.rawValue != 0
        else { return nil }
        magic = Self.magic
        version = bytes.number32(at: 20)
        free = StoreTree(bytes, at: 40)
        main = StoreTree(bytes, at: 88)
        lastPage = bytes.number64(at: 136)
        transaction = bytes.number64(at: 144)
    }
}

extension [UInt8] {
    /// The number of two bytes at an offset, least significant byte first.
    func number16(at offset: Int) -> UInt16 {
        UInt16(self[offset]) | UInt16(self[offset + 1]) << 8
    }

    func number32(at offset: Int) -> UInt32 {
        UInt32(number16(at: offset)) | UInt32(number16(at: offset + 2)) << 16
    }

    func number64(at offset: Int) -> UInt64 {
        UInt64(number32(at: offset)) | UInt64(number32(at: offset + 4)) << 32
    }
}
