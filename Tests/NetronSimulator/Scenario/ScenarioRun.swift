// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronWire

/// Carries out a scenario.
package final class ScenarioRun<Node: SimulatedNode> {
    package let world: World<Node>
    private let scenario: Scenario
    private var report: ScenarioReport
    /// Those that the scenario took down.
    private var fallen: [Int] = []

    package init(_ scenario: Scenario, seed: UInt64, factory: @escaping World<Node>.Factory) {
        self.scenario = scenario
        report = ScenarioReport(name: scenario.name, seed: seed)
        world = World(seed: seed, settings: scenario.world, factory: factory)
    }

    /// Runs it to its end, or to the first rule that is broken.
    package func run() -> ScenarioReport {
        do throws(WorldFailure) {
            for step in scenario.steps { try carryOut(step) }
        } catch {
            report.failure = error
        }
        report.eventCount = world.eventCount
        report.handledCount = world.handledCount
        report.traceHash = world.traceHash
        return report
    }

    private func carryOut(_ step: Scenario.Step) throws(WorldFailure) {
        switch step {
        case .grow(let count, let span):
            world.grow(by: count, over: span, scenario.profiles)
            try world.run(for: span)
        case .settle(let span):
            try world.run(for: span)
            try requireWhole()
        case .idle(let span): try measure(span)
        case .broadcast(let count, let span):
            for _ in 0..<count { try broadcast(span) }
        case .kill(let share):
            let victims = world.choose(share)
            for number in victims { world.crash(number) }
            fallen += victims
        case .restart(let keepsMemory): restart(keepsMemory: keepsMemory)
        case .split(let span):
            let all = Array(0..<world.nodeCount)
            world.partition([Array(all[..<(all.count / 2)]), Array(all[(all.count / 2)...])])
            try world.run(for: span)
            world.heal()
        case .unite(let span): try unite(within: span)
        case .churn(let churn, let span):
            world.begin(churn)
            try measure(span)
            world.endChurn()
        case .freeze(let share, let span): try freeze(share, span)
        case .links(let links): world.links = links
        }
    }

    private func measure(_ span: Duration) throws(WorldFailure) {
        let mark = world.trafficMark
        try world.run(for: span)
        report.traffic.append(world.traffic(since: mark))
    }

    private func broadcast(_ span: Duration) throws(WorldFailure) {
        guard let speaker = world.choose(0).first else { return }
        let before = world.controlBytes
        let listeners = world.live.filter { $0 != speaker }
        let said = world.perform(on: speaker) { $0.speak(at: $1, into: &$2) } ?? nil
        guard let said else { return try world.run(for: span) }
        let id = world.id(of: speaker)
        let begun = world.now
        var waiting = listeners
        var lastHeard: Duration?
        while world.now - begun < nanoseconds(span) {
            try world.run(for: .milliseconds(100))
            let count = waiting.count
            waiting.removeAll { (world.node($0)?.heard(of: id) ?? 0) >= said }
            if waiting.count < count { lastHeard = .nanoseconds(Int64(world.now - begun)) }
        }
        // Who went meanwhile could not hear of it.
        let missed = waiting.count(where: world.isUp)
        report.spreads.append(
            ScenarioReport.Spread(
                listenerCount: listeners.count - waiting.count + missed,
                heardCount: listeners.count - waiting.count,
                lastHeard: lastHeard,
                controlBytes: world.controlBytes - before
            )
        )
    }

    private func restart(keepsMemory: Bool) {
        for number in fallen where world.isDown(number) {
            if !keepsMemory { world.wipe(number) }
            world.start(number)
        }
        fallen = []
    }

    private func unite(within span: Duration) throws(WorldFailure) {
        let begun = world.now
        guard try world.run(atMost: span, until: { $0.componentCount() == 1 }) else {
            return try requireWhole()
        }
        report.reunions.append(.nanoseconds(Int64(clamping: world.now - begun)))
    }

    private func requireWhole() throws(WorldFailure) {
        let count = world.componentCount()
        guard count > 1 else { return }
        world.fail("one overlay", "there are \(count)", of: nil)
        if let failure = world.failure { throw failure }
    }

    private func freeze(_ share: Double, _ span: Duration) throws(WorldFailure) {
        let sleepers = world.choose(share)
        for number in sleepers { world.freeze(number) }
        try world.run(for: span)
        for number in sleepers { world.thaw(number) }
    }
}

extension World {
    /// Adds nodes that start one after another; each is told of one that runs by then.
    package func grow(by count: Int, over span: Duration, _ profiles: [NodeProfile]) {
        precondition(!profiles.isEmpty)
        for place in 0..<count {
            let number = add(profiles[nodeCount % profiles.count])
            after(span * place / max(1, count)) { world in
                world.start(number, contacts: world.someContact())
            }
        }
    }

    /// A node that runs and can be reached, as a contact; none if there is none.
    private func someContact() -> [HostPort] {
        // By chance, since the first of all would be a server; a few tries are enough.
        for _ in 0..<64 where !hosts.isEmpty {
            let number = Int.random(in: hosts.indices, using: &random)
            if isReachable(number) { return [contact(number)] }
        }
        return hosts.indices.first(where: isReachable).map { [contact($0)] } ?? []
    }

    /// Whether a stranger's dial leads to a node: one without a clock takes no messages of those
    /// who have one.
    private func isReachable(_ number: Int) -> Bool {
        let profile = hosts[number].profile
        return isUp(number) && profile.nat == .none && profile.clock.isTrusted
    }

    /// A share of the live nodes by chance, one at least.
    func choose(_ share: Double) -> [Int] {
        var numbers = live
        numbers.shuffle(using: &random)
        let count = max(1, Int(share * Double(numbers.count) + 0.5))
        return Array(numbers.prefix(count))
    }

    /// Bytes of control messages that all nodes sent.
    var controlBytes: UInt64 { traffic.reduce(0) { $0 + $1.sent(.control) } }
}
