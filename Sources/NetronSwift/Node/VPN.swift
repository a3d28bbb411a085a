// SPDX-License-Identifier: Apache-2.0

internal import NetronConfig
internal import NetronWire

/// The network's interface on this host.
///
///     let vpn = try VPN.register(.interface("netron0"), .address("10.1.0.11/24"))
///     let node = try Node(options + vpn)
public enum VPN {
    /// Makes the options by which a node has an interface; append them to the others.
    public static func register(_ options: VPNOption...) throws -> [NodeOption] {
        try register(options)
    }

    /// Makes the options by which a node has an interface; append them to the others.
    public static func register(_ options: [VPNOption]) throws -> [NodeOption] {
        var draft = VPNDraft()
        for option in options {
            do {
                try option.apply(&draft)
            } catch let error as ConfigError {
                throw NodeError(error)
            }
        }
        let vpn = draft
        return [
            NodeOption { builder in
                builder.interface = vpn.interface
                builder.addresses = vpn.addresses
                builder.leaseRanges = vpn.leaseRanges
                builder.mtu = vpn.mtu
                builder.advertised = vpn.advertised
                builder.acceptsRoutes = vpn.acceptsRoutes
                builder.router = vpn.router
            }
        ]
    }
}

/// Something that a node's interface is told before it is made.
public struct VPNOption: Sendable {
    fileprivate let apply: @Sendable (inout VPNDraft) throws -> Void

    /// The interface's name; without it netron0.
    public static func interface(_ name: String) -> Self {
        Self { $0.interface = name }
    }

    /// An address that the node has in the network, with the length of its range, for instance
    /// 10.1.0.11/24; adds to those that were given before.
    public static func address(_ text: String) -> Self {
        Self { $0.addresses.append(try NodeOptions.address(text)) }
    }

    /// A range in which the node takes a free address by itself, without it 10.1.0.0/24; adds to
    /// those that were given before.
    ///
    /// It claims the address like one that it was given, and takes another one when it turns out to
    /// be somebody else's.
    public static func dhcp(_ range: String? = nil) -> Self {
        let text = range ?? NodeOptions.Limits.leaseRangeDefault
        return Self { $0.leaseRanges.append(try NodeOptions.leaseRange(text)) }
    }

    /// The largest packet of the inner network, in bytes; without it 1400.
    public static func mtu(_ bytes: Int) -> Self {
        Self { $0.mtu = bytes }
    }

    /// A range that the node carries traffic for, for instance 192.168.1.0/24, or 0.0.0.0/0 and
    /// ::/0 as a way out to everywhere; adds to those that were given before, at most 8.
    ///
    /// Forwarding, and masquerading where it is needed, are the host's matter.
    public static func advertise(_ range: String) -> Self {
        Self { $0.advertised.append(try NodeOptions.advertised(range)) }
    }

    /// The host sends into the network what other members carry traffic for.
    ///
    /// Its own networks, and all that it has another way to than a default route, stay as they are.
    public static var acceptRoutes: Self {
        Self { $0.acceptsRoutes = true }
    }

    /// The address of the member that gets what comes to the interface and is for no member.
    public static func router(_ address: String) -> Self {
        Self { $0.router = try NodeOptions.router(address) }
    }
}

private struct VPNDraft {
    var interface = NodeOptions.Limits.interfaceNameDefault
    var addresses: [InterfaceAddress] = []
    var leaseRanges: [Prefix] = []
    var mtu = NodeOptions.Limits.mtuDefault
    var advertised: [Prefix] = []
    var acceptsRoutes = false
    var router: IPAddress?
}
