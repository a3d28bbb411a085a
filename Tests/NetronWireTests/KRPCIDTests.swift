// SPDX-License-Identifier: Apache-2.0

internal import NetronSimulator
internal import NetronWire
internal import Testing

@Suite("Ids of the DHT") struct KRPCIDTests {
    private static func id(_ text: String) throws -> DHTID {
        try #require(DHTID(bytes: hex(text)))
    }

    @Test("an id has 20 bytes, and compares as they do")
    func bytes() throws {
        var random = SeededRandom(seed: 1)
        for count in [0, 19, 21, 32] { #expect(DHTID(bytes: random.bytes(count)) == nil) }
        for _ in 0..<1_000 {
            let left = random.bytes(20)
            let right = Bool.random(using: &random) ? random.bytes(20) : left.map { $0 & 0xFE }
            let ids = try (#require(DHTID(bytes: left)), #require(DHTID(bytes: right)))
            #expect(ids.0.bytes == left)
            #expect((ids.0 < ids.1) == left.lexicographicallyPrecedes(right))
            #expect((ids.0 ^ ids.1).bytes == zip(left, right).map { $0 ^ $1 })
            #expect(ids.0 ^ ids.0 == .zero)
        }
    }

    @Test("shared bits are counted to the first that differs")
    func sharedBits() throws {
        var random = SeededRandom(seed: 2)
        let bytes = random.bytes(20)
        let id = try #require(DHTID(bytes: bytes))
        #expect(id.sharedBits(with: id) == 160)
        for bit in 0..<160 {
            var other = bytes
            other[bit / 8] ^= 0x80 >> UInt8(bit % 8)
            for byte in (bit / 8 + 1)..<max(20, bit / 8 + 1) { other[byte] = random.bytes(1)[0] }
            #expect(id.sharedBits(with: try #require(DHTID(bytes: other))) == bit)
        }
    }

    @Test("a neighbour shares as many bits as it should", arguments: [0, 1, 7, 20, 63])
    func neighbours(count: Int) {
        var random = SeededRandom(seed: 3)
        let id = DHTID.random(using: &random)
        for _ in 0..<100 {
            let chance = DHTID.random(using: &random)
            #expect(
                id.neighbour(sharing: count, exactly: true, else: chance)
                    .sharedBits(with: id) == count
            )
            #expect(
                id.neighbour(sharing: count, exactly: false, else: chance)
                    .sharedBits(with: id) >= count
            )
        }
    }

    @Test(
        "the ids of BEP 42 fit their addresses, and no others",
        arguments: [
            ("124.31.75.21", "5fbfbff10c5d6a4ec8a88e4c6ab4c28b95eee401"),
            ("21.75.31.124", "5a3ce9c14e7a08645677bbd1cfe7d8f956d53256"),
            ("65.23.51.170", "a5d43220bc8f112a3d426c84764f8c2a1150e616"),
            ("84.124.73.14", "1b0321dd1bb1fe518101ceef99462b947a01ff41"),
            ("43.213.53.83", "e56f6cbf5b7c4be0237986d5243b87aa6d51305a"),
        ]
    )
    func compliant(address: String, text: String) throws {
        let address = try #require(IPAddress(address))
        let id = try Self.id(text)
        #expect(id.fits(address))
        var bytes = id.bytes
        // The last three bits of the third byte are free, the last of the bound ones is not.
        bytes[2] ^= 7
        #expect(try #require(DHTID(bytes: bytes)).fits(address))
        bytes[2] ^= 8
        #expect(!(try #require(DHTID(bytes: bytes)).fits(address)))
        bytes = id.bytes
        bytes[19] ^= 1
        #expect(!(try #require(DHTID(bytes: bytes)).fits(address)))
        #expect(!id.fits(try #require(IPAddress("198.51.100.7"))))
    }

    @Test(
        "ids that are made for an address fit it",
        arguments: ["203.0.113.9", "2001:db8:1:2:3:4:5:6"]
    )
    func fitting(text: String) throws {
        let address = try #require(IPAddress(text))
        var random = SeededRandom(seed: 4)
        var ids: Set<DHTID> = []
        for _ in 0..<100 {
            let id = DHTID.fitting(address, using: &random)
            #expect(id.fits(address))
            ids.insert(id)
        }
        #expect(ids.count == 100)
        #expect(Set(ids.map { $0.bytes[0] }).count > 4)
    }

    @Test("the lower half of an IPv6 address does not count")
    func lowerHalf() throws {
        var random = SeededRandom(seed: 5)
        let id = DHTID.fitting(try #require(IPAddress("2001:db8::1")), using: &random)
        #expect(id.fits(try #require(IPAddress("2001:db8::ffff:1:2:3"))))
        #expect(!id.fits(try #require(IPAddress("2001:db8:0:1::1"))))
    }
}
