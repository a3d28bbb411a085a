// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
import NetronSimulator
internal import NetronWire
internal import Testing

@Suite("The DHT, asking") struct DHTAskingTests {
    private static let router = publicEndpoint(0)
    private static let host = DHTSettings.routers[0]

    /// A read-only node that knows a place to begin.
    private static func started(
        _ settings: DHTSettings = DHTSettings(hosts: [], endpoints: [router])
    ) -> (DHTScript, [DHTSent]) {
        var script = DHTScript()
        let effects = script.after(.started(settings))
        return (script, sent(effects))
    }

    private static func nodes(_ numbers: Range<Int>) -> [DHTNode] {
        numbers.map { DHTNode(dhtID(UInt64($0)), publicEndpoint($0)) }
    }

    private static func telling(_ nodes: [DHTNode], as id: DHTID) -> KRPCResponse {
        var response = KRPCResponse(id)
        response.tellsNodes = .v4
        response.nodes = nodes
        response.token = [1]
        return response
    }

    @Test("the routers are four, and are all that is resolved")
    func routers() {
        #expect(DHTSettings.routers.count == 4)
        var script = DHTScript()
        let effects = script.after(.started(DHTSettings()))
        #expect(effects == DHTSettings.routers.map { .resolve($0) })
    }

    @Test("saved nodes and routers are asked at once, and a router is not kept")
    func entering() {
        var script = DHTScript()
        let saved = DHTSaved(nodes: Self.nodes(1..<20))
        let effects = script.after(.started(DHTSettings(hosts: [Self.host], saved: saved)))
        #expect(effects.contains(.resolve(Self.host)))
        #expect(sent(effects).count == 3)
        var other = DHTScript()
        other.after(.started(DHTSettings(hosts: [Self.host])))
        let asked = sent(other.after(.resolved(Self.host, [Self.router])))
        #expect(asked.map(\.to) == [Self.router])
        #expect(asked.first?.method == .findNode(other.machine.id(.v4), [.v4, .v6]))
        other.answer(asked[0], Self.telling(Self.nodes(1..<4), as: dhtID(0)))
        #expect(other.machine.nodes(.v4).isEmpty)
        // An endpoint that the user named is a node like any.
        var (third, queries) = Self.started()
        third.answer(queries[0], Self.telling([], as: dhtID(0)))
        #expect(third.machine.nodes(.v4) == [DHTNode(dhtID(0), Self.router)])
    }

    @Test("queries say that the node is read-only, until it serves")
    func readOnly() {
        let (_, asked) = Self.started()
        #expect(asked.allSatisfy { $0.message.isReadOnly && $0.message.isQuery })
        let (_, serving) = Self.started(
            DHTSettings(hosts: [], endpoints: [Self.router], serves: true)
        )
        #expect(!serving.isEmpty && serving.allSatisfy { !$0.message.isReadOnly })
    }

    @Test("a dead bootstrap is tried after 1, 2, 4 ... seconds and then each minute")
    func deadBootstrap() {
        var (script, asked) = Self.started()
        var times: [Instant] = [script.now]
        #expect(asked.count == 1)
        let begin = script.now
        while script.now < begin + .seconds(600) {
            let effects = script.pass(.milliseconds(100))
            if !sent(effects).isEmpty { times.append(script.now) }
        }
        let gaps = zip(times.dropFirst(), times).map { ($0 - $1) / .seconds(1) }
        // Each attempt is given up after 5 s.
        for (gap, pause) in zip(gaps, [1.0, 2, 4, 8, 16, 32, 60, 60]) {
            #expect(abs(gap - pause - 5) < 0.5, "\(gaps)")
        }
    }

