// SPDX-License-Identifier: Apache-2.0

/// Texts as parts of a path (RFC 3986, section 2.1).
package enum PercentCoding {
    /// The text of a part; nil for a sign without two hexadecimal digits, or what is no UTF-8.
    package static func decode(_ part: some StringProtocol) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(part.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(digit),
                let low = rest.popFirst().flatMap(digit)
            else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// A part of a path that stands for the text, whatever is in it.
    package static func encode(_ text: String) -> String {
        var part = ""
        for byte in text.utf8 {
            if isPlain(byte) {
                part.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let hexadecimal = String(byte, radix: 16, uppercase: true)
                part += hexadecimal.count == 1 ? "%0\(hexadecimal)" : "%\(hexadecimal)"
            }
        }
        return part
    }

    /// Section 2.3: what needs no sign.
    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "_"), UInt8(ascii: "~"):
            true
        default: false
        }
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
