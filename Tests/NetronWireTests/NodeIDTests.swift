// SPDX-License-Identifier: Apache-2.0

internal import NetronSimulator
internal import NetronWire
internal import Testing

@Suite("node id") struct NodeIDTests {
    private static let zeros = String(repeating: "a", count: 52)

    @Test("bytes and text come back", arguments: 0..<50)
    func roundTrip(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var bytes = random.bytes(32)
        bytes[31] &= 0x7F
        let id = try #require(NodeID(bytes: bytes))
        #expect(id.bytes == bytes)
        #expect(id.description.utf8.count == NodeID.characterCount)
        #expect(NodeID(id.description) == id)
        #expect(id.prefix() == String(id.description.prefix(8)))
    }

    @Test("the first byte is the first of the text") func order() throws {
        let id = try #require(NodeID(bytes: [0xFF] + Array(repeating: 0, count: 31)))
        #expect(id.description == "74" + Self.zeros.dropFirst(2))
    }

    @Test("only 32 bytes are an id", arguments: [0, 1, 31, 33, 64])
    func length(count: Int) {
        #expect(NodeID(bytes: Array(repeating: 0, count: count)) == nil)
    }

    @Test("the sign bit is refused, in bytes and in text") func signBit() {
        var bytes = Array(repeating: UInt8(0), count: 32)
        bytes[31] = 0x7F
        #expect(NodeID(bytes: bytes) != nil)
        #expect(NodeID(Base32.encode(bytes)) != nil)
        bytes[31] = 0x80
        #expect(NodeID(bytes: bytes) == nil)
        #expect(NodeID(Base32.encode(bytes)) == nil)
    }

    @Test("another text for the same bytes is refused")
    func strict() {
        #expect(NodeID(Self.zeros) != nil)
        let start = Self.zeros.dropLast()
        let others = [
            "", "\(start)", "\(start)aa", Self.zeros.uppercased(), "\(start)b", "\(start)i",
            " \(start)", "\(start)=", "\(start)1",
        ]
        for other in others { #expect(NodeID(other) == nil, "\(other)") }
    }

    @Test("ids sort as their bytes do") func sorts() throws {
        var random = SeededRandom(seed: 9)
        for _ in 0..<200 {
            var left = random.bytes(32)
            left[31] &= 0x7F
            var right = left
            right[Int.random(in: 0..<31, using: &random)] = random.bytes(1)[0]
            let isLess = try #require(NodeID(bytes: left)) < #require(NodeID(bytes: right))
            #expect(isLess == left.lexicographicallyPrecedes(right))
        }
    }

    @Test("an id takes no more than its bytes") func size() {
        #expect(MemoryLayout<NodeID>.stride == 32)
        #expect(MemoryLayout<IPAddress>.stride <= 24)
    }
}
