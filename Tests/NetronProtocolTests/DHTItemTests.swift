// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronWire
internal import Testing

@Suite("The DHT, items") struct DHTItemTests {
    private static let asker = publicEndpoint(200)
    private static let key = [UInt8](repeating: 5, count: 32)

    private static func item(
        _ text: String,
        sequence: Int64,
        salt: String = "",
        isForged: Bool = false
    ) -> DHTItem {
        let value = Bencode.string(text).encoded
        let salt = [UInt8](salt.utf8)
        let signed = DHTItem.signedBytes(value: value, salt: salt, sequence: sequence)
        var signature = cheapCryptography().sign(signed)
        if isForged { signature[0] ^= 1 }
        return DHTItem(
            value: value,
            author: DHTItem.Author(
                key: key,
                salt: salt,
                sequence: sequence,
                signature: signature
            )
        )
    }

    private static func serving(
        _ cryptography: Cryptography = cheapCryptography()
    ) throws -> (DHTScript, [UInt8]) {
        var script = DHTScript(cryptography: cryptography)
        script.after(.started(DHTSettings(hosts: [], serves: true)))
        let reply = script.query(.get(dhtID(1), newerThan: nil, []), from: asker)
        return (script, try #require(reply?.response?.token))
    }

    private static func put(
        _ item: DHTItem,
        _ token: [UInt8],
        replacing: Int64? = nil,
        in script: inout DHTScript
    ) -> KRPCFailure? {
        script.pass(.milliseconds(100))
        let reply = script.query(.put(item, token: token, replacing: replacing), from: asker)
        return reply == nil ? .server : reply?.failure
    }

    @Test("a version replaces one that is older, and no other")
    func sequences() throws {
        var (script, token) = try Self.serving()
        #expect(Self.put(Self.item("a", sequence: 5), token, in: &script) == nil)
        #expect(Self.put(Self.item("b", sequence: 4), token, in: &script) == .outdated)
        #expect(Self.put(Self.item("b", sequence: 5), token, in: &script) == .outdated)
        #expect(Self.put(Self.item("a", sequence: 5), token, in: &script) == nil)
        #expect(
            Self.put(Self.item("c", sequence: 7), token, replacing: 4, in: &script) == .mismatch
        )
        #expect(Self.put(Self.item("c", sequence: 7), token, replacing: 5, in: &script) == nil)
        let target = DHTItem.target(key: Self.key, salt: [])
        let reply = script.query(.get(target, newerThan: nil, []), from: Self.asker)?.response
        #expect(reply?.value == Bencode.string("c").encoded)
        #expect(reply?.sequence == 7)
        #expect(reply?.key == Self.key)
        let known = script.query(.get(target, newerThan: 7, []), from: Self.asker)?.response
        #expect(known?.sequence == 7)
        #expect(known?.value == nil)
        #expect(known?.key == nil)
    }

    @Test("items that break a rule are refused with the code of BEP 44")
    func refused() throws {
        var (script, token) = try Self.serving()
        let forged = Self.item("a", sequence: 1, isForged: true)
        #expect(Self.put(forged, token, in: &script)?.code == 206)
        let salty = Self.item("a", sequence: 1, salt: String(repeating: "s", count: 65))
        #expect(Self.put(salty, token, in: &script)?.code == 207)
        let edge = Self.item("a", sequence: 1, salt: String(repeating: "s", count: 64))
        #expect(Self.put(edge, token, in: &script) == nil)
        // 4 bytes of the length come before 996 and 997.
        let whole = DHTItem(value: Bencode.string([UInt8](repeating: 1, count: 996)).encoded)
        #expect(whole.value.count == 1_000)
        #expect(Self.put(whole, token, in: &script) == nil)
        let large = DHTItem(value: Bencode.string([UInt8](repeating: 1, count: 997)).encoded)
        #expect(Self.put(large, token, in: &script)?.code == 205)
        #expect(Self.put(whole, [1], in: &script)?.code == 203)
        #expect(script.machine.status(at: script.now).storedItems == 2)
    }

