// SPDX-License-Identifier: Apache-2.0

internal import NetronSimulator
internal import NetronWire
internal import Testing

@Suite("Messages of the DHT") struct KRPCTests {
    static let asker = DHTID(bytes: [UInt8]("abcdefghij0123456789".utf8)) ?? .zero
    static let other = DHTID(bytes: [UInt8]("mnopqrstuvwxyz123456".utf8)) ?? .zero
    static let aoeu = [UInt8]("aoeusnth".utf8)

    private static func message(_ body: KRPCBody) throws -> KRPCMessage {
        let transaction = try #require(KRPCTransaction(bytes: [UInt8]("aa".utf8)))
        return KRPCMessage(body, transaction: transaction, version: nil)
    }

    private static func query(_ method: KRPCMethod) -> KRPCBody {
        .query(KRPCQuery(asker, method))
    }

    /// The examples of BEP 5.
    private static let examples: [(String, KRPCMethod)] = [
        ("d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe", .ping),
        (
            "d1:ad2:id20:abcdefghij01234567896:target20:mnopqrstuvwxyz123456e"
                + "1:q9:find_node1:t2:aa1:y1:qe", .findNode(other, [])
        ),
        (
            "d1:ad2:id20:abcdefghij01234567899:info_hash20:mnopqrstuvwxyz123456e"
                + "1:q9:get_peers1:t2:aa1:y1:qe", .getPeers(other, [])
        ),
        (
            "d1:ad2:id20:abcdefghij012345678912:implied_porti1e"
                + "9:info_hash20:mnopqrstuvwxyz1234564:porti6881e5:token8:aoeusnthe"
                + "1:q13:announce_peer1:t2:aa1:y1:qe",
            .announcePeer(
                KRPCAnnouncement(key: other, port: 6_881, isImplied: true, token: aoeu)
            )
        ),
    ]

    @Test("the queries of BEP 5 are read and written", arguments: examples)
    func queries(text: String, method: KRPCMethod) throws {
        let message = try Self.message(Self.query(method))
        #expect(try KRPCMessage([UInt8](text.utf8)) == message)
        #expect(message.encoded == [UInt8](text.utf8))
    }

    @Test("the replies of BEP 5 are read and written")
    func replies() throws {
        var response = KRPCResponse(Self.other)
        try expect("d1:rd2:id20:mnopqrstuvwxyz123456e1:t2:aa1:y1:re", .response(response))
        response = KRPCResponse(Self.asker)
        response.token = Self.aoeu
        response.peers = [
            try #require(Endpoint("97.120.106.101:11893")),
            try #require(Endpoint("105.100.104.116:28269")),
        ]
        try expect(
            "d1:rd2:id20:abcdefghij01234567895:token8:aoeusnth6:valuesl6:axje.u6:idhtnmee"
                + "1:t2:aa1:y1:re",
            .response(response)
        )
        try expect(
            "d1:eli201e23:A Generic Error Ocurrede1:t2:aa1:y1:ee",
            .error(KRPCFailure(201, "A Generic Error Ocurred"))
        )
        // The placeholder for nodes is no whole node.
        let nodes = try KRPCMessage(
            [UInt8](
                "d1:rd2:id20:abcdefghij01234567895:nodes9:def456...5:token8:aoeusnthe1:t2:aa1:y1:re"
                    .utf8
            )
        )
        response.peers = []
        response.tellsNodes = .v4
        #expect(nodes.body == .response(response))
    }

    private func expect(_ text: String, _ body: KRPCBody) throws {
        let message = try Self.message(body)
        #expect(try KRPCMessage([UInt8](text.utf8)) == message)
        #expect(message.encoded == [UInt8](text.utf8))
    }

