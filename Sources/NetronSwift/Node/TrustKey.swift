// SPDX-License-Identifier: Apache-2.0

internal import NetronEngine
package import NetronWire

/// The secret key of an authority, in a file that only its owner may read.
///
///     netron-authority:SEED        one line; SEED is 32 bytes in base32
///
/// It never goes to a node: who signs reads it, signs, and wipes it.
package struct TrustKey: Sendable {
    private static let prefix = Array("netron-authority:".utf8)
    /// The prefix, 52 characters and the end of the line.
    private static let fileBytesMax = prefix.count + NodeID.characterCount + 1

    /// The public key, which configs name.
    package let authority: NodeID

    // Holds the key in one place, which is wiped with the value.
    private let cryptography: Cryptography

    private init(seed: [UInt8]) throws(EngineError) {
        authority = try Identity.id(of: seed)
        // Nothing that is derived of a network's secret is asked of an authority.
        cryptography = try SystemCryptography.make(seed: seed, networkSecret: [])
    }

    /// Makes a new key in a file of mode 0600; one that is there stays as it is.
    package static func make(_ path: String) throws(NodeError) -> NodeID {
        var seed = Identity.makeSeed()
        defer { seed.wipe() }
        var text = prefix + Base32.utf8(of: seed)
        text.append(0x0A)
        defer { text.wipe() }
        do throws(SystemCall) {
            try Files.create(path, text)
        } catch .exists {
            throw NodeError(
                .badState,
                "\(path) is there and is left as it is; name another file for a new key"
            )
        } catch {
            throw NodeError(
                error == .notPermitted ? .notPermitted : .system,
                "the key cannot be written to \(path): \(error); name another file"
            )
        }
        return try key(of: seed, path).authority
    }

    /// Reads a key, of a file that nobody else may read.
    package init(path: String) throws(NodeError) {
        var bytes = try Self.read(path)
        defer { bytes.wipe() }
        let end = bytes.last == 0x0A ? bytes.count - 1 : bytes.count
        guard bytes.count <= Self.fileBytesMax, bytes.starts(with: Self.prefix),
            var seed = Base32.decode(utf8: bytes[Self.prefix.count..<end])
        else { throw Self.noKey(path) }
        defer { seed.wipe() }
        self = try Self.key(of: seed, path)
    }

    private static func key(of seed: [UInt8], _ path: String) throws(NodeError) -> Self {
        do throws(EngineError) { return try Self(seed: seed) } catch { throw noKey(path) }
    }

    private static func read(_ path: String) throws(NodeError) -> [UInt8] {
        let isPrivate: Bool
        let bytes: [UInt8]
        do throws(SystemCall) {
            guard let status = try Files.status(of: path) else { throw SystemCall.missing }
            isPrivate = status.isRegular && status.isPrivate
            bytes = isPrivate ? try Files.read(path, upTo: fileBytesMax + 1) ?? [] : []
        } catch {
            throw NodeError(
                error == .notPermitted ? .notPermitted : .system,
                "the key \(path) cannot be read: \(error); check the path and who may read it"
            )
        }
        guard isPrivate else {
            throw NodeError(
                .badState,
                "the key \(path) is open to other users; run:"
                    + " chown \(Host.user) \(path) && chmod 600 \(path)"
            )
        }
        return bytes
    }

    private static func noKey(_ path: String) -> NodeError {
        NodeError(
            .badState,
            "\(path) is no authority's key; make one with `netron trust key FILE`"
        )
    }
}

extension TrustKey {
    /// Signs a list of revoked certificates for the network that signatures name so; nil if it is
    /// longer than a list may be.
    package func sign(
        _ revocations: [Revocation],
        serial: UInt64,
        network: [UInt8]
    ) -> TrustObject? {
        TrustObject.signed(
            authority,
            serial: serial,
            revoking: revocations,
            network: network,
            with: cryptography
        )
    }

    /// The list that bytes are; nil if they are none.
    package func object(_ bytes: [UInt8]) -> TrustObject? {
        try? TrustObject(bytes: bytes, with: cryptography)
    }
}
