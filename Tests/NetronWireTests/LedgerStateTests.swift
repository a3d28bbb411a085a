// SPDX-License-Identifier: Apache-2.0

internal import NetronSimulator
internal import NetronWire
internal import Testing

@Suite("ledger state") struct LedgerStateTests {
    private func sample() throws -> LedgerState {
        LedgerSamples.state(
            try LedgerSamples.service(),
            try LedgerSamples.machine(),
            try LedgerSamples.note()
        )
    }

    @Test("the bytes are a count and the records in the order of their keys") func bytes() throws {
        let state = try sample()
        let records =
            LedgerSamples.machineBytes + LedgerSamples.noteBytes + LedgerSamples.serviceBytes
        #expect(state.encoded() == [0, 3] + records)
        #expect(state.byteCount == records.count)
        #expect(try LedgerState(bytes: [0, 3] + records) == state)
        #expect(LedgerState.empty.encoded() == [0, 0])
        #expect(try LedgerState(bytes: [0, 0]) == .empty)
    }

    @Test("a record is found by its key, set and removed") func records() throws {
        var state = LedgerState.empty
        var expected: [String: LedgerEntry] = [:]
        var random = SeededRandom(seed: 5)
        for round in 0..<500 {
            let text = String(Int.random(in: 0..<40, using: &random))
            let key = try LedgerSamples.key("notes", text)
            if random.happens(0.4) {
                state.remove(key)
                expected[text] = nil
            } else {
                let entry = try LedgerSamples.entry("notes", text, "\(round)")
                state.set(entry)
                expected[text] = entry
            }
            #expect(state.entries.map(\.key) == expected.values.map(\.key).sorted())
        }
        for number in 0..<40 {
            let key = try LedgerSamples.key("notes", "\(number)")
            #expect(state[key] == expected["\(number)"])
        }
    }

    @Test("a state cut anywhere is refused, and one with a byte more") func truncated() throws {
        let bytes = try sample().encoded()
        for count in 0..<bytes.count {
            #expect(throws: WireError.truncated, "\(count)") {
                try LedgerState(bytes: Array(bytes.prefix(count)))
            }
        }
        #expect(throws: WireError.trailing) { try LedgerState(bytes: bytes + [0]) }
    }

    @Test("records in any other order are refused, and doubles") func order() throws {
        let records = [
            LedgerSamples.machineBytes, LedgerSamples.noteBytes, LedgerSamples.serviceBytes,
        ]
        func state(_ order: [Int]) throws -> LedgerState {
            try LedgerState(bytes: [0, UInt8(order.count)] + order.flatMap { records[$0] })
        }
        #expect(try state([0, 1, 2]).entries.count == 3)
        let refused = [
            [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0], [0, 0], [1, 1], [0, 1, 1],
            [0, 1, 0],
        ]
        for order in refused {
            #expect(throws: WireError.notCanonical, "\(order)") { try state(order) }
        }
    }

    @Test("the fullest state that a network can allow is read, and none beyond") func most() throws
    {
        var state = LedgerState.empty
        for number in 0..<1_024 {
            // 64 bytes each.
            let value = String(repeating: "v", count: 41 - "\(number)".utf8.count)
            state.set(try LedgerSamples.entry("abc", "\(number)", value))
        }
        #expect(state.byteCount == 65_536)
        let bytes = state.encoded()
        #expect(try LedgerState(bytes: bytes) == state)
        #expect(throws: WireError.tooMany) { try LedgerState(bytes: bytes + [0]) }
        var many = bytes
        many.replaceSubrange(0..<2, with: [4, 1])
        #expect(throws: WireError.tooMany) { try LedgerState(bytes: many) }
    }

    @Test("any state is read back, and damaged bytes never are another form of one")
    func damaged() throws {
        var random = SeededRandom(seed: 7)
        for _ in 0..<15 {
            let state = try LedgerSamples.state(most: 6, of: &random)
            let bytes = state.encoded()
            #expect(try LedgerState(bytes: bytes) == state)
            for bit in 0..<(8 * bytes.count) {
                var damaged = bytes
                damaged[bit / 8] ^= 1 << UInt8(bit % 8)
                guard let read = try? LedgerState(bytes: damaged) else { continue }
                #expect(read.encoded() == damaged)
                #expect(read != state)
            }
        }
    }

    @Test("random bytes never trap, and what is taken is canonical", arguments: [UInt64](0..<4))
    func random(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<5_000 {
            var bytes = random.bytes(Int.random(in: 0...80, using: &random))
            if bytes.count > 1 { bytes.replaceSubrange(0..<2, with: [0, bytes[1] & 3]) }
            guard let state = try? LedgerState(bytes: bytes) else { continue }
            #expect(state.encoded() == bytes)
        }
    }
}
