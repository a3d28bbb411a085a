// SPDX-License-Identifier: Apache-2.0

internal import NetronWire
internal import Testing

@Suite("ledger keys") struct LedgerKeyTests {
    @Test("a bucket's name is 1 to 32 letters, digits, dots, underscores and hyphens") func names()
    {
        for name in ["a", "Z9", "._-", String(repeating: "x", count: 32)] {
            #expect(LedgerName(name)?.description == name)
        }
        let refused = ["", "a b", "a/b", "ä", "a\u{0}", String(repeating: "x", count: 33)]
        for name in refused { #expect(LedgerName(name) == nil, "\(name)") }
        for byte in UInt8.min...0x7F {
            let character = Character(Unicode.Scalar(byte))
            let isAllowed = character.isLetter || character.isNumber || "._-".contains(character)
            #expect((LedgerName(String(character)) != nil) == isAllowed, "\(byte)")
        }
    }

    @Test("a key is 1 to 255 bytes of text that cannot steer a terminal") func keys() throws {
        let bucket = try #require(LedgerName("notes"))
        for text in ["a", "^.*\\.example$", "käse 🧀", String(repeating: "x", count: 255)] {
            #expect(LedgerKey(bucket, text)?.text == text)
        }
        let refused = ["", "\u{1B}[2J", "a\n", "\u{202E}", String(repeating: "ä", count: 128)]
        for text in refused { #expect(LedgerKey(bucket, text) == nil) }
        #expect("\(try LedgerSamples.key("notes", "a/b"))" == "notes/a/b")
    }

    @Test("keys compare as bytes, the bucket first") func order() throws {
        let ascending = try [
            ("Z", "z"), ("a", "Z"), ("a", "a"), ("a", "aa"), ("a", "b"), ("a", "z"), ("a", "é"),
            ("a", "\u{FFFD}"), ("a", "🧀"), ("a-b", "a"), ("a.b", "a"), ("aa", "a"), ("b", "a"),
        ].map { try LedgerSamples.key($0.0, $0.1) }
        for (index, key) in ascending.enumerated() {
            for (other, otherKey) in ascending.enumerated() {
                #expect((key < otherKey) == (index < other), "\(key), \(otherKey)")
                #expect((key == otherKey) == (index == other))
            }
        }
    }

    @Test("two spellings that Unicode calls equal are two keys") func spellings() throws {
        let (one, two) = ("\u{E9}", "e\u{301}")
        #expect(one == two)
        let keys = try [LedgerSamples.key("a", one), LedgerSamples.key("a", two)]
        #expect(keys[0] != keys[1] && keys[1] < keys[0])
        #expect(Set(keys).count == 2)
    }

    @Test("what kind a bucket is of, its name says") func buckets() throws {
        func kind(_ name: String) throws -> LedgerBucket {
            LedgerBucket(try #require(LedgerName(name)))
        }
        #expect(try kind("users") == .owned(.ownID))
        #expect(try kind("egress") == .owned(.ownID))
        for name in ["services", "files", "dns"] { #expect(try kind(name) == .owned(.any)) }
        for name in ["machines", "healthcheck"] { #expect(try kind(name) == .computed) }
        for name in ["trustzone", "trustzoneAuth"] { #expect(try kind(name) == .trust) }
        for name in ["dhcp", "notes", "Machines", "machine", "trustzoneauth"] {
            #expect(try kind(name) == .open)
        }
    }
}
