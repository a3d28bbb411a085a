// SPDX-License-Identifier: Apache-2.0

/// CRC-32C (Castagnoli; RFC 3720, appendix B.4): BEP 42 makes ids of addresses by it, and a store
/// sees by it that a record is damaged.
package enum CRC32C {
    /// The checksum of bytes.
    package static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
        var crc = UInt32.max
        for byte in bytes { crc = step(crc, byte) }
        return ~crc
    }

    /// The checksum of two runs of bytes, the second behind the first.
    package static func checksum(_ first: Span<UInt8>, _ second: Span<UInt8>) -> UInt32 {
        ~steps(steps(UInt32.max, first), second)
    }

    /// The checksum of the lowest `count` bytes of a number, the most significant first.
    static func checksum(_ number: UInt64, count: Int) -> UInt32 {
        var crc = UInt32.max
        for index in (0..<count).reversed() {
            crc = step(crc, UInt8(truncatingIfNeeded: number >> (8 * UInt64(index))))
        }
        return ~crc
    }

    private static func step(_ crc: UInt32, _ byte: UInt8) -> UInt32 {
        crc >> 8 ^ table[Int(UInt8(truncatingIfNeeded: crc) ^ byte)]
    }

    /// Takes eight bytes at a time (Kounavis and Berry, 2005): a table tells what a byte does to
    /// the checksum when so many others follow it.
    private static func steps(_ crc: UInt32, _ bytes: Span<UInt8>) -> UInt32 {
        let table = table
        var crc = crc
        var index = 0
        while index + 8 <= bytes.count {
            var next: UInt32 = 0
            for place in 0..<8 {
                let byte = UInt8(truncatingIfNeeded: crc) ^ bytes[index + place]
                crc >>= 8
                next ^= table[(7 - place) << 8 | Int(byte)]
            }
            crc = next
            index += 8
        }
        while index < bytes.count {
            crc = step(crc, bytes[index])
            index += 1
        }
        return crc
    }

    /// Eight times 256 words: what a byte does when 0 to 7 bytes follow it.
    private static let table: [UInt32] = {
        var table: [UInt32] = (0..<256).map { index in
            (0..<8).reduce(UInt32(index)) { word, _ in
                word & 1 == 0 ? word >> 1 : word >> 1 ^ 0x82F6_3B78
            }
        }
        for index in 256..<2048 {
            let word = table[index - 256]
            table.append(word >> 8 ^ table[Int(UInt8(truncatingIfNeeded: word))])
        }
        return table
    }()
}
