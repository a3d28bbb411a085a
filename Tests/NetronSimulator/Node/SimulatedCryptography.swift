// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// Cryptography that protects nothing and costs little.
///
/// A 64-bit mix takes the place of Ed25519 and BLAKE2b. A signature is made of the signer's public
/// key and the bytes, so it fits no other key and no other bytes; that anybody could make it does
/// not matter in a world whose nodes are ours. Results are the same in every run. They cost some
/// 100 ns, which is less than to look up a remembered one.
package enum SimulatedCryptography {
    /// What a member of the network with this number is given.
    package static func of(_ id: NodeID, network: Int, seed: UInt64) -> Cryptography {
        let key = id.bytes
        let secret = SeededRandom.mix(seed, UInt64(network))
        return Cryptography(
            sign: { message in signature(of: message, by: key) },
            verify: { signature, message, key in
                key.count == NodeID.byteCount && signature == Self.signature(of: message, by: key)
            },
            digest: { message, key in
                expand(hash(message, hash(key, 1)), to: Cryptography.digestByteCount)
            },
            derive: { label, epoch in
                expand(hash(Array(label.utf8), SeededRandom.mix(secret, epoch)), to: 32)
            },
            networkAddress: { id in address(of: id, secret) }
        )
    }

    /// fd, 40 bits of the network, 80 bits of the id; as the real one.
    static func address(of id: NodeID, _ secret: UInt64) -> IPAddress {
        let network = UInt128(0xFD) << 120 | UInt128(secret >> 24) << 80
        let own = hash(id.bytes, secret)
        let low = UInt128(own) << 16 | UInt128(SeededRandom.mix(own) & 0xFFFF)
        return IPAddress(.v6, number: network | low)
    }

    private static func signature(of message: [UInt8], by key: [UInt8]) -> [UInt8] {
        expand(hash(message, hash(key, 0)), to: Cryptography.signatureByteCount)
    }

    private static func expand(_ word: UInt64, to count: Int) -> [UInt8] {
        var random = SeededRandom(seed: word)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        while bytes.count < count {
            let word = random.next()
            for shift in stride(from: UInt64(0), to: 64, by: 8) {
                bytes.append(UInt8(truncatingIfNeeded: word >> shift))
            }
        }
        return bytes
    }

    /// Eight bytes at a time; the length counts, so that zeros at the end do.
    static func hash(_ bytes: [UInt8], _ seed: UInt64) -> UInt64 {
        var state = seed ^ UInt64(bytes.count) &* 0x9E37_79B9_7F4A_7C15
        var place = 0
        while place + 8 <= bytes.count {
            var word: UInt64 = 0
            for offset in 0..<8 {
                word |= UInt64(bytes[place + offset]) << UInt64(8 * offset)
            }
            state = (state ^ word) &* 0xBF58_476D_1CE4_E5B9
            state ^= state >> 29
            place += 8
        }
        while place < bytes.count {
            state = (state ^ UInt64(bytes[place])) &* 0x94D0_49BB_1331_11EB
            state ^= state >> 31
            place += 1
        }
        return SeededRandom.mix(state)
    }
}
