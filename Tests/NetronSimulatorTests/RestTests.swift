// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronSimulator
internal import NetronWire
internal import Testing

@Suite("a world that begins at rest")
struct RestTests {
    /// Nodes that found neighbours, and said nothing of themselves.
    private func held(_ count: Int) throws -> World<MachineNode> {
        var settings = WorldSettings()
        settings.beginsAtRest = true
        let world = World(seed: 1, settings: settings, factory: MachineNode.make)
        world.grow(by: count, over: .seconds(60), [NodeProfile()])
        try world.run(for: .seconds(120))
        return world
    }

    /// How many of all statements that others hold were said anew.
    private func renewedShare(_ world: World<MachineNode>) -> Double {
        let live = world.live
        var count = 0
        for number in live {
            for other in live where other != number {
                if (world.node(number)?.heard(of: world.id(of: other)) ?? 0) > 0 { count += 1 }
            }
        }
        return Double(count) / Double(live.count * (live.count - 1))
    }

    @Test("nobody is known before, all are afterwards, and no statement was sent")
    func knowing() throws {
        let world = try held(30)
        #expect(world.live.allSatisfy { world.node($0)?.machine.knownCount == 0 })
        #expect(world.componentCount() == 1 && world.asymmetry() == nil)
        var sent: [[UInt8]] = []
        world.onSend = { sent.append($2) }
        world.rest()
        // A statement is longer; what was due at that moment may be sent.
        #expect(sent.allSatisfy { $0.count < 64 })
        #expect(world.live.allSatisfy { world.node($0)?.machine.knownCount == 29 })
        #expect(renewedShare(world) == 0)
    }

    @Test("who is known is renewed in its time, evenly, and heard of by all")
    func renewing() throws {
        let world = try held(30)
        world.rest()
        try world.run(for: .seconds(900))
        #expect((0.3...0.75).contains(renewedShare(world)))
        try world.run(for: .seconds(960))
        #expect(renewedShare(world) == 1)
        #expect(world.live.allSatisfy { world.node($0)?.machine.knownCount == 29 })
    }

    @Test("a newcomer learns of all, and all of it")
    func joining() throws {
        let world = try held(12)
        world.rest()
        try world.run(for: .seconds(60))
        world.start(world.add(), contacts: [world.contact(0)])
        try world.run(for: .seconds(30))
        let known = world.live.map { world.node($0)?.machine.knownCount }
        #expect(known == Array(repeating: 12, count: 13))
    }

    @Test("it costs what a network costs that grew")
    func costs() throws {
        func mean(_ isSettled: Bool) throws -> Double {
            var settings = Planner.Settings(nodeCount: 30, seed: 2)
            settings.isSettled = isSettled
            let planner = Planner(settings)
            while !planner.hasGrown { try planner.advance(by: .seconds(60)) }
            try planner.advance(by: .seconds(600))
            _ = planner.row()
            // Four renewals of each, so that it does not matter when the first of them is.
            try planner.advance(by: .seconds(4 * 1_687))
            return planner.row().traffic.mean
        }
        let grown = try mean(false)
        #expect(abs(try mean(true) - grown) < 0.05 * grown)
    }
}
