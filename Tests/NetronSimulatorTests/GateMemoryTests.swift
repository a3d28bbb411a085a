// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronSimulator
internal import NetronWire
internal import Testing

@Suite("how long gates remember, learned from silence")
struct GateMemoryTests {
    private static let timeouts: [Int64] = [14, 20, 30, 45, 120, 300]
    /// The node behind the gate; those before it are public.
    private let inside = 3

    private func world(
        _ kind: NATKind = .portRestricted,
        timeout: Int64,
        loss: Double = 0
    ) throws -> World<MachineNode> {
        var settings = WorldSettings()
        settings.links.loss = loss
        settings.tellsHosts = true
        let world = World(seed: 1, settings: settings, factory: MachineNode.make)
        for number in 0..<inside {
            world.start(world.add(), contacts: number == 0 ? [] : [world.contact(0)])
        }
        let profile = NodeProfile.behind(kind, timeout: .seconds(timeout))
        world.start(world.add(profile), contacts: [world.contact(0)])
        return world
    }

    private func memory(_ world: World<MachineNode>) -> Int64? {
        world.node(inside)?.machine.gateMemory()?.components.seconds
    }

    /// Near to what the gate allows, and below it.
    private func isNear(_ memory: Int64?, _ timeout: Int64) -> Bool {
        guard let memory else { return false }
        return memory < timeout && memory >= min(timeout - 3, Int64(KeepaliveLimits.ceiling))
    }

    @Test("a gate's time is known in a quarter of an hour", arguments: timeouts)
    func learned(_ timeout: Int64) throws {
        for kind in [NATKind.portRestricted, .addressRestricted, .symmetric, .symmetricRandom] {
            let world = try world(kind, timeout: timeout)
            try world.run(for: .seconds(900))
            #expect(isNear(memory(world), timeout), "\(kind)")
        }
    }

    @Test("also where a tenth of all is lost, and it is not forgotten", arguments: timeouts)
    func lossy(_ timeout: Int64) throws {
        // Where a tenth is lost, a gate may seem to have forgotten until it is tried again.
        for (loss, least) in [(0.05, 6), (0.1, 5)] {
            let world = try world(timeout: timeout, loss: loss)
            try world.run(for: .seconds(1_800))
            var near = 0
            for _ in 0..<6 {
                if isNear(memory(world), timeout) { near += 1 }
                try world.run(for: .seconds(600))
            }
            #expect(near >= least, "\(loss)")
        }
    }

    @Test("what is sent from outside comes in at any time", arguments: timeouts)
    func reachable(_ timeout: Int64) throws {
        let world = try world(.symmetricRandom, timeout: timeout)
        try world.run(for: .seconds(1_800))
        var random = SeededRandom(seed: 7)
        for round in 0..<60 {
            try world.run(for: .seconds(Int64.random(in: 1...60, using: &random)))
            let received = world.traffic[inside].received(.data)
            world.sendData(bytes: 100, from: round % inside, to: inside)
            #expect(world.traffic[inside].received(.data) > received, "\(round)")
        }
    }

    @Test("fewer echoes are sent than one in 25 s where the gate allows it")
    func seldom() throws {
        let bytes = try ([30, 300] as [Int64]).map { timeout in
            let world = try world(timeout: timeout)
            try world.run(for: .seconds(1_800))
            let before = world.traffic[inside]
            try world.run(for: .seconds(3_600))
            return world.traffic[inside].since(before).bytes(.keepalive)
        }
        // An echo and its answer, with three members; less, as new keys are a sign of life too.
        let each = UInt64(2 * (WireSizes.echo + WireSizes.headers(.v4)))
        #expect(bytes[0] < 3 * 3_600 / 25 * each)
        #expect(bytes[1] < 3 * 3_600 / 40 * each && 3 * bytes[1] < 2 * bytes[0])
    }

    @Test("another gate begins anew")
    func moved() throws {
        let world = try world(timeout: 300)
        try world.run(for: .seconds(900))
        #expect(memory(world) == Int64(KeepaliveLimits.ceiling))
        world.roam(inside, to: world.addSite(.portRestricted, timeout: .seconds(30)))
        try world.run(for: .seconds(5))
        #expect(memory(world) == nil)
        try world.run(for: .seconds(900))
        #expect(isNear(memory(world), 30))
    }
}
