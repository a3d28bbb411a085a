// SPDX-License-Identifier: Apache-2.0

/// An IPv4 or IPv6 address.
///
/// One address is one value: an IPv4-mapped IPv6 address (::ffff:10.1.0.11) becomes the IPv4
/// address that it stands for, however it comes in, so that nobody holds the same address twice.
public struct IPAddress: Hashable, Sendable {
    /// The version of the Internet Protocol.
    public enum Family: UInt8, Sendable {
        /// IPv4.
        case v4 = 4
        /// IPv6.
        case v6 = 6

        /// How many bits an address of the family has.
        public var bitCount: Int { self == .v4 ? 32 : 128 }
    }

    /// Which version's address it is.
    public let family: Family

    // Two words and not a UInt128, whose alignment would make the value a third larger.
    private let high: UInt64
    private let low: UInt64

    /// The address as a number; an IPv4 address is in the lowest 32 bits.
    package var number: UInt128 { UInt128(high) << 64 | UInt128(low) }

    /// Makes an address of a number, of which IPv4 takes the lowest 32 bits.
    package init(_ family: Family, number: UInt128) {
        let isMapped = family == .v6 && number >> 32 == 0xFFFF
        self.family = isMapped ? .v4 : family
        high = self.family == .v4 ? 0 : UInt64(truncatingIfNeeded: number >> 64)
        low = UInt64(truncatingIfNeeded: number) & (self.family == .v4 ? 0xFFFF_FFFF : .max)
    }

    /// Takes an address from its 4 or 16 bytes, in network order, or nil for another count.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        let number = bytes.reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
        self.init(bytes.count == 4 ? .v4 : .v6, number: number)
    }

    /// The 4 or 16 bytes, in network order.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(16)
        switch family {
        case .v4: bytes.append(bigEndian: UInt32(truncatingIfNeeded: low))
        case .v6: bytes.append(bigEndian: number)
        }
        return bytes
    }

    /// 16 bytes in network order, an IPv4 address as ::ffff:a.b.c.d.
    public var mappedBytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(bigEndian: family == .v4 ? 0xFFFF << 32 | number : number)
        return bytes
    }
}

extension IPAddress: Comparable {
    /// IPv4 before IPv6, then by number.
    public static func < (left: Self, right: Self) -> Bool {
        (left.family.rawValue, left.high, left.low) < (right.family.rawValue, right.high, right.low)
    }
}

// What an address is for (RFC 6890, RFC 4291).
extension IPAddress {
    /// Whether it is 0.0.0.0 or ::.
    public var isUnspecified: Bool { number == 0 }

    /// Whether it is in 127.0.0.0/8, or ::1.
    public var isLoopback: Bool { family == .v4 ? number >> 24 == 127 : number == 1 }

    /// Whether it is in 224.0.0.0/4 or ff00::/8.
    public var isMulticast: Bool { family == .v4 ? number >> 28 == 0xE : number >> 120 == 0xFF }

    /// Whether it is in 169.254.0.0/16 or fe80::/10.
    public var isLinkLocal: Bool {
        family == .v4 ? number >> 16 == 0xA9FE : number >> 118 == 0xFE80 >> 6
    }

    /// Whether routers of the Internet do not know it: 10/8, 172.16/12, 192.168/16 (RFC 1918),
    /// 100.64/10, which carriers share out behind their NAT (RFC 6598), fc00::/7 (RFC 4193).
    package var isSiteLocal: Bool {
        switch family {
        case .v4:
            number >> 24 == 10 || number >> 20 == 0xAC1 || number >> 16 == 0xC0A8
                || number >> 22 == 0x6440 >> 6
        case .v6: number >> 121 == 0xFC >> 1
        }
    }

    /// Whether one host can have it towards others.
    ///
    /// Not 0.0.0.0/8, loopback, multicast, 240.0.0.0/4 with the broadcast address, or ::.
    public var isHost: Bool {
        switch family {
        case .v4: number >> 24 != 0 && number >> 24 != 127 && number >> 28 < 0xE
        case .v6: number > 1 && !isMulticast
        }
    }
}
