// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import NetronSimulator
internal import NetronStore
internal import NetronWire
internal import Testing

@Suite("store: damage") struct StoreDamageTests {
    private let folder: Folder

    init() throws { folder = try Folder() }

    @Test("one bit that differs is seen, or changes nothing") func bits() throws {
        let sound = try Sound(folder)
        var random = SeededRandom(seed: 1)
        // All that counts of both meta pages; a sample of the heads of the others, and of the rest.
        var offsets = [0, 1].flatMap { page in (8..<152).map { page * pageBytes + $0 } }
        for page in stride(from: 2 * pageBytes, to: sound.bytes.count, by: pageBytes) {
            offsets += (0..<3).map { _ in page + Int.random(in: 0..<40, using: &random) }
        }
        offsets += (0..<150).map { _ in Int.random(in: 0..<sound.bytes.count, using: &random) }
        var seen = 0
        for offset in offsets {
            var bytes = sound.bytes
            bytes[offset] ^= 1 << UInt8.random(in: 0...7, using: &random)
            if try sound.survives(bytes) { seen += 1 }
        }
        #expect(seen > offsets.count / 4)
    }

    @Test("a page that is another's, zero or noise is seen, or changes nothing") func pages() throws
    {
        let sound = try Sound(folder)
        var random = SeededRandom(seed: 2)
        let count = sound.bytes.count / pageBytes
        for page in 0..<count {
            let place = (page * pageBytes)..<(page * pageBytes + pageBytes)
            let other = Int.random(in: 0..<count, using: &random) * pageBytes
            for content in [
                [UInt8](repeating: 0, count: pageBytes), random.bytes(pageBytes),
                Array(sound.bytes[other..<(other + pageBytes)]),
            ] {
                var bytes = sound.bytes
                bytes.replaceSubrange(place, with: content)
                _ = try sound.survives(bytes)
            }
        }
    }

    @Test("a file that was cut short is seen, or lacks only what is free") func truncated() throws {
        let sound = try Sound(folder)
        var seen = 0
        for page in 0..<(sound.bytes.count / pageBytes) {
            for end in [0, 1, 100, pageBytes - 1].map({ page * pageBytes + $0 }) {
                if try sound.survives(Array(sound.bytes.prefix(end))) { seen += 1 }
            }
        }
        #expect(seen > sound.bytes.count / pageBytes)
    }

    @Test("an empty file is a damaged one") func empty() throws {
        try folder.write([])
        let failure = #expect(throws: StoreError.self) { _ = try folder.open() }
        #expect(failure?.kind == .corrupt)
    }

