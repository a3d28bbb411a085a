// SPDX-License-Identifier: Apache-2.0

internal import NetronConfig
internal import NetronSimulator
internal import NetronWire
internal import Testing

@Suite("network config") struct NetworkConfigTests {
    @Test("a config of EdgeVPN is read as it is") func edge() throws {
        let config = try NetworkConfig(yaml: Array(edgeConfig.utf8))
        let keys = [config.dht.key, config.crypto.key]
        let secrets = keys + [config.room, config.rendezvous, config.mdns]
        #expect(secrets.map(\.text) == edgeSecrets)
        #expect(config.dht.interval == 360)
        #expect(config.crypto.interval == 9000)
        #expect(config.dht.length == 43)
        #expect(config.maxMessageSize == 20 << 20)
        #expect(config.unknownFields.isEmpty)
    }

    @Test("its token is the same network, wrapped or not") func edgeTokens() throws {
        let config = try NetworkConfig(yaml: Array(edgeConfig.utf8))
        #expect(try NetworkConfig(token: edgeToken) == config)
        #expect(try NetworkConfig(token: edgeToken.filter { $0 != "\n" } + "\n") == config)
        #expect(Base64.encode(Array(edgeConfig.utf8)) == edgeToken.filter { $0 != "\n" })
    }

    @Test("what EdgeVPN has a default for may be left out, or be null") func defaults() throws {
        let text = """
            {otp: {dht: {key: aaaaaaaaaaaaaaaaaaaaaa, interval: ~}, crypto: {key:
              bbbbbbbbbbbbbbbbbbbbbb}}, room: r, rendezvous: "~", mdns: 12, max_message_size: null}
            """
        let config = try NetworkConfig(yaml: Array(text.utf8))
        #expect(config.dht.interval == 360)
        #expect(config.crypto.interval == 360)
        #expect(config.crypto.length == 43)
        #expect(config.maxMessageSize == 20_971_520)
        #expect(config.rendezvous.text == "~")
        #expect(config.mdns.text == "12")
    }

    @Test("fields that nobody knows are left out and told") func unknownFields() throws {
        let text = edgeConfig + "colour: {a: [1, {b: c}]}\n\"x\\ey\": 1\n"
        let wider = text.replacing("    length: 43\nroom", with: "    length: 43\n    odd: 1\nroom")
        let config = try NetworkConfig(yaml: Array(wider.utf8))
        #expect(config.unknownFields == ["colour", "xy", "otp.crypto.odd"])
        #expect(try config == NetworkConfig(yaml: Array(edgeConfig.utf8)))
    }

    @Test("the packet core's secret is each text behind its length") func networkSecret() throws {
        let config = try NetworkConfig(yaml: Array(edgeConfig.utf8))
        var expected: [UInt8] = []
        for index in [1, 0, 2, 3, 4] {
            expected += [43, 0, 0, 0] + Array(edgeSecrets[index].utf8)
        }
        #expect(config.networkSecret == expected)
        let umlaut = try NetworkConfig(
            yaml: Array(edgeConfig.replacing(edgeSecrets[2], with: "\u{f6}").utf8)
        )
        #expect(umlaut.networkSecret[94..<100] == [2, 0, 0, 0, 0xC3, 0xB6])
    }

    @Test("an epoch is an hour at least", arguments: [(1, 3600), (3600, 3600), (3601, 3601)])
    func epochs(interval: Int, epoch: UInt64) throws {
        var random = SeededRandom(seed: 1)
        let config = try NetworkConfig.generate(using: &random, interval: interval)
        #expect(config.epochSeconds == epoch)
    }

    @Test("two texts that only look the same are two networks") func normalization() throws {
        let composed = edgeConfig.replacing(edgeSecrets[2], with: "\u{f6}")
        let decomposed = edgeConfig.replacing(edgeSecrets[2], with: "o\u{308}")
        let first = try NetworkConfig(yaml: Array(composed.utf8))
        let second = try NetworkConfig(yaml: Array(decomposed.utf8))
        #expect(first != second)
        #expect(first.networkSecret != second.networkSecret)
    }

