// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import NetronSimulator
internal import NetronStore
internal import NetronWire
internal import Testing

@Suite("store: records") struct StoreTests {
    private let folder: Folder

    init() throws { folder = try Folder() }

    @Test("what was written is there, and after the store was opened again") func kept() throws {
        do {
            var store = try folder.open()
            #expect(store.beginning == .nothing)
            try store.apply(LedgerBatch(.heads, [([1], [10]), ([2], [20])]))
            #expect(try store.value(of: [1], in: .heads) == [10])
        }
        var store = try folder.open()
        #expect(store.beginning == .found)
        #expect(try store.value(of: [1], in: .heads) == [10])
        #expect(try store.value(of: [1], in: .states) == nil)
        #expect(try store.count(of: .heads) == 2)
        try store.write { transaction throws(StoreError) in
            #expect(try transaction.remove([1], from: .heads))
            #expect(try !transaction.remove([1], from: .heads))
            #expect(try transaction.snapshot.value(of: [1], in: .heads) == nil)
        }
        #expect(try store.value(of: [1], in: .heads) == nil)
        try store.verify()
    }

    @Test("nothing lies beside it but its lock, and only its owner may read it") func files() throws
    {
        var store = try folder.open()
        try store.compact()
        #expect(try folder.names == ["ledger", "ledger.lock"])
        for name in try folder.names {
            let attributes = try FileManager.default.attributesOfItem(
                atPath: "\(folder.path)/\(name)"
            )
            #expect(attributes[.posixPermissions] as? Int == 0o600)
        }
    }

    @Test("keys and values have their full length") func lengths() throws {
        var store = try folder.open()
        let long = pattern(7, count: LedgerTable.keyBytesMax)
        let large = pattern(9, count: LedgerTable.valueBytesMax)
        try store.apply(LedgerBatch(.states, [(long, large), ([0], []), ([0, 0], [1])]))
        #expect(try store.value(of: long, in: .states) == large)
        #expect(try store.value(of: [0], in: .states) == [])
        #expect(try store.value(of: [0, 0], in: .states) == [1])
        try store.verify()
    }

    @Test("no record has a key that is empty or too long") func strangeKeys() throws {
        let store = try folder.open()
        #expect(try store.value(of: [], in: .heads) == nil)
        #expect(try store.value(of: pattern(0, count: 65), in: .heads) == nil)
        let range = LedgerRange(
            .heads,
            prefix: pattern(0, count: 2000),
            from: pattern(1, count: 2000)
        )
        #expect(try store.records(in: range, limit: 9) == [])
    }

    @Test("a write that throws changes nothing") func aborted() throws {
        struct Enough: Error {}
        var store = try folder.open()
        try store.apply(LedgerBatch(.heads, [([1], [10])]))
        #expect(throws: StoreError.self) {
            try store.write { transaction throws(StoreError) in
                try transaction.put([11], for: [1], in: .heads)
                try transaction.put([12], for: [2], in: .heads)
                throw StoreError(.system, "enough")
            }
        }
        #expect(try all(.heads, of: store) == [StoredRecord(key: [1], value: [10])])
        try store.verify()
    }

    @Test("a range begins at its first key, keeps to its prefix and ends at its limit")
    func ranges() throws {
        var store = try folder.open()
        let keys: [[UInt8]] = [[1], [1, 0], [1, 1], [1, 255], [2], [2, 0], [255], [255, 255]]
        try store.apply(LedgerBatch(.index, keys.map { ($0, $0) }))
        func found(_ prefix: [UInt8], _ from: [UInt8], _ limit: Int = 99) throws -> [[UInt8]] {
            try store.records(in: LedgerRange(.index, prefix: prefix, from: from), limit: limit)
                .map(\.key)
        }
        #expect(try found([], []) == keys)
        #expect(try found([1], []) == Array(keys[0..<4]))
        #expect(try found([1], [1, 1]) == Array(keys[2..<4]))
        #expect(try found([1], [1, 1], 1) == [keys[2]])
        #expect(try found([1], [2]) == [])
        #expect(try found([2], [1]) == Array(keys[4..<6]))
        #expect(try found([], [1, 2]) == Array(keys[3...]))
        #expect(try found([255, 255], []) == [keys[7]])
        #expect(try found([3], []) == [])
        #expect(try found([], [], 0) == [])
    }

    @Test("a snapshot inside of a snapshot is the same") func nested() throws {
        var store = try folder.open()
        try store.apply(LedgerBatch(.heads, [([1], [10])]))
        try store.read { outer throws(StoreError) in
            try store.read { inner throws(StoreError) in
                #expect(try inner.value(of: [1], in: .heads) == [10])
            }
            #expect(try outer.value(of: [1], in: .heads) == [10])
        }
        try store.apply(LedgerBatch(.heads, [([1], [11])]))
        #expect(try store.value(of: [1], in: .heads) == [11])
    }

    @Test("on disk and in memory are the same", arguments: [1, 2, 3] as [UInt64])
    func twins(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var memory = MemoryStore()
        for _ in 0..<4 {
            var store = try folder.open()
            for _ in 0..<40 {
                let batch = LedgerBatch.random(&random)
                try store.apply(batch)
                try memory.apply(batch)
                if random.happens(0.1) { try store.compact() }
            }
            for table in LedgerTable.allCases {
                #expect(try all(table, of: store) == all(table, of: memory))
                #expect(try store.count(of: table) == memory.count(of: table))
                let prefix = [UInt8.random(in: 0...3, using: &random)]
                let from = prefix + [UInt8.random(in: 0...255, using: &random)]
                for range in [
                    LedgerRange(table, prefix: prefix), LedgerRange(table, from: from),
                    LedgerRange(table, prefix: prefix, from: from),
                ] {
                    let records = try store.records(in: range, limit: 5)
                    #expect(try records == memory.records(in: range, limit: 5))
                }
            }
            try store.verify()
        }
    }
}

extension LedgerBatch {
    /// Some changes of few keys, so that they meet again.
    static func random(_ random: inout SeededRandom) -> LedgerBatch {
        var batch = LedgerBatch()
        for _ in 0..<Int.random(in: 1...40, using: &random) {
            let table = LedgerTable.allCases.randomElement(using: &random) ?? .heads
            let key =
                [UInt8.random(in: 0...3, using: &random)]
                + random.bytes(Int.random(in: 0...1, using: &random))
            if random.happens(0.4) {
                batch.remove(key, from: table)
            } else {
                let isLarge = random.happens(0.05)
                let count = Int.random(in: 0...(isLarge ? 20_000 : 300), using: &random)
                batch.put(pattern(count, count: count), for: key, in: table)
            }
        }
        return batch
    }
}
