// SPDX-License-Identifier: Apache-2.0

internal import NetronSimulator
internal import NetronWire
internal import Testing

@Suite("placement messages") struct PlacementMessageTests {
    private static let id = [UInt8](repeating: 0x11, count: 32)
    private static let endpoint: [UInt8] = [4, 1, 2, 3, 4, 0, 1]

    static let samples: [PlacementMessage] = {
        let endpoint = Endpoint(IPAddress(.v4, number: 9), port: 7)
        let hint = NodeID(bytes: id).map { Hint($0, at: [endpoint]) }
        return [
            .ask(number: 1, .init(2)), .answer(number: 3, [], nearer: []),
            .answer(number: .max, [[1, 2], []], nearer: hint.map { [$0] } ?? []),
            .store(number: 4, [.init(5), .init(6)], [7, 8]), .kept(number: 9, []),
            .kept(number: 9, [.init(0), .init(.max)]),
        ]
    }()

    @Test("every message comes back, as a message of its kind") func roundTrip() throws {
        for sample in Self.samples {
            let message = Message.placement(sample)
            let bytes = message.encoded()
            #expect(bytes[1] == 7)
            #expect(try Message.decode(bytes) == message)
        }
    }

    @Test("a message cut anywhere, or with a byte more, is refused") func truncated() {
        for sample in Self.samples {
            let bytes = Message.placement(sample).encoded()
            for count in 3..<bytes.count {
                #expect(throws: WireError.self) { try Message.decode(Array(bytes.prefix(count))) }
            }
            #expect(throws: WireError.trailing) { try Message.decode(bytes + [0]) }
        }
    }

    @Test("a kind that is not known is skipped, whatever follows", arguments: [UInt8]([0, 5, 255]))
    func unknown(kind: UInt8) throws {
        #expect(try Message.decode([1, 7, kind]) == nil)
        #expect(try Message.decode([1, 7, kind, 1, 2, 3]) == nil)
    }

    private static let number: [UInt8] = [0, 0, 0, 1]
    private static let place: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 2]

    private static func flat(_ parts: [UInt8]...) -> [UInt8] { parts.flatMap { $0 } }

    static let malformed: [([UInt8], WireError)] = [
        (flat([2], number, [5]), .tooMany),
        (flat([2], number, [1, 3, 1]), .tooMany),
        (flat([2], number, [0, 9]), .truncated),
        (flat([2], number, [0, 13]), .tooMany),
        (flat([2], number, [0, 2], id, [0], id, [0]), .notCanonical),
        (flat([2], number, [0, 1], id, [2], endpoint, endpoint), .notCanonical),
        (flat([3], number, [0, 0, 0]), .notCanonical),
        (flat([3], number, [17]), .tooMany),
        (flat([3], number, [2], place, place, [0, 0]), .notCanonical),
        (flat([3], number, [1], place, [3, 1]), .tooMany),
        (flat([4], number, [17]), .tooMany),
        (flat([4], number, [2], place, place), .notCanonical),
    ]

    @Test("each limit and each other form is refused", arguments: malformed)
    func refused(body: [UInt8], error: WireError) {
        #expect(throws: error) { try Message.decode([1, 7] + body) }
    }

    @Test("an answer has the first statements and hints that fit") func fitting() throws {
        let large = [UInt8](repeating: 1, count: Presence.bytesMax)
        let small = [UInt8](repeating: 2, count: 300)
        var random = SeededRandom(seed: 1)
        let hints = (0..<14).compactMap { _ in NodeID(bytes: random.bytes(31) + [1]) }.map {
            Hint($0, at: [Endpoint(IPAddress(.v6, number: 1), port: 1)])
        }
        let message = PlacementMessage.answer(
            number: 1,
            fitting: [large, large, small, small],
            nearer: hints
        )
        guard case .answer(_, let statements, let nearer) = message else { return }
        #expect(statements == [large, small])
        #expect(nearer == [hints[0]])
        #expect(Message.placement(message).encoded().count <= Message.bytesMax)
        let many = PlacementMessage.answer(number: 1, fitting: [], nearer: hints)
        guard case .answer(_, _, let all) = many else { return }
        #expect(all == Array(hints.prefix(PlacementMessage.hintsMax)))
    }

    @Test("random bytes never trap, and what is taken is canonical", arguments: [UInt64](0..<4))
    func random(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<5_000 {
            let body = random.bytes(Int.random(in: 0...80, using: &random))
            let bytes = [1, 7, UInt8.random(in: 0...5, using: &random)] + body
            guard let message = try? Message.decode(bytes) else { continue }
            #expect(message.encoded() == bytes)
        }
    }
}
