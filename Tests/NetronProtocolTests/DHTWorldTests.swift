// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronWire
internal import Testing

@Suite("The DHT, many nodes") struct DHTWorldTests {
    private static let router = publicEndpoint(0)

    private static func settings(serves: Bool = true) -> DHTSettings {
        DHTSettings(hosts: [], endpoints: [router], serves: serves)
    }

    /// A bootstrap node and others that come up within ten seconds.
    private static func world(
        _ count: Int,
        seed: UInt64,
        lossPercent: Int = 0,
        malice: (Int) -> DHTWorld.Malice? = { _ in nil }
    ) -> DHTWorld {
        var world = DHTWorld(seed: seed)
        world.lossPercent = lossPercent
        world.add(DHTSettings(hosts: [], serves: true), at: router)
        for number in 1..<count {
            world.add(settings(), at: publicEndpoint(number), malice(number))
            world.run(for: .milliseconds(10_000 / count))
        }
        world.run(for: .seconds(60))
        return world
    }

    @Test("all find what one announced, from one bootstrap node", arguments: [50, 100])
    func found(count: Int) throws {
        var world = Self.world(count, seed: UInt64(count), lossPercent: 3)
        let key = dhtID(77)
        world.give(.lookup(key, announcing: .implied(fallback: 1)), to: 5)
        world.run(for: .seconds(15))
        #expect(try #require(world.finished[5]?[key]) >= 6)
        let begin = world.now
        for node in 0..<count where node != 5 {
            world.give(.lookup(key, announcing: nil), to: node)
        }
        world.run(for: .seconds(6))
        for node in 0..<count where node != 5 {
            #expect(world.found[node]?[key] == [world.endpoints[5]], "node \(node)")
            let at = world.foundAt[node] ?? .never
            #expect(at <= begin + .seconds(4), "node \(node)")
        }
    }

    @Test(
        "a node that knows nothing finds a peer within two seconds, through one it can ask",
        arguments: [DHTAnnouncedPort.port(7_000), .forwarded(7_000, fallback: 9)]
    )
    func coldStart(_ port: DHTAnnouncedPort) throws {
        var world = Self.world(100, seed: 3)
        let key = dhtID(78)
        world.give(.lookup(key, announcing: port), to: 42)
        world.run(for: .seconds(10))
        let begin = world.now
        world.add(Self.settings(serves: false), at: publicEndpoint(500))
        world.give(.lookup(key, announcing: nil), to: 100)
        world.run(for: .seconds(10))
        let peer = Endpoint(world.endpoints[42].address, port: 7_000)
        #expect(world.found[100]?[key] == [peer])
        #expect(try #require(world.foundAt[100]) <= begin + .seconds(2))
        #expect(world.finished[100]?[key] == 0)
    }

