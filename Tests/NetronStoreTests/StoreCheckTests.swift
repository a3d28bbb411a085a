// SPDX-License-Identifier: Apache-2.0

internal import NetronStore
internal import NetronWire
internal import Testing

/// Single numbers of a file that are not as LMDB would have written them, each with what is said.
@Suite("store: check") struct StoreCheckTests {
    private let folder: Folder
    private let sound: Dissected

    init() throws {
        folder = try Folder()
        sound = try Dissected(folder)
    }

    /// Opens the file with some numbers changed, which has to fail with these words.
    private func expect(_ words: String, _ change: (inout Dissected) throws -> Void) throws {
        var file = sound
        try change(&file)
        try #require(file.bytes != sound.bytes)
        try folder.write(file.bytes)
        let failure = #expect(throws: StoreError.self) { _ = try folder.open() }
        #expect(failure?.kind == .corrupt)
        let message = failure?.message ?? ""
        #expect(message.contains(words), "\(message)")
    }

    @Test("the file is a sound one at first") func untouched() throws {
        try folder.write(sound.bytes)
        try folder.open().verify()
    }

    @Test("meta pages") func metaPages() throws {
        try expect("a meta page is damaged") { $0[16, at: $0.older] ^= 1 }
        try expect("a meta page is damaged") { $0[10, at: $0.newer] = 0 }
        try expect("differ") { $0[20, at: $0.older] = 2 }
        try expect("differ") { $0[40, at: $0.newer] *= 2 }
        try expect("differ") {
            $0[40, at: $0.newer] = 24
            $0[40, at: $0.older] = 24
        }
        try expect("follow") { $0[144, at: $0.newer] += 2 }
        try expect("too short, or too long") { $0[140, at: $0.newer] = 1 }
        try expect("too short, or too long") { $0[136, at: $0.newer] = 0 }
        try expect("cut short") { $0[136, at: $0.newer] += 200 }
        // Several values a key (MDB_DUPSORT): LMDB would stop.
        try expect("other rules") { $0[44, at: $0.newer] |= 4 }
        try expect("other rules") { $0[92, at: $0.newer] |= 4 }
    }

    @Test("what trees say of themselves") func trees() throws {
        try expect("no root") { file in
            for place in 0..<4 { file[128 + 2 * place, at: file.newer] = 0xFFFF }
        }
        try expect("pages deep") { $0[94, at: $0.newer] = 33 }
        try expect("its head") { $0[94, at: $0.newer] = 2 }
        try expect("size it says") { $0[120, at: $0.newer] += 1 }
        try expect("size it says") { $0[104, at: $0.newer] += 1 }
        try expect("used twice") { $0[128, at: $0.newer] = 1 }
        try expect("used twice") { $0[128, at: $0.newer] = 9999 }
        // The free tree's root is the main tree's.
        try expect("used twice") { $0[80, at: $0.newer] = $0[128, at: $0.newer] }
    }

    @Test("heads of pages") func heads() throws {
        try expect("another number") { $0[0, at: $0.leaf] ^= 1 }
        try expect("its head") { $0[10, at: $0.leaf] |= 0x10 }
        try expect("its head") { $0[12, at: $0.leaf] -= 1 }
        try expect("its head") { $0[12, at: $0.leaf] = 14 }
        try expect("its head") { $0[12, at: $0.leaf] = 16 }
        try expect("its head") { $0[12, at: $0.leaf] = $0[14, at: $0.leaf] + 2 }
        try expect("overlap") { $0[14, at: $0.leaf] -= 2 }
        try expect("out of place") { $0[14, at: $0.leaf] += 2 }
        try expect("out of place") { $0[12, at: $0.leaf] += 2 }
    }

    @Test("nodes of pages") func nodes() throws {
        try expect("out of place") { $0[16, at: $0.leaf] += 1 }
        try expect("out of place") { $0[16, at: $0.leaf] = UInt16(pageBytes - 6) }
        try expect("overlap") { $0[16, at: $0.leaf] = $0[18, at: $0.leaf] }
        try expect("out of order") {
            ($0[16, at: $0.leaf], $0[18, at: $0.leaf]) = ($0[18, at: $0.leaf], $0[16, at: $0.leaf])
        }
        // The data of a node, its flags and the length of its key.
        let (last, first) = (sound.node(0), sound.node(1))
        try expect("overlap") { $0[0, at: first] += 16 }
        try expect("wrong size") { $0[0, at: last] += 16 }
        try expect("wrong size") { $0[2, at: first] = 1 }
        try expect("wrong size") { $0[4, at: first] = 4 }
        try expect("no known kind") { $0[4, at: first] = 2 }
        try expect("wrong size") { $0[6, at: first] = 0x400 }
        try expect("out of order") {
            $0[6, at: first] += 60
            $0[0, at: first] -= 60
        }
        try expect("out of order") {
            $0[0, at: first] += $0[6, at: first]
            $0[6, at: first] = 0
        }
    }

    @Test("branches") func branches() throws {
        let node = sound.branchNode(1)
        try expect("used twice") { $0[0, at: node] = $0[0, at: $0.branchNode(0)] }
        try expect("used twice") { $0[4, at: node] = 1 }
        // The bound is greater than the first key below it, or not greater than those before.
        try expect("out of order") { $0[8, at: node] = 0xFFFF }
        try expect("out of order") {
            for place in 0..<4 { $0[8 + 2 * place, at: node] = 0 }
        }
        try expect("its head") { $0[12, at: $0.branch] = 18 }
    }

