// SPDX-License-Identifier: Apache-2.0

/// A node: its Ed25519 public key.
///
/// The top bit of the last byte, the sign of the point, is always 0: a key and its negative make
/// the same handshake key, so only one of the two may name a node. Whether the bytes are a point at
/// all is for the packet core to say.
public struct NodeID: Hashable, Sendable {
    /// How many bytes an id has.
    public static let byteCount = 32

    /// How many characters the text of an id has.
    public static let characterCount = 52

    private let words: FourWords

    /// Takes an id from its 32 bytes, or nil if there are not 32 or the sign bit is set.
    public init?(bytes: some Collection<UInt8>) {
        guard let words = FourWords(bytes: bytes), words.fourth & 0x80 == 0 else { return nil }
        self.words = words
    }

    /// The 32 bytes.
    public var bytes: [UInt8] { words.bytes }

    /// The first 8 bytes as a number, most significant first.
    package var leadingNumber: UInt64 { words.first }

    /// The first `count` characters of the text, to tell nodes apart in a log.
    public func prefix(_ count: Int = 8) -> String { String(description.prefix(count)) }
}

extension NodeID: Comparable {
    /// Whether the bytes of `left` come before those of `right`.
    public static func < (left: Self, right: Self) -> Bool { left.words < right.words }
}

extension NodeID: LosslessStringConvertible {
    /// Lower-case base32 without padding, 52 characters.
    public var description: String { Base32.encode(bytes) }

    /// Takes an id from its text, or nil if it is not exactly what `description` gives.
    public init?(_ description: String) {
        guard description.utf8.count == Self.characterCount,
            let bytes = Base32.decode(description)
        else { return nil }
        self.init(bytes: bytes)
    }
}
