// SPDX-License-Identifier: Apache-2.0

internal import NetronSimulator
internal import NetronStore
internal import NetronWire
internal import Testing

@Suite("store: what authorities say") struct TrustTableTests {
    private let folder: Folder
    /// As many bytes as the largest objects have.
    private let records = (1...TrustObject.authoritiesMax).map { number in
        (pattern(number, count: 32), pattern(number * 7, count: TrustObject.bytesMax))
    }

    init() throws { folder = try Folder() }

    @Test("the largest of all fit a store of 1 MiB, and are there when it is opened again")
    func restart() throws {
        do {
            var store = try folder.open(fileBytesMax: 1 << 20)
            try store.apply(LedgerBatch(.trust, records))
            // Each is replaced by a newer one now and then.
            for record in records { try store.apply(LedgerBatch(.trust, [record])) }
        }
        var store = try folder.open(fileBytesMax: 1 << 20)
        let kept = try all(.trust, of: store)
        #expect(kept.map(\.key) == records.map(\.0) && kept.map(\.value) == records.map(\.1))
        try store.compact()
        try store.verify()
        #expect(try all(.trust, of: store) == kept)
        #expect(try store.statistics().records[.trust] == records.count)
    }

    @Test("a byte that differs is found by verify", arguments: [UInt64](0..<8))
    func damage(seed: UInt64) throws {
        do {
            var store = try folder.open()
            try store.apply(LedgerBatch(.trust, records))
            try store.verify()
        }
        var bytes = try folder.bytes()
        let value = records[Int(seed)].1
        // What is in the middle of a value is in no page's head, nor elsewhere.
        let middle = Array(value[1_000..<1_100])
        let places = stride(from: 0, to: bytes.count - 100, by: 512)
            .filter { bytes[$0..<$0 + 100].elementsEqual(middle) }
        var random = SeededRandom(seed: seed)
        let place = try #require(places.randomElement(using: &random))
        bytes[place + 50] ^= 1 << UInt8(seed)
        try folder.write(bytes)
        let store = try folder.open()
        let error = #expect(throws: StoreError.self) { try store.verify() }
        #expect(error?.kind == .corrupt)
        #expect(throws: StoreError.self) { try all(.trust, of: store) }
    }
}