    @Test("runs of pages") func runs() throws {
        try expect("no run") { $0[12, at: $0.run] = 1 }
        try expect("no run") { $0[14, at: $0.run] = 1 }
        try expect("no run") { $0[10, at: $0.run] = 2 }
        try expect("no run") { $0[0, at: $0.run] += 1 }
        try expect("too long") { $0[2, at: $0.runNode] = 3 }
        try expect("not there") { $0[16, at: $0.runNode] = 9999 }
        try expect("not there") { $0[16, at: $0.runNode] = 1 }
        try expect("no run") { $0[16, at: $0.runNode] += 1 }
    }

    @Test("lists of free pages") func lists() throws {
        let list = sound.freeList
        try expect("list of free pages") { $0[0, at: list] = 999 }
        try expect("a free page is used") { $0[8, at: list] = UInt16($0.leaf / pageBytes) }
        try expect("a free page is used") { $0[8, at: list] = 1 }
        try expect("a free page is used") { $0[8, at: list] = 9999 }
        try expect("a free page is used") {
            ($0[8, at: list], $0[16, at: list]) = ($0[16, at: list], $0[8, at: list])
        }
        // The number of the transaction that freed them stands before the list.
        try expect("list of free pages") { $0[-8, at: list] = 0 }
        try expect("list of free pages") { $0[-8, at: list] = 999 }
        try expect("out of order") { $0[-10, at: list] = 7 }
    }
}

/// A small store of which it is known what is where.
private struct Dissected {
    private(set) var bytes: [UInt8]

    init(_ folder: Folder) throws {
        do {
            var store = try folder.open()
            try store.apply(
                LedgerBatch(.index, (0..<9).map { (pattern($0), pattern($0, count: 80)) })
            )
            try store.apply(LedgerBatch(.states, [(pattern(7), pattern(1, count: 3 * pageBytes))]))
            let many = (0..<400).map { (pattern($0 + 1000, count: 10), pattern($0, count: 100)) }
            try store.apply(LedgerBatch(.tree, many))
            try store.apply(LedgerBatch(.meta, [([1], [1])]))
        }
        bytes = try folder.bytes()
    }

    /// Two bytes from an offset of something on, least significant byte first.
    subscript(_ offset: Int, at start: Int) -> UInt16 {
        get { UInt16(bytes[start + offset]) | UInt16(bytes[start + offset + 1]) << 8 }
        set {
            bytes[start + offset] = UInt8(truncatingIfNeeded: newValue)
            bytes[start + offset + 1] = UInt8(truncatingIfNeeded: newValue >> 8)
        }
    }

    /// The meta pages.
    var newer: Int { self[144, at: 0] > self[144, at: pageBytes] ? 0 : pageBytes }
    var older: Int { pageBytes - newer }

    /// The only leaf of `index`.
    var leaf: Int { page(of: pattern(3)) }

    /// The node of that leaf that is `place` places from its end.
    func node(_ place: Int) -> Int {
        let nodes = (0..<9).map { Int(self[16 + 2 * $0, at: leaf]) }.sorted(by: >)
        return leaf + nodes[place]
    }

    /// The node of the value that has a run, in the only leaf of `states`.
    var runNode: Int {
        let leaf = page(of: pattern(7), isRun: true)
        return leaf + Int(self[16, at: leaf])
    }

    var run: Int { Int(self[16, at: runNode]) * pageBytes }

    /// The root of `tree`.
    var branch: Int {
        let main = Int(self[128, at: newer]) * pageBytes
        let count = (Int(self[12, at: main]) - 16) / 2
        let nodes = (0..<count).map { main + Int(self[16 + 2 * $0, at: main]) }
        let tree = nodes.first { bytes[($0 + 8)...].starts(with: "tree".utf8) } ?? 0
        return Int(self[8 + 4 + 40, at: tree]) * pageBytes
    }

    func branchNode(_ index: Int) -> Int { branch + Int(self[16 + 2 * index, at: branch]) }

    /// The first list of at least two free pages, in the only leaf of the free tree.
    var freeList: Int {
        let leaf = Int(self[80, at: newer]) * pageBytes
        let count = (Int(self[12, at: leaf]) - 16) / 2
        let lists = (0..<count).map { leaf + Int(self[16 + 2 * $0, at: leaf]) + 16 }
        return lists.first { self[0, at: $0] >= 2 } ?? 0
    }

    /// The last leaf with that key.
    private func page(of key: [UInt8], isRun: Bool = false) -> Int {
        let pages = stride(from: 2 * pageBytes, to: bytes.count, by: pageBytes).filter { page in
            guard self[10, at: page] == 2, self[12, at: page] > 16 else { return false }
            return (0..<(Int(self[12, at: page]) - 16) / 2).contains { index in
                let node = page + Int(self[16 + 2 * index, at: page])
                return self[4, at: node] == (isRun ? 1 : 0) && Int(self[6, at: node]) == key.count
                    && bytes[(node + 8)...].starts(with: key)
            }
        }
        return pages.last ?? 0
    }
}