    @Test("a lookup that nobody answers ends")
    func unanswered() {
        var script = DHTScript()
        script.after(.started(DHTSettings(hosts: [Self.host])))
        var effects = script.after(.lookup(dhtID(7), announcing: .port(1)))
        effects += script.after(.resolved(Self.host, []))
        effects += script.pass(.seconds(25))
        #expect(effects.contains(.finished(dhtID(7), announced: 0)))
        script.after(.rest(true))
        script.pass(.seconds(10))
        #expect(script.machine.status(at: script.now).lookups == 0)
    }

    @Test("replies from elsewhere, by another or to no query are dropped and counted")
    func wrongReplies() throws {
        var (script, asked) = Self.started()
        let reply = Self.telling(Self.nodes(1..<4), as: dhtID(0))
        #expect(script.answer(asked[0], reply, from: publicEndpoint(50)).isEmpty)
        #expect(script.machine.counters.dropped.wrongEndpoint == 1)
        let samePlace = Endpoint(Self.router.address, port: 1)
        #expect(script.answer(asked[0], reply, from: samePlace).isEmpty)
        // The right one still counts.
        let next = sent(script.answer(asked[0], reply))
        try #require(next.count == 2)
        #expect(script.answer(asked[0], reply).isEmpty)
        #expect(script.machine.counters.dropped.unasked == 1)
        script.answer(next[0], Self.telling([], as: dhtID(1_234)))
        #expect(script.machine.counters.dropped.wrongID == 1)
        #expect(script.machine.nodes(.v4).map(\.id) == [dhtID(0)])
        // One who answers with our own id is none.
        script.answer(next[1], Self.telling([], as: script.machine.id(.v4)))
        #expect(script.machine.counters.dropped.wrongID == 2)
    }

