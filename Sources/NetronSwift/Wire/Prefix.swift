// SPDX-License-Identifier: Apache-2.0

/// A range of addresses: those that begin with the same bits.
public struct Prefix: Hashable, Sendable {
    /// The first address of the range; the bits past `length` are 0.
    public let address: IPAddress

    /// How many bits are fixed: 0 to 32, or 0 to 128.
    public let length: Int

    /// Makes the range around `address`, or nil if it has no `length` bits.
    public init?(_ address: IPAddress, length: Int) {
        let bitCount = address.family.bitCount
        guard (0...bitCount).contains(length) else { return nil }
        let mask = bitCount == length ? 0 : ~UInt128(0) >> (128 - (bitCount - length))
        let masked = IPAddress(address.family, number: address.number & ~mask)
        // Clearing low bits cannot make a mapped address: the lowest of the bits that mark one is
        // followed by 32 free ones, so a mask that reaches into the mark clears it.
        precondition(masked.family == address.family)
        self.address = masked
        self.length = length
    }

    /// The range of one address.
    public init(host address: IPAddress) {
        self.address = address
        length = address.family.bitCount
    }

    /// Whether `other` is in the range.
    public func contains(_ other: IPAddress) -> Bool {
        other.family == address.family && Self(other, length: length) == self
    }

    /// Whether all of `other` is in the range.
    public func contains(_ other: Prefix) -> Bool {
        other.length >= length && contains(other.address)
    }
}

extension Prefix: Comparable {
    /// By address, then the wider range first.
    public static func < (left: Self, right: Self) -> Bool {
        (left.address, left.length) < (right.address, right.length)
    }
}

extension Prefix: LosslessStringConvertible {
    /// The address, a slash and the length.
    public var description: String { "\(address)/\(length)" }

    /// Takes a range from its text; without a length it is the range of one address.
    ///
    /// Bits past the length are set to 0.
    public init?(_ description: String) {
        guard let whole = InterfaceAddress(description) else { return nil }
        self = whole.prefix
    }
}
