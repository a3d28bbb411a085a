// SPDX-License-Identifier: Apache-2.0

internal import NetronSimulator
internal import NetronWire
internal import Testing

@Suite("CRC-32C") struct CRC32CTests {
    // RFC 3720, appendix B.4; the standard prints the bytes of the checksum in reverse.
    @Test(
        "the checksums are those of RFC 3720",
        arguments: [
            ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
            ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43), ([UInt8](0..<32), 0x46DD_794E),
            ([UInt8]((0..<32).reversed()), 0x113F_DB5C), ([UInt8]("123456789".utf8), 0xE306_9283),
            ([], 0),
        ] as [([UInt8], UInt32)]
    )
    func vectors(bytes: [UInt8], checksum: UInt32) {
        #expect(CRC32C.checksum(bytes) == checksum)
    }

    @Test("two runs are as one, wherever the second begins") func runs() {
        var random = SeededRandom(seed: 1)
        let bytes = random.bytes(40)
        for end in 0...40 {
            for cut in 0...end {
                let (first, second) = (Array(bytes[..<cut]), Array(bytes[cut..<end]))
                #expect(
                    CRC32C.checksum(first.span, second.span) == CRC32C.checksum(bytes[..<end])
                )
            }
        }
    }
}
