// SPDX-License-Identifier: Apache-2.0

/// Where a datagram comes from or goes to: an address and a port of UDP or TCP, or a relay circuit.
public struct Endpoint: Hashable, Sendable {
    /// The host's address.
    public let address: IPAddress

    /// The port, in host byte order.
    public let port: UInt16

    /// The index of the interface that a link-local IPv6 address is reached through, or the number
    /// of a circuit; else 0.
    public let scope: UInt32

    /// How an address is reached.
    package enum Transport: UInt8, Comparable, Sendable {
        case udp
        /// A listener of TCP, to which a connection is made.
        case tcp
        /// A connection of TCP that came from there, and leads nowhere once it is gone.
        case tcpIn

        package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    package let transport: Transport

    /// Makes an endpoint; `scope` counts only for a link-local IPv6 address.
    public init(_ address: IPAddress, port: UInt16, scope: UInt32 = 0) {
        self.address = address
        self.port = port
        self.scope = address.family == .v6 && address.isLinkLocal ? scope : 0
        transport = .udp
    }

    private init(_ endpoint: Self, by transport: Transport) {
        (address, port, scope) = (endpoint.address, endpoint.port, endpoint.scope)
        self.transport = transport
    }

    /// The end of a relay circuit of this node, which has no address: :: and port 0.
    package init(_ circuit: CircuitID) {
        address = IPAddress(.v6, number: 0)
        port = 0
        scope = circuit.number
        transport = .udp
    }

    /// The same address and port, reached in another way.
    package func by(_ transport: Transport) -> Self { Self(self, by: transport) }

    /// The circuit that leads there; nil for an address.
    package var circuit: CircuitID? {
        port == 0 && address.number == 0 && address.family == .v6 ? CircuitID(scope) : nil
    }

    /// Said where no endpoint is known: 0.0.0.0 and port 0.
    package static let nowhere = Self(IPAddress(.v4, number: 0), port: 0)

    /// Whether other members carry what goes there.
    public var isRelayed: Bool { circuit != nil }

    /// Whether it is reached by a connection of TCP.
    public var isTCP: Bool { transport != .udp }

    /// Whether it is an address and a port of UDP, where others may find it too.
    package var isUDP: Bool { transport == .udp && circuit == nil }

    /// The same address and port, as another host may be told of them.
    package var unscoped: Self { Self(address, port: port) }
}

extension Endpoint: Comparable {
    /// By address, then port, then scope, then UDP before TCP.
    public static func < (left: Self, right: Self) -> Bool {
        (left.address, left.port, left.scope, left.transport)
            < (right.address, right.port, right.scope, right.transport)
    }
}

extension Endpoint: LosslessStringConvertible {
    /// For instance 192.0.2.1:7000, [2001:db8::1]:7000 or [fe80::1%3]:7000, by TCP
    /// tcp://192.0.2.1:7000; circuit:1a2b3c4d for a circuit, which is no endpoint that a text can
    /// name.
    public var description: String {
        if let circuit { return "circuit:\(circuit)" }
        if isTCP { return "\(HostPort.tcpScheme)\(by(.udp))" }
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
        if description.hasPrefix(HostPort.tcpScheme) {
            let rest = String(description.dropFirst(HostPort.tcpScheme.utf8.count))
            guard let endpoint = Self(rest), !endpoint.isTCP else { return nil }
            self = endpoint.by(.tcp)
            return
        }
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
