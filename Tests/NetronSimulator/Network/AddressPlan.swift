// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Which outer addresses there are, computed both ways without a table.
///
/// Public ones are spread over 20.0.0.0/8 and 2600:20::/32, so that neighbours by number share no
/// source network; private ones are 10.SITE.SITE.HOST. All of it is a bijection: an address is
/// looked up by arithmetic.
enum AddressPlan {
    /// Public places: hosts and gateways.
    static let placesMax = 1 << 22
    static let sitesMax = 1 << 16
    static let hostsPerSiteMax = 250

    /// Odd, so that multiplying by it is a bijection; and its inverse modulo 2^22.
    private static let spread: UInt32 = 2_654_435_761
    private static let gather = inverse(of: spread)

    static func address(ofPlace place: Int, _ family: IPAddress.Family) -> IPAddress {
        precondition(place < placesMax, "more places than the world has room for")
        let scattered = UInt32(truncatingIfNeeded: place) &* spread & UInt32(placesMax - 1)
        switch family {
        // Two bits are left below: hosts end in 1, so that none is a network's own address.
        case .v4: return IPAddress(.v4, number: 20 << 24 | UInt128(scattered) << 2 | 1)
        case .v6:
            let network = UInt128(0x2600_0020) << 96 | UInt128(scattered) << 72
            return IPAddress(.v6, number: network | 1)
        }
    }

    static func place(of address: IPAddress) -> Int? {
        let number = address.number
        let scattered: UInt128
        switch address.family {
        case .v4:
            guard number >> 24 == 20, number & 3 == 1 else { return nil }
            scattered = number >> 2 & UInt128(placesMax - 1)
        case .v6:
            guard number >> 96 == 0x2600_0020, number & 0xFF_FFFF_FFFF == 1 else { return nil }
            scattered = number >> 72 & 0xFF_FFFF
        }
        guard scattered < placesMax else { return nil }
        return Int(UInt32(scattered) &* gather & UInt32(placesMax - 1))
    }

    static func address(ofHost host: Int, in site: Int) -> IPAddress {
        precondition(site < sitesMax && host < hostsPerSiteMax, "no room for the host")
        return IPAddress(.v4, number: 10 << 24 | UInt128(site) << 8 | UInt128(host + 1))
    }

    static func host(of address: IPAddress) -> (site: Int, host: Int)? {
        guard address.family == .v4, address.number >> 24 == 10 else { return nil }
        let number = Int(address.number & 0xFF_FFFF)
        return (number >> 8, (number & 0xFF) - 1)
    }

    /// By Newton's steps, each of which doubles the bits that are right.
    private static func inverse(of odd: UInt32) -> UInt32 {
        var inverse = odd
        for _ in 0..<5 { inverse = inverse &* (2 &- odd &* inverse) }
        return inverse
    }
}
