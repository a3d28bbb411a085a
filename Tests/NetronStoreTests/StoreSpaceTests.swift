// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import NetronStore
internal import NetronWire
internal import Testing

@Suite("store: space") struct StoreSpaceTests {
    private let folder: Folder

    init() throws { folder = try Folder() }

    /// Writes 200 records anew, over and over.
    private func churn(_ store: inout Store, rounds: Int) throws {
        for round in 0..<rounds {
            let records = (0..<200).map { (pattern($0 * 7919 % 200), pattern(round, count: 300)) }
            try store.apply(LedgerBatch(.heads, records))
        }
    }

    @Test("pages are used again: a file stays small however much is written") func churned() throws
    {
        var store = try folder.open()
        try churn(&store, rounds: 5)
        let before = try store.statistics()
        try churn(&store, rounds: 200)
        let after = try store.statistics()
        let pages = try store.pages()
        #expect(after.fileBytes <= before.fileBytes + 16 * pages.byteCount)
        #expect(after.fileBytes <= 4 * after.liveBytes)
        #expect(after.records[.heads] == 200)
        #expect(pages.live + pages.free <= after.fileBytes / pages.byteCount)
        #expect(pages.depth >= 2)
        try store.verify()
    }

    @Test("compacting leaves what counts, and gives the rest back") func compacted() throws {
        var store = try folder.open()
        let records = (0..<2000).map { (pattern($0), pattern($0, count: 900)) }
        try store.apply(LedgerBatch(.states, records))
        try store.apply(LedgerBatch(.heads, [([1], [10])]))
        #expect(try !store.compactIfWorth())
        var removal = LedgerBatch()
        for (key, _) in records.dropFirst(10) { removal.remove(key, from: .states) }
        try store.apply(removal)
        let before = try store.statistics()
        #expect(before.isWorthCompacting)
        #expect(try store.compactIfWorth())
        let after = try store.statistics()
        #expect(after.fileBytes < before.fileBytes / 20)
        #expect(!after.isWorthCompacting)
        #expect(try all(.states, of: store).map(\.value) == records.prefix(10).map(\.1))
        #expect(try store.value(of: [1], in: .heads) == [10])
        try store.verify()
        // It is written and opened like any other.
        try store.apply(LedgerBatch(.heads, [([2], [20])]))
        #expect(try store.count(of: .heads) == 2)
        try store.verify()
    }

    @Test("what an interrupted compaction left goes") func draft() throws {
        try folder.write([1, 2, 3], to: "ledger.new")
        _ = try folder.open()
        #expect(try folder.names == ["ledger", "ledger.lock"])
    }

    @Test("a full store says so, keeps what it has, and can be emptied") func full() throws {
        let limit = 1 << 20
        var store = try folder.open(fileBytesMax: limit)
        var number = 0
        let failure = #expect(throws: StoreError.self) {
            while true {
                try store.apply(
                    LedgerBatch(.heads, [(pattern(number), pattern(number, count: 1000))])
                )
                number += 1
            }
        }
        #expect(failure?.kind == .full)
        #expect(failure?.message.contains("--ledger-budget") == true)
        #expect(number > 300)
        #expect(try store.count(of: .heads) == number)
        // Far apart, so that each has a page of its own.
        var removal = LedgerBatch()
        for step in 0..<25 { removal.remove(pattern(step * number / 25), from: .heads) }
        try store.apply(removal)
        for start in stride(from: 0, to: number, by: 50) {
            try store.prune { transaction throws(StoreError) in
                for number in start..<min(start + 50, number) {
                    try transaction.remove(pattern(number), from: .heads)
                }
            }
        }
        #expect(try store.count(of: .heads) == 0)
        #expect(try store.statistics().fileBytes <= limit)
        try store.apply(LedgerBatch(.heads, [([1], [10])]))
        try store.verify()
    }

    @Test("a full store that was made dense keeps within its limit, too") func denseAndFull()
        throws
    {
        let limit = 1 << 20
        var store = try folder.open(fileBytesMax: limit)
        var number = 0
        for _ in 0..<4 {
            var isFull = false
            while !isFull {
                number += 1
                let record = (pattern(number), pattern(number, count: 1000))
                do { try store.apply(LedgerBatch(.heads, [record])) } catch { isFull = true }
                #expect(try store.statistics().fileBytes <= limit)
            }
            // Far apart, so that each has a page of its own; as many at once as there is room for.
            for count in [60, 50, 40, 32, 25] {
                var removal = LedgerBatch()
                for step in 0..<count {
                    removal.remove(pattern(step * number / count), from: .heads)
                }
                try? store.apply(removal)
                #expect(try store.statistics().fileBytes <= limit)
            }
            try store.compact()
            #expect(try store.statistics().fileBytes <= limit)
        }
        try store.verify()
    }

    @Test("a write that failed for want of space is none, whoever catches it") func swallowed()
        throws
    {
        var store = try folder.open(fileBytesMax: 512 << 10)
        let failure = #expect(throws: StoreError.self) {
            try store.write { transaction throws(StoreError) in
                for number in 0..<1000 {
                    try? transaction.put(pattern(0, count: 4000), for: pattern(number), in: .heads)
                }
            }
        }
        #expect(failure?.kind == .full)
        #expect(try store.count(of: .heads) == 0)
        try store.verify()
    }

    @Test("a smaller budget does not harm a file that is larger") func shrunk() throws {
        let records = (0..<2000).map { (pattern($0), pattern($0, count: 900)) }
        do {
            var store = try folder.open()
            try store.apply(LedgerBatch(.states, records))
        }
        var store = try folder.open(fileBytesMax: 512 << 10)
        #expect(try store.count(of: .states) == 2000)
        for start in stride(from: 0, to: 2000, by: 20) {
            var removal = LedgerBatch()
            for (key, _) in records[start..<(start + 20)] { removal.remove(key, from: .states) }
            try store.apply(removal)
        }
        #expect(try store.compactIfWorth())
        #expect(try store.statistics().fileBytes < 512 << 10)
    }

    @Test("opening and compacting cost little memory of the process's own") func memory() throws {
        do {
            var store = try folder.open()
            try churn(&store, rounds: 5)
        }
        let lines = try Writer("memory", folder.store).lines().map { Int($0) ?? .max }
        try #require(lines.count == 2)
        #expect(lines[0] < 256 << 10)
        #expect(lines[1] < 1 << 20)
    }

    @Test("pages that were never written are no damage") func unwritten() throws {
        do {
            var store = try folder.open()
            // With free pages at hand, LMDB has its list of them on one of those.
            for number in UInt8(0)..<9 { try store.apply(LedgerBatch(.heads, [([number], [10])])) }
            try store.write { transaction throws(StoreError) in
                for number in 0..<300 {
                    try transaction.put(pattern(0, count: 1500), for: pattern(number), in: .heads)
                }
                // The pages that are given back last are taken first, so the last ones are not.
                for number in (0..<300).reversed() {
                    try transaction.remove(pattern(number), from: .heads)
                }
            }
            let pages = try store.pages()
            let fileBytes = try store.statistics().fileBytes
            try #require(fileBytes < (2 + pages.live + pages.free) * pages.byteCount)
        }
        var store = try folder.open()
        try store.verify()
        for number in 0..<300 {
            try store.apply(LedgerBatch(.heads, [(pattern(number), pattern(0, count: 1500))]))
        }
        try store.verify()
    }
}
