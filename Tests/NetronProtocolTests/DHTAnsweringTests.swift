// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronWire
internal import Testing

@Suite("The DHT, answering") struct DHTAnsweringTests {
    private static let asker = publicEndpoint(200)

    /// A node that serves, with that many nodes of each family in its table.
    private static func serving(
        _ count: Int = 0,
        cryptography: Cryptography = cheapCryptography()
    ) -> DHTScript {
        var script = DHTScript(cryptography: cryptography)
        script.after(.started(DHTSettings(hosts: [], serves: true)))
        for number in 0..<count {
            let six = IPAddress(.v6, number: 0x2001_0DB8 << 96 | UInt128(number) << 80 | 1)
            for endpoint in [publicEndpoint(number), Endpoint(six, port: 6_881)] {
                let id = dhtID(UInt64(number) << 8 | UInt64(endpoint.address.family.rawValue))
                let message = KRPCMessage(
                    .query(KRPCQuery(id, .ping)),
                    transaction: KRPCTransaction(7)
                )
                let effects = script.after(.received(message.encoded, from: endpoint))
                for ping in sent(effects) where ping.method == .ping {
                    script.answer(ping, KRPCResponse(id))
                }
                script.now = script.now + .milliseconds(200)
            }
        }
        return script
    }

    private static func token(
        _ script: inout DHTScript,
        from source: Endpoint = asker
    ) throws -> [UInt8] {
        let reply = script.query(.getPeers(dhtID(1), []), from: source)
        return try #require(reply?.response?.token)
    }

    @Test("a ping is answered with the own id, and with where it came from")
    func ping() throws {
        var script = Self.serving()
        let answer = script.query(.ping, from: Self.asker)
        let reply = try #require(answer)
        #expect(reply.requester == Self.asker)
        #expect(reply.version == 0x4E54_0001)
        #expect(reply.response == KRPCResponse(script.machine.id(.v4)))
    }

    @Test("a read-only node answers nothing, until it serves")
    func readOnly() {
        var script = Self.serving()
        script.after(.serve(false))
        #expect(script.query(.ping, from: Self.asker) == nil)
        #expect(script.query(.unknown, from: Self.asker) == nil)
        #expect(script.machine.counters.dropped.notServing == 2)
        script.after(.serve(true))
        #expect(script.query(.ping, from: Self.asker) != nil)
    }

    @Test("the 8 nodes closest to the target are told, of the families that are wanted")
    func findNode() throws {
        var script = Self.serving(40)
        let target = dhtID(3)
        var answer = script.query(.findNode(target, []), from: Self.asker)
        let reply = try #require(answer?.response)
        let closest = script.machine.nodes(.v4).sorted { $0.id ^ target < $1.id ^ target }
        #expect(script.machine.nodes(.v4).count > 16)
        #expect(reply.nodes == [DHTNode](closest.prefix(8)))
        #expect(reply.tellsNodes == .v4)
        answer = script.query(.findNode(target, .v6), from: Self.asker)
        let six = try #require(answer?.response)
        #expect(six.tellsNodes == .v6)
        #expect(six.nodes6.count >= 4)
        answer = script.query(.findNode(target, [.v4, .v6]), from: Self.asker)
        let both = try #require(answer?.response)
        #expect(both.nodes.count >= 3)
        #expect(both.nodes6.count >= 3)
    }

