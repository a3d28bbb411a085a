// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronSimulator
internal import NetronWire
internal import Testing

@Suite("ways between members, whatever stands between them")
struct PathTests {
    /// A public member, and others that were told of it alone.
    private func world(_ kinds: [NATKind], seed: UInt64 = 1) throws -> World<MachineNode> {
        let world = World(seed: seed, factory: MachineNode.make)
        world.start(world.add(), contacts: [])
        for kind in kinds {
            world.start(world.add(.behind(kind)), contacts: [world.contact(0)])
        }
        try world.run(for: .seconds(90))
        return world
    }

    /// Sends packets from one to the other until there is a session; how long that took.
    private func reach(
        _ world: World<MachineNode>,
        _ number: Int,
        _ other: Int
    ) throws -> Duration? {
        let begun = world.elapsed
        while world.elapsed < begun + .seconds(10) {
            world.sendData(bytes: 100, from: number, to: other)
            if world.hasSession(number, other) { return world.elapsed - begun }
            try world.run(for: .milliseconds(100))
        }
        return nil
    }

    /// Whether theory allows a direct way: not where each side shows every host another port and
    /// lets in only whom it sent to there.
    private func canBeDirect(_ left: NATKind, _ right: NATKind) -> Bool {
        let strict: [NATKind] = [.portRestricted, .symmetric]
        return !(left == .symmetric && strict.contains(right))
            && !(right == .symmetric && strict.contains(left))
    }

    @Test("who relays nothing leads nobody, and whoever does is found beside it")
    func unwilling() throws {
        for hasOther in [false, true] {
            let world = World(seed: 1, factory: MachineNode.make)
            var profile = NodeProfile()
            profile.relays = false
            world.start(world.add(profile), contacts: [])
            let contact = [world.contact(0)]
            for _ in 0..<2 { world.start(world.add(.behind(.symmetric)), contacts: contact) }
            if hasOther { world.start(world.add(), contacts: contact) }
            try world.run(for: .seconds(90))
            #expect(try (reach(world, 1, 2) != nil) == hasOther)
        }
    }

    @Test("any two reach each other within 2 s, and directly where that can be")
    func matrix() throws {
        for left in NATKind.allCases {
            for right in NATKind.allCases {
                let world = try world([left, right])
                let took = try #require(try reach(world, 1, 2), "\(left), \(right)")
                #expect(took < .seconds(2), "\(left), \(right)")
                for _ in 0..<30 {
                    world.sendData(bytes: 100, from: 1, to: 2)
                    world.sendData(bytes: 100, from: 2, to: 1)
                    try world.run(for: .milliseconds(100))
                }
                let ends = [world.endpoint(of: 2, at: 1), world.endpoint(of: 1, at: 2)]
                for end in ends {
                    let isRelayed = try #require(end).isRelayed
                    #expect(isRelayed != canBeDirect(left, right), "\(left), \(right): \(ends)")
                }
            }
        }
    }
}
