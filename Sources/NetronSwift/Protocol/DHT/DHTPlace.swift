// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// From where an address can be reached.
enum DHTReach: UInt8, Comparable {
    /// Loopback.
    case host
    /// Private and link-local networks.
    case site
    case world

    static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

// How addresses are weighed, so that one who has a network does not have the DHT.
extension IPAddress {
    /// From where it can be reached; the rules for ids have no say below `.world` (BEP 42).
    var reach: DHTReach {
        if isLoopback { return .host }
        if isLinkLocal { return .site }
        return isSiteLocal ? .site : .world
    }

    /// What counts as one host: an IPv4 address, or an IPv6 network of 64 bits.
    var hostKey: UInt64 {
        family == .v4
            ? UInt64(truncatingIfNeeded: number) : UInt64(truncatingIfNeeded: number >> 64)
    }

    /// What counts as one network: 24 bits of IPv4, 48 of IPv6.
    var subnetKey: UInt64 { hostKey >> (family == .v4 ? 8 : 16) }

    /// What counts as one voice: 16 bits of IPv4, 32 of IPv6; at a site each host has one.
    var voterKey: UInt64 {
        guard reach == .world else { return hostKey }
        // A mark keeps networks and hosts apart.
        return hostKey >> (family == .v4 ? 16 : 32) | 1 << 63
    }
}

extension Endpoint {
    /// Whether a node can be there, for all that is known.
    ///
    /// Whoever told of it must be at least as near to it as we are: the public DHT cannot send
    /// us into private networks.
    func isPlausible(toldBy teller: Endpoint?) -> Bool {
        guard port != 0, address.isHost || address.isLoopback else { return false }
        guard let teller else { return true }
        // A link-local address means nothing without its interface.
        if address.isLinkLocal && address.family == .v6 { return false }
        return address.reach >= teller.address.reach
    }
}

extension DHTNode {
    /// Whether the id is one that the address may have (BEP 42).
    var isCompliant: Bool { endpoint.address.reach != .world || id.fits(endpoint.address) }
}