    @Test("an announcement with the token is told to others, with the port that it says")
    func announce() throws {
        var script = Self.serving()
        let key = dhtID(1)
        let token = try Self.token(&script)
        for (port, isImplied) in [(UInt16(7), false), (7, true)] {
            let announcement = KRPCAnnouncement(
                key: key,
                port: port,
                isImplied: isImplied,
                token: token
            )
            #expect(
                script.query(.announcePeer(announcement), from: Self.asker)?.response != nil
            )
        }
        let reply = script.query(.getPeers(key, []), from: publicEndpoint(201))?.response
        #expect(reply?.peers == [Endpoint(Self.asker.address, port: 7), Self.asker])
        // Only the family that was asked over (BEP 32).
        let six = try #require(Endpoint("[2001:db8:9::1]:1"))
        #expect(script.query(.getPeers(key, []), from: six)?.response?.peers == [])
        script.pass(.seconds(1_799))
        #expect(script.query(.getPeers(key, []), from: Self.asker)?.response?.peers.count == 2)
        script.pass(.seconds(1))
        #expect(script.query(.getPeers(key, []), from: Self.asker)?.response?.peers == [])
    }

    private static func announce(
        _ script: inout DHTScript,
        token: [UInt8],
        from source: Endpoint,
        key: DHTID = dhtID(1)
    ) -> KRPCMessage? {
        let announcement = KRPCAnnouncement(key: key, port: 9, isImplied: false, token: token)
        return script.query(.announcePeer(announcement), from: source)
    }

    @Test("a token is good for the address that it was given to, whatever the port")
    func tokens() throws {
        var script = Self.serving()
        let token = try Self.token(&script)
        let other = publicEndpoint(201)
        #expect(Self.announce(&script, token: token, from: other)?.failure == .badToken)
        #expect(Self.announce(&script, token: [], from: Self.asker)?.failure == .badToken)
        #expect(
            Self.announce(&script, token: [UInt8](token.dropLast()), from: Self.asker)?.failure
                == .badToken
        )
        #expect(script.machine.status(at: script.now).storedPeers == 0)
        let sameHost = Endpoint(Self.asker.address, port: 1)
        #expect(Self.announce(&script, token: token, from: sameHost)?.response != nil)
    }

    @Test("a token is good for five to ten minutes")
    func oldTokens() throws {
        var script = Self.serving()
        // The secret is made anew at the first use after five minutes.
        let token = try Self.token(&script)
        script.pass(.seconds(299))
        #expect(Self.announce(&script, token: token, from: Self.asker)?.response != nil)
        let second = try Self.token(&script)
        script.pass(.seconds(299))
        #expect(Self.announce(&script, token: second, from: Self.asker)?.response != nil)
        script.pass(.seconds(302))
        #expect(Self.announce(&script, token: second, from: Self.asker)?.failure == .badToken)
        #expect(try Self.token(&script) != second)
    }

    @Test("no reply has more than three times the bytes of its query")
    func amplification() throws {
        var script = Self.serving(40)
        let key = dhtID(5)
        for number in 0..<40 {
            let source = publicEndpoint(300 + number)
            let token = try Self.token(&script, from: source)
            _ = Self.announce(&script, token: token, from: source, key: key)
        }
        let methods: [KRPCMethod] = [
            .ping, .findNode(key, []), .findNode(key, [.v4, .v6]), .getPeers(key, []),
            .getPeers(key, [.v4, .v6]), .get(key, newerThan: nil, [.v4, .v6]), .unknown, .malformed,
        ]
        for (index, method) in methods.enumerated() {
            // The shortest query that anybody can send.
            let message = KRPCMessage(
                .query(KRPCQuery(key, method)),
                transaction: try #require(KRPCTransaction(bytes: [])),
                version: nil
            )
            let query = message.encoded
            let source = publicEndpoint(400 + index)
            let reply = sent(script.after(.received(query, from: source))).first { $0.to == source }
            let size = try #require(reply?.size)
            #expect(size <= 3 * query.count, "\(method)")
        }
        let answer = script.query(.getPeers(key, []), from: Self.asker)
        let reply = try #require(answer?.response)
        #expect(reply.peers.count >= 8)
        #expect(reply.nodes.count >= 3)
    }

    @Test("an item may exceed its query until the budget for that is spent")
    func excess() throws {
        var script = Self.serving()
        let value = Bencode.string([UInt8](repeating: 7, count: 900)).encoded
        let item = DHTItem(value: value)
        let token = try Self.token(&script)
        let put = KRPCMethod.put(item, token: token, replacing: nil)
        #expect(script.query(put, from: Self.asker)?.response != nil)
        var told = 0
        for number in 0..<40 {
            let reply = script.query(
                .get(item.target, newerThan: nil, []),
                from: publicEndpoint(300 + number)
            )
            let response = try #require(reply?.response)
            #expect(response.token != nil)
            if response.value == value { told += 1 }
        }
        // 8,192 bytes at once, of which each takes more than 700.
        #expect((8...12).contains(told))
        script.pass(.seconds(2))
        let reply = script.query(.get(item.target, newerThan: nil, []), from: Self.asker)
        #expect(reply?.response?.value == value)
    }

    @Test("an address is answered 40 times at once and 10 times a second, and others too")
    func sourceRate() {
        var script = Self.serving()
        func count(_ queries: Int) -> Int {
            (0..<queries).count { _ in script.query(.ping, from: Self.asker) != nil }
        }
        #expect(count(100) == 40)
        #expect(script.machine.counters.dropped.sourceRate == 60)
        #expect(script.query(.ping, from: publicEndpoint(201)) != nil)
        script.pass(.seconds(1))
        #expect(count(100) == 10)
        script.pass(.seconds(100))
        #expect(count(100) == 40)
    }

    @Test("all replies together stay within their budget, however many ask")
    func replyBudget() {
        var script = Self.serving()
        let before = script.machine.counters.bytesSent
        for second in 0..<20 {
            for number in 0..<1_000 {
                let address = IPAddress(.v4, number: UInt128(20 << 24 | second << 12 | number))
                _ = script.query(.getPeers(dhtID(1), []), from: Endpoint(address, port: 1))
            }
            script.pass(.seconds(1))
        }
        let bytes = script.machine.counters.bytesSent - before
        #expect(bytes <= 131_072 + 20 * 16_384 + 1_400)
        #expect(script.machine.counters.dropped.replyBudget > 0)
    }

    @Test("what is stored is bounded, and what is near stays")
    func storeLimits() throws {
        var script = Self.serving()
        let own = script.machine.id(.v4)
        let near = own.neighbour(sharing: 30, exactly: true, else: dhtID(1))
        for number in 0..<1_200 {
            let source = publicEndpoint(number)
            let key = number == 0 ? near : dhtID(UInt64(1_000 + number % 300))
            let token = try Self.token(&script, from: source)
            _ = Self.announce(&script, token: token, from: source, key: key)
            script.now = script.now + .milliseconds(50)
        }
        #expect(script.machine.status(at: script.now).storedPeers <= 768)
        #expect(
            script.query(.getPeers(near, []), from: Self.asker)?.response?.peers.count == 1
        )
    }

    @Test("a key has 32 peers, and four of one address")
    func peerLimits() throws {
        var script = Self.serving()
        let token = try Self.token(&script)
        for port in 1...10 as ClosedRange<UInt16> {
            let announcement = KRPCAnnouncement(
                key: dhtID(1),
                port: port,
                isImplied: false,
                token: token
            )
            _ = script.query(.announcePeer(announcement), from: Self.asker)
        }
        #expect(script.machine.status(at: script.now).storedPeers == 4)
        let reply = script.query(.getPeers(dhtID(1), []), from: Self.asker)?.response
        #expect(reply?.peers.map(\.port) == [7, 8, 9, 10])
        for number in 0..<40 {
            let source = publicEndpoint(300 + number)
            let token = try Self.token(&script, from: source)
            _ = Self.announce(&script, token: token, from: source)
        }
        #expect(script.machine.status(at: script.now).storedPeers == 32)
    }

    @Test("queries that are not understood are answered with an error")
    func errors() {
        var script = Self.serving()
        let unknown = script.query(.unknown, from: Self.asker)
        #expect(unknown?.failure == .unknownMethod)
        #expect(unknown?.requester == Self.asker)
        let text = "d1:ad2:id20:abcdefghij0123456789e1:q9:find_node1:t2:aa1:y1:qe"
        let effects = script.after(.received([UInt8](text.utf8), from: Self.asker))
        let failures = sent(effects).filter { $0.to == Self.asker }.compactMap(\.message.failure)
        #expect(failures == [.malformed])
    }

    @Test("one who asks is asked whether it is there, once, unless it is read-only")
    func introductions() throws {
        var script = Self.serving()
        func pings(_ isReadOnly: Bool) -> [DHTSent] {
            let message = KRPCMessage(
                .query(KRPCQuery(dhtID(9), .ping)),
                transaction: KRPCTransaction(1),
                isReadOnly: isReadOnly
            )
            return sent(script.after(.received(message.encoded, from: Self.asker)))
                .filter(\.message.isQuery)
        }
        #expect(pings(true).isEmpty)
        let first = pings(false)
        #expect(first.map(\.method) == [.ping])
        #expect(pings(false).isEmpty)
        #expect(script.machine.nodes(.v4).isEmpty)
        script.answer(try #require(first.first), KRPCResponse(dhtID(9)))
        #expect(script.machine.nodes(.v4) == [DHTNode(dhtID(9), Self.asker)])
    }
}
