// SPDX-License-Identifier: Apache-2.0

internal import NetronWire
internal import Testing

@Suite("records in memory") struct MemoryStoreTests {
    private func batch(_ records: (key: UInt8, count: Int?)...) -> LedgerBatch {
        var batch = LedgerBatch()
        for (key, count) in records {
            if let count {
                batch.put([UInt8](repeating: key, count: count), for: [key], in: .heads)
            } else {
                batch.remove([key], from: .heads)
            }
        }
        return batch
    }

    @Test("bytes are counted as records come, change and go") func counted() throws {
        var store = MemoryStore()
        try store.apply(batch((1, 10), (2, 20)))
        #expect(store.byteCount == 2 + 30 + 2 * MemoryStore.recordBytes)
        try store.apply(batch((1, 15), (2, nil), (3, nil)))
        #expect(store.byteCount == 1 + 15 + MemoryStore.recordBytes)
        #expect(store.count(of: .heads) == 1)
        #expect(store.count(of: .states) == 0)
    }

    @Test("a batch that is too much changes nothing") func full() throws {
        var store = MemoryStore(bytesMax: 2 * (101 + MemoryStore.recordBytes))
        try store.apply(batch((1, 100), (2, 100)))
        let before = store.byteCount
        let failure = #expect(throws: StoreError.self) {
            try store.apply(batch((1, nil), (2, 50), (3, 50), (2, 60), (4, 100)))
        }
        #expect(failure?.kind == .full)
        #expect(store.byteCount == before)
        let records = try store.records(in: LedgerRange(.heads), limit: 9)
        #expect(records.map(\.key) == [[1], [2]])
        #expect(records.map(\.value.count) == [100, 100])
        // What counts is how much there is in the end.
        try store.apply(batch((3, 100), (1, nil)))
        #expect(try store.value(of: [3], in: .heads)?.count == 100)
    }

    @Test("of two changes of a record in one batch the last counts") func order() throws {
        var store = MemoryStore()
        try store.apply(batch((1, 1), (1, nil), (2, nil), (2, 2)))
        #expect(try store.value(of: [1], in: .heads) == nil)
        #expect(try store.value(of: [2], in: .heads) == [2, 2])
        #expect(batch().isEmpty && batch().onlyRemoves)
        #expect(batch((1, nil)).onlyRemoves && !batch((1, nil), (2, 0)).onlyRemoves)
    }
}
