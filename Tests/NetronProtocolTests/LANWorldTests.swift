// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronWire
internal import Testing

@Suite("LAN discovery: several nodes on one network") struct LANWorldTests {
    @Test("three nodes that start together meet within 300 ms", arguments: 1...32)
    func together(seed: UInt64) throws {
        let world = LANWorld(seed: seed)
        for _ in 1...3 { try world.start() }
        world.run(for: 300)
        for node in world.nodes {
            #expect(node.met == Set([1, 2, 3]).subtracting([node.number]))
            // In both versions of IP.
            #expect(Set(node.found.map(\.endpoint)).count == 4)
        }
    }

    @Test("a newcomer knows the others in 3 ms, and they know him in 300 ms", arguments: 1...16)
    func newcomer(seed: UInt64) throws {
        let world = LANWorld(seed: seed)
        for _ in 1...2 { try world.start() }
        world.run(for: 30_000)
        try world.start()
        world.run(for: 3)
        #expect(world.nodes[2].met == [1, 2])
        world.run(for: 297)
        #expect(world.nodes[0].met == [2, 3] && world.nodes[1].met == [1, 3])
    }

    @Test("nodes that start one after the other meet whenever it is", arguments: 0...40)
    func staggered(tenths: Int) throws {
        let world = LANWorld(seed: UInt64(tenths))
        try world.start()
        world.run(for: Double(tenths) * 100)
        try world.start()
        world.run(for: 300)
        #expect(world.nodes.map(\.met) == [[2], [1]])
    }

    @Test("nodes meet although a third of all packets is lost", arguments: 1...16)
    func loss(seed: UInt64) throws {
        let world = LANWorld(seed: seed)
        world.lossPercent = 33
        for _ in 1...3 { try world.start() }
        world.run(for: 40_000)
        for node in world.nodes {
            #expect(node.met == Set([1, 2, 3]).subtracting([node.number]))
        }
    }

    @Test("of two nodes with one label one takes another, and they meet", arguments: 1...16)
    func sameLabel(seed: UInt64) throws {
        let world = LANWorld(seed: seed)
        try world.start(label: "twin")
        world.run(for: Double(seed - 1) * 150)
        try world.start(label: "twin")
        world.run(for: 10_000)
        #expect(world.nodes[0].label != world.nodes[1].label)
        #expect(world.nodes.map(\.met) == [[2], [1]])
    }

    @Test("who left with a goodbye is not tried any more, and his heirs find each other")
    func leaving() throws {
        let world = LANWorld(seed: 5)
        for _ in 1...3 { try world.start() }
        world.run(for: 10_000)
        world.stop(2)
        let time = world.milliseconds
        world.run(for: 600_000)
        for node in [world.nodes[0], world.nodes[2]] {
            let late = node.found.filter { $0.milliseconds > time }
            #expect(!late.isEmpty && late.allSatisfy { $0.endpoint.port != 7_002 })
        }
    }

    @Test("twenty nodes all meet, sixteen at a time")
    func many() throws {
        let world = LANWorld(seed: 9)
        for _ in 1...20 { try world.start() }
        world.run(for: 4_000)
        #expect(world.nodes.allSatisfy { $0.met.count == 16 })
        world.run(for: 6_000)
        for node in world.nodes {
            #expect(node.met == Set(1...20).subtracting([node.number]))
        }
    }

    @Test("in the long run twelve nodes together send less than 20 bytes a second")
    func quiet() throws {
        let world = LANWorld(seed: 11)
        for _ in 1...12 { try world.start() }
        world.run(for: 1_200_000)
        let before = world.bytesSent
        world.run(for: 8 * 3_600_000)
        let perSecond = Double(world.bytesSent - before) / (8 * 3_600)
        #expect(perSecond < 20)
        for node in world.nodes { #expect(node.met.count == 11) }
    }
}