    @Test("a printed config shows no secret") func printing() throws {
        let config = try NetworkConfig(yaml: Array(edgeConfig.utf8))
        var dumped = "\(config)" + String(reflecting: config)
        dump(config, to: &dumped)
        for secret in edgeSecrets { #expect(!dumped.contains(secret)) }
    }
}

@Suite("generated config") struct GeneratedConfigTests {
    @Test("what is written is read back, as text and as token", arguments: [UInt64](0..<20))
    func roundTrip(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let config = try NetworkConfig.generate(using: &random, interval: 77)
        #expect(try NetworkConfig(yaml: Array(config.yaml().utf8)) == config)
        #expect(try NetworkConfig(token: config.token()) == config)
        #expect(config.token() == Base64.encode(Array(config.yaml().utf8)))
        #expect(config.dht.interval == 77)
        #expect(config.crypto.length == 43)
        #expect(config.maxMessageSize == 20 << 20)
    }

    @Test("each network has secrets of its own, 43 letters and digits") func distinct() throws {
        var random = SeededRandom(seed: 5)
        var seen: Set<String> = []
        for _ in 0..<10 {
            let config = try NetworkConfig.generate(using: &random)
            let keys = [config.dht.key, config.crypto.key]
            for key in keys + [config.room, config.rendezvous, config.mdns] {
                #expect(key.text.utf8.count == 43)
                #expect(key.text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) })
                #expect(seen.insert(key.text).inserted)
            }
        }
    }

    @Test("no letter is likelier than another") func uniform() throws {
        var random = SeededRandom(seed: 6)
        var counts: [Character: Int] = [:]
        for _ in 0..<400 {
            let config = try NetworkConfig.generate(using: &random)
            for letter in config.room.text + config.mdns.text + config.dht.key.text {
                counts[letter, default: 0] += 1
            }
        }
        // 51,600 draws: 832 of each are expected, with a deviation of 29. A remainder of 256 by 62
        // would give some letters a quarter more.
        #expect(counts.count == 62)
        for count in counts.values { #expect((690...980).contains(count)) }
    }

    @Test("an interval that is none is refused", arguments: [0, -1, Int(Int32.max) + 1])
    func intervals(interval: Int) {
        var random = SeededRandom(seed: 1)
        let error = #expect(throws: ConfigError.self) {
            try NetworkConfig.generate(using: &random, interval: interval)
        }
        #expect(error?.field == "key-otp-interval")
    }

    @Test("a secret that YAML would read as something else stays a text") func oddSecrets() throws {
        let texts = [
            "true", "~", "null", "1e5", "0x1f", "-", "a: b", "#c", "\"q\"", "\\", "'", "a\nb",
            " x ", "\u{0}", "\u{7f}", "\u{85}", "\u{f6}\u{2028}", "\u{1F600}", "\u{FEFF}", "\t",
            "*a", "&a",
        ]
        for text in texts { try check(room: text) }
    }

    private func check(room: String) throws {
        var quoted = ""
        for scalar in room.unicodeScalars {
            let digits = String(scalar.value, radix: 16)
            quoted += "\\U" + String(repeating: "0", count: 8 - digits.utf8.count) + digits
        }
        let text = edgeConfig.replacing(edgeSecrets[2], with: "\"\(quoted)\"")
        let config = try NetworkConfig(yaml: Array(text.utf8))
        #expect(config.room.text.unicodeScalars.elementsEqual(room.unicodeScalars))
        #expect(try NetworkConfig(yaml: Array(config.yaml().utf8)) == config)
        #expect(config.yaml().utf8.allSatisfy { $0 == 0x0A || (0x20...0x7E).contains($0) })
    }
}
