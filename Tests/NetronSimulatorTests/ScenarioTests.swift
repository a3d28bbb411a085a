// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronSimulator
internal import NetronWire
internal import Testing

@Suite("real nodes in the world")
struct ScenarioTests {
    private let settings = WorldSettings()

    @Test("three nodes of which two know the first all get to know each other")
    func three() throws {
        let world = World(seed: 1, settings: settings, factory: MachineNode.make)
        for number in 0..<3 {
            world.start(world.add(), contacts: number == 0 ? [] : [world.contact(0)])
        }
        try world.run(for: .seconds(10))
        for number in 0..<3 {
            #expect(world.knownMemberCount(of: number) == 2)
            #expect(world.peers(of: number) == [0, 1, 2].filter { $0 != number })
        }
        #expect(world.componentCount() == 1 && world.asymmetry() == nil)
    }

    @Test("a node that begins anew finds the others by what it remembers")
    func warm() throws {
        let world = World(seed: 1, settings: settings, factory: MachineNode.make)
        for number in 0..<3 {
            world.start(world.add(), contacts: number == 0 ? [] : [world.contact(0)])
        }
        try world.run(for: .seconds(10))
        world.stop(2)
        // Who says goodbye and is not heard to leave is suspected for a while.
        try world.run(for: .seconds(65))
        #expect(world.node(0)?.machine.isOnline(world.id(of: 2)) == false)
        world.start(2, contacts: [])
        try world.run(for: .seconds(2))
        #expect(world.knownMemberCount(of: 2) == 2 && world.knownMemberCount(of: 0) == 2)
        // Without its memory nobody is found.
        world.stop(2)
        world.wipe(2)
        try world.run(for: .seconds(60))
        world.start(2, contacts: [])
        try world.run(for: .seconds(2))
        #expect(world.knownMemberCount(of: 2) == 0)
    }

    @Test("hosts behind one gateway meet on their LAN")
    func neighbours() throws {
        let world = World(seed: 1, settings: settings, factory: MachineNode.make)
        var profile = NodeProfile.behind(.symmetric)
        profile.site = world.addSite(.symmetric)
        for _ in 0..<3 { world.start(world.add(profile)) }
        try world.run(for: .seconds(5))
        #expect((0..<3).allSatisfy { world.knownMemberCount(of: $0) == 2 })
    }

    @Test("another identity at the same place is another member")
    func replaced() throws {
        let world = World(seed: 1, settings: settings, factory: MachineNode.make)
        for number in 0..<2 {
            world.start(world.add(), contacts: number == 0 ? [] : [world.contact(0)])
        }
        try world.run(for: .seconds(5))
        world.crash(1)
        let heir = world.replace(1)
        #expect(world.localEndpoint(of: heir) == world.localEndpoint(of: 1))
        #expect(world.id(of: heir) != world.id(of: 1))
        world.start(heir, contacts: [world.contact(0)])
        try world.run(for: .seconds(60))
        #expect(world.peers(of: 0) == [heir])
    }

    @Test("every scenario of the soak holds, on a small scale", arguments: 0..<8)
    func soak(_ place: Int) {
        let scenario = Scenario.soak(nodes: 8, hours: 0)[place]
        let report = scenario.run(seed: 3)
        #expect(report.failure == nil, "\(scenario.name)")
    }

    @Test("a scenario that does not come together fails with its seed")
    func failing() {
        let scenario = Scenario(
            "torn",
            [.grow(6, over: .seconds(1)), .split(.seconds(600)), .unite(within: .zero)]
        )
        #expect(scenario.run(seed: 5).failure?.seed == 5)
    }

    @Test("a broadcast is measured by who heard of it")
    func spread() {
        let scenario = Scenario(
            "speech",
            [.grow(4, over: .seconds(4)), .broadcast(2, each: .seconds(3)), .kill(0.25)]
        )
        let run = ScenarioRun(scenario, seed: 1, factory: Talker.make)
        let report = run.run()
        #expect(report.failure == nil && report.spreads.count == 2)
        for spread in report.spreads {
            #expect(spread.listenerCount == 3 && spread.heardCount == 1)
            // One message of three bytes.
            #expect(spread.controlBytes == 28 + 32 + 3)
            #expect(spread.lastHeard.map { $0 <= .milliseconds(400) } == true)
        }
        #expect(run.world.live.count == 3)
    }

    @Test("traffic is that of nodes which were up for the whole span")
    func traffic() throws {
        let world = World.of(3)
        try world.join(0, 1)
        let mark = world.trafficMark
        try world.run(for: .seconds(10))
        world.crash(2)
        world.start(2)
        world.sendData(bytes: 40, from: 0, to: 1)
        let summary = world.traffic(since: mark)
        #expect(summary.nodeCount == 2)
        #expect(summary.byKind[.data] == 10 && summary.byKind[.goodbye] == 0)
        #expect(summary.mean == summary.byKind.values.reduce(0, +))
        #expect(summary.most >= summary.p99 && summary.p99 >= summary.mean)
    }

    @Test("churn takes about as many as it says, and those come back")
    func churn() throws {
        let world = World.of(200)
        var churn = Churn(perDay: 12)
        churn.downtime = .seconds(60)
        let before = (0..<200).map { world.node($0)?.memory ?? 0 }
        world.begin(churn)
        try world.run(for: .seconds(3600))
        world.endChurn()
        #expect(world.live.count == 200)
        let lives = (0..<200).map { (world.node($0)?.memory ?? 0) - before[$0] }
        // Half of them an hour: 100, give or take three deviations.
        #expect((70...130).contains(lives.reduce(0, +)))
    }

    @Test("the planner's rows add up")
    func planner() throws {
        let planner = Planner(Planner.Settings(nodeCount: 5, seed: 1))
        #expect(Planner.growth(5) == .seconds(60) && Planner.growth(10_000) == .seconds(500))
        try planner.advance(by: .seconds(59))
        #expect(!planner.hasGrown && planner.elapsed == .zero)
        try planner.advance(by: .seconds(1))
        #expect(planner.hasGrown && planner.elapsed == .zero)
        let grown = planner.eventCount
        try planner.advance(by: .seconds(120))
        let first = planner.row()
        #expect(first.liveCount == 5 && first.overlayCount == 1 && first.knownMean == 4)
        #expect(first.elapsed == .seconds(120) && first.traffic.nodeCount == 5)
        #expect(first.diskMost > 53 && first.diskMean <= Double(first.diskMost))
        try planner.advance(by: .seconds(3600))
        let second = planner.row()
        #expect(grown + first.eventCount + second.eventCount == planner.eventCount)
        #expect(second.traffic.mean > 4 * 160.0 / 27 && second.traffic.mean < 200)
    }
}