    @Test(
        "what was announced is found though half of the nodes are malicious",
        arguments: [DHTWorld.Malice.silent, .lying, .conspiring, .forgetful]
    )
    func malice(kind: DHTWorld.Malice) throws {
        var world = Self.world(60, seed: 9) { $0 % 2 == 1 ? kind : nil }
        let key = dhtID(79)
        world.give(.lookup(key, announcing: .implied(fallback: 1)), to: 4)
        world.run(for: .seconds(70))
        let honest = stride(from: 2, to: 60, by: 2).filter { $0 != 4 }
        for node in honest { world.give(.lookup(key, announcing: nil), to: node) }
        world.run(for: .seconds(70))
        let lucky = honest.filter { node in
            world.found[node]?[key]?.contains(world.endpoints[4]) ?? false
        }
        #expect(lucky.count == honest.count, "\(honest.filter { !lucky.contains($0) })")
        for node in honest { #expect(world.finished[node]?[key] != nil, "node \(node)") }
    }

    @Test("a quarter of liars cannot make the others believe that they are elsewhere")
    func liars() {
        var world = Self.world(60, seed: 10) { $0 % 4 == 1 ? .lying : nil }
        world.run(for: .seconds(120))
        let misled = (0..<60).filter {
            $0 % 4 != 1 && world.publicEndpoints[$0] != world.endpoints[$0]
        }
        #expect(misled.isEmpty)
    }

    @Test("nodes learn where they are, and take ids that fit")
    func addresses() {
        let world = Self.world(60, seed: 11)
        for node in 0..<60 {
            #expect(world.publicEndpoints[node] == world.endpoints[node], "node \(node)")
            let id = world.machines[node]?.id(.v4) ?? .zero
            #expect(id.fits(world.endpoints[node].address), "node \(node)")
        }
    }

    @Test("read-only nodes are in no table, and find what others announced")
    func readOnly() {
        var world = Self.world(40, seed: 12)
        for number in 100..<120 {
            world.add(Self.settings(serves: false), at: publicEndpoint(number))
        }
        world.run(for: .seconds(30))
        let key = dhtID(80)
        world.give(.lookup(key, announcing: .implied(fallback: 1)), to: 45)
        world.run(for: .seconds(10))
        world.give(.lookup(key, announcing: nil), to: 50)
        world.run(for: .seconds(10))
        #expect(world.found[50]?[key] == [world.endpoints[45]])
        for machine in world.machines {
            let nodes = machine?.nodes(.v4) ?? []
            #expect(!nodes.isEmpty)
            #expect(!nodes.contains { world.endpoints[40...].contains($0.endpoint) })
        }
    }

    @Test("a restarted node enters through those it knew, without any bootstrap node")
    func restart() throws {
        var world = Self.world(60, seed: 13)
        let key = dhtID(81)
        world.give(.lookup(key, announcing: .implied(fallback: 1)), to: 20)
        world.run(for: .seconds(10))
        let saved = try #require(world.machines[30]?.saved(at: world.now))
        #expect(saved.nodes.count >= 20)
        world.stop(0)
        world.stop(30)
        let restored = DHTSaved(saved.encoded)
        #expect(restored == saved)
        world.add(
            DHTSettings(hosts: [], endpoints: [Self.router], saved: restored, serves: true),
            at: publicEndpoint(300)
        )
        world.give(.lookup(key, announcing: nil), to: 60)
        world.run(for: .seconds(20))
        #expect(world.found[60]?[key] == [world.endpoints[20]])
        #expect((world.machines[60]?.nodes(.v4).count ?? 0) >= 16)
    }

    @Test("idle nodes stay within their budget for a day")
    func budget() throws {
        var world = Self.world(16, seed: 14)
        // What entering cost is not upkeep.
        let before = world.bytes
        world.run(for: .seconds(86_400))
        for node in 0..<16 {
            let rate = (world.bytes[node] - before[node]) / 86_400
            #expect(rate < DHTLimits.upkeepBytesPerSecond / 4, "node \(node): \(rate) B/s")
            let status = try #require(world.machines[node]).status(at: world.now)
            #expect(status.nodes4 >= 8, "node \(node)")
            #expect(status.goodNodes == status.nodes4, "node \(node)")
        }
    }

    @Test("nodes at rest send nothing")
    func rest() {
        var world = Self.world(30, seed: 15)
        for node in 0..<30 { world.give(.rest(true), to: node) }
        world.run(for: .seconds(10))
        let before = world.bytes
        world.run(for: .seconds(86_400))
        #expect(world.bytes == before)
        // And yet the table is good for a lookup.
        let key = dhtID(82)
        world.give(.lookup(key, announcing: .implied(fallback: 1)), to: 3)
        world.run(for: .seconds(10))
        world.give(.lookup(key, announcing: nil), to: 9)
        world.run(for: .seconds(10))
        #expect(world.found[9]?[key] == [world.endpoints[3]])
    }

    @Test("the same works over IPv6 alone")
    func sixth() throws {
        func endpoint(_ number: Int) -> Endpoint {
            Endpoint(
                IPAddress(.v6, number: 0x2001_0DB8 << 96 | UInt128(number) << 80 | 1),
                port: 6_881
            )
        }
        var world = DHTWorld(seed: 17)
        world.add(DHTSettings(hosts: [], serves: true), at: endpoint(0))
        for number in 1..<30 {
            let settings = DHTSettings(hosts: [], endpoints: [endpoint(0)], serves: true)
            world.add(settings, at: endpoint(number))
        }
        world.run(for: .seconds(60))
        let key = dhtID(83)
        world.give(.lookup(key, announcing: .implied(fallback: 1)), to: 3)
        world.run(for: .seconds(10))
        #expect(try #require(world.finished[3]?[key]) >= 6)
        world.give(.lookup(key, announcing: nil), to: 9)
        world.run(for: .seconds(10))
        #expect(world.found[9]?[key] == [endpoint(3)])
        for node in 0..<30 {
            #expect(world.publicEndpoints[node] == endpoint(node))
            let id = world.machines[node]?.id(.v6) ?? .zero
            #expect(id.fits(endpoint(node).address), "node \(node)")
        }
    }

    @Test("two runs with one seed are the same")
    func repeatable() {
        let worlds = (0..<2).map { _ in Self.world(40, seed: 16, lossPercent: 10) }
        #expect(worlds[0].eventCount == worlds[1].eventCount)
        #expect(worlds[0].bytes == worlds[1].bytes)
        #expect(
            worlds[0].machines.map { $0?.nodes(.v4) ?? [] }
                == worlds[1].machines.map { $0?.nodes(.v4) ?? [] }
        )
    }
}
