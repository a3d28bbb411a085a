// SPDX-License-Identifier: Apache-2.0

internal import NetronWire
internal import Testing

@Suite("ledger record") struct LedgerEntryTests {
    private static let notCanonical: [(Int, [UInt8], WireError)] = [
        (0, [0], .notCanonical),  // a bucket without a name
        (0, [33], .tooMany),
        (1, [0x2F], .notText),  // a slash in the bucket's name
        (1, [0x1B], .notText),
        (9, [0], .notCanonical),  // an empty key
        (10, [0x1B], .notText),
        (10, [0xFF], .notText),
        (19, [0, 1], .notCanonical),  // since, of 49 bits
        (35, [0x08, 0x01], .tooMany),  // a value of 2,049 bytes
        (35, [0xFF, 0xFE], .tooMany),
        (35, [0xFF, 0xFF], .trailing),  // deleted, and a value behind
    ]

    @Test("the bytes are those of the drawing") func bytes() throws {
        let samples = try [
            (LedgerSamples.machine(), LedgerSamples.machineBytes),
            (LedgerSamples.note(), LedgerSamples.noteBytes),
            (LedgerSamples.service(), LedgerSamples.serviceBytes),
        ]
        for (entry, bytes) in samples {
            #expect(entry.byteCount == bytes.count)
            let state = try LedgerState(bytes: [0, 1] + bytes)
            #expect(state.entries == [entry])
            #expect(state.encoded() == [0, 1] + bytes)
        }
        #expect(try LedgerSamples.note().value == nil)
        #expect(try LedgerSamples.service().value == [])
    }

    @Test("other forms of the same record are refused", arguments: notCanonical)
    func canonical(place: Int, bytes: [UInt8], error: WireError) throws {
        var bad = [0, 1] + LedgerSamples.machineBytes
        bad.replaceSubrange((2 + place)..<(2 + place + bytes.count), with: bytes)
        #expect(throws: error) { try LedgerState(bytes: bad) }
    }

    @Test("the largest record fits, and none that is larger is made") func largest() throws {
        let key = try LedgerSamples.key(
            String(repeating: "b", count: 32),
            String(repeating: "k", count: 255)
        )
        func make(_ count: Int, since: UInt64) -> LedgerEntry? {
            let value = [UInt8](repeating: 7, count: count)
            return LedgerEntry(key, since: since, time: HybridTime(number: .max), value: value)
        }
        let entry = try #require(make(2_048, since: Presence.timeMax))
        #expect(entry.byteCount == 1 + 32 + 1 + 255 + 18 + 2_048)
        let bytes = LedgerSamples.state(entry).encoded()
        #expect(bytes.count == 2 + entry.byteCount)
        #expect(try LedgerState(bytes: bytes).entries == [entry])
        #expect(make(2_049, since: 0) == nil)
        #expect(make(0, since: Presence.timeMax + 1) == nil)
    }

    @Test("a hybrid time is 48 bits of milliseconds and 16 that count") func hybridTime() {
        let time = HybridTime(number: 5 << 16 | 3)
        #expect(time.milliseconds == 5)
        #expect(HybridTime(milliseconds: 5) < time)
        #expect(time < HybridTime(milliseconds: 6))
        #expect(HybridTime(milliseconds: .max).milliseconds == Presence.timeMax)
        let ahead = HybridTime(milliseconds: 120_005)
        #expect(!ahead.isAhead(of: 5) && ahead.isAhead(of: 4))
        #expect(!ahead.isAhead(of: .max))
        #expect(!HybridTime(number: .max).isAhead(of: Presence.timeMax))
    }
}
