// SPDX-License-Identifier: Apache-2.0

/// Where a member's statement lies among all: 64 bits of a keyed hash of its id.
package struct DirectoryPlace: Hashable, Comparable, Sendable {
    package let number: UInt64

    package init(_ number: UInt64) { self.number = number }

    package static func < (left: Self, right: Self) -> Bool { left.number < right.number }
}

/// All places that begin with the same bits.
///
///     bits    1 byte, at most 64
///     value   these bits, from the first on, in as few bytes as hold them; the rest is 0
package struct DirectoryRange: Hashable, Sendable {
    package static let bitsMax = 64

    package let bits: Int

    /// The lowest place.
    package let first: DirectoryPlace

    /// The places that share the first `bits` bits with `place`.
    package init(bits: Int, around place: DirectoryPlace) {
        precondition((0...Self.bitsMax).contains(bits), "\(bits) bits of a place")
        self.bits = bits
        first = DirectoryPlace(place.number & ~Self.below(bits))
    }

    package static let all = Self(bits: 0, around: DirectoryPlace(0))

    /// The highest place.
    package var last: DirectoryPlace { DirectoryPlace(first.number | Self.below(bits)) }

    package func contains(_ place: DirectoryPlace) -> Bool {
        place.number & ~Self.below(bits) == first.number
    }

    /// The part whose next bits are `number`.
    package func part(_ number: Int, bits more: Int) -> Self {
        precondition(bits + more <= Self.bitsMax && more > 0 && (0..<(1 << more)).contains(number))
        let shifted = UInt64(number) << UInt64(Self.bitsMax - bits - more)
        return Self(bits: bits + more, around: DirectoryPlace(first.number | shifted))
    }

    /// Ones where the bits of a prefix are not.
    private static func below(_ bits: Int) -> UInt64 { bits == bitsMax ? 0 : .max >> UInt64(bits) }
}

extension DirectoryRange {
    package init(from reader: inout ByteReader) throws(WireError) {
        let bits = try reader.read(countUpTo: Self.bitsMax)
        var number: UInt64 = 0
        for (index, byte) in try reader.read(bytes: (bits + 7) / 8).enumerated() {
            number |= UInt64(byte) << UInt64(56 - 8 * index)
        }
        self.init(bits: bits, around: DirectoryPlace(number))
        guard first.number == number else { throw .notCanonical }
    }

    package func write(to writer: inout ByteWriter) {
        writer.write(count: bits)
        var bytes: [UInt8] = []
        bytes.append(bigEndian: first.number)
        writer.write(bytes.prefix((bits + 7) / 8))
    }

    /// The bytes, as the key of an object.
    package var encoded: [UInt8] {
        var writer = ByteWriter()
        write(to: &writer)
        return writer.bytes
    }
}
