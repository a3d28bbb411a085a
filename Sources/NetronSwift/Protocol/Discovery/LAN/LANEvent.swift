// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// A network that the host is on.
package struct LANInterface: Hashable, Sendable {
    /// The kernel's number of it.
    package let index: UInt32

    /// Its addresses, in order, each with the range that is reached without a router.
    package let addresses: [InterfaceAddress]

    package init(index: UInt32, addresses: [InterfaceAddress]) {
        self.index = index
        self.addresses = addresses.sorted { $0.address < $1.address }
    }
}

/// What happened to the discovery of the LAN.
package enum LANEvent: Equatable, Sendable {
    /// These are the networks now, all of them.
    case interfacesChanged([LANInterface])
    /// A datagram came in on the port of multicast DNS, to the group or to us alone.
    case received([UInt8], from: Endpoint, interface: UInt32)
    /// The group of that family could not be sent to, as the interface is down or not yet ready.
    case sendFailed(interface: UInt32, family: IPAddress.Family)
    /// The moment of the last `wake(at:)` has come.
    case timeout
    /// The node's instance is named like this from now on.
    case nameChanged(label: String)
    /// The node leaves; nothing is heard or said after this.
    case stopped
}

/// What the discovery of the LAN wants done.
package enum LANEffect: Equatable, Sendable {
    /// Sends from port 5353, to the group of `family` on the interface unless `to` names an asker.
    case send([UInt8], interface: UInt32, family: IPAddress.Family, to: Endpoint?)
    /// A node, not known to be of our network or not, may answer there.
    case found(endpoint: Endpoint)
    /// The name is another's: `nameChanged` must bring a new one.
    case needName
    /// `timeout` is due then, and not at what was said before.
    case wake(at: Instant)
}

extension LANInterface {
    /// Whether a datagram from there came without a router in between.
    func isOnLink(_ address: IPAddress) -> Bool {
        address.family == .v6 && address.isLinkLocal
            || addresses.contains { $0.prefix.contains(address) }
    }

    /// Whether a node that says it is there is worth a try.
    ///
    /// What somebody announces on the LAN makes us send to the LAN, or (where a reflector joins
    /// two) to private networks, and never to the Internet.
    func mayReach(_ address: IPAddress) -> Bool {
        guard !address.isMulticast, !address.isUnspecified else { return false }
        let ranges = addresses.filter { $0.prefix.contains(address) }
        guard !ranges.isEmpty else { return isOnLink(address) || address.isPrivate }
        return !ranges.contains {
            InterfaceAddress(address, length: $0.length)?.isNetworkOrBroadcast ?? true
        }
    }
}

extension IPAddress {
    /// Whether it is in 10/8, 172.16/12 or 192.168/16 (RFC 1918), or fc00::/7 (RFC 4193).
    fileprivate var isPrivate: Bool {
        switch family {
        case .v4: number >> 24 == 10 || number >> 20 == 0xAC1 || number >> 16 == 0xC0A8
        case .v6: number >> 121 == 0xFC >> 1
        }
    }
}
