// SPDX-License-Identifier: Apache-2.0

internal import NetronWire
internal import Testing

@Suite("message") struct MessageTests {
    private static func id(_ last: UInt8) throws -> NodeID {
        try #require(NodeID(bytes: Array(repeating: 0x11, count: 31) + [last]))
    }

    private static func address(_ text: String) throws -> IPAddress {
        try #require(IPAddress(text))
    }

    private static func endpoint(_ text: String) throws -> Endpoint { try #require(Endpoint(text)) }

    private static func samples() throws -> [Message] {
        let hello = Hello(
            name: "host",
            version: "0.1.0",
            platform: "linux x86_64",
            claims: [
                .init(try address("10.1.0.11"), since: 1_700_000_000_000),
                .init(try address("fd00::1"), since: .max),
            ]
        )
        let hints = [
            Hint(try id(1), at: [try endpoint("1.2.3.4:51"), try endpoint("[2001:db8::1]:7")]),
            Hint(try id(2), at: []),
        ]
        return [
            .hello(hello), .hello(Hello(name: "", version: "", platform: "", claims: [])),
            .gossip(.shuffleReply(number: 7, hints)), .gossip(.prune), .gossip(.join(hints[0])),
            .contested(try address("10.1.0.11"), holder: try id(9)),
            .contested(try address("fd00::1"), holder: try id(9)),
            .ledger(.want([.init(try id(1), stamp: 7), .init(try id(2), stamp: .max)])),
            .ledger(.states([.init(.init(try id(1), stamp: 7), [1, 2, 3])])),
            .ledger(.lack([try id(1), try id(2)])),
            .ledger(.chunks(.refused(handle: 9))),
            .observed(try endpoint("1.2.3.4:0")), .observed(try endpoint("[fe80::1]:65535")),
        ]
    }

    @Test("every message comes back") func roundTrip() throws {
        for message in try Self.samples() {
            #expect(try Message.decode(message.encoded()) == message)
        }
    }

    @Test("the bytes are those of the drawing") func bytes() throws {
        let hello = Hello(
            name: "ab",
            version: "c",
            platform: "",
            claims: [.init(try Self.address("10.1.0.11"), since: 0x0102)]
        )
        #expect(
            Message.hello(hello).encoded()
                == [1, 1, 2, 0x61, 0x62, 1, 0x63, 0, 1, 4, 10, 1, 0, 11, 0, 0, 0, 0, 0, 0, 1, 2]
        )
        let id = try Self.id(5)
        let endpoint = try Self.endpoint("1.2.3.4:258")
        #expect(
            Message.gossip(.join(Hint(id, at: [endpoint]))).encoded()
                == [1, 2, 1, 1] + id.bytes + [1, 4, 1, 2, 3, 4, 1, 2]
        )
        #expect(
            Message.contested(try Self.address("10.1.0.11"), holder: id).encoded()
                == [1, 3, 4, 10, 1, 0, 11] + id.bytes
        )
        #expect(Message.observed(endpoint).encoded() == [1, 4, 4, 1, 2, 3, 4, 1, 2])
        let name = LedgerMessage.Want(id, stamp: 0x0102)
        #expect(
            Message.ledger(.want([name])).encoded()
                == [1, 6, 1, 1] + id.bytes + [0, 0, 0, 0, 0, 0, 1, 2]
        )
        #expect(
            Message.ledger(.states([.init(name, [7, 8])])).encoded()
                == [1, 6, 2, 1] + id.bytes + [0, 0, 0, 0, 0, 0, 1, 2, 0, 2, 7, 8]
        )
        #expect(Message.ledger(.lack([id])).encoded() == [1, 6, 3, 1] + id.bytes)
    }

    @Test("a ledger message about nobody, or about too many, is refused") func countless() throws {
        for kind in UInt8(1)...3 {
            #expect(throws: WireError.notCanonical) { try Message.decode([1, 6, kind, 0]) }
            #expect(throws: WireError.tooMany) {
                try Message.decode([1, 6, kind, 25] + [UInt8](repeating: 0, count: 1_100))
            }
        }
    }

    @Test("a message cut anywhere is refused") func truncated() throws {
        for message in try Self.samples() {
            let bytes = message.encoded()
            for count in 0..<bytes.count {
                #expect(throws: WireError.truncated) {
                    try Message.decode(Array(bytes.prefix(count)))
                }
            }
        }
    }

    @Test("a byte behind the end is refused") func trailing() throws {
        for message in try Self.samples() {
            #expect(throws: WireError.trailing) { try Message.decode(message.encoded() + [0]) }
        }
    }

    @Test("an unknown version or kind is skipped, whatever follows") func unknown() throws {
        let others: [[UInt8]] = [
            [1, 0], [1, 10, 1, 2, 3], [1, 9, 5, 1], [1, 9, 4, 4, 1], [1, 7, 5, 1],
            [1, 6, 5, 1], [1, 6, 4, 4, 1], [1, 2, 255, 1], [1, 5, 9, 1],
            [1, 5, 7, 4, 1], [1, 255],
            [0, 1], [2, 1, 9],
        ]
        for bytes in others {
            #expect(try Message.decode(bytes) == nil)
        }
    }

    @Test("the largest messages fit the packet core") func largest() throws {
        let text = String(repeating: "\u{f6}", count: 200)
        let claims = (0..<40).compactMap { index in
            IPAddress("fd00::\(index)").map { Hello.Claim($0, since: .max) }
        }
        let hello = Hello(name: text, version: text, platform: text, claims: claims)
        #expect(hello.name.utf8.count == 62)
        #expect(hello.claims.count == Hello.claimsMax)
        let endpoints = (0..<9).compactMap { Endpoint("[2001:db8::\($0)]:1") }
        let hints = try (0..<10).map { Hint(try Self.id($0), at: endpoints) }
        #expect(hints[0].endpoints == Array(endpoints.prefix(3)))
        for message in [Message.hello(hello), .gossip(.shuffleReply(number: 1, hints))] {
            #expect(message.encoded().count <= Message.bytesMax)
            #expect(try Message.decode(message.encoded()) == message)
        }
    }

    @Test("more than the packet core carries is refused before it is read") func tooLong() {
        let bytes = Array(repeating: UInt8(9), count: Message.bytesMax + 1)
        #expect(throws: WireError.tooMany) { try Message.decode(bytes) }
        #expect(throws: Never.self) { try Message.decode(Array(bytes.dropLast())) }
    }

    @Test("a scope stays at home") func scope() throws {
        let scoped = try Self.endpoint("[fe80::1%3]:51")
        let bytes = Message.observed(scoped).encoded()
        #expect(try Message.decode(bytes) == .observed(scoped.unscoped))
        #expect(Hint(try Self.id(1), at: [scoped, scoped.unscoped]).endpoints == [scoped.unscoped])
    }

    @Test("a greeting keeps the earlier of two claims on one address") func claims() throws {
        let address = try Self.address("10.1.0.11")
        let lower = try Self.address("10.1.0.2")
        let claims = [(address, 9), (lower, 1), (address, 7)].map {
            Hello.Claim($0.0, since: $0.1)
        }
        let hello = Hello(name: "a\u{1B}b", version: "", platform: "", claims: claims)
        #expect(hello.claims == [.init(lower, since: 1), .init(address, since: 7)])
        #expect(hello.name == "ab")
    }
}
