// SPDX-License-Identifier: Apache-2.0

/// Nodes that come and go without end.
package struct Churn: Hashable, Sendable {
    /// The share of nodes that goes in a day; lifetimes are exponential.
    package var perDay: Double
    /// How long a node is away, in the mean; exponential as well.
    package var downtime = Duration.seconds(1800)
    /// The share of those that go without a goodbye.
    package var crashes = 0.5

    package init(perDay: Double) { self.perDay = perDay }
}

extension World {
    /// Begins with nodes that come and go; from now on, and until the end of the world or of
    /// `endChurn`.
    package func begin(_ churn: Churn) {
        churnRound += 1
        guard churn.perDay > 0 else { return }
        for number in live { scheduleEnd(of: number, churn, churnRound) }
    }

    /// Lets those that are up stay, and those that are away come back.
    package func endChurn() {
        churnRound += 1
        for number in hosts.indices where hosts[number].isAway {
            hosts[number].isAway = false
            if isDown(number) { start(number) }
        }
    }

    private func scheduleEnd(of number: Int, _ churn: Churn, _ round: Int) {
        let lifetime = Duration.seconds(86_400 / churn.perDay * random.exponential())
        let boot = hosts[number].boot
        after(lifetime) { world in
            guard world.churnRound == round, world.hosts[number].boot == boot else { return }
            world.leave(number, churn, round)
        }
    }

    private func leave(_ number: Int, _ churn: Churn, _ round: Int) {
        if random.happens(churn.crashes) { crash(number) } else { stop(number) }
        hosts[number].isAway = true
        after(.seconds(churn.downtime / .seconds(1) * random.exponential())) { world in
            guard world.churnRound == round, world.isDown(number) else { return }
            world.hosts[number].isAway = false
            world.start(number)
            world.scheduleEnd(of: number, churn, round)
        }
    }
}
