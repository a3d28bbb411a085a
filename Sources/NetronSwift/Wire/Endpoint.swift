// SPDX-License-Identifier: Apache-2.0

/// Where a datagram comes from or goes to: an address and a port of UDP, or a circuit of this node.
public struct Endpoint: Hashable, Sendable {
    /// The host's address.
    public let address: IPAddress

    /// The port, in host byte order.
    public let port: UInt16

    /// The index of the interface that a link-local IPv6 address is reached through, or the id of a
    /// circuit, else 0.
    public let scope: UInt32

    /// Makes an endpoint; `scope` counts only for a link-local IPv6 address.
    public init(_ address: IPAddress, port: UInt16, scope: UInt32 = 0) {
        self.address = address
        self.port = port
        self.scope = address.family == .v6 && address.isLinkLocal ? scope : 0
    }

    /// Makes the endpoint of a circuit that ends here; `id` is what its relay writes, and not 0.
    ///
    /// Its address is ::, its port 0: no other endpoint has these and a scope.
    package init(circuit id: UInt32) {
        precondition(id != 0)
        address = IPAddress(.v6, number: 0)
        port = 0
        scope = id
    }

    /// The id of the circuit that this is; nil for an endpoint of UDP.
    package var circuit: UInt32? {
        scope != 0 && port == 0 && address.isUnspecified ? scope : nil
    }

    /// The same address and port, as another host may be told of them; of a circuit nobody may.
    package var unscoped: Self { Self(address, port: port) }
}

extension Endpoint: Comparable {
    /// By address, then port, then scope.
    public static func < (left: Self, right: Self) -> Bool {
        (left.address, left.port, left.scope) < (right.address, right.port, right.scope)
    }
}

extension Endpoint: LosslessStringConvertible {
    /// For instance 192.0.2.1:7000, [2001:db8::1]:7000, [fe80::1%3]:7000 or circuit:1a2b3c4d.
    public var description: String {
        switch family {
        case _ where circuit != nil: Self.circuitPrefix + circuitDigits
        case .v4: "\(address):\(port)"
        case .v6 where scope != 0: "[\(address)%\(scope)]:\(port)"
        case .v6: "[\(address)]:\(port)"
        }
    }

    /// Takes an endpoint from its text, or nil if it is none.
    ///
    /// A zone is the number of an interface, and only a link-local address has one.
    public init?(_ description: String) {
        if let circuit = Self.circuit(in: description) {
            self.init(circuit: circuit)
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

    private static let circuitPrefix = "circuit:"

    /// The id in 8 lower-case digits of base 16.
    private var circuitDigits: String {
        var bytes: [UInt8] = []
        bytes.append(bigEndian: scope)
        return bytes.hexadecimal
    }

    /// The id that a text names; nil if it is none of a circuit.
    private static func circuit(in text: String) -> UInt32? {
        guard text.hasPrefix(circuitPrefix),
            let id = UInt32(text.dropFirst(circuitPrefix.count), radix: 16), id != 0,
            Self(circuit: id).description == text
        else { return nil }
        return id
    }
}
