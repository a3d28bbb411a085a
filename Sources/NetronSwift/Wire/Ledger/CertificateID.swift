// SPDX-License-Identifier: Apache-2.0

/// Which certificate: 32 bytes that name its content, as a digest does.
///
/// Whoever holds or passes on a list of these takes them as they are; what they are made of is the
/// matter of who makes and checks certificates.
package struct CertificateID: Hashable, Sendable {
    /// How many bytes an id has.
    package static let byteCount = 32

    // Four words, most significant byte first, so that they compare as the bytes do.
    private let first: UInt64
    private let second: UInt64
    private let third: UInt64
    private let fourth: UInt64

    /// Takes an id from its 32 bytes, or nil if there are not 32.
    package init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.byteCount else { return nil }
        var words: [4 of UInt64] = .init(repeating: 0)
        for (index, byte) in bytes.enumerated() {
            words[index / 8] = words[index / 8] << 8 | UInt64(byte)
        }
        (first, second, third, fourth) = (words[0], words[1], words[2], words[3])
    }

    /// The 32 bytes.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Self.byteCount)
        for word in [first, second, third, fourth] { bytes.append(bigEndian: word) }
        return bytes
    }
}

extension CertificateID: Comparable {
    package static func < (left: Self, right: Self) -> Bool {
        (left.first, left.second, left.third, left.fourth)
            < (right.first, right.second, right.third, right.fourth)
    }
}

extension CertificateID: LosslessStringConvertible {
    /// Lower-case base32 without padding, 52 characters, as those of a node's id.
    package var description: String { Base32.encode(bytes) }

    /// Takes an id from its text, or nil if it is not exactly what `description` gives.
    package init?(_ description: String) {
        guard let bytes = Base32.decode(description) else { return nil }
        self.init(bytes: bytes)
    }
}
