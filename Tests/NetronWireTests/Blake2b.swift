// SPDX-License-Identifier: Apache-2.0

internal import NetronWire
internal import Testing

/// BLAKE2b with 32 bytes of output (RFC 7693), so that vectors hold the bytes of real members.
enum Blake2b {
    /// What rules need of it; the rest is not used.
    static let cryptography = Cryptography(
        sign: { _ in [] },
        verify: { _, _, _ in false },
        digest: { digest($0, key: $1) },
        derive: { _, _ in [] },
        networkAddress: { _ in IPAddress(.v6, number: 1) }
    )

    private static let blockBytes = 128

    private static let start: [UInt64] = [
        0x6A09_E667_F3BC_C908, 0xBB67_AE85_84CA_A73B, 0x3C6E_F372_FE94_F82B,
        0xA54F_F53A_5F1D_36F1, 0x510E_527F_ADE6_82D1, 0x9B05_688C_2B3E_6C1F,
        0x1F83_D9AB_FB41_BD6B, 0x5BE0_CD19_137E_2179,
    ]

    private static let orders: [[Int]] = [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
        [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
        [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
        [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
        [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
        [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
        [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
        [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
        [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
    ]

    /// The four words that each of the eight steps of a round mixes.
    private static let steps = [
        [0, 4, 8, 12], [1, 5, 9, 13], [2, 6, 10, 14], [3, 7, 11, 15],
        [0, 5, 10, 15], [1, 6, 11, 12], [2, 7, 8, 13], [3, 4, 9, 14],
    ]

    static func digest(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
        let padding = key.isEmpty ? 0 : blockBytes - key.count
        let bytes = key + [UInt8](repeating: 0, count: padding) + message
        var state = start
        state[0] ^= 0x0101_0000 ^ UInt64(key.count) << 8 ^ 32
        var place = 0
        repeat {
            let end = min(place + blockBytes, bytes.count)
            compress(&state, bytes[place..<end], end: end, isLast: end == bytes.count)
            place = end
        } while place < bytes.count
        var digest: [UInt8] = []
        for word in state.prefix(4) { digest.append(littleEndian: word) }
        return digest
    }

    private static func compress(
        _ state: inout [UInt64],
        _ block: ArraySlice<UInt8>,
        end: Int,
        isLast: Bool
    ) {
        var words = [UInt64](repeating: 0, count: 16)
        for (index, byte) in block.enumerated() {
            words[index / 8] |= UInt64(byte) << UInt64(8 * (index % 8))
        }
        var mixed = state + start
        mixed[12] ^= UInt64(end)
        if isLast { mixed[14] = ~mixed[14] }
        for round in 0..<12 {
            let order = orders[round % 10]
            for (number, step) in steps.enumerated() {
                let (a, b, c, d) = (step[0], step[1], step[2], step[3])
                mixed[a] &+= mixed[b] &+ words[order[2 * number]]
                mixed[d] = turned(mixed[d] ^ mixed[a], by: 32)
                mixed[c] &+= mixed[d]
                mixed[b] = turned(mixed[b] ^ mixed[c], by: 24)
                mixed[a] &+= mixed[b] &+ words[order[2 * number + 1]]
                mixed[d] = turned(mixed[d] ^ mixed[a], by: 16)
                mixed[c] &+= mixed[d]
                mixed[b] = turned(mixed[b] ^ mixed[c], by: 63)
            }
        }
        for index in 0..<8 { state[index] ^= mixed[index] ^ mixed[index + 8] }
    }

    private static func turned(_ word: UInt64, by count: UInt64) -> UInt64 {
        word >> count | word << (64 - count)
    }
}

@Suite("BLAKE2b of the tests") struct Blake2bTests {
    @Test("it makes the digests that Python's hashlib does") func known() {
        func expect(_ message: ClosedRange<UInt8>?, _ key: ClosedRange<UInt8>?, _ hex: String) {
            let digest = Blake2b.digest(
                message.map(Array.init) ?? [],
                key: key.map(Array.init) ?? []
            )
            #expect(digest == LedgerSamples.bytes(hex))
        }
        // "abc": RFC 7693 has this message, with 64 bytes of output.
        expect(0x61...0x63, nil, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319")
        // A whole block, then a key alone, one in front of a part of a block, and one of two.
        expect(0...127, nil, "c3582f71ebb2be66fa5dd750f80baae97554f3b015663c8be377cfcb2488c1d1")
        expect(nil, 0...13, "102125c73a18ae43fb38c99cb6f2a03c005b23dd1302fe47a90922960a12a2bf")
        expect(0...113, 0...13, "c1b5b64772e87424fa0bf92a10381edce3f520e38c5bc2048ca7fd5b7c15b46a")
        expect(0...199, 0...13, "17a962024981d2e5dfa0f6999e155798daf24faeba80a32870ab5be414ec6d74")
    }
}
