// SPDX-License-Identifier: Apache-2.0

/// Which certificate: 32 bytes that name its content, as a digest does.
///
/// Whoever holds or passes on a list of these takes them as they are; what they are made of is the
/// matter of who makes and checks certificates.
package struct CertificateID: Hashable, Sendable {
    /// How many bytes an id has.
    package static let byteCount = 32

    private let words: FourWords

    /// Takes an id from its 32 bytes, or nil if there are not 32.
    package init?(bytes: some Collection<UInt8>) {
        guard let words = FourWords(bytes: bytes) else { return nil }
        self.words = words
    }

    /// The 32 bytes.
    package var bytes: [UInt8] { words.bytes }
}

extension CertificateID: Comparable {
    package static func < (left: Self, right: Self) -> Bool { left.words < right.words }
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
