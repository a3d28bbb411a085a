// SPDX-License-Identifier: Apache-2.0

internal import NetronStore
internal import NetronWire
internal import Testing

/// Has a storage among the properties of a value, as a node has it.
private actor Holder {
    private struct State {
        var storage: any LedgerStorage
    }

    private var state: State

    init(_ storage: sending any LedgerStorage) { state = State(storage: storage) }

    func apply(_ batch: LedgerBatch) throws(StoreError) { try state.storage.apply(batch) }

    func records(of table: LedgerTable) throws(StoreError) -> [StoredRecord] {
        try state.storage.records(in: LedgerRange(table), limit: .max)
    }

    func compacted() throws(StoreError) -> Bool { try state.storage.compactIfWorth() }

    func statistics() throws(StoreError) -> StorageStatistics { try state.storage.statistics() }

    func verify() throws(StoreError) { try state.storage.verify() }
}

@Suite("store: held") struct DiskStoreTests {
    private let folder: Folder

    init() throws { folder = try Folder() }

    @Test("who holds it shares it with the others") func shared() throws {
        let store = DiskStore(try folder.open())
        #expect(store.beginning == .nothing)
        var (one, other): (any LedgerStorage, any LedgerStorage) = (store, store)
        try one.apply(LedgerBatch(.heads, [([1], [10])]))
        try other.apply(LedgerBatch(.heads, [([2], [20])]))
        #expect(try one.value(of: [2], in: .heads) == [20])
        #expect(try store.records(in: LedgerRange(.heads), limit: 9).count == 2)
        #expect(try other.count(of: .heads) == 2)
    }

    @Test(
        "an actor does with a storage what it likes, on disk or in memory",
        arguments: [true, false]
    )
    func held(isOnDisk: Bool) async throws {
        let holder =
            isOnDisk
            ? Holder(DiskStore(try folder.open())) : Holder(MemoryStore(bytesMax: 8 << 20))
        let records = (0..<1000).map { (pattern($0), pattern($0, count: 900)) }
        try await holder.apply(LedgerBatch(.states, records))
        let full = try await holder.statistics()
        #expect(
            full.records == [.heads: 0, .states: 1000, .index: 0, .tree: 0, .meta: 0, .trust: 0]
        )
        #expect(full.liveBytes >= 1000 * 908 && full.liveBytes < 2 * 1000 * 908)
        #expect(isOnDisk ? full.fileBytes > full.liveBytes : full.fileBytes == 0)
        #expect(full.budgetBytes == 8 << 20)
        #expect(try await !holder.compacted())
        var removal = LedgerBatch()
        for (key, _) in records.dropFirst(10) { removal.remove(key, from: .states) }
        try await holder.apply(removal)
        #expect(try await holder.compacted() == isOnDisk)
        let empty = try await holder.statistics()
        #expect(empty.fileBytes <= 2 * empty.liveBytes + 256 << 10)
        #expect(empty.liveBytes < full.liveBytes / 20)
        #expect(try await holder.records(of: .states).map(\.key) == records.prefix(10).map(\.0))
        try await holder.verify()
    }

    @Test("a storage that is damaged says so") func damaged() throws {
        let store: any LedgerStorage = DiskStore(try folder.open())
        try store.verify()
        try folder.write([])
        #expect(throws: StoreError.self) { try store.verify() }
    }
}
