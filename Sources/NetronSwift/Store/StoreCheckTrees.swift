// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// What is known of a tree while it is walked over, from the least key to the greatest.
struct TreeWalk {
    enum Kind {
        /// The tables, and the stamp.
        case main
        /// Records.
        case table
        /// Lists of free pages by the transaction that freed them.
        case free
    }

    let kind: Kind
    var branchPages: UInt64 = 0
    var leafPages: UInt64 = 0
    var runPages: UInt64 = 0
    var entries: UInt64 = 0

    // Of the main tree:
    var stamp: StoreStamp?
    var tables: [StoreTree] = []
    /// Whether there is something that a ledger has not.
    var hasStrangers = false

    private var last: [UInt8] = []
    private var mayRepeat = true

    init(of kind: Kind) { self.kind = kind }

    /// Whether a key of a leaf comes behind all before it.
    mutating func passes(_ key: some Collection<UInt8>) -> Bool {
        guard last.lexicographicallyPrecedes(key) || mayRepeat && last.elementsEqual(key) else {
            return false
        }
        last.replaceSubrange(last.indices, with: key)
        mayRepeat = false
        return true
    }

    /// Whether a key of a branch, which all below it are not less than, comes behind all before it.
    mutating func passes(bound key: some Collection<UInt8>) -> Bool {
        guard last.lexicographicallyPrecedes(key) else { return false }
        last.replaceSubrange(last.indices, with: key)
        mayRepeat = true
        return true
    }

    /// Whether the tree has as much as it says.
    func matches(_ tree: StoreTree) -> Bool {
        branchPages == tree.branchPages && leafPages == tree.leafPages
            && runPages == tree.runPages && entries == tree.entries
    }
}

extension StoreCheck {
    mutating func walk(_ tree: StoreTree, _ walk: inout TreeWalk) throws(StoreError) {
        if tree.root == StoreTree.noRoot {
            guard tree.depth == 0 else { throw path.corrupt("a tree has no root") }
        } else {
            guard (1...Self.depthMax).contains(tree.depth) else {
                throw path.corrupt("a tree is \(tree.depth) pages deep")
            }
            try visit(tree.root, above: tree.depth - 1, &walk)
        }
        guard walk.matches(tree) else { throw path.corrupt("a tree is not of the size it says") }
    }

    /// Walks over a page that has `above` levels of pages below it.
    private mutating func visit(
        _ number: UInt64,
        above: Int,
        _ walk: inout TreeWalk
    ) throws(StoreError) {
        let page = try take(number)
        let nodes = try nodes(of: page, isLeaf: above == 0)
        if above == 0 {
            walk.leafPages += 1
            for node in nodes {
                guard pass(key(of: node, in: page, walk.kind), isBound: false, &walk) else {
                    throw damaged(number, "keys are out of order")
                }
                walk.entries += 1
                try look(at: node, in: page, &walk)
            }
        } else {
            walk.branchPages += 1
            for (index, node) in nodes.enumerated() {
                // LMDB does not look at the key of the first.
                if index > 0, !pass(key(of: node, in: page, walk.kind), isBound: true, &walk) {
                    throw damaged(number, "keys are out of order")
                }
                try visit(node.child, above: above - 1, &walk)
            }
        }
    }

    private func pass(_ key: ArraySlice<UInt8>?, isBound: Bool, _ walk: inout TreeWalk) -> Bool {
        guard let key else { return false }
        // LMDB compares the keys of free lists as numbers of the host.
        if walk.kind == .free {
            let digits = key.reversed()
            return isBound ? walk.passes(bound: digits) : walk.passes(digits)
        }
        return isBound ? walk.passes(bound: key) : walk.passes(key)
    }

    /// A key that is as long as those of such a tree are.
    private func key(
        of node: StorePage.Node,
        in page: StorePage,
        _ kind: TreeWalk.Kind
    ) -> ArraySlice<UInt8>? {
        let sizes =
            switch kind {
            case .main: 1...Self.keyBytesMax
            case .table: 1...LedgerTable.keyBytesMax
            case .free: 8...8
            }
        return sizes.contains(node.keySize) ? page.bytes[node.key] : nil
    }

    /// A page of a tree, which nothing else may have.
    private mutating func take(_ number: UInt64) throws(StoreError) -> StorePage {
        guard number >= 2, number <= meta.lastPage, number < pageCount, used.insert(number) else {
            throw damaged(number, "it is used twice, or not there")
        }
        let page = StorePage(bytes: try file.read(pageSize, at: Int(number) * pageSize))
        guard page.bytes.count == pageSize, page.number == number else {
            throw damaged(number, "it has another number")
        }
        return page
    }