    // Sent by libtorrent 2.0.8 on loopback to a node at 127.0.0.1:20001. It has keys of its own:
    // `bs` in queries, and the asker's port `p` in results.
    @Test("libtorrent's query and reply are understood")
    func libtorrent() throws {
        let id = hex("ef38bdd1c07a4d2c96c6e7d0a24c472dfd057113")
        var bytes = [UInt8]("d1:ad2:bsi1e2:id20:".utf8) + id + [UInt8]("9:info_hash20:".utf8) + id
        bytes += [UInt8]("e1:q9:get_peers1:t2:".utf8) + [0x43, 0x95]
        bytes += [UInt8]("1:v4:LT".utf8) + [2, 8] + [UInt8]("1:y1:qe".utf8)
        let query = try KRPCMessage(bytes)
        let own = try #require(DHTID(bytes: id))
        #expect(query.body == .query(KRPCQuery(own, .getPeers(own, []))))
        #expect(query.version == 0x4C54_0208)
        #expect(query.transaction.bytes == [0x43, 0x95])
        bytes = [UInt8]("d2:ip6:".utf8) + [127, 0, 0, 1, 0x4E, 0x21] + [UInt8]("1:rd2:id20:".utf8)
        bytes += id + [UInt8]("5:nodes0:1:pi20001e5:token4:".utf8) + [0xDE, 0x8B, 0x26, 0x5F]
        bytes += [UInt8]("e1:t2:ac1:v4:LT".utf8) + [2, 8] + [UInt8]("1:y1:re".utf8)
        let reply = try KRPCMessage(bytes)
        var response = KRPCResponse(own)
        response.tellsNodes = .v4
        response.token = [0xDE, 0x8B, 0x26, 0x5F]
        #expect(reply.body == .response(response))
        #expect(reply.requester == Endpoint("127.0.0.1:20001"))
    }

    /// One of each kind, with everything that it can have.
    static func samples() throws -> [KRPCMessage] {
        var random = SeededRandom(seed: 7)
        let endpoints = (
            try #require(Endpoint("192.0.2.7:6881")), try #require(Endpoint("[2001:db8::7]:1"))
        )
        var response = KRPCResponse(asker)
        response.tellsNodes = [.v4, .v6]
        response.nodes = (0..<8).map { _ in DHTNode(.random(using: &random), endpoints.0) }
        response.nodes6 = (0..<8).map { _ in DHTNode(.random(using: &random), endpoints.1) }
        response.peers = [endpoints.0, endpoints.1]
        response.token = aoeu
        response.value = [UInt8]("d1:ai1ee".utf8)
        response.key = random.bytes(32)
        response.sequence = .max
        response.signature = random.bytes(64)
        let author = DHTItem.Author(
            key: random.bytes(32),
            salt: [UInt8]("foobar".utf8),
            sequence: 4,
            signature: random.bytes(64)
        )
        let value = [UInt8]("12:Hello World!".utf8)
        let want: KRPCWant = [.v4, .v6]
        let bodies: [KRPCBody] = [
            query(.ping), query(.findNode(other, want)), query(.getPeers(other, .v6)),
            query(.get(other, newerThan: 3, want)), query(.get(other, newerThan: nil, [])),
            query(
                .announcePeer(
                    KRPCAnnouncement(key: other, port: 1, isImplied: false, token: aoeu)
                )
            ), query(.put(DHTItem(value: value), token: aoeu, replacing: nil)),
            query(.put(DHTItem(value: value, author: author), token: aoeu, replacing: 3)),
            .response(response), .error(.outdated),
        ]
        return bodies.enumerated().map { index, body in
            var message = KRPCMessage(body, transaction: KRPCTransaction(random.next()))
            if case .query = body {
                message.isReadOnly = index % 2 == 0
            } else {
                message.requester = index % 2 == 0 ? endpoints.0 : endpoints.1
            }
            return message
        }
    }

    @Test("every kind of message is read as it was written")
    func roundTrips() throws {
        for message in try Self.samples() { #expect(try KRPCMessage(message.encoded) == message) }
    }

    @Test("flipped bits and shorter beginnings trap nowhere", arguments: 1...4)
    func noise(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for sample in try Self.samples().map(\.encoded) {
            for count in sample.indices {
                #expect(throws: BencodeError.self) {
                    try KRPCMessage([UInt8](sample.prefix(count)))
                }
            }
            for _ in 0..<500 {
                var bytes = sample
                for _ in 0..<Int.random(in: 1...5, using: &random) {
                    let place = Int.random(in: bytes.indices, using: &random)
                    bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
                }
                guard let message = try? KRPCMessage(bytes) else { continue }
                if case .query(let query) = message.body {
                    // These are not what was sent, and are never written.
                    if query.method == .unknown || query.method == .malformed { continue }
                }
                #expect((try? KRPCMessage(message.encoded)) == message)
            }
        }
    }

