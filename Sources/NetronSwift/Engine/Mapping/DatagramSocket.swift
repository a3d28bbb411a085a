// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import NetronWire

/// A socket of UDP over IPv4 that speaks with one endpoint, on a thread that may wait.
final class DatagramSocket {
    private let descriptor: Int32

    /// Opens one; nil where the endpoint cannot be reached from here.
    init?(to endpoint: Endpoint) {
        let kind = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        descriptor = socket(AF_INET, kind, 0)
        guard descriptor >= 0 else { return nil }
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = endpoint.port.bigEndian
        name.sin_addr = in_addr(endpoint.address)
        let length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = unsafe withUnsafePointer(to: name) { name in
            unsafe name.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, length)
            }
        }
        guard code == 0 else { return nil }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// The host's address towards the other.
    var localAddress: IPAddress? {
        var name = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = unsafe withUnsafeMutablePointer(to: &name) { name in
            unsafe name.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe getsockname(descriptor, $0, &length)
            }
        }
        return code == 0 ? IPAddress(bytes: bytes(of: name.sin_addr)) : nil
    }

    /// Sends a datagram; false if there is nobody.
    func send(_ bytes: [UInt8]) -> Bool {
        unsafe bytes.withLentBytes { bytes, count in
            unsafe Glibc.send(descriptor, bytes, count, Int32(MSG_NOSIGNAL)) == count
        }
    }

    enum Received {
        case datagram([UInt8])
        case nothing
        /// The other host says that nobody listens there.
        case refused
    }

    /// Waits for a datagram of the other, at most `most` bytes of it.
    func receive(upTo most: Int, by deadline: Instant) -> Received {
        let pause = max(.zero, deadline - Clock.now())
        var wanted = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        // Rounded up, so that no moment is waited for in a loop.
        guard unsafe poll(&wanted, 1, Int32(pause / .milliseconds(1)) + 1) > 0 else {
            return .nothing
        }
        var count = 0
        let bytes = unsafe [UInt8](count: most) { buffer in
            count = unsafe recv(descriptor, buffer, most, Int32(MSG_DONTWAIT))
        }
        if count < 0 { return errno == ECONNREFUSED ? .refused : .nothing }
        return .datagram(Array(bytes.prefix(count)))
    }
}

extension in_addr {
    init(_ address: IPAddress) {
        self.init(s_addr: UInt32(truncatingIfNeeded: address.number).bigEndian)
    }
}
