// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Keeps other nodes from a UDP port, until the process lets go of the value, or dies.
///
/// The sockets of a node share its port among themselves (SO_REUSEPORT), and those of a second node
/// that starts at the same moment could join them. The lock is a Unix socket with an abstract name:
/// such names, like ports, are a network namespace's own, and nothing of them stays behind.
package final class PortLock: Sendable {
    private let descriptor: Int32

    /// Locks the port; nil if another node has it.
    package init?(_ port: UInt16) throws(SystemCall) {
        descriptor = try SystemCall.check {
            socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        // The first byte of an abstract name is 0.
        let name = [0] + Array("netron/udp/\(port)".utf8)
        fill(&address.sun_path, with: name)
        let length = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
        do {
            _ = try SystemCall.check {
                unsafe withUnsafePointer(to: address) { address in
                    unsafe address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                        unsafe bind(descriptor, $0, length)
                    }
                }
            }
        } catch .addressInUse {
            return nil
        }
    }

    deinit { close(descriptor) }
}
