// SPDX-License-Identifier: Apache-2.0

/// Where a datagram comes from or goes to: an address and a port of UDP, or a relay circuit.
public struct Endpoint: Hashable, Sendable {
    /// The host's address.
    public let address: IPAddress

    /// The port, in host byte order.
    public let port: UInt16

    /// The index of the interface that a link-local IPv6 address is reached through, or the number
    /// of a circuit; else 0.
    public let scope: UInt32

    /// Makes an endpoint; `scope` counts only for a link-local IPv6 address.
    public init(_ address: IPAddress, port: UInt16, scope: UInt32 = 0) {
        self.address = address
        self.port = port
        self.scope = address.family == .v6 && address.isLinkLocal ? scope : 0
    }

    /// The end of a relay circuit of this node, which has no address: :: and port 0.
    package init(_ circuit: CircuitID) {
        address = IPAddress(.v6, number: 0)
        port = 0
        scope = circuit.number
    }

    /// The circuit that leads there; nil for an address.
    package var circuit: CircuitID? {
        port == 0 && address.number == 0 && address.family == .v6 ? CircuitID(scope) : nil
    }

    /// Said where no endpoint is known: 0.0.0.0 and port 0.
    package static let nowhere = Self(IPAddress(.v4, number: 0), port: 0)

    /// Whether other members carry what goes there.
    public var isRelayed: Bool { circuit != nil }

    /// The same address and port, as another host may be told of them.
    package var unscoped: Self { Self(address, port: port) }
}

extension Endpoint: Comparable {
    /// By address, then port, then scope.
    public static func < (left: Self, right: Self) -> Bool {
        (left.address, left.port, left.scope) < (right.address, right.port, right.scope)
    }
}

extension Endpoint: LosslessStringConvertible {
    /// For instance 192.0.2.1:7000, [2001:db8::1]:7000 or [fe80::1%3]:7000; circuit:1a2b3c4d for a
    /// circuit, which is no endpoint that a text can name.
    public var description: String {
        if let circuit { return "circuit:\(circuit)" }
        return switch family {
        case .v4: "\(address):\(port)"
        case .v6 where scope != 0: "[\(address)%\(scope)]:\(port)"
        case .v6: "[\(address)]:\(port)"
        }
    }

    /// Takes an endpoint from its text, or nil if it is none.
    ///
    /// A zone is the number of an interface, and only a link-local address has one.
    public init?(_ description: String) {
        guard let parts = try? splitHostAndPort(description), let port = parts.port,
            let port = decimal(port, upTo: UInt64(UInt16.max))
        else { return nil }
        let host = parts.host.split(separator: "%", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = host.first, let address = IPAddress(String(first)),
            parts.isBracketed == parts.host.utf8.contains(UInt8(ascii: ":"))
        else { return nil }
        var scope: UInt64 = 0
        if host.count == 2 {
            guard let zone = decimal(host[1], upTo: UInt64(UInt32.max)), zone != 0,
                address.family == .v6, address.isLinkLocal
            else { return nil }
            scope = zone
        }
        self.init(address, port: UInt16(port), scope: UInt32(scope))
    }

    private var family: IPAddress.Family { address.family }
}
