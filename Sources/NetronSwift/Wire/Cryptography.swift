// SPDX-License-Identifier: Apache-2.0

/// What the rules need of cryptography, as a value that machines are given.
///
/// The functions are pure: the same bytes make the same result. `Engine` has the real ones, on
/// libsodium; a simulator of thousands of nodes may remember what it computed before.
package struct Cryptography: Sendable {
    /// How many bytes a signature has.
    package static let signatureByteCount = 64

    /// How many bytes a digest has.
    package static let digestByteCount = 32

    /// Signs bytes with the node's own Ed25519 key (RFC 8032): 64 bytes.
    package let sign: @Sendable (_ message: [UInt8]) -> [UInt8]

    /// Whether the 64 bytes of `signature` were made of `message` by the Ed25519 key of 32 bytes.
    ///
    /// False for a signature or a key of another length or form.
    package let verify: @Sendable (_ signature: [UInt8], _ message: [UInt8], _ key: [UInt8]) -> Bool

    /// The keyed BLAKE2b (RFC 7693) of bytes: 32 bytes.
    ///
    /// The key has up to 64 bytes; an empty one makes a plain hash.
    package let digest: @Sendable (_ message: [UInt8], _ key: [UInt8]) -> [UInt8]

    /// 32 bytes of the network's secret for the purpose that `label` names, in ASCII; `epoch` is 0
    /// for what does not rotate.
    package let derive: @Sendable (_ label: String, _ epoch: UInt64) -> [UInt8]

    /// The inner address that a member has without any configuration.
    package let networkAddress: @Sendable (_ id: NodeID) -> IPAddress

    package init(
        sign: @escaping @Sendable (_ message: [UInt8]) -> [UInt8],
        verify:
            @escaping @Sendable (_ signature: [UInt8], _ message: [UInt8], _ key: [UInt8]) -> Bool,
        digest: @escaping @Sendable (_ message: [UInt8], _ key: [UInt8]) -> [UInt8],
        derive: @escaping @Sendable (_ label: String, _ epoch: UInt64) -> [UInt8],
        networkAddress: @escaping @Sendable (_ id: NodeID) -> IPAddress
    ) {
        self.sign = sign
        self.verify = verify
        self.digest = digest
        self.derive = derive
        self.networkAddress = networkAddress
    }
}
