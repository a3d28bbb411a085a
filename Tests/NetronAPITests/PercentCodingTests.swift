// SPDX-License-Identifier: Apache-2.0

internal import NetronAPI
internal import Testing

@Suite("parts of a path")
struct PercentCodingTests {
    @Test(
        "a part and its text",
        arguments: [
            ("", ""), ("plain-._~09azAZ", "plain-._~09azAZ"), ("%20", " "), ("%2F", "/"),
            ("%25", "%"), ("%7E", "~"), ("%3A%3b", ":;"), ("a%2Fb%3Fc", "a/b?c"),
            // What clients leave as it is, and what they need not have written so.
            ("a+b=c", "a+b=c"), ("%41%62", "Ab"), ("%00", "\0"),
            // RFC 3986, section 2.5.
            ("%C3%80", "À"), ("%E3%82%A2", "ア"), ("%f0%9f%90%9d", "🐝"), ("ä", "ä"),
        ]
    )
    func decode(_ part: String, _ text: String) {
        #expect(PercentCoding.decode(part) == text)
    }

    @Test(
        "signs without two digits, and what is no UTF-8, are no text",
        arguments: [
            "%", "a%", "%2", "%2x", "%x2", "%%", "%%20", "% 20", "%+2", "%-1", "%0x", "%٣٣",
            "%FF", "%C3", "%C0%AF", "%ED%A0%80", "%E3%82", "ä%C3",
        ]
    )
    func malformed(_ part: String) {
        #expect(PercentCoding.decode(part) == nil)
    }

    @Test(
        "what is not plain gets signs with capital digits",
        arguments: [
            ("", ""), ("azAZ09-._~", "azAZ09-._~"), (" ", "%20"), ("/", "%2F"), ("%", "%25"),
            ("\n", "%0A"), ("+", "%2B"), ("ア", "%E3%82%A2"), ("?#[]@", "%3F%23%5B%5D%40"),
        ]
    )
    func encode(_ text: String, _ part: String) {
        #expect(PercentCoding.encode(text) == part)
    }

    @Test("any text comes back, and has nothing in it that a path must not have")
    func roundTrip() {
        var random = SystemRandomNumberGenerator()
        for count in 0..<200 {
            let scalars = (0..<count).compactMap { _ in
                Unicode.Scalar(UInt32.random(in: 0...0x10FFFF, using: &random) >> (count % 16))
            }
            var text = ""
            text.unicodeScalars.append(contentsOf: scalars)
            let part = PercentCoding.encode(text)
            #expect(PercentCoding.decode(part) == text)
            #expect(part.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"/?#".utf8.contains($0) })
        }
    }
}