    // Test 1 and 2 of BEP 44. The signatures were checked with OpenSSL's Ed25519; here it is
    // tested that exactly those bytes are asked about.
    @Test("the signatures of BEP 44 are verified over its buffers")
    func vectors() throws {
        let key = hexBytes("77ff84905a91936367c01360803104f92432fcd904a43511876df5cdf3e7e548")
        let signatures = [
            "305ac8aeb6c9c151fa120f120ea2cfb923564e11552d06a5d856091e5e853cff"
                + "1260d3f39e4999684aa92eb73ffd136e6f4f3ecbfda0ce53a1608ecd7ae21f01",
            "6834284b6b24c3204eb2fea824d82f88883a3d95e8b4a21b8c0ded553d17d17d"
                + "df9a8a7104b1258f30bed3787e6cb896fca78c58f8e03b5f18f14951a87d9a08",
        ].map(hexBytes)
        let buffers = ["3:seqi1e1:v12:Hello World!", "4:salt6:foobar3:seqi1e1:v12:Hello World!"]
        let cheap = cheapCryptography()
        let cryptography = Cryptography(
            sign: cheap.sign,
            verify: { signature, message, signer in
                signer == key
                    && zip(signatures, buffers).contains {
                        $0 == signature && [UInt8]($1.utf8) == message
                    }
            },
            digest: cheap.digest,
            derive: cheap.derive,
            networkAddress: cheap.networkAddress
        )
        var (script, token) = try Self.serving(cryptography)
        for (salt, signature) in zip(["", "foobar"], signatures) {
            let author = DHTItem.Author(
                key: key,
                salt: [UInt8](salt.utf8),
                sequence: 1,
                signature: signature
            )
            let item = DHTItem(value: [UInt8]("12:Hello World!".utf8), author: author)
            #expect(Self.put(item, token, in: &script) == nil)
        }
        #expect(script.machine.status(at: script.now).storedItems == 2)
    }

    @Test("24 items are stored, those nearest to the own id")
    func limits() throws {
        var (script, token) = try Self.serving()
        for number in 0..<50 {
            let item = DHTItem(value: Bencode.integer(Int64(number)).encoded)
            #expect(Self.put(item, token, in: &script) == nil)
        }
        #expect(script.machine.status(at: script.now).storedItems == 24)
        script.pass(.seconds(100))
        let own = script.machine.id(.v4)
        let targets = (0..<50).map { DHTItem(value: Bencode.integer($0).encoded).target }
            .sorted { $0 ^ own < $1 ^ own }
        for (index, target) in targets.enumerated() {
            script.pass(.milliseconds(200))
            let reply = script.query(.get(target, newerThan: nil, []), from: Self.asker)
            #expect((reply?.response?.value != nil) == (index < 24))
        }
    }

    @Test("an item that was put is got by others, in its newest version")
    func world() throws {
        var world = DHTWorld(seed: 21)
        world.add(DHTSettings(hosts: [], serves: true), at: publicEndpoint(0))
        for number in 1..<30 {
            let settings = DHTSettings(
                hosts: [],
                endpoints: [publicEndpoint(0)],
                serves: true
            )
            world.add(settings, at: publicEndpoint(number))
        }
        world.run(for: .seconds(60))
        let fixed = DHTItem(value: Bencode.string("for ever").encoded)
        let first = Self.item("one", sequence: 1, salt: "s")
        let second = Self.item("two", sequence: 2, salt: "s")
        for (node, item) in [(3, fixed), (4, first)] {
            world.give(.put(item, replacing: nil), to: node)
        }
        world.run(for: .seconds(10))
        #expect(try #require(world.finished[3]?[fixed.target]) >= 6)
        world.give(.put(second, replacing: 1), to: 5)
        world.run(for: .seconds(10))
        world.give(.get(fixed.target, salt: []), to: 20)
        world.give(.get(second.target, salt: [UInt8]("s".utf8)), to: 21)
        // Without the salt the bytes that were signed are not known.
        world.give(.get(second.target, salt: []), to: 22)
        world.run(for: .seconds(10))
        #expect(world.items[20]?.last == fixed)
        #expect(world.items[21]?.last == second)
        #expect(world.items[22] == nil)
    }
}

/// The bytes of hexadecimal digits.
private func hexBytes(_ text: String) -> [UInt8] {
    let digits = text.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map {
        UInt8(digits[$0] << 4 | digits[$0 + 1])
    }
}