    /// The nodes of a page, which fill it from `upper` to the end without gaps.
    private func nodes(
        of page: StorePage,
        isLeaf: Bool
    ) throws(StoreError) -> [StorePage.Node] {
        guard page.kind == (isLeaf ? .leaf : .branch), page.lower >= StorePage.headBytes,
            page.lower % 2 == 0, page.lower <= page.upper, page.upper <= pageSize,
            page.nodeCount >= (isLeaf ? 1 : 2)
        else { throw damaged(page.number, "its head is damaged") }
        var nodes: [StorePage.Node] = []
        var extents: [Range<Int>] = []
        for index in 0..<page.nodeCount {
            let offset = page.offset(of: index)
            guard offset >= page.upper, offset % 2 == 0,
                offset <= pageSize - StorePage.nodeHeadBytes
            else { throw damaged(page.number, "a node is out of place") }
            let node = page.node(at: offset)
            guard let size = size(of: node, isLeaf: isLeaf), size <= pageSize - offset else {
                throw damaged(page.number, "a node has a wrong size")
            }
            nodes.append(node)
            extents.append(offset..<(offset + size))
        }
        extents.sort { $0.lowerBound < $1.lowerBound }
        var end = page.upper
        for extent in extents {
            guard extent.lowerBound == end else { throw damaged(page.number, "nodes overlap") }
            end = extent.upperBound
        }
        guard end == pageSize else { throw damaged(page.number, "nodes are missing") }
        return nodes
    }

    /// How many bytes of its page a node has; nil if LMDB would not have put it there.
    private func size(of node: StorePage.Node, isLeaf: Bool) -> Int? {
        guard node.keySize <= Self.keyBytesMax else { return nil }
        var size = StorePage.nodeHeadBytes + node.keySize
        if isLeaf {
            guard let content = node.content else { return nil }
            size += content == .run ? 8 : node.dataSize
            // Two nodes fit into each page (me_nodemax); longer data goes to a run.
            guard size <= (pageSize - StorePage.headBytes) / 2 & ~1 - 2 else { return nil }
        }
        return size + size % 2
    }

    private mutating func look(
        at node: StorePage.Node,
        in page: StorePage,
        _ walk: inout TreeWalk
    ) throws(StoreError) {
        switch (walk.kind, node.content) {
        case (.main, .bytes) where page.bytes[node.key].elementsEqual(StoreStamp.key):
            walk.stamp = StoreStamp(Array(page.bytes[node.data..<(node.data + node.dataSize)]))
        case (.main, .table) where node.dataSize == StoreTree.byteCount:
            let name = page.bytes[node.key]
            walk.tables.append(StoreTree(page.bytes, at: node.data))
            let isOurs = LedgerTable.allCases.contains { name.elementsEqual($0.name.utf8) }
            walk.hasStrangers = walk.hasStrangers || !isOurs
        case (.main, _): walk.hasStrangers = true
        case (.table, .bytes): break
        case (.table, .run):
            guard node.dataSize <= StoreRecord.bytesMax else {
                throw damaged(page.number, "a value is too long")
            }
            _ = try takeRun(of: node, in: page, &walk)
        case (.free, .bytes):
            let transaction = page.bytes.number64(at: node.key.lowerBound)
            let list = page.bytes[node.data..<(node.data + node.dataSize)]
            try free(Array(list), by: transaction, page.number)
        case (.free, .run):
            let transaction = page.bytes.number64(at: node.key.lowerBound)
            // A list may have room for as many pages as there are, and for the rest of its run.
            guard node.dataSize / 8 <= Int(meta.lastPage) + 2 * pageSize else {
                throw damaged(page.number, "a list of free pages is too long")
            }
            let start = try takeRun(of: node, in: page, &walk)
            try free(file.read(node.dataSize, at: start), by: transaction, page.number)
        default: throw damaged(page.number, "a node is of no known kind")
        }
    }

    /// Where in the file the data of a node begins that has a run of pages for it.
    private mutating func takeRun(
        of node: StorePage.Node,
        in page: StorePage,
        _ walk: inout TreeWalk
    ) throws(StoreError) -> Int {
        let number = page.bytes.number64(at: node.data)
        guard number >= 2, number <= meta.lastPage, number < pageCount else {
            throw damaged(page.number, "its run is not there")
        }
        let start = Int(number) * pageSize
        let head = StorePage(bytes: try file.read(StorePage.headBytes, at: start))
        guard head.bytes.count == StorePage.headBytes, head.number == number, head.kind == .run,
            head.runLength >= 1,
            StorePage.headBytes + node.dataSize <= head.runLength * pageSize,
            UInt64(head.runLength) <= min(pageCount, meta.lastPage + 1) - number
        else { throw damaged(number, "it begins no run") }
        for page in number..<(number + UInt64(head.runLength)) where !used.insert(page) {
            throw damaged(page, "it is used twice")
        }
        walk.runPages += UInt64(head.runLength)
        return start + StorePage.headBytes
    }

    /// Takes the pages that a transaction freed: their count, then their numbers from the greatest
    /// to the least, 8 bytes each; there may be room behind them.
    private mutating func free(
        _ list: [UInt8],
        by transaction: UInt64,
        _ page: UInt64
    ) throws(StoreError) {
        guard (1...meta.transaction).contains(transaction), list.count >= 8, list.count % 8 == 0,
            list.number64(at: 0) < UInt64(list.count / 8)
        else { throw damaged(page, "a list of free pages is damaged") }
        var previous = UInt64.max
        for index in 0..<Int(list.number64(at: 0)) {
            let number = list.number64(at: 8 * (index + 1))
            guard number < previous, number >= 2, number <= meta.lastPage, used.insert(number)
            else { throw damaged(page, "a free page is used") }
            previous = number
        }
    }

    private func damaged(_ page: UInt64, _ finding: String) -> StoreError {
        path.corrupt("page \(page): \(finding)")
    }
}
