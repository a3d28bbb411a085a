// SPDX-License-Identifier: Apache-2.0

internal import NetronSimulator
internal import NetronWire
internal import Testing

private let id = [UInt8](repeating: 0x11, count: 32)
private let negative: [UInt8] = id.dropLast() + [0x91]
private let claim: [UInt8] = [4, 10, 1, 0, 11, 0, 0, 0, 0, 0, 0, 0, 1]
private let laterClaim: [UInt8] = [4, 10, 1, 0, 12, 0, 0, 0, 0, 0, 0, 0, 1]
private let endpoint: [UInt8] = [4, 1, 2, 3, 4, 0, 1]
private let mapped: [UInt8] = [6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 1, 0, 11]
private let letters = [UInt8](repeating: 0x61, count: 80)

private func flat(_ parts: [UInt8]...) -> [UInt8] { parts.flatMap { $0 } }

private let malformed: [([UInt8], WireError)] = [
    // Texts that are too long, not UTF-8, or steer a terminal.
    (flat([1, 1, 64], letters), .tooMany),
    (flat([1, 1, 0, 33], letters), .tooMany),
    (flat([1, 1, 0, 0, 33], letters), .tooMany),
    ([1, 1, 1, 0xFF, 0, 0, 0], .notText),
    ([1, 1, 2, 0xC0, 0x80, 0, 0, 0], .notText),
    ([1, 1, 3, 0xED, 0xA0, 0x80, 0, 0, 0], .notText),
    ([1, 1, 1, 0x1B, 0, 0, 0], .notText),
    // Claims: too many, double, out of order, of no family, mapped.
    ([1, 1, 0, 0, 0, 17], .tooMany),
    (flat([1, 1, 0, 0, 0, 2], claim, claim), .notCanonical),
    (flat([1, 1, 0, 0, 0, 2], laterClaim, claim), .notCanonical),
    (flat([1, 1, 0, 0, 0, 1, 5], claim), .notCanonical),
    (flat([1, 1, 0, 0, 0, 1], mapped, [0, 0, 0, 0, 0, 0, 0, 1]), .notCanonical),
    // Hints: too many, too many endpoints, an id with a sign, a double endpoint, a double id.
    ([1, 2, 7, 0, 0, 0, 0, 13], .tooMany),
    (flat([1, 2, 7, 0, 0, 0, 0, 1], id, [4]), .tooMany),
    (flat([1, 2, 7, 0, 0, 0, 0, 1], negative, [0]), .badNodeID),
    (flat([1, 2, 7, 0, 0, 0, 0, 1], id, [2], endpoint, endpoint), .notCanonical),
    (flat([1, 2, 7, 0, 0, 0, 0, 2], id, [0], id, [0]), .notCanonical),
    // The short ones.
    (flat([1, 3], mapped, id), .notCanonical),
    (flat([1, 3, 4, 1, 2, 3, 4], negative), .badNodeID),
    ([1, 4, 0, 1, 2, 3, 4, 0, 1], .notCanonical),
    (flat([1, 4], mapped, [0, 1]), .notCanonical),
]

@Suite("malformed message") struct MalformedMessageTests {
    @Test("each limit and each other form is refused", arguments: malformed)
    func refused(bytes: [UInt8], error: WireError) {
        #expect(throws: error) { try Message.decode(bytes) }
    }

    /// What is taken must be written as it was read: one value has one form.
    private func check(_ bytes: [UInt8]) -> Bool {
        guard let message = try? Message.decode(bytes) else { return true }
        return message.encoded() == bytes
    }

    @Test("random bytes never trap, and what is taken is canonical", arguments: [UInt64](0..<4))
    func random(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<5000 {
            var bytes = random.bytes(Int.random(in: 0...80, using: &random))
            if bytes.count > 1 { (bytes[0], bytes[1]) = (1, 1 + bytes[1] % 5) }
            #expect(check(bytes))
        }
    }

    @Test("damaged messages never trap, and what is taken is canonical", arguments: [UInt64](0..<4))
    func damaged(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let originals: [[UInt8]] = [
            greeting(of: &random), hints(of: &random), flat([1, 3, 4, 10, 1, 0, 11], id),
            flat([1, 4, 6], random.bytes(16), [1, 2]),
        ]
        for original in originals { #expect(try Message.decode(original) != nil) }
        for round in 0..<5000 {
            var bytes = originals[round % originals.count]
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = random.bytes(1)[0]
                case 1: bytes.removeLast(min(place, bytes.count - 1))
                case 2: bytes.insert(contentsOf: random.bytes(2), at: place)
                default: bytes[place] ^= 1 << (random.next() & 7)
                }
            }
            #expect(check(bytes))
        }
    }

    private func greeting(of random: inout SeededRandom) -> [UInt8] {
        let claims = (0..<5).compactMap { _ in IPAddress(bytes: random.bytes(4)) }
            .map { Hello.Claim($0, since: random.next()) }
        let hello = Hello(name: "h\u{f6}st", version: "1", platform: "linux", claims: claims)
        return Message.hello(hello).encoded()
    }

    private func hints(of random: inout SeededRandom) -> [UInt8] {
        let hints = (0..<4).compactMap { _ in NodeID(bytes: random.bytes(31) + [1]) }.map {
            (id) -> Hint in
            let addresses = (0..<3).compactMap { IPAddress(bytes: random.bytes($0 == 1 ? 4 : 16)) }
            return Hint(id, at: addresses.map { Endpoint($0, port: 7) })
        }
        return Message.gossip(.shuffleReply(number: 1, hints)).encoded()
    }
}