    @Test("what is no store is refused and left alone", arguments: [1, 15, 160, 5000, 20_000])
    func noise(count: Int) throws {
        var random = SeededRandom(seed: 3)
        let bytes = random.bytes(count)
        try folder.write(bytes)
        let failure = #expect(throws: StoreError.self) {
            _ = try folder.open(movingCorruptAside: true)
        }
        #expect(failure?.kind == .foreign)
        #expect(try folder.bytes() == bytes)
    }

    @Test("a folder, a pipe and a dangling link are no stores") func strange() throws {
        try FileManager.default.createDirectory(
            atPath: folder.store,
            withIntermediateDirectories: false
        )
        #expect(throws: StoreError.self) { _ = try folder.open(movingCorruptAside: true) }
        try FileManager.default.removeItem(atPath: folder.store)
        let made = unsafe mkfifo(folder.store, 0o600)
        #expect(made == 0)
        #expect(throws: StoreError.self) { _ = try folder.open(movingCorruptAside: true) }
        try FileManager.default.removeItem(atPath: folder.store)
        try FileManager.default.createSymbolicLink(
            atPath: folder.store,
            withDestinationPath: "/nowhere/at/all"
        )
        #expect(throws: StoreError.self) { _ = try folder.open(movingCorruptAside: true) }
    }

    @Test("the store of another network is refused and left alone") func otherNetwork() throws {
        do { _ = try folder.open() }
        let bytes = try folder.bytes()
        let failure = #expect(throws: StoreError.self) {
            _ = try Store.open(
                folder.store,
                StoreOptions(network: [1, 2, 4], fileBytesMax: 1 << 20),
                movingCorruptAside: true
            )
        }
        #expect(failure?.kind == .foreign)
        #expect(failure?.message.contains("another network") == true)
        #expect(try folder.bytes() == bytes)
    }

    @Test("a file of a newer version is refused and left alone") func newer() throws {
        do { _ = try folder.open() }
        var bytes = try folder.bytes()
        // LMDB's own version, in both meta pages.
        for page in [0, pageBytes] { bytes[page + 20] = 2 }
        try folder.write(bytes)
        let failure = #expect(throws: StoreError.self) {
            _ = try folder.open(movingCorruptAside: true)
        }
        #expect(failure?.kind == .newer)
        #expect(try folder.bytes() == bytes)
    }

    @Test("our format of a newer version is refused too") func newerFormat() throws {
        do { _ = try folder.open() }
        var bytes = try folder.bytes()
        // The stamp: format 1, transaction 1, the network's length, the network.
        let stamp: [UInt8] = [1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 3] + network
        let start = try #require(
            bytes.indices.first { bytes[$0...].starts(with: stamp) }
        )
        bytes[start] = 2
        let checksum = CRC32C.checksum(bytes[start..<(start + stamp.count)])
        for index in 0..<4 {
            bytes[start + stamp.count + index] = UInt8(truncatingIfNeeded: checksum >> (8 * index))
        }
        try folder.write(bytes)
        let failure = #expect(throws: StoreError.self) { _ = try folder.open() }
        #expect(failure?.kind == .newer)
    }

    @Test("a damaged file is kept aside, and of many the last three") func aside() throws {
        for round in 0..<5 {
            var bytes = try { () throws -> [UInt8] in
                _ = try folder.open()
                return try folder.bytes()
            }()
            bytes[136] ^= 0xFF
            bytes[pageBytes + 136] ^= 0xFF
            bytes.append(UInt8(round))
            try folder.write(bytes)
            let failure = #expect(throws: StoreError.self) { _ = try folder.open() }
            #expect(failure?.kind == .corrupt)
            var store = try folder.open(movingCorruptAside: true)
            let error = try #require(failure)
            #expect(store.beginning == .damaged(error, aside: "\(folder.store).corrupt-1"))
            #expect(try store.count(of: .heads) == 0)
            try store.apply(LedgerBatch(.heads, [([1], [10])]))
            #expect(try folder.bytes(of: "ledger.corrupt-1") == bytes)
        }
        #expect(
            try folder.names == [
                "ledger", "ledger.corrupt-1", "ledger.corrupt-2", "ledger.corrupt-3", "ledger.lock",
            ]
        )
        #expect(try folder.bytes(of: "ledger.corrupt-3").last == 2)
    }

    @Test("the transaction before never comes back") func transactions() throws {
        let sound = try Sound(folder)
        // The number of the older meta page, made greater than that of the newer one.
        for page in [0, pageBytes] {
            for bit in 0..<64 {
                var bytes = sound.bytes
                bytes[page + 144 + bit / 8] ^= 1 << UInt8(bit % 8)
                #expect(try sound.survives(bytes))
            }
        }
    }
}

/// A small store that has all kinds of pages, and what it contains.
private struct Sound {
    let bytes: [UInt8]
    private let records: [[StoredRecord]]
    private let folder: Folder
    /// Changes on all pages.
    private let batch: LedgerBatch

    init(_ folder: Folder) throws {
        self.folder = folder
        var random = SeededRandom(seed: 7)
        var store = try folder.open()
        for _ in 0..<12 { try store.apply(.random(&random)) }
        let many = (0..<120).map { (pattern($0), pattern($0, count: 60 + $0 % 200)) }
        try store.apply(LedgerBatch(.heads, many))
        try store.apply(LedgerBatch(.states, [([9], pattern(5, count: 9000))]))
        var removal = LedgerBatch()
        for (key, _) in many.dropFirst(60) { removal.remove(key, from: .heads) }
        try store.apply(removal)
        try store.apply(LedgerBatch(.meta, [([1], [1])]))
        let pages = try store.pages()
        #expect(pages.depth == 2 && pages.free > 5)
        var batch = LedgerBatch()
        for number in 0..<120 {
            batch.put(pattern(number, count: number * 20), for: pattern(number), in: .heads)
            batch.remove(pattern((number + 119) % 120), from: .heads)
        }
        for entry in try all(.states, of: store) { batch.remove(entry.key, from: .states) }
        self.batch = batch
        records = try LedgerTable.allCases.map { try all($0, of: store) }
        bytes = try folder.bytes()
    }

    /// Opens a file of these bytes and does all that can be done with it; answers whether anything
    /// was found to be damaged.
    ///
    /// What was not is as before.
    func survives(_ bytes: [UInt8]) throws -> Bool {
        try folder.write(bytes)
        do {
            var store = try folder.open()
            var isDamaged = false
            do throws(StoreError) { try store.verify() } catch { isDamaged = true }
            if !isDamaged {
                #expect(try LedgerTable.allCases.map { try all($0, of: store) } == records)
            }
            // Whatever a value says, its page can be written.
            try store.apply(batch)
            try store.apply(batch)
            do throws(StoreError) { try store.compact() } catch { #expect(isDamaged) }
            return isDamaged
        } catch let error as StoreError {
            #expect([.corrupt, .foreign, .newer].contains(error.kind))
            return true
        }
    }
}
