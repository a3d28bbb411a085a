// SPDX-License-Identifier: Apache-2.0

/// Lower-case base32 without padding (RFC 4648, section 6).
package enum Base32 {
    private static let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)

    /// The text of `bytes`.
    package static func encode(_ bytes: some Sequence<UInt8>) -> String {
        String(decoding: utf8(of: bytes), as: UTF8.self)
    }

    /// The text of `bytes` as bytes, of which nobody else has a copy: for what is wiped after use.
    package static func utf8(of bytes: some Sequence<UInt8>) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.underestimatedCount * 8 + 4) / 5)
        var buffer: UInt32 = 0
        var count = 0
        for byte in bytes {
            buffer = buffer << 8 | UInt32(byte)
            count += 8
            while count >= 5 {
                count -= 5
                text.append(alphabet[Int(buffer >> count & 31)])
            }
        }
        if count > 0 { text.append(alphabet[Int(buffer << (5 - count) & 31)]) }
        return text
    }

    /// The bytes of `text`, or nil unless it is exactly what `encode` would make of them.
    ///
    /// Upper case, padding, a lone last character and left-over bits that are not 0 are refused, so
    /// that one value has one text.
    package static func decode(_ text: some StringProtocol) -> [UInt8]? { decode(utf8: text.utf8) }

    /// The bytes of a text that is given as bytes itself.
    package static func decode(utf8 text: some Collection<UInt8>) -> [UInt8]? {
        var bytes: [UInt8] = []
        // What is wiped after use leaves no copy behind by growing.
        bytes.reserveCapacity(text.count * 5 / 8)
        var buffer: UInt32 = 0
        var count = 0
        for character in text {
            guard let value = value(of: character) else { return nil }
            buffer = buffer << 5 | value
            count += 5
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: buffer >> count))
            }
        }
        let leftOver = buffer & (1 << count - 1)
        return count < 5 && leftOver == 0 ? bytes : nil
    }

    private static func value(of character: UInt8) -> UInt32? {
        switch character {
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a"))
        case UInt8(ascii: "2")...UInt8(ascii: "7"): UInt32(character - UInt8(ascii: "2") + 26)
        default: nil
        }
    }
}
