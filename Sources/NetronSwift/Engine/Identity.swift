// SPDX-License-Identifier: Apache-2.0

internal import CNetronFast
package import NetronWire

/// Who a node is, and what follows from a network's secret.
package enum Identity {
    /// How many bytes a seed has.
    package static let seedByteCount = Int(NETRON_SEED_BYTES)

    /// How many bytes a derived secret has.
    package static let secretByteCount = Int(NETRON_KEY_BYTES)

    /// Makes a seed from the system's randomness.
    package static func makeSeed() -> [UInt8] {
        unsafe [UInt8](count: seedByteCount) { unsafe netron_identity_new($0) }
    }

    /// The node that a seed makes, or `EngineError.invalid` if it makes none.
    package static func id(of seed: [UInt8]) throws(EngineError) -> NodeID {
        guard seed.count == seedByteCount else { throw .invalid }
        var code = Int32(NETRON_E_INVALID)
        let bytes = unsafe [UInt8](count: NodeID.byteCount) { out in
            code = unsafe seed.withUnsafeBufferPointer { lent in
                guard let base = lent.baseAddress else { return Int32(NETRON_E_INVALID) }
                return unsafe netron_identity_id(base, out)
            }
        }
        try EngineError.check(code)
        guard let id = NodeID(bytes: bytes) else { throw .invalid }
        return id
    }

    /// A secret of the network for the purpose that `label` names, in ASCII.
    ///
    /// `epoch` is 0 for what does not rotate.
    package static func deriveSecret(
        networkSecret: [UInt8],
        label: String,
        epoch: UInt64
    ) -> [UInt8] {
        unsafe [UInt8](count: secretByteCount) { out in
            unsafe networkSecret.withLentBytes { secret, count in
                unsafe netron_network_derive(secret, count, label, epoch, out)
            }
        }
    }

    /// The unique local address that a member has without any configuration.
    package static func networkAddress(networkSecret: [UInt8], id: NodeID) -> IPAddress {
        let bytes = unsafe [UInt8](count: 16) { out in
            unsafe networkSecret.withLentBytes { secret, count in
                unsafe id.withLentBytes { id in
                    unsafe netron_network_address(secret, count, id, out)
                }
            }
        }
        guard let address = IPAddress(bytes: bytes) else {
            preconditionFailure("16 bytes are an address")
        }
        return address
    }
}
