// SPDX-License-Identifier: Apache-2.0

/// Where a node's API is reached besides its control socket.
package enum APIPlace: Hashable, Sendable {
    /// A TCP port of an address or a name of this host; 0 for any that is free.
    case port(host: String, UInt16)
    /// A Unix socket of this path.
    case socket(path: String)

    /// Where it is unless something else is said: on the host itself alone.
    package static let usual = Self.port(host: "127.0.0.1", 8080)
}

extension APIPlace: CustomStringConvertible {
    /// As people write it.
    package var description: String {
        switch self {
        case .port(let host, let port):
            host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .socket(let path): "unix://\(path)"
        }
    }
}
