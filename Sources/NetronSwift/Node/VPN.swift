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
}

private struct VPNDraft {
    var interface = NodeOptions.Limits.interfaceNameDefault
    var addresses: [InterfaceAddress] = []
    var leaseRanges: [Prefix] = []
    var mtu = NodeOptions.Limits.mtuDefault
}
