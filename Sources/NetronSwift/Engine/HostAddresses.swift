// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import NetronWire

extension Host {
    /// The addresses by which others may reach the host, in ascending order.
    ///
    /// Of interfaces that are up, without `excluded`, which is the inner network's own. Loopback
    /// and link-local addresses are left out: they mean another host to whoever is told of them.
    package static func addresses(excluding excluded: String? = nil) -> [IPAddress] {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard unsafe getifaddrs(&list) == 0 else { return [] }
        defer { unsafe freeifaddrs(list) }
        var found: Set<IPAddress> = []
        var next = unsafe list
        while let entry = unsafe next?.pointee {
            if let address = unsafe address(of: entry, excluding: excluded) {
                found.insert(address)
            }
            unsafe next = unsafe entry.ifa_next
        }
        return found.sorted()
    }

    private static func address(of entry: ifaddrs, excluding excluded: String?) -> IPAddress? {
        guard unsafe entry.ifa_flags & UInt32(IFF_UP) != 0,
            unsafe String(cString: entry.ifa_name) != excluded,
            let socket = unsafe entry.ifa_addr,
            let address = unsafe address(of: socket),
            address.isHost, !address.isLoopback, !address.isLinkLocal
        else { return nil }
        return address
    }

    private static func address(of socket: UnsafePointer<sockaddr>) -> IPAddress? {
        let raw = unsafe UnsafeRawPointer(socket)
        switch unsafe Int32(socket.pointee.sa_family) {
        case AF_INET:
            let address = unsafe raw.loadUnaligned(as: sockaddr_in.self).sin_addr
            return IPAddress(bytes: NetronEngine.bytes(of: address))
        case AF_INET6:
            let address = unsafe raw.loadUnaligned(as: sockaddr_in6.self).sin6_addr
            return IPAddress(bytes: NetronEngine.bytes(of: address))
        default:
            return nil
        }
    }
}
