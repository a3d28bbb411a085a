// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import NetronProtocol
internal import NetronWire

/// The host's interfaces, as NIO lists them: one device an address.
enum LANDevices {
    /// The devices that multicast DNS is spoken on, in the kernel's order.
    ///
    /// Not the node's own tunnel, whose far ends are members already; and loopback only on a host
    /// that has nothing else.
    static func usable(except tunnel: String?) -> [NIONetworkDevice] {
        let all = ((try? System.enumerateDevices()) ?? []).filter {
            $0.name != tunnel && $0.address?.wireAddress != nil
        }
        let outer = all.filter { $0.multicastSupported && !$0.isLoopback }
        guard outer.isEmpty else { return outer }
        return all.filter(\.isLoopback).map { device in
            // Loopback carries multicast, though it is not marked so.
            var device = device
            device.multicastSupported = true
            return device
        }
    }

    /// What the machine is told of the devices.
    static func interfaces(of devices: [NIONetworkDevice]) -> [LANInterface] {
        let groups = Dictionary(grouping: devices, by: \.interfaceIndex)
        return groups.keys.sorted().compactMap { key in
            guard let index = UInt32(exactly: key) else { return nil }
            let addresses = groups[key, default: []].compactMap(\.interfaceAddress)
            return addresses.isEmpty ? nil : LANInterface(index: index, addresses: addresses)
        }
    }
}

extension NIONetworkDevice {
    fileprivate var isLoopback: Bool { address?.wireAddress?.isLoopback ?? false }

    fileprivate var interfaceAddress: InterfaceAddress? {
        guard let address = address?.wireAddress else { return nil }
        let length = netmask?.wireAddress?.number.nonzeroBitCount
        return InterfaceAddress(address, length: length ?? address.family.bitCount)
    }
}

extension SocketAddress {
    /// The address alone, if it is one of IP.
    var wireAddress: IPAddress? { ipAddress.flatMap { IPAddress($0) } }
}
