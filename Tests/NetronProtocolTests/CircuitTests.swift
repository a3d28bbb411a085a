// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronWire
internal import Testing

@Suite("circuits") struct CircuitTests {
    /// 1 and 3 have sessions with 2 alone.
    private func row() -> CircuitWorld {
        var world = CircuitWorld(4)
        world.connect((1, 2), (2, 3))
        return world
    }

    @Test("a relay that has sessions with both makes one, in both directions")
    func oneRelay() throws {
        var world = row()
        world.give(.wanted(node(3), through: [node(2)]), to: 1)
        world.run(for: .milliseconds(50))
        let circuit = try #require(world.opened[1]?.first)
        #expect(world.follow(circuit, from: 1) == [2, 3])
        let back = try #require(world.machine(3)?.circuits(to: node(1)).first)
        #expect(world.follow(back, from: 3) == [2, 1])
        #expect(world.machine(1)?.relay(of: circuit) == node(2))
        #expect(world.machine(2)?.relayedCount == 1)
        #expect(world.messageCount == 4)
    }

    @Test("a relay without a session with the target goes on to one that leads to it")
    func twoRelays() throws {
        var world = CircuitWorld(4)
        world.connect((1, 2), (2, 3), (3, 4))
        world.introducers = [4: [3]]
        world.give(.wanted(node(4), through: [node(2)]), to: 1)
        world.run(for: .seconds(1))
        let circuit = try #require(world.opened[1]?.first)
        #expect(world.follow(circuit, from: 1) == [2, 3, 4])
    }

