// SPDX-License-Identifier: Apache-2.0

/// Something that the DHT stores (BEP 44).
package struct DHTItem: Hashable, Sendable {
    /// How many bencoded bytes a value may have.
    package static let valueBytesMax = 1_000
    /// How many bytes a salt may have.
    package static let saltBytesMax = 64
    package static let keyByteCount = 32

    /// What makes an item one that its author can change.
    package struct Author: Hashable, Sendable {
        /// The Ed25519 key, 32 bytes.
        package var key: [UInt8]
        /// Tells several items of one author apart; may be empty.
        package var salt: [UInt8]
        /// Counts up from version to version; not negative.
        package var sequence: Int64
        /// Of `signedBytes`, 64 bytes.
        package var signature: [UInt8]

        package init(key: [UInt8], salt: [UInt8], sequence: Int64, signature: [UInt8]) {
            self.key = key
            self.salt = salt
            self.sequence = sequence
            self.signature = signature
        }
    }

    /// One bencoded value of any kind.
    package var value: [UInt8]
    /// The author, or nil for an item that cannot change.
    package var author: Author?

    package init(value: [UInt8], author: Author? = nil) {
        self.value = value
        self.author = author
    }

    /// The key under which it is stored.
    package var target: DHTID {
        guard let author else { return DHTID(digestOf: value) }
        return Self.target(key: author.key, salt: author.salt)
    }

    /// The key of items of an author and salt.
    package static func target(key: [UInt8], salt: [UInt8]) -> DHTID {
        DHTID(digestOf: key + salt)
    }

    /// What an author signs.
    package static func signedBytes(value: [UInt8], salt: [UInt8], sequence: Int64) -> [UInt8] {
        var writer = BencodeWriter(reserving: value.count + salt.count + 48)
        if !salt.isEmpty {
            writer.write("salt")
            writer.write(salt)
        }
        writer.write("seq")
        writer.write(sequence)
        writer.write("v")
        writer.append(value)
        return writer.bytes
    }
}
