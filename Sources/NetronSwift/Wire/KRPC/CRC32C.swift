// SPDX-License-Identifier: Apache-2.0

/// CRC-32C (Castagnoli; RFC 3720, appendix B.4), by which BEP 42 makes ids of addresses.
package enum CRC32C {
    /// The checksum of bytes.
    package static func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
        var crc = UInt32.max
        for byte in bytes { crc = step(crc, byte) }
        return ~crc
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

    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { word, _ in
            word & 1 == 0 ? word >> 1 : word >> 1 ^ 0x82F6_3B78
        }
    }
}
