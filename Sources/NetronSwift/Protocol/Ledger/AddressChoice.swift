// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// Which inner address a member takes that was given none, with nobody to ask.
///
/// A hash of its id says where in the range it begins, so that members who come up at once seldom
/// want the same address, and one that comes back gets its old address if that is free. What two
/// of them still want is decided like any contested key (`LedgerClaims`).
package struct AddressChoice: Sendable {
    /// How many addresses are tried that the hash names.
    package static let hashedMax = 16

    /// How many addresses are tried one after the other from the first one on, before the range
    /// counts as full.
    package static let probesMax = 65_536

    /// In ranges of more bits for hosts only the hash is asked: all 16 are never taken there.
    private static let probedBitsMax = 32

    private static let key = Array("netron/1 address".utf8)

    private let prefix: Prefix
    private let message: [UInt8]
    private let cryptography: Cryptography

    /// The first address of the range that a host may have, from the range's start, and how many
    /// there are.
    private let first: UInt128
    private let count: UInt128

    /// Makes the choice of a member in a range of addresses.
    ///
    /// - Parameters:
    ///   - id: The member.
    ///   - network: The network's name, so that a host in two networks has two addresses.
    ///   - prefix: The range, of any length.
    ///   - cryptography: Only its digest is used.
    package init(
        of id: NodeID,
        in network: [UInt8],
        _ prefix: Prefix,
        with cryptography: Cryptography
    ) {
        self.prefix = prefix
        self.cryptography = cryptography
        message = id.bytes + prefix.address.mappedBytes + [UInt8(prefix.length)] + network
        let bits = prefix.hostBits
        switch (prefix.address.family, bits) {
        case (_, 0): (first, count) = (0, 1)
        // Both ends of a link of two (RFC 3021, RFC 6164).
        case (_, 1): (first, count) = (0, 2)
        // Not the network's address, nor the broadcast address.
        case (.v4, _): (first, count) = (1, 1 << bits - 2)
        // Not the anycast address of the subnet's routers (RFC 4291, section 2.6.1).
        case (.v6, _): (first, count) = (1, bits == 128 ? .max : 1 << bits - 1)
        }
    }

    /// The address to take, or nil if all are taken, or all of the many that were tried.
    package func address(isTaken: (IPAddress) -> Bool) -> IPAddress? {
        for number in 0..<Self.hashedMax {
            if let address = address(at: place(number)), !isTaken(address) { return address }
        }
        guard prefix.hostBits <= Self.probedBitsMax else { return nil }
        var place = place(0)
        for _ in 0..<min(count, UInt128(Self.probesMax)) {
            if let address = address(at: place), !isTaken(address) { return address }
            place = (place + 1) % count
        }
        return nil
    }

    /// Where the hash says to look at that try.
    private func place(_ number: Int) -> UInt128 {
        let digest = cryptography.digest(message + [UInt8(number)], Self.key)
        // The remainder favours none by more than one part in 2^64 where it matters.
        return digest.prefix(16).reduce(UInt128(0)) { $0 << 8 | UInt128($1) } % count
    }

    /// The address at that place among those that hosts may have; nil where the range holds
    /// addresses that are no host's.
    private func address(at place: UInt128) -> IPAddress? {
        let number = prefix.address.number + first + place
        let address = IPAddress(prefix.address.family, number: number)
        return prefix.contains(address) && address.isHost ? address : nil
    }
}

extension Prefix {
    /// How many bits are free for hosts.
    fileprivate var hostBits: Int { address.family.bitCount - length }
}