    @Test("three relays are none, and neither is a loop")
    func tooFar() {
        var world = CircuitWorld(6)
        world.connect((1, 2), (2, 3), (3, 4), (4, 5))
        world.introducers = [5: [3, 4]]
        world.give(.wanted(node(5), through: [node(2)]), to: 1)
        world.run(for: .seconds(10))
        #expect(world.failed[1] == [5])
        var loop = CircuitWorld(4)
        loop.connect((1, 2), (2, 3), (1, 3))
        loop.introducers = [4: [1, 2, 3]]
        loop.give(.wanted(node(4), through: [node(2), node(3)]), to: 1)
        loop.run(for: .seconds(10))
        #expect(loop.failed[1] == [4])
        for number in UInt8(1)...3 { #expect(loop.machine(number)?.relayedCount == 0) }
    }

    @Test("whatever single message is lost, there is one circuit in a second", arguments: 0..<4)
    func lossy(first: Int) throws {
        var world = row()
        world.give(.wanted(node(3), through: [node(2)]), to: 1)
        for _ in 0..<first { world.run(for: .milliseconds(10)) }
        world.losses = 1
        world.run(for: .seconds(1))
        #expect(world.opened[1]?.count == 1)
        let circuit = try #require(world.opened[1]?.first)
        #expect(world.follow(circuit, from: 1) == [2, 3])
        #expect(world.machine(2)?.relayedCount == 1)
        #expect(world.machine(3)?.circuits(to: node(1)).count == 1)
    }

    @Test("of two relays both are asked, and the next when they refuse")
    func others() throws {
        var world = CircuitWorld(6, unwilling: [2])
        world.connect((1, 2), (1, 3), (1, 4), (2, 6), (4, 6))
        world.give(.wanted(node(6), through: [node(2), node(3), node(4)]), to: 1)
        world.run(for: .seconds(1))
        let circuit = try #require(world.opened[1]?.first)
        #expect(world.follow(circuit, from: 1) == [4, 6])
        #expect(world.failed[1] == nil)
    }

    @Test("a relay of few circuits gives one member half of them")
    func few() {
        var world = CircuitWorld(6, relayedMax: 3)
        world.connect((1, 2), (2, 3), (2, 4), (2, 5), (6, 2))
        for target in [3, 4, 5] as [UInt8] {
            world.give(.wanted(node(target), through: [node(2)]), to: 1)
            world.run(for: .seconds(1))
        }
        #expect(world.opened[1]?.count == 2 && world.failed[1] == [5])
        world.give(.wanted(node(5), through: [node(2)]), to: 6)
        world.run(for: .seconds(1))
        world.give(.wanted(node(4), through: [node(2)]), to: 6)
        world.run(for: .seconds(1))
        #expect(world.opened[6]?.count == 1 && world.failed[6] == [4])
        #expect(world.machine(2)?.relayedCount == 3)
    }

    @Test("a spare circuit goes through another relay, which alone is asked")
    func spare() throws {
        var world = CircuitWorld(5)
        world.connect((1, 2), (2, 5), (1, 3), (3, 5), (1, 4), (4, 5))
        world.give(.wanted(node(5), through: [node(2)]), to: 1)
        world.run(for: .seconds(1))
        world.give(.spareWanted(node(5), through: [node(3), node(4)]), to: 1)
        world.run(for: .seconds(1))
        let circuits = try #require(world.opened[1])
        #expect(circuits.map { world.follow($0, from: 1) } == [[2, 5], [3, 5]])
        #expect(world.machine(4)?.relayedCount == 0)
        #expect(world.machine(5)?.circuits(to: node(1)).count == 2)
        // Who wants one when there are two gets the one that is there.
        world.give(.wanted(node(5), through: [node(4)]), to: 1)
        #expect(world.opened[1]?.count == 3 && world.messageCount == 8)
    }

    @Test("who does not answer is given up after 4.5 s, and it may be tried again")
    func silent() {
        var world = row()
        world.losses = 100
        world.give(.wanted(node(3), through: [node(2)]), to: 1)
        world.run(for: .seconds(4.4))
        #expect(world.failed[1] == nil)
        world.run(for: .seconds(0.2))
        #expect(world.failed[1] == [3])
        world.losses = 0
        world.give(.wanted(node(3), through: [node(2)]), to: 1)
        world.run(for: .milliseconds(50))
        #expect(world.opened[1]?.count == 1)
    }

    @Test("who does not answer at once does not keep others from being asked")
    func slow() throws {
        var world = CircuitWorld(4)
        world.connect((1, 3), (3, 4))
        // The session with 2 is one that only 1 believes in.
        world.give(.wanted(node(4), through: [node(2)], orElse: [node(3)]), to: 1)
        world.run(for: .milliseconds(250))
        #expect(world.messageCount == 1)
        world.run(for: .milliseconds(150))
        let circuit = try #require(world.opened[1]?.first)
        #expect(world.follow(circuit, from: 1) == [3, 4])
        #expect(world.failed[1] == nil)
    }

    @Test("others are asked only when those who lead there do not answer, or refuse")
    func otherwise() throws {
        var world = CircuitWorld(5, unwilling: [2])
        world.connect((1, 2), (1, 3), (2, 4), (3, 4), (3, 5))
        world.give(.wanted(node(5), through: [node(3)], orElse: [node(2)]), to: 1)
        world.run(for: .seconds(1))
        #expect(world.opened[1]?.count == 1 && world.messageCount == 4)
        world.give(.wanted(node(4), through: [node(2)], orElse: [node(2), node(3)]), to: 1)
        world.run(for: .seconds(1))
        #expect(world.opened[1]?.count == 2 && world.failed[1] == nil)
    }

    @Test("without a session at its ends a circuit is over, for all")
    func unused() throws {
        var world = row()
        world.give(.wanted(node(3), through: [node(2)]), to: 1)
        world.run(for: .milliseconds(50))
        let circuit = try #require(world.opened[1]?.first)
        world.give(.sessionDown(node(3)), to: 1)
        world.run(for: .milliseconds(50))
        #expect(world.follow(circuit, from: 1) == nil)
        #expect(world.machine(2)?.relayedCount == 0)
        #expect(world.machine(3)?.circuits(to: node(1)) == [])
        // One that is asked for meanwhile goes on being asked for.
        world.losses = 1
        world.give(.wanted(node(3), through: [node(2)]), to: 1)
        world.give(.sessionDown(node(3)), to: 1)
        world.run(for: .seconds(1))
        #expect(world.opened[1]?.count == 2)
    }

    @Test("the end of a session ends what went through it, for all")
    func broken() throws {
        var world = row()
        world.give(.wanted(node(3), through: [node(2)]), to: 1)
        world.run(for: .milliseconds(50))
        let circuit = try #require(world.opened[1]?.first)
        world.cut(2, 3)
        world.run(for: .milliseconds(50))
        #expect(world.lost[1] == [circuit])
        #expect(world.machine(2)?.relayedCount == 0)
        #expect(world.machine(3)?.circuits(to: node(1)) == [])
        #expect(world.follow(circuit, from: 1) == nil)
    }

    @Test("what the packet core ends is over at the relay and at both ends")
    func idle() throws {
        var world = row()
        world.give(.wanted(node(3), through: [node(2)]), to: 1)
        world.run(for: .milliseconds(50))
        let circuit = try #require(world.opened[1]?.first)
        world.give(.ended(circuit), to: 1)
        world.run(for: .milliseconds(50))
        #expect(world.machine(2)?.relayedCount == 0)
        #expect(world.machine(3)?.circuits(to: node(1)) == [])
    }

    @Test("nobody closes or answers the circuit of another")
    func strangers() throws {
        var world = row()
        world.connect((2, 4))
        world.give(.wanted(node(3), through: [node(2)]), to: 1)
        world.run(for: .milliseconds(50))
        let circuit = try #require(world.opened[1]?.first)
        world.give(.received(.close(circuit), from: node(4)), to: 1)
        world.give(.received(.refused(circuit, .busy), from: node(4)), to: 1)
        #expect(world.lost[1] == nil)
        // An opening in the name of another member is not passed on.
        let count = world.messageCount
        let forged = PathMessage.Opening(circuit, from: node(1), to: node(3))
        world.give(.received(.open(forged), from: node(4)), to: 2)
        #expect(world.messageCount == count)
    }

    @Test("one member has at most so many circuits relayed, and opens so many in a second")
    func limits() throws {
        var world = CircuitWorld(3)
        world.connect((1, 2), (2, 3))
        var refused = 0
        for number in 1...200 {
            let opening = PathMessage.Opening(
                try #require(CircuitID(UInt32(number))),
                from: node(1),
                to: node(3)
            )
            world.give(.received(.open(opening), from: node(1)), to: 2)
            world.run(for: .milliseconds(200))
            refused = world.machine(2)?.counters.refused ?? 0
        }
        #expect(world.machine(2)?.relayedCount == CircuitLimits.perOpenerMax)
        #expect(refused == 200 - CircuitLimits.perOpenerMax)
        for number in 300...500 {
            let opening = PathMessage.Opening(
                try #require(CircuitID(UInt32(number))),
                from: node(1),
                to: node(3)
            )
            world.give(.received(.open(opening), from: node(1)), to: 2)
        }
        #expect((world.machine(2)?.counters.ignored ?? 0) > 100)
    }
}