    @Test(
        "a query whose arguments are wrong can still be answered",
        arguments: [
            ("find_node", ""), ("find_node", "6:target19:mnopqrstuvwxyz12345"),
            ("get_peers", "6:target20:mnopqrstuvwxyz123456"), ("get", "6:targeti1e"),
            ("get_peers", "9:info_hash20:mnopqrstuvwxyz1234565:tokeni1e"),
            ("announce_peer", "9:info_hash20:mnopqrstuvwxyz1234564:porti6881e"),
            ("announce_peer", "9:info_hash20:mnopqrstuvwxyz1234564:porti0e5:token1:a"),
            ("announce_peer", "9:info_hash20:mnopqrstuvwxyz1234564:porti-1e5:token1:a"),
            ("announce_peer", "9:info_hash20:mnopqrstuvwxyz1234564:porti65536e5:token1:a"),
            ("announce_peer", "9:info_hash20:mnopqrstuvwxyz1234565:token1:a"),
            ("put", "5:token1:a"), ("put", "3:seqi1e5:token1:a1:v1:b"),
            ("put", "1:k32:0123456789012345678901234567890a5:token1:a1:v1:b"),
        ]
    )
    func malformed(method: String, arguments: String) throws {
        let text =
            "d1:ad2:id20:abcdefghij0123456789\(arguments)e1:q\(method.utf8.count):\(method)"
            + "1:t2:aa1:y1:qe"
        #expect(try KRPCMessage([UInt8](text.utf8)).body == Self.query(.malformed))
    }

    @Test(
        "what is no message is refused",
        arguments: [
            "de", "le", "d1:t2:aae", "d1:y1:qe", "d1:t2:aa1:y1:qe", "d1:q4:ping1:t2:aa1:y1:qe",
            "d1:ade1:q4:ping1:t2:aa1:y1:qe",
            "d1:ad2:id19:abcdefghij012345678e1:q4:ping1:t2:aa1:y1:qe",
            "d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:y1:qe",
            "d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t17:01234567890123456" + "1:y1:qe",
            "d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:xe",
            "d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y2:qqe",
            "d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe0:",
            "d1:rd2:id3:abce1:t2:aa1:y1:re", "d1:rde1:t2:aa1:y1:re", "d1:t2:aa1:y1:re",
            "d1:rd2:id20:abcdefghij01234567895:nodesi1ee1:t2:aa1:y1:re",
            "d1:ele1:t2:aa1:y1:ee", "d1:el3:abci1ee1:t2:aa1:y1:ee",
            // Keys that are not sorted.
            "d1:q4:ping1:ad2:id20:abcdefghij0123456789e1:t2:aa1:y1:qe",
        ]
    )
    func refused(text: String) {
        #expect(throws: BencodeError.self) { try KRPCMessage([UInt8](text.utf8)) }
    }

    @Test("a datagram above 2,048 bytes is refused")
    func sizes() throws {
        func text(_ count: Int) -> [UInt8] {
            let filler = String(repeating: "x", count: count - 64)
            let head = "d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:x"
            return [UInt8]((head + "\(filler.utf8.count):" + filler + "1:y1:qe").utf8)
        }
        #expect(text(2_047).count <= 2_048)
        let padded = text(2_048 + 64 - (text(2_048).count - 2_048 + 64))
        #expect(padded.count == 2_048)
        _ = try KRPCMessage(padded)
        #expect(throws: BencodeError.tooMany) { try KRPCMessage(text(2_060)) }
    }

    @Test("a reply gives 8 nodes of a family and 50 peers at most, and none at port 0")
    func caps() throws {
        var random = SeededRandom(seed: 8)
        let one = random.bytes(26)
        var nodes: [UInt8] = []
        for _ in 0..<20 { nodes += random.bytes(25) + [1] }
        var bytes = [UInt8]("d1:rd2:id20:abcdefghij01234567895:nodes520:".utf8) + nodes
        bytes += [UInt8]("6:nodes638:".utf8) + random.bytes(20)
        // An IPv4 address in the place of an IPv6 one.
        bytes += [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 192, 0, 2, 1, 0, 1]
        bytes += [UInt8]("6:valuesl".utf8)
        for _ in 0..<60 { bytes += [UInt8]("6:".utf8) + random.bytes(5) + [1] }
        bytes += [UInt8]("e".utf8) + [UInt8]("e1:t2:aa1:y1:re".utf8)
        guard case .response(let response) = try KRPCMessage(bytes).body else {
            Issue.record("no response")
            return
        }
        #expect(response.nodes.count == 8)
        #expect(response.nodes6.isEmpty)
        #expect(response.peers.count == 50)
        let portless = [DHTNode](compact: (one.prefix(24) + [0, 0])[...], .v4, upTo: 8)
        #expect(portless.isEmpty)
    }
}
