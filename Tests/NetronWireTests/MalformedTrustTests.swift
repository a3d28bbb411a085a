// SPDX-License-Identifier: Apache-2.0

internal import NetronSimulator
internal import NetronWire
internal import Testing

private let authority = [UInt8](repeating: 0x11, count: 32)
private let negative: [UInt8] = authority.dropLast() + [0x91]
private let serial: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 1]
private let zero = [UInt8](repeating: 0, count: 8)
private let late: [UInt8] = [0, 1, 0, 0, 0, 0, 0, 0]
private let first = [UInt8](repeating: 0x22, count: 32)
private let second = [UInt8](repeating: 0x23, count: 32)
private let digest = [UInt8](repeating: 0x33, count: 32)
private let signature = [UInt8](repeating: 0x44, count: 64)
private let hash = [UInt8](repeating: 0x55, count: 32)

private func flat(_ parts: [UInt8]...) -> [UInt8] { parts.flatMap { $0 } }

private let badObjects: [([UInt8], WireError)] = [
    ([], .truncated),
    ([4], .truncated),
    (flat([3], authority, serial, [0, 0], signature), .notCanonical),
    (flat([4], negative, serial, [0, 0], signature), .badNodeID),
    (flat([4], authority, zero, [0, 0], signature), .notCanonical),
    (flat([4], authority, serial, [3, 33], signature), .tooMany),
    (flat([4], authority, serial, [0, 2], first, serial, signature.dropLast(40)), .truncated),
    (flat([4], authority, serial, [0, 2], first, serial, first, serial, signature), .notCanonical),
    (
        flat([4], authority, serial, [0, 2], second, serial, first, serial, signature),
        .notCanonical
    ),
    (flat([4], authority, serial, [0, 1], first, late, signature), .notCanonical),
    (flat([4], authority, serial, [0, 0], signature.dropLast()), .truncated),
    (flat([4], authority, serial, [0, 0], signature, [0]), .trailing),
]

private let badHeads: [([UInt8], WireError)] = [
    ([], .truncated),
    (flat([4], authority, serial, [0, 0], digest, signature), .notCanonical),
    (flat([5], negative, serial, [0, 0], digest, signature), .badNodeID),
    (flat([5], authority, zero, [0, 0], digest, signature), .notCanonical),
    (flat([5], authority, serial, [3, 33], digest, signature), .tooMany),
    (flat([5], authority, serial, [0, 0], digest, signature.dropLast()), .truncated),
    (flat([5], authority, serial, [0, 0], digest, signature, [0]), .trailing),
]

private let head = flat([5], authority, serial, [0, 0], digest, signature)

private let badMessages: [([UInt8], WireError)] = [
    ([1, 9, 1, 9], .tooMany),
    (flat([1, 9, 1, 1], authority, zero, hash), .notCanonical),
    (flat([1, 9, 1, 1], negative, serial, hash), .badNodeID),
    (flat([1, 9, 1, 1], authority, serial, hash.dropLast()), .truncated),
    (flat([1, 9, 1, 2], authority, serial, hash, authority, serial, hash), .notCanonical),
    (flat([1, 9, 1, 0], [0]), .trailing),
    ([1, 9, 2, 0], .notCanonical),
    (flat([1, 9, 2, 2], authority, authority), .notCanonical),
    ([1, 9, 3, 0], .notCanonical),
    (flat([1, 9, 3, 1], head.dropLast()), .truncated),
    (flat([1, 9, 3, 2], head, head), .notCanonical),
]

@Suite("malformed trust objects") struct MalformedTrustTests {
    @Test("each limit and each other form of an object is refused", arguments: badObjects)
    func objects(bytes: [UInt8], error: WireError) throws {
        let keys = try TrustSamples.keys()
        #expect(throws: error) { try TrustObject(bytes: bytes, with: keys) }
    }

    @Test("and of a head", arguments: badHeads) func heads(bytes: [UInt8], error: WireError) {
        #expect(throws: error) { try TrustHead(bytes: bytes) }
    }

    @Test("and of the messages about them", arguments: badMessages)
    func messages(bytes: [UInt8], error: WireError) {
        #expect(throws: error) { try Message.decode(bytes) }
    }

    @Test("content is as long as whole revocations are, and no longer than an object's")
    func content() throws {
        let bytes = try TrustSamples.object(revoking: 1...2).content
        #expect(throws: WireError.truncated) { try TrustObject.revocations(of: bytes.dropLast()) }
        let long = [UInt8](repeating: 0, count: 40 * TrustObject.revocationsMax + 1)
        #expect(throws: WireError.tooMany) { try TrustObject.revocations(of: long) }
    }

    @Test("messages come back, and a kind that nobody knows is left alone") func decoding() throws {
        let keys = try TrustSamples.keys()
        let head = try TrustSamples.object(revoking: 1...2).head
        let held = TrustMessage.Held(head.authority, head.order(with: keys))
        let samples: [TrustMessage] = [
            .have([]), .have([held]), .want([head.authority]), .heads([head]),
            .chunks(.refused(handle: 9)),
        ]
        for sample in samples {
            #expect(try Message.decode(Message.trust(sample).encoded()) == .trust(sample))
        }
        #expect(try Message.decode([1, 9, 5, 1, 2, 3]) == nil)
        #expect(try Message.decode([1, 9, 4, 4, 1, 2, 3]) == nil)
    }

    @Test("as many heads as there are authorities fit a message") func largestMessage() throws {
        let heads = try (0..<UInt8(TrustObject.authoritiesMax)).map {
            try TrustSamples.object(of: $0, revoking: [1]).head
        }
        #expect(Message.trust(.heads(heads)).encoded().count <= Message.bytesMax)
    }

    @Test("damaged ones never trap, and what is taken is canonical", arguments: [UInt64](0..<4))
    func damaged(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let keys = try TrustSamples.keys()
        let object = try TrustSamples.object(revoking: 1...5)
        let message = Message.trust(.heads([object.head])).encoded()
        let originals = [object.encoded(), object.head.bytes, message]
        for round in 0..<3_000 {
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
            if let taken = try? TrustObject(bytes: bytes, with: keys) {
                #expect(taken.encoded() == bytes)
            }
            if let taken = try? TrustHead(bytes: bytes) { #expect(taken.bytes == bytes) }
            if let taken = try? Message.decode(bytes) { #expect(taken.encoded() == bytes) }
        }
    }
}

@Suite("certificate id") struct CertificateIDTests {
    @Test("it has 32 bytes and one text") func text() throws {
        let id = try TrustSamples.certificate(7)
        #expect(id.bytes.count == 32 && id.description.utf8.count == 52)
        #expect(CertificateID(id.description) == id)
        #expect(CertificateID(id.description.uppercased()) == nil)
        #expect(CertificateID(String(id.description.dropLast())) == nil)
        #expect(CertificateID(bytes: [UInt8](repeating: 0, count: 31)) == nil)
        // Unlike a node's, it has no sign.
        #expect(CertificateID(bytes: [UInt8](repeating: 0xFF, count: 32)) != nil)
    }

    @Test("they compare as their bytes do") func order() throws {
        let (low, high) = (try TrustSamples.certificate(255), try TrustSamples.certificate(256))
        #expect(low < high && !(high < low) && !(low < low))
    }
}
