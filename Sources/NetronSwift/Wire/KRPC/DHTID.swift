// SPDX-License-Identifier: Apache-2.0

/// A place in the DHT's space of 160 bits: a node's id or a key.
package struct DHTID: Hashable, Sendable {
    /// How many bytes an id has.
    package static let byteCount = 20

    // Three words, most significant byte first, so that they compare as the bytes do.
    private let high: UInt64
    private let middle: UInt64
    private let low: UInt32

    private init(_ high: UInt64, _ middle: UInt64, _ low: UInt32) {
        self.high = high
        self.middle = middle
        self.low = low
    }

    /// Takes an id from its 20 bytes, or nil for another count.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        var high: UInt64 = 0
        var middle: UInt64 = 0
        var low: UInt32 = 0
        for (index, byte) in bytes.enumerated() {
            switch index {
            case 0..<8: high = high << 8 | UInt64(byte)
            case 8..<16: middle = middle << 8 | UInt64(byte)
            default: low = low << 8 | UInt32(byte)
            }
        }
        self.init(high, middle, low)
    }

    /// The id that content or a name has: its SHA-1.
    package init(digestOf message: [UInt8]) {
        var reader = ByteReader(SHA1.digest(message))
        guard let high = try? reader.read(UInt64.self), let middle = try? reader.read(UInt64.self),
            let low = try? reader.read(UInt32.self)
        else { preconditionFailure("a digest has 20 bytes") }
        self.init(high, middle, low)
    }

    package static func random(using random: inout some RandomNumberGenerator) -> Self {
        Self(random.next(), random.next(), random.next())
    }

    package static let zero = Self(0, 0, 0)

    /// Farther than every distance between two ids but the greatest.
    package static let max = Self(.max, .max, .max)

    /// The 20 bytes.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.byteCount)
        bytes.append(bigEndian: high)
        bytes.append(bigEndian: middle)
        bytes.append(bigEndian: low)
        return bytes
    }

    /// How far two ids are from each other: their bits that differ, as a number (BEP 5).
    package static func ^ (left: Self, right: Self) -> Self {
        Self(left.high ^ right.high, left.middle ^ right.middle, left.low ^ right.low)
    }

    /// How many bits two ids share before the first that differs: 0 to 160.
    package func sharedBits(with other: Self) -> Int {
        let difference = self ^ other
        if difference.high != 0 { return difference.high.leadingZeroBitCount }
        if difference.middle != 0 { return 64 + difference.middle.leadingZeroBitCount }
        return 128 + difference.low.leadingZeroBitCount
    }

    /// An id that shares the first `count` bits with this one and, if `exactly`, not the next; its
    /// other bits are those of `chance`.
    package func neighbour(sharing count: Int, exactly: Bool, else chance: Self) -> Self {
        precondition((0..<64).contains(count), "ids share so many bits by no chance")
        let mask = UInt64.max >> UInt64(count)
        var word = high & ~mask | chance.high & mask
        let next: UInt64 = 1 << UInt64(63 - count)
        if exactly { word = word & ~next | ~high & next }
        return Self(word, chance.middle, chance.low)
    }
}

// Ids that belong to an address (BEP 42).
extension DHTID {
    /// Whether the id is one that a node with the address may have.
    ///
    /// The rule has exceptions for local addresses, which are not looked at here.
    package func fits(_ address: IPAddress) -> Bool {
        Self.prefix(of: address, variant: UInt8(truncatingIfNeeded: low)) ^ UInt32(high >> 32)
            < 1 << (32 - Self.boundBits)
    }

    /// A random id that fits the address.
    package static func fitting(
        _ address: IPAddress,
        using random: inout some RandomNumberGenerator
    ) -> Self {
        let chance = Self.random(using: &random)
        let bound = prefix(of: address, variant: UInt8(truncatingIfNeeded: chance.low))
        let mask = UInt64.max >> UInt64(boundBits)
        return Self(UInt64(bound) << 32 & ~mask | chance.high & mask, chance.middle, chance.low)
    }

    /// How many bits an address binds.
    private static let boundBits = 21

    private static func prefix(of address: IPAddress, variant: UInt8) -> UInt32 {
        let variant = UInt64(variant & 7)
        switch address.family {
        case .v4:
            let number = UInt64(truncatingIfNeeded: address.number)
            return CRC32C.checksum(number & 0x030F_3FFF | variant << 29, count: 4)
        case .v6:
            let number = UInt64(truncatingIfNeeded: address.number >> 64)
            return CRC32C.checksum(number & 0x0103_070F_1F3F_7FFF | variant << 61, count: 8)
        }
    }
}

extension DHTID: Comparable {
    package static func < (left: Self, right: Self) -> Bool {
        if left.high != right.high { return left.high < right.high }
        if left.middle != right.middle { return left.middle < right.middle }
        return left.low < right.low
    }
}

extension DHTID: CustomStringConvertible {
    /// 40 hexadecimal digits.
    package var description: String { bytes.hexadecimal }
}

extension BencodeWriter {
    package mutating func write(_ id: DHTID) {
        beginString(DHTID.byteCount)
        append(id)
    }

    mutating func append(_ id: DHTID) { id.append(to: &self) }
}

extension DHTID {
    fileprivate func append(to writer: inout BencodeWriter) {
        writer.append(bigEndian: high)
        writer.append(bigEndian: middle)
        writer.append(bigEndian: low)
    }
}
