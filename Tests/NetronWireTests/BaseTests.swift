// SPDX-License-Identifier: Apache-2.0

internal import NetronSimulator
internal import NetronWire
internal import Testing

@Suite("base32 and base64") struct BaseTests {
    // RFC 4648, section 10; base32 in lower case and without its padding.
    @Test(
        "the RFC's vectors hold both ways",
        arguments: [
            ("", "", ""), ("f", "my", "Zg=="), ("fo", "mzxq", "Zm8="), ("foo", "mzxw6", "Zm9v"),
            ("foob", "mzxw6yq", "Zm9vYg=="), ("fooba", "mzxw6ytb", "Zm9vYmE="),
            ("foobar", "mzxw6ytboi", "Zm9vYmFy"),
        ]
    )
    func vectors(text: String, base32: String, base64: String) {
        let bytes = Array(text.utf8)
        #expect(Base32.encode(bytes) == base32)
        #expect(Base32.decode(base32) == bytes)
        #expect(Base64.encode(bytes) == base64)
        #expect(Base64.decode(base64) == bytes)
    }

    @Test("any bytes come back", arguments: 0..<70)
    func roundTrip(count: Int) {
        var random = SeededRandom(seed: UInt64(count))
        let bytes = random.bytes(count)
        #expect(Base32.decode(Base32.encode(bytes)) == bytes)
        #expect(Base64.decode(Base64.encode(bytes)) == bytes)
    }

    @Test(
        "base32 of another form is refused",
        arguments: [
            "MY", "my======", "m", "a", "mya", "mzx", "mzxw6y", "mz", "m1", "m8", "my ", "m\u{e9}",
        ]
    )
    func strictBase32(text: String) { #expect(Base32.decode(text) == nil) }

    @Test(
        "base64 of another form is refused",
        arguments: [
            "Zg", "Zg=", "Zg===", "Zh==", "Zm9", "Zm9=", "Z===", "====", "=", "Zg==Zg==", "Z=g=",
            "Zm 9v", "Zm9v!", "Zm9-", "Zm9_", "Zm9v\u{a0}", "Zm9\u{e9}", "Zm\t9v",
        ]
    )
    func strictBase64(text: String) { #expect(Base64.decode(text) == nil) }

    @Test("line breaks, and white space around, are skipped") func wrapped() {
        let texts = ["Zm9v\nYmFy\n", "Zm9v\r\nYmFy\r\n", " \tZm9vYmFy \n", "\n\nZ\nm9vYmF\ny"]
        for text in texts { #expect(Base64.decode(text) == Array("foobar".utf8)) }
    }
}
