// SPDX-License-Identifier: Apache-2.0

// The scenarios of `make simulate`.
extension Scenario {
    /// Every scenario with so many nodes, and so many hours where time is the matter.
    package static func soak(nodes: Int, hours: Int) -> [Self] {
        let span = Duration.seconds(3600 * hours)
        return [
            idle(nodes, span), lossy(nodes, span), losing(nodes), split(nodes, span),
            churn(nodes, span), sleepers(nodes), clocks(nodes), nats(nodes, span),
        ]
    }

    private static let growth = Duration.seconds(60)
    private static let settling = Duration.seconds(120)

    /// Nothing happens but that members speak.
    private static func idle(_ nodes: Int, _ span: Duration) -> Self {
        Self(
            "idle",
            [
                .grow(nodes, over: growth), .settle(settling), .idle(span),
                .broadcast(10, each: .seconds(10)),
            ]
        )
    }

    /// The same, on bad links.
    private static func lossy(_ nodes: Int, _ span: Duration) -> Self {
        var scenario = idle(nodes, span)
        scenario.world.links.loss = 0.05
        scenario.world.links.duplication = 0.01
        scenario.world.links.reordering = 0.02
        return Self("loss", scenario.steps).with(scenario.world)
    }

    /// A third vanishes at once, and comes back with and without what it knew.
    private static func losing(_ nodes: Int) -> Self {
        Self(
            "loss of a third",
            [
                .grow(nodes, over: growth), .settle(settling), .kill(0.3),
                .unite(within: .seconds(60)), .broadcast(10, each: .seconds(10)),
                .restart(keepsMemory: true), .unite(within: .seconds(60)), .kill(0.3),
                .settle(settling), .restart(keepsMemory: false), .unite(within: .seconds(60)),
            ]
        )
    }

    private static func split(_ nodes: Int, _ span: Duration) -> Self {
        Self(
            "partition",
            [
                .grow(nodes, over: growth), .settle(settling), .split(.seconds(300)),
                .unite(within: .seconds(120)), .settle(span),
            ]
        )
    }

    private static func churn(_ nodes: Int, _ span: Duration) -> Self {
        Self(
            "churn",
            [
                .grow(nodes, over: growth), .settle(settling), .churn(Churn(perDay: 5), for: span),
                .unite(within: .seconds(120)), .settle(settling),
            ]
        )
    }

    private static func sleepers(_ nodes: Int) -> Self {
        Self(
            "sleep",
            [
                .grow(nodes, over: growth), .settle(settling), .freeze(0.3, for: .seconds(7200)),
                .unite(within: .seconds(120)), .freeze(0.3, for: .seconds(60)), .settle(settling),
            ]
        )
    }

    /// A tenth has never set its clock, and a tenth is 50 minutes off.
    private static func clocks(_ nodes: Int) -> Self {
        var scenario = Self("clocks", [.grow(nodes, over: growth), .settle(settling)])
        scenario.profiles = Array(repeating: NodeProfile(), count: 10)
        scenario.profiles[3].clock = .unset
        scenario.profiles[7].clock = .off(by: .seconds(-3000))
        return scenario
    }

    /// Half of the hosts are behind translators of each kind.
    private static func nats(_ nodes: Int, _ span: Duration) -> Self {
        var scenario = Self("nat", [.grow(nodes, over: growth), .settle(settling), .settle(span)])
        scenario.profiles = NATKind.allCases.dropFirst().flatMap {
            [NodeProfile(), .behind($0)]
        }
        return scenario
    }

    private func with(_ world: WorldSettings) -> Self {
        var scenario = self
        scenario.world = world
        return scenario
    }

    /// Runs it with real nodes.
    package func run(seed: UInt64) -> ScenarioReport {
        let run = ScenarioRun(self, seed: seed, factory: MachineNode.make)
        run.world.checkers = MachineNode.checkers
        return run.run()
    }
}
