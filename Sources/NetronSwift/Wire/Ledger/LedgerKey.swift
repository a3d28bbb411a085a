// SPDX-License-Identifier: Apache-2.0

/// What a record of the ledger is found by: its bucket, and its key in there.
///
///     bucket   text, 1 to 32 bytes, see LedgerName
///     key      text, 1 to 255 bytes that cannot steer a terminal
///
/// Two keys are the same if their bytes are. Unicode's equivalence is no matter of the ledger,
/// since members would have to agree on its tables; therefore the key is kept as bytes.
package struct LedgerKey: Hashable, Sendable {
    /// How long a key may be, in bytes.
    package static let bytesMax = 255

    /// What makes a key, in a sentence for who gave another text.
    package static let rule = "a key has 1 to \(bytesMax) bytes of text that can be printed"

    package let bucket: LedgerName

    /// The key in the bucket, as UTF-8.
    package let bytes: [UInt8]

    /// Makes a key, or nil if the text is empty, too long or not plain.
    package init?(_ bucket: LedgerName, _ text: String) {
        guard (1...Self.bytesMax).contains(text.utf8.count), text.isPlain else { return nil }
        self.bucket = bucket
        bytes = Array(text.utf8)
    }

    /// The key in the bucket, as text.
    package var text: String { String(decoding: bytes, as: UTF8.self) }

    /// How many bytes it takes when written.
    package var byteCount: Int { 1 + bucket.description.utf8.count + 1 + bytes.count }
}

extension LedgerKey: Comparable {
    /// By the bytes of the bucket's name, then by those of the key.
    package static func < (left: Self, right: Self) -> Bool {
        guard left.bucket == right.bucket else { return left.bucket < right.bucket }
        return left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}

extension LedgerKey: CustomStringConvertible {
    /// Bucket and key, with a slash between them.
    package var description: String { "\(bucket)/\(text)" }
}

extension LedgerKey {
    func write(to writer: inout ByteWriter) {
        writer.write(text: bucket.description)
        writer.write(count: bytes.count)
        writer.write(bytes)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        self.init(try LedgerKeyParts(from: &reader))
    }

    init(_ parts: LedgerKeyParts) { (bucket, bytes) = (LedgerName(parts), Array(parts.key)) }
}

/// A key where it lies among other bytes; keys compare as these do.
struct LedgerKeyParts {
    let bucket: ArraySlice<UInt8>
    let key: ArraySlice<UInt8>

    init(_ key: LedgerKey) {
        bucket = Array(key.bucket.description.utf8)[...]
        self.key = key.bytes[...]
    }

    init(from reader: inout ByteReader) throws(WireError) {
        bucket = try reader.read(plainTextUpTo: LedgerName.bytesMax)
        guard !bucket.isEmpty else { throw .notCanonical }
        guard bucket.allSatisfy(LedgerName.isAllowed) else { throw .notText }
        // Of what makes no key the reader lets only the empty text pass.
        key = try reader.read(plainTextUpTo: LedgerKey.bytesMax)
        guard !key.isEmpty else { throw .notCanonical }
    }

    /// The key that begins at `start`, of bytes that were read before.
    init(read bytes: [UInt8], at start: Int) {
        let keyStart = start + 1 + Int(bytes[start])
        bucket = bytes[(start + 1)..<keyStart]
        key = bytes[(keyStart + 1)..<(keyStart + 1 + Int(bytes[keyStart]))]
    }
}

extension LedgerKeyParts: Comparable {
    static func < (left: Self, right: Self) -> Bool {
        left.bucket == right.bucket
            ? left.key.lexicographicallyPrecedes(right.key)
            : left.bucket.lexicographicallyPrecedes(right.bucket)
    }
}
