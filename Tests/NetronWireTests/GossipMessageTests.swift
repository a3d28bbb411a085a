// SPDX-License-Identifier: Apache-2.0

internal import NetronSimulator
internal import NetronWire
internal import Testing

private func id(_ last: UInt8) throws -> NodeID {
    try #require(NodeID(bytes: Array(repeating: 0x11, count: 31) + [last]))
}

private func hint(_ last: UInt8, _ endpoints: String...) throws -> Hint {
    Hint(try id(last), at: try endpoints.map { try #require(Endpoint($0)) })
}

private func encoded(_ message: GossipMessage) -> [UInt8] {
    var writer = ByteWriter()
    message.write(to: &writer)
    return writer.bytes
}

private func decoded(_ bytes: [UInt8]) throws(WireError) -> GossipMessage? {
    var reader = ByteReader(bytes)
    guard let message = try GossipMessage(from: &reader) else { return nil }
    try reader.finish()
    return message
}

private func samples() throws -> [GossipMessage] {
    let hints = [
        try hint(1, "1.2.3.4:51", "[2001:db8::1]:7"), try hint(2), try hint(3, "10.0.0.1:9"),
    ]
    let ids = (0..<5).map { RumorID(number: UInt64($0) << 60 | 7) }
    let route = TreeRoute(root: .max - 1, number: 0x0102_0304, hops: 3)
    return [
        .join(hints[0]), .forwardJoin(hints[1], ttl: 6), .neighbour(.low), .neighbour(.high),
        .answer(isAccepted: false), .answer(isAccepted: true), .disconnect,
        .shuffle(number: 7, ttl: 3, hints), .shuffleReply(number: .max, hints),
        .shuffleReply(number: 0, []),
        .gossip(Rumor([1, 2, 3], hops: 4)), .gossip(Rumor([], hops: 255, isClimbing: true)),
        .gossip(Rumor([9], hops: 0, isClimbing: true, isAside: true)),
        .ihave(ids), .graft(Array(ids.prefix(1))), .prune,
        .probeRequest(number: 9, hints[2]), .probeAnswer(number: 9, isAlive: true),
        .route(route, isParent: true), .route(.none, isParent: false),
        .lift(hints[0], ttl: 3),
    ]
}

@Suite("gossip message") struct GossipMessageTests {
    @Test("every message comes back, and is as long as it says") func roundTrip() throws {
        let samples = try samples()
        #expect(Set(samples.map(\.kind)).count == GossipMessage.Kind.allCases.count)
        for message in samples {
            let bytes = encoded(message)
            #expect(try decoded(bytes) == message)
            #expect(bytes.count == message.byteCount)
            #expect(bytes[0] == message.kind.rawValue)
        }
    }

    @Test("the bytes are those of the drawing") func bytes() throws {
        let hint = try hint(5, "1.2.3.4:258")
        let hintBytes = [1] + hint.id.bytes + [1, 4, 1, 2, 3, 4, 1, 2]
        #expect(encoded(.join(hint)) == [1] + hintBytes)
        #expect(encoded(.forwardJoin(hint, ttl: 6)) == [2, 6] + hintBytes)
        #expect(encoded(.neighbour(.high)) == [3, 1])
        #expect(encoded(.answer(isAccepted: true)) == [4, 1])
        #expect(encoded(.disconnect) == [5])
        #expect(encoded(.shuffle(number: 258, ttl: 3, [hint])) == [6, 0, 0, 1, 2, 3] + hintBytes)
        #expect(encoded(.shuffleReply(number: 258, [hint])) == [7, 0, 0, 1, 2] + hintBytes)
        #expect(encoded(.gossip(Rumor([9, 8], hops: 3, isAside: true))) == [8, 3, 2, 9, 8])
        let ids = [RumorID(number: 0x0102_0304_0506_0708)]
        #expect(encoded(.ihave(ids)) == [9, 1, 1, 2, 3, 4, 5, 6, 7, 8])
        #expect(encoded(.graft(ids)) == [10, 1, 1, 2, 3, 4, 5, 6, 7, 8])
        #expect(encoded(.prune) == [11])
        #expect(encoded(.probeRequest(number: 1, hint)) == [12, 0, 0, 0, 1] + hintBytes)
        #expect(encoded(.probeAnswer(number: 1, isAlive: false)) == [13, 0, 0, 0, 1, 0])
        let route = TreeRoute(root: 1, number: 2, hops: 3)
        #expect(
            encoded(.route(route, isParent: true))
                == [14, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 3, 1]
        )
        #expect(encoded(.lift(hint, ttl: 2)) == [15, 2] + hintBytes)
    }

    @Test("a message cut anywhere is refused, but for a payload") func truncated() throws {
        for message in try samples() where message.kind != .gossip {
            let bytes = encoded(message)
            for count in 0..<bytes.count {
                #expect(throws: WireError.truncated) { try decoded(Array(bytes.prefix(count))) }
            }
        }
        #expect(throws: WireError.truncated) { try decoded([8, 1]) }
    }

    @Test("a kind that is not known is skipped, whatever follows") func unknown() throws {
        for kind: UInt8 in [0, 16, 255] { #expect(try decoded([kind, 1, 2]) == nil) }
    }

    @Test("each limit and each other form is refused") func refused() throws {
        let one = [1] + (try id(1)).bytes + [0]
        let two = [2] + (try id(1)).bytes + [0] + (try id(2)).bytes + [0]
        let eleven = try (0..<11).reduce(into: [UInt8(11)]) { $0 += try id($1).bytes + [0] }
        let cases: [([UInt8], WireError)] = [
            ([1] + two, .notCanonical), ([1, 0], .notCanonical), ([2, 9] + one, .tooMany),
            ([3, 2], .notCanonical), ([4, 2], .notCanonical), ([5, 0], .trailing),
            ([6, 0, 0, 0, 1, 9] + one, .tooMany), ([6, 0, 0, 0, 1, 1, 0], .notCanonical),
            ([7, 0, 0, 0, 1, 13], .tooMany), ([8, 1, 4], .notCanonical), ([9, 0], .notCanonical),
            ([9, 121], .tooMany), ([10, 0], .notCanonical), ([10, 121], .tooMany),
            ([8, 1, 0] + [UInt8](repeating: 1, count: Rumor.payloadBytesMax + 1), .tooMany),
            ([13, 0, 0, 0, 1, 2], .notCanonical),
            ([14] + [UInt8](repeating: 0, count: 13) + [2], .notCanonical),
        ]
        for (bytes, error) in cases { #expect(throws: error) { try decoded(bytes) } }
        #expect(throws: WireError.tooMany) { try decoded([7, 0, 0, 0, 1] + eleven) }
    }

    @Test("the largest messages fit the packet core with two bytes before them")
    func largest() throws {
        let far = ["[2001:db8::1]:1", "[2001:db8::2]:1", "[2001:db8::3]:1"]
        let hints = try (0..<UInt8(GossipMessage.hintsMax)).map {
            try hint($0, far[0], far[1], far[2])
        }
        let ids = (0..<GossipMessage.idsMax).map { RumorID(number: UInt64($0)) }
        let payload = [UInt8](repeating: 1, count: Rumor.payloadBytesMax)
        let messages: [GossipMessage] = [
            .shuffle(number: 1, ttl: 8, hints), .shuffleReply(number: 1, hints), .ihave(ids),
            .graft(ids), .gossip(Rumor(payload, hops: 1)),
        ]
        for message in messages {
            #expect(encoded(message).count + 2 <= Message.bytesMax)
            #expect(try decoded(encoded(message)) == message)
        }
    }

    @Test("damaged messages never trap, and what is taken is canonical", arguments: [UInt64](0..<4))
    func damaged(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let originals = try samples().map(encoded)
        for round in 0..<10_000 {
            var bytes = originals[round % originals.count]
            for _ in 0..<Int.random(in: 1...3, using: &random) where !bytes.isEmpty {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[place] = random.bytes(1)[0]
                case 1: bytes.removeLast(min(place, bytes.count - 1))
                case 2: bytes.insert(contentsOf: random.bytes(2), at: place)
                default: bytes[place] ^= 1 << (random.next() & 7)
                }
            }
            if let message = try? decoded(bytes) { #expect(encoded(message) == bytes) }
        }
    }

    @Test("random bytes never trap", arguments: [UInt64](0..<4)) func random(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<10_000 {
            var bytes = random.bytes(Int.random(in: 1...90, using: &random))
            bytes[0] %= 17
            if let message = try? decoded(bytes) { #expect(encoded(message) == bytes) }
        }
    }
}
