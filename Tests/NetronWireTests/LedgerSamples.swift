// SPDX-License-Identifier: Apache-2.0

internal import NetronSimulator
internal import NetronWire
internal import Testing

/// Records and states of the ledger, those of protocol.md and any others.
enum LedgerSamples {
    /// When the author of the samples started, in milliseconds since 1970.
    static let start: UInt64 = 1_800_000_000_000

    /// The bytes of a text of hexadecimal digits.
    static func bytes(_ hex: String) -> [UInt8] {
        let digits = hex.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count - 1, by: 2).map {
            UInt8(digits[$0] << 4 | digits[$0 + 1])
        }
    }

    static func key(_ bucket: String, _ text: String) throws -> LedgerKey {
        let bucket = try #require(LedgerName(bucket))
        return try #require(LedgerKey(bucket, text))
    }

    static func entry(
        _ bucket: String,
        _ text: String,
        _ value: String?,
        since: UInt64 = start,
        time: HybridTime = HybridTime(milliseconds: start)
    ) throws -> LedgerEntry {
        let bytes = value.map { Array($0.utf8) }
        return try #require(
            LedgerEntry(try key(bucket, text), since: since, time: time, value: bytes)
        )
    }

    static func state(_ entries: LedgerEntry...) -> LedgerState {
        var state = LedgerState.empty
        for entry in entries { state.set(entry) }
        return state
    }

    static func state(_ keys: [(bucket: String, text: String)]) throws -> LedgerState {
        var state = LedgerState.empty
        for key in keys { state.set(try entry(key.bucket, key.text, "x")) }
        return state
    }

    // What protocol.md shows: one record of an owner, one deleted, one without a value.
    static func machine() throws -> LedgerEntry {
        let time = HybridTime(number: start << 16 | 1)
        return try entry("machines", "10.1.0.11", "router", since: start, time: time)
    }

    static func note() throws -> LedgerEntry {
        let time = HybridTime(milliseconds: start + 2)
        return try entry("notes", "a", nil, since: start + 1, time: time)
    }

    static func service() throws -> LedgerEntry {
        let time = HybridTime(milliseconds: start + 3)
        return try entry("services", "web", "", since: start + 3, time: time)
    }

    static let machineBytes = bytes(
        "086d616368696e65730931302e312e302e3131000001a3185c500001a3185c500000010006726f75746572"
    )
    static let noteBytes = bytes("056e6f7465730161000001a3185c500101a3185c50020000ffff")
    static let serviceBytes = bytes(
        "08736572766963657303776562000001a3185c500301a3185c500300000000"
    )

    /// Any state of at most `most` records of a few keys, so that two of them have some in common.
    static func state(most: Int, of random: inout SeededRandom) throws -> LedgerState {
        var state = LedgerState.empty
        for _ in 0..<Int.random(in: 0...most, using: &random) {
            let bucket = ["b", "dns", "notes", "notes-2"][Int(random.next() & 3)]
            let text = String(Int.random(in: 0...(2 * most), using: &random), radix: 36)
            let value = random.happens(0.2) ? nil : String(random.next() & 1, radix: 2)
            state.set(try entry(bucket, text, value, since: start + (random.next() & 1)))
        }
        return state
    }
}
