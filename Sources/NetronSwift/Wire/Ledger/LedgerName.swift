// SPDX-License-Identifier: Apache-2.0

/// The name of a bucket, a part of the ledger whose records are of one kind.
///
/// 1 to 32 characters of A-Z, a-z, 0-9, '.', '_' and '-'; upper and lower case differ.
package struct LedgerName: Hashable, Sendable {
    /// How long a name may be, in bytes.
    package static let bytesMax = 32

    /// What makes a name, in a sentence for who gave another text.
    package static let rule =
        "a bucket's name has 1 to \(bytesMax) letters, digits, '.', '_' or '-'"

    /// The name as text.
    package let description: String

    /// Takes a name from its text, or nil if it has another form.
    package init?(_ description: String) {
        let bytes = description.utf8
        guard (1...Self.bytesMax).contains(bytes.count), bytes.allSatisfy(Self.isAllowed) else {
            return nil
        }
        self.description = description
    }

    /// The bucket's name in a key that was read.
    init(_ parts: LedgerKeyParts) { description = String(decoding: parts.bucket, as: UTF8.self) }

    static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "-"):
            true
        default: false
        }
    }
}

extension LedgerName: LosslessStringConvertible {}

extension LedgerName: Comparable {
    /// Whether the bytes of `left` come before those of `right`.
    package static func < (left: Self, right: Self) -> Bool {
        // Of ASCII, so that the texts compare as their bytes do.
        left.description < right.description
    }
}
