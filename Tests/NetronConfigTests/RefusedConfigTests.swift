// SPDX-License-Identifier: Apache-2.0

internal import NetronConfig
internal import NetronSimulator
internal import NetronWire
internal import Testing

/// The sample with one line replaced by `line`; an empty one takes it out.
private func edited(_ start: String, _ line: String, nth: Int = 0) -> String {
    var lines = edgeConfig.split(separator: "\n").map(String.init)
    let places = lines.indices.filter { lines[$0].hasPrefix(start) }
    lines[places[nth]] = line
    return lines.filter { !$0.isEmpty }.joined(separator: "\n") + "\n"
}

private let fieldCases: [(String, String, String)] = [
    // The text, the field that is named, a word of the problem.
    (edited("    key", ""), "otp.dht.key", "missing"),
    (edited("    key", "", nth: 1), "otp.crypto.key", "missing"),
    (edited("room", ""), "room", "missing"),
    (edited("room", "room: ~"), "room", "missing"),
    (edited("room", "room:"), "room", "missing"),
    (edited("room", "room: ''"), "room", "too short"),
    (edited("rendezvous", ""), "rendezvous", "missing"),
    (edited("mdns", ""), "mdns", "missing"),
    (edited("mdns", "mdns: [a, b]"), "mdns", "text"),
    (edited("mdns", "mdns: {a: b}"), "mdns", "text"),
    (edited("    key", "    key: [a]"), "otp.dht.key", "text"),
    (edited("    key", "    key: 123456789012345678901"), "otp.dht.key", "21"),
    (edited("    key", "    key: " + String(repeating: "\u{f6}", count: 21)), "otp.dht.key", "21"),
    (edited("    key", "    key: short", nth: 1), "otp.crypto.key", "22"),
    (edited("    key", "    key: " + String(repeating: "a", count: 1025)), "otp.dht.key", "1024"),
    (edited("room", "room: " + String(repeating: "a", count: 1025)), "room", "1024"),
    (edited("    interval", "    interval: 0"), "otp.dht.interval", "whole number"),
    (edited("    interval", "    interval: -5", nth: 1), "otp.crypto.interval", "whole number"),
    (edited("    interval", "    interval: 1.5"), "otp.dht.interval", "whole number"),
    (edited("    interval", "    interval: '360'"), "otp.dht.interval", "whole number"),
    (edited("    interval", "    interval: soon"), "otp.dht.interval", "whole number"),
    (edited("    interval", "    interval: [1]"), "otp.dht.interval", "whole number"),
    (edited("    interval", "    interval: 2147483648"), "otp.dht.interval", "whole number"),
    (edited("    interval", "    interval: 99999999999999999999"), "otp.dht.interval", "number"),
    (edited("    length", "    length: 1025"), "otp.dht.length", "whole number"),
    (edited("max", "max_message_size: 0"), "max_message_size", "whole number"),
    ("otp: 5\n", "otp", "mapping"),
    ("otp: {dht: []}\n", "otp.dht", "mapping"),
    ("room: r\n", "otp.dht.key", "missing"),
    ("{}\n", "otp.dht.key", "missing"),
]

private let documentCases: [([UInt8], String)] = [
    ([], "empty"),
    (Array("\n# nothing\n".utf8), "empty"),
    (Array("hello".utf8), "mapping"),
    (Array("- a\n- b\n".utf8), "mapping"),
    (Array("a: [1\n".utf8), "not YAML (line "),
    (Array("a: b: c\n".utf8), "not YAML (line 1"),
    (Array("a: 1\nb: \u{1}\n".utf8), "not YAML (line 2"),
    ([0x61, 0x3A, 0x20, 0xFF, 0x0A], "UTF-8"),
    ([0xFF, 0xFE, 0x61, 0x00], "UTF-8"),
    (Array((edgeConfig + "room: again\n").utf8), "key room twice"),
    (Array((edgeConfig + "x: {y: 1, y: 2}\n").utf8), "key y twice"),
    (Array((edgeConfig + "---\na: b\n").utf8), "more than one"),
    (Array((edgeConfig + "? [a]\n: b\n").utf8), "key that is not a text"),
    (Array((edgeConfig + "x: &a 1\n").utf8), "anchor"),
    (Array((edgeConfig + "x: &a [1]\n").utf8), "anchor"),
    (Array((edgeConfig + "x: *a\n").utf8), "alias"),
    (Array((edgeConfig + "x: !!binary aa==\n").utf8), "tag"),
    (Array((edgeConfig + "x: !t {}\n").utf8), "tag"),
    (Array((edgeConfig + "x: [[[[[[[1]]]]]]]\n").utf8), "8 levels"),
    (Array(String(repeating: "[", count: 60_000).utf8), "8 levels"),
    (Array("x: [\(String(repeating: "1,", count: 1100))]\n".utf8), "1024 parts"),
    (Array((edgeConfig + "#" + String(repeating: "a", count: 65_536)).utf8), "64 KiB"),
]

