// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronSimulator
internal import NetronWire
internal import Testing

@Suite("links")
struct LinkTests {
    /// Sends datagrams from node 0 to node 1, and gives when they came after they were sent.
    private func delays(
        _ links: LinkSettings,
        count: Int,
        bytes: Int = 100,
        seed: UInt64 = 1
    ) throws -> [Double] {
        var settings = WorldSettings()
        settings.links = links
        let world = World.of([NodeProfile(), NodeProfile()], seed: seed, settings)
        let endpoint = try world.outer(1)
        let start = try #require(world.node(1)?.events.first?.at)
        _ = world.take(1)
        for place in 0..<count {
            world.after(.milliseconds(10 * place)) { world in
                let mark = [UInt8](repeating: 0, count: bytes - 2)
                let number = [UInt8(place >> 8), UInt8(truncatingIfNeeded: place)]
                world.tell(0, .sendDatagram(number + mark, to: endpoint))
            }
        }
        try world.run(for: .milliseconds(10 * count) + .seconds(2))
        return try #require(world.node(1)).events.compactMap { event, moment -> Double? in
            guard case .datagram(let bytes, _) = event else { return nil }
            let sent = 10 * (Int(bytes[0]) << 8 | Int(bytes[1]))
            return (moment - start) / .milliseconds(1) - Double(sent)
        }
    }

    @Test("nothing is lost that is not said to be")
    func whole() throws {
        let delays = try delays(LinkSettings(), count: 500)
        #expect(delays.count == 500)
        let least = try #require(delays.min())
        let mean = delays.reduce(0, +) / 500
        #expect(least >= 2 && mean / least < 1.1)
    }

    @Test("losses and doubles are as frequent as is said")
    func frequency() throws {
        var links = LinkSettings()
        links.loss = 0.1
        #expect(abs(try delays(links, count: 4000).count - 3600) < 80)
        links = LinkSettings()
        links.duplication = 0.2
        #expect(abs(try delays(links, count: 4000).count - 4800) < 110)
        links = LinkSettings()
        links.loss = 1
        #expect(try delays(links, count: 100).isEmpty)
    }

    @Test("what is held up comes later by up to the delay")
    func reordering() throws {
        var links = LinkSettings()
        links.jitter = 0
        let base = try #require(try delays(links, count: 2).first)
        links.reordering = 0.3
        let delays = try delays(links, count: 2000)
        let late = delays.filter { $0 > base + 0.001 }
        #expect(abs(late.count - 600) < 70)
        #expect(late.allSatisfy { $0 <= base + 200 })
    }

    @Test("delays differ between pairs, and stay within what hosts have")
    func plausible() throws {
        var links = LinkSettings()
        links.jitter = 0
        let delays = try (1...40).map { seed in
            try #require(try self.delays(links, count: 1, seed: seed).first)
        }
        #expect(delays.allSatisfy { (2...180).contains($0) })
        #expect(Set(delays).count == 40)
        let sorted = delays.sorted()
        #expect((20...90).contains(sorted[20]))
    }

    @Test("a datagram passes that fills the MTU, and none that is longer")
    func mtu() throws {
        #expect(try delays(LinkSettings(), count: 1, bytes: 1472).count == 1)
        #expect(try delays(LinkSettings(), count: 1, bytes: 1473).isEmpty)
    }

    @Test("IPv4 hosts do not reach IPv6 hosts, and who has both reaches both")
    func families() throws {
        var six = NodeProfile()
        six.families = .v6
        var both = NodeProfile()
        both.families = [.v4, .v6]
        let world = World.of([NodeProfile(), six, both])
        let sixth = try #require(world.localEndpoint(of: 1, .v6))
        #expect(world.localEndpoint(of: 1, .v4) == nil)
        world.tell(0, .sendDatagram([1], to: sixth))
        world.tell(2, .sendDatagram([1], to: sixth), .sendDatagram([1], to: try world.outer(0)))
        try world.run(for: .seconds(1))
        #expect(world.datagrams(1).source == world.localEndpoint(of: 2, .v6))
        #expect(world.datagrams(0).source == world.localEndpoint(of: 2, .v4))
        // One byte, and the headers of UDP and either IP.
        #expect(world.traffic[1].received(.dht) == 49 && world.traffic[0].received(.dht) == 29)
        #expect(world.traffic[2].sent(.dht) == 78 && world.traffic[0].sent(.dht) == 0)
    }

    @Test("a partition keeps groups apart until it heals, and may be of one direction")
    func partitions() throws {
        let world = World.of(3)
        let endpoints = try (0..<3).map(world.outer)
        func heard() throws -> [Int] {
            for (number, other) in [(0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)] {
                world.tell(number, .sendDatagram([1], to: endpoints[other]))
            }
            try world.run(for: .seconds(1))
            return (0..<3).map { world.datagrams($0).count }
        }
        #expect(try heard() == [2, 2, 2])
        world.partition([[0, 1], [2]])
        #expect(try heard() == [1, 1, 0])
        world.heal()
        #expect(try heard() == [2, 2, 2])
        world.block([0], to: [2])
        #expect(try heard() == [2, 2, 1])
        world.heal()
        #expect(try heard() == [2, 2, 2])
    }
}
