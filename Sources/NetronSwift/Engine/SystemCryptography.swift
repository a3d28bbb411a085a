// SPDX-License-Identifier: Apache-2.0

internal import CSodium
package import NetronWire

/// The cryptography of a node, on libsodium.
package enum SystemCryptography {
    /// What the node with that seed has in the network with that secret.
    ///
    /// Throws `EngineError.invalid` if the seed makes no node.
    package static func make(
        seed: [UInt8],
        networkSecret: [UInt8]
    ) throws(EngineError) -> Cryptography {
        // It chooses the fastest code for the processor; more than once does no harm.
        guard sodium_init() >= 0 else { throw .unsupported }
        _ = try Identity.id(of: seed)
        let key = SigningKey(seed: seed)
        return Cryptography(
            sign: { key.sign($0) },
            verify: { isValid(signature: $0, of: $1, by: $2) },
            digest: { digest(of: $0, key: $1) },
            derive: { Identity.deriveSecret(networkSecret: networkSecret, label: $0, epoch: $1) },
            networkAddress: { Identity.networkAddress(networkSecret: networkSecret, id: $0) }
        )
    }

    private static func isValid(signature: [UInt8], of message: [UInt8], by key: [UInt8]) -> Bool {
        guard signature.count == Cryptography.signatureByteCount,
            key.count == Int(crypto_sign_publickeybytes())
        else { return false }
        return unsafe message.withLentBytes { message, count in
            unsafe crypto_sign_verify_detached(signature, message, UInt64(count), key) == 0
        }
    }

    private static func digest(of message: [UInt8], key: [UInt8]) -> [UInt8] {
        precondition(key.count <= Int(crypto_generichash_keybytes_max()))
        return unsafe [UInt8](count: Cryptography.digestByteCount) { out in
            let code = unsafe message.withLentBytes { message, count in
                unsafe key.withLentBytes { key, keyCount in
                    unsafe crypto_generichash(
                        out,
                        Cryptography.digestByteCount,
                        message,
                        UInt64(count),
                        keyCount == 0 ? nil : key,
                        keyCount
                    )
                }
            }
            precondition(code == 0, "a digest of \(Cryptography.digestByteCount) bytes")
        }
    }
}

/// The secret key in libsodium's form: seed and public key.
///
/// A class, so that the key is in one place, which is wiped at the end.
@safe private final class SigningKey: @unchecked Sendable {
    // Written in init() and deinit only.
    private let bytes: UnsafeMutablePointer<UInt8>

    init(seed: [UInt8]) {
        precondition(seed.count == Int(crypto_sign_seedbytes()))
        unsafe bytes = .allocate(capacity: Int(crypto_sign_secretkeybytes()))
        var publicKey = [UInt8](repeating: 0, count: Int(crypto_sign_publickeybytes()))
        unsafe crypto_sign_seed_keypair(&publicKey, bytes, seed)
    }

    deinit {
        unsafe sodium_memzero(bytes, Int(crypto_sign_secretkeybytes()))
        unsafe bytes.deallocate()
    }

    func sign(_ message: [UInt8]) -> [UInt8] {
        unsafe [UInt8](count: Cryptography.signatureByteCount) { out in
            unsafe message.withLentBytes { message, count in
                _ = unsafe crypto_sign_detached(out, nil, message, UInt64(count), bytes)
            }
        }
    }
}