    @Test("a public node cannot send us to private or impossible places, or to ourselves")
    func impossiblePlaces() throws {
        var (script, asked) = Self.started()
        let own = publicEndpoint(99)
        let texts = [
            "10.0.0.1:1", "172.16.0.1:1", "192.168.1.1:1", "169.254.0.1:1", "100.64.0.1:1",
            "127.0.0.1:1", "0.0.0.1:1", "224.0.0.1:1", "255.255.255.255:1",
        ]
        var nodes: [DHTNode] = []
        for (index, text) in texts.enumerated() {
            nodes.append(DHTNode(dhtID(UInt64(900 + index)), try #require(Endpoint(text))))
        }
        nodes.append(DHTNode(script.machine.id(.v4), publicEndpoint(98)))
        for part in [nodes.prefix(8), nodes.suffix(2)] {
            var effects: [DHTEffect] = []
            if part.count == 8 {
                let reply = Self.telling([DHTNode](part), as: dhtID(0))
                effects = script.answer(asked[0], reply, seen: own)
            } else {
                effects = script.after(.networkChanged)
                let again = try #require(sent(effects).first)
                effects = script.answer(again, Self.telling([DHTNode](part), as: dhtID(0)))
            }
            #expect(sent(effects).isEmpty)
        }
    }

    @Test("a private node may tell of its like, so that a closed network works")
    func privatePlaces() throws {
        let place = try #require(Endpoint("10.0.0.1:1"))
        var (script, asked) = Self.started(DHTSettings(hosts: [], endpoints: [place]))
        let like = DHTNode(dhtID(2), try #require(Endpoint("192.168.0.1:1")))
        let host = DHTNode(dhtID(3), try #require(Endpoint("127.0.0.1:1")))
        let effects = script.answer(asked[0], Self.telling([like, host], as: dhtID(1)))
        #expect(sent(effects).map(\.to) == [like.endpoint])
    }

    @Test("of one network a lookup asks two, and of one address one")
    func crowds() throws {
        var (script, asked) = Self.started()
        let network = (1...5).map { number in
            DHTNode(
                dhtID(UInt64(number)),
                Endpoint(IPAddress(.v4, number: UInt128(21 << 24 | number)), port: 1)
            )
        }
        let address = (1...3 as ClosedRange<UInt16>).map { port in
            DHTNode(
                dhtID(UInt64(port) + 50),
                Endpoint(IPAddress(.v4, number: 22 << 24 | 1), port: port)
            )
        }
        var places: [Endpoint] = []
        var effects = script.answer(asked[0], Self.telling(network + address, as: dhtID(0)))
        for _ in 0..<20 {
            places += sent(effects).map(\.to)
            effects = script.pass(.seconds(1))
        }
        #expect(places.count { $0.address.number >> 8 == 21 << 16 } == 2)
        #expect(places.count { $0.address.number >> 8 == 22 << 16 } == 1)
    }

    @Test("three queries are under way at a time, and more when they are slow")
    func parallel() {
        var (script, asked) = Self.started()
        let effects = script.answer(asked[0], Self.telling(Self.nodes(1..<9), as: dhtID(0)))
        // Of one teller two at a time.
        #expect(sent(effects).count == 2)
        #expect(sent(script.pass(.milliseconds(990))).isEmpty)
        #expect(sent(script.pass(.milliseconds(20))).count == 2)
    }

    @Test("a lookup among liars ends after 80 queries, though each tells of new nodes")
    func bounded() {
        var (script, first) = Self.started()
        var open = first
        var count = 0
        var random = SeededRandom(seed: 5)
        let key = dhtID(7)
        open += sent(script.after(.lookup(key, announcing: nil)))
        var finished = false
        var found = 0
        var ids: [Endpoint: DHTID] = [:]
        while let query = open.popLast() {
            guard case .getPeers = query.method else { continue }
            count += 1
            var response = KRPCResponse(key)
            if case .query = query.message.body {
                // Each answers as who it was said to be, ever closer to the key.
                response.id = ids[query.to] ?? dhtID(0)
            }
            response.tellsNodes = .v4
            for _ in 0..<8 {
                let endpoint = publicEndpoint(Int(random.next() as UInt16))
                let id = key.neighbour(
                    sharing: min(60, count),
                    exactly: true,
                    else: .random(using: &random)
                )
                guard ids[endpoint] == nil else { continue }
                ids[endpoint] = id
                response.nodes.append(DHTNode(id, endpoint))
            }
            response.peers = (0..<50).map { publicEndpoint(count * 50 + $0, port: 9) }
            let effects = script.answer(query, response)
            for case .found(_, let peers) in effects { found += peers.count }
            open += sent(effects)
            if effects.contains(.finished(key, announced: 0)) { finished = true }
        }
        #expect(finished)
        #expect(count <= 80)
        #expect(found == 256)
    }

    @Test("5 lookups run at a time, 16 wait, and one more ends at once")
    func tooMany() {
        var (script, _) = Self.started()
        var finished: [DHTEffect] = []
        // One of the five is the look around at the start.
        for number in 0..<21 as Range<UInt64> {
            let effects = script.after(.lookup(dhtID(100 + number), announcing: nil))
            finished += effects.filter { if case .finished = $0 { true } else { false } }
        }
        #expect(finished == [.finished(dhtID(120), announced: 0)])
        #expect(script.machine.status(at: script.now).lookups == 5)
        for number in 0..<21 as Range<UInt64> { script.after(.cancelled(dhtID(100 + number))) }
        #expect(script.machine.status(at: script.now).lookups == 1)
    }

    @Test("the id is made to fit once three networks agree on the address")
    func publicAddress() throws {
        var (script, asked) = Self.started()
        let own = publicEndpoint(99)
        let old = script.machine.id(.v4)
        var effects = script.answer(
            asked[0],
            Self.telling(Self.nodes(1..<9), as: dhtID(0)),
            seen: own
        )
        var open = sent(effects)
        for number in 0..<2 {
            let query = open.removeFirst()
            let id = try #require(Self.nodes(1..<9).first { $0.endpoint == query.to }?.id)
            // One of them lies.
            let seen = number == 0 ? own : publicEndpoint(98)
            effects = script.answer(query, Self.telling([], as: id), seen: seen)
            open += sent(effects)
        }
        effects = script.pass(.seconds(5))
        #expect(!effects.contains(.publicEndpoint(own)))
        #expect(script.machine.id(.v4) == old)
        open += sent(effects)
        effects = []
        while !effects.contains(.publicEndpoint(own)), let query = open.first {
            open.removeFirst()
            let id = try #require(Self.nodes(1..<9).first { $0.endpoint == query.to }?.id)
            effects = script.answer(query, Self.telling([], as: id), seen: own)
        }
        #expect(effects.contains(.publicEndpoint(own)))
        #expect(script.machine.id(.v4) != old)
        #expect(script.machine.id(.v4).fits(own.address))
        #expect(script.machine.nodes(.v4).count >= 3)
        #expect(script.machine.counters.idChanges == 1)
    }

    @Test("in a network of two, the word of the other is enough after five seconds")
    func smallNetwork() {
        var (script, asked) = Self.started()
        let own = publicEndpoint(99)
        var effects = script.answer(asked[0], Self.telling([], as: dhtID(0)), seen: own)
        #expect(!effects.contains(.publicEndpoint(own)))
        effects = script.pass(.seconds(5))
        #expect(effects.contains(.publicEndpoint(own)))
    }

    @Test("one who was told a private address by a public node does not believe it")
    func privateSelf() throws {
        var (script, asked) = Self.started()
        let seen = try #require(Endpoint("10.0.0.9:1"))
        var effects = script.answer(asked[0], Self.telling([], as: dhtID(0)), seen: seen)
        effects += script.pass(.seconds(10))
        #expect(!effects.contains { if case .publicEndpoint = $0 { true } else { false } })
    }

    @Test("what was saved comes back, and rubbish does no harm", arguments: 1...4)
    func saved(seed: UInt64) throws {
        let saved = DHTSaved(id4: dhtID(1), id6: dhtID(2), nodes: Self.nodes(1..<30))
        #expect(DHTSaved(saved.encoded) == saved)
        var random = SeededRandom(seed: seed)
        for _ in 0..<300 {
            var bytes = saved.encoded
            for _ in 0..<Int.random(in: 1...20, using: &random) {
                let place = Int.random(in: bytes.indices, using: &random)
                bytes[place] = random.next()
            }
            let cut = bytes.prefix(Int.random(in: 0...bytes.count, using: &random))
            for rubbish in [bytes, [UInt8](cut)] {
                var script = DHTScript()
                script.after(.started(DHTSettings(hosts: [], saved: DHTSaved(rubbish))))
                script.pass(.seconds(10))
                #expect(DHTSaved(rubbish).nodes.count <= 128)
            }
        }
    }

    @Test("noise and flipped bits trap nowhere, and make nothing grow", arguments: 1...4)
    func noise(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var (script, asked) = Self.started(
            DHTSettings(hosts: [], endpoints: [Self.router], serves: true)
        )
        var samples = asked.map(\.message.encoded)
        script.after(.lookup(dhtID(7), announcing: .implied(fallback: 1)))
        for round in 0..<3_000 {
            var bytes = samples[Int.random(in: samples.indices, using: &random)]
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                let place = Int.random(in: bytes.indices, using: &random)
                bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
            }
            let effects = script.after(
                .received(bytes, from: publicEndpoint(Int.random(in: 0..<50, using: &random)))
            )
            for sent in sent(effects) where samples.count < 200 {
                samples.append(sent.message.encoded)
            }
            for query in sent(effects) where query.message.isQuery && round % 3 == 0 {
                script.answer(query, Self.telling(Self.nodes(0..<8), as: dhtID(UInt64(round))))
            }
            if round % 10 == 0 { script.pass(.milliseconds(700)) }
        }
        let status = script.machine.status(at: script.now)
        #expect(status.nodes4 <= 24 * 8)
        #expect(status.storedPeers <= 768)
    }
}