@Suite("refused config") struct RefusedConfigTests {
    @Test("a wrong field is named, with the remedy, and without a secret", arguments: fieldCases)
    func fields(text: String, field: String, problem: String) throws {
        let error = #expect(throws: ConfigError.self) {
            try NetworkConfig(yaml: Array(text.utf8), path: "net.yaml")
        }
        let sentence = try #require(error).description
        #expect(error?.field == field)
        #expect(sentence.hasPrefix(field + " "))
        #expect(sentence.contains(problem), "\(sentence)")
        #expect(sentence.contains("; "))
        #expect(!sentence.contains("\n"))
        for secret in edgeSecrets { #expect(!sentence.contains(secret)) }
    }

    @Test("what is no config is refused, in a file and in a token", arguments: documentCases)
    func documents(bytes: [UInt8], problem: String) throws {
        let fromFile = #expect(throws: ConfigError.self) {
            try NetworkConfig(yaml: bytes, path: "net.yaml")
        }
        #expect(fromFile?.field == "config")
        let sentence = try #require(fromFile).description
        #expect(sentence.hasPrefix("config net.yaml "))
        #expect(sentence.contains(problem), "\(sentence)")
        let fromToken = #expect(throws: ConfigError.self) {
            try NetworkConfig(token: Base64.encode(bytes))
        }
        #expect(fromToken?.field == "token")
        if !bytes.isEmpty, bytes.count < 65_536 {
            #expect(fromToken?.description.contains(problem) == true)
        }
    }

    @Test("the limits themselves are taken") func limits() throws {
        let texts = [
            edited("    key", "    key: " + String(repeating: "a", count: 22)),
            edited("    key", "    key: " + String(repeating: "a", count: 1024)),
            edited("    interval", "    interval: 2147483647"), edited("room", "room: r"),
            edited("    length", "    length: 1024"), edited("    interval", "    interval: 1"),
            edgeConfig + "x: [[[[[[1]]]]]]\n",
            edgeConfig + "#" + String(repeating: "a", count: 65_535 - edgeConfig.utf8.count),
        ]
        for text in texts {
            #expect(throws: Never.self) { try NetworkConfig(yaml: Array(text.utf8)) }
        }
    }

    @Test(
        "what is no base64 is no token",
        arguments: ["", "!", "abc", "otp: {}\n", "a=b=", "YTogYg", "--config", "\u{f6}"]
    )
    func tokens(token: String) throws {
        let error = #expect(throws: ConfigError.self) { try NetworkConfig(token: token) }
        #expect(error?.field == "token")
        #expect(try #require(error).description.contains("netron -g -b"))
    }

    @Test("a token above its limit is refused before it is decoded") func longToken() throws {
        let error = #expect(throws: ConfigError.self) {
            try NetworkConfig(token: String(repeating: "A", count: 131_073))
        }
        #expect(error?.problem.contains("131072") == true)
    }

    @Test("damaged configs never trap", arguments: [UInt64](0..<4))
    func damaged(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let original = Array((edgeConfig + "x: {a: [1, \"\\u00e9\"], ? b : 'c'}\n").utf8)
        for _ in 0..<500 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
                case 1: bytes[place] ^= 1 << (random.next() & 7)
                case 2: bytes.insert(Array("[]{}:&*!?-|>'\"%@#\n".utf8)[place % 18], at: place)
                default: bytes.removeLast(min(place / 4, bytes.count - 1))
                }
            }
            if let config = try? NetworkConfig(yaml: bytes) {
                #expect(throws: Never.self) { try NetworkConfig(token: config.token()) }
            }
        }
    }
}
