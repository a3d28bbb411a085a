// SPDX-License-Identifier: Apache-2.0

/// An interface's address, with the range of those that are reached through it.
public struct InterfaceAddress: Hashable, Sendable {
    /// The host's own address.
    public let address: IPAddress

    /// How many bits of it the others of the range share: 0 to 32, or 0 to 128.
    public let length: Int

    /// Makes the address, or nil if it has no `length` bits.
    public init?(_ address: IPAddress, length: Int) {
        guard (0...address.family.bitCount).contains(length) else { return nil }
        self.address = address
        self.length = length
    }

    /// The range that the address lies in.
    public var prefix: Prefix {
        guard let prefix = Prefix(address, length: length) else {
            preconditionFailure("an address of \(length) bits")
        }
        return prefix
    }

    /// The range of the address alone.
    public var host: Prefix { Prefix(host: address) }

    /// Whether the address names its range as a whole, or all in it, and not one host.
    ///
    /// So is the first address of an IPv4 range, and the last; not in a range of two (RFC 3021).
    package var isNetworkOrBroadcast: Bool {
        guard address.family == .v4, length < 31 else { return false }
        let hostBits = UInt128(1) << (32 - length) - 1
        let host = address.number & hostBits
        return host == 0 || host == hostBits
    }
}

extension InterfaceAddress: LosslessStringConvertible {
    /// The address, a slash and the length.
    public var description: String { "\(address)/\(length)" }

    /// Takes an address from its text; without a length it stands alone (/32 or /128).
    public init?(_ description: String) {
        guard let parsed = try? Self(parsing: description) else { return nil }
        self = parsed
    }

    /// Takes an address from its text, or says why not.
    package init(parsing text: String) throws(ParseError) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = IPAddress(String(first)) else {
            throw ParseError("is not an IPv4 or IPv6 address")
        }
        let bitCount = address.family.bitCount
        guard parts.count == 2 else {
            self.address = address
            length = bitCount
            return
        }
        guard let length = decimal(parts[1], upTo: UInt64(bitCount)) else {
            throw ParseError("has a prefix length that is not a number from 0 to \(bitCount)")
        }
        self.address = address
        self.length = Int(length)
    }
}
