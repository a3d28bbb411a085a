// SPDX-License-Identifier: Apache-2.0

/// What happens in a world, as a value: the same scenario and seed make the same report.
package struct Scenario: Sendable {
    package enum Step: Sendable {
        /// So many nodes more, evenly over a span; each knows one that is there.
        case grow(Int, over: Duration)
        /// Nothing happens; at the end the overlay must be whole.
        case settle(Duration)
        /// Traffic is measured.
        case idle(Duration)
        /// So many nodes say something, one after another, each with so much time to be heard.
        case broadcast(Int, each: Duration)
        /// A share of the nodes vanishes at once.
        case kill(Double)
        /// All that were killed or stopped come back, with what is on their disks or without.
        case restart(keepsMemory: Bool)
        /// The second half does not hear the first, nor the reverse, for so long.
        case split(Duration)
        /// Waits until the overlay is whole; the run fails if it is not in time.
        case unite(within: Duration)
        /// Nodes come and go.
        case churn(Churn, for: Duration)
        /// A share of the hosts sleeps for so long.
        case freeze(Double, for: Duration)
        /// What links do from now on.
        case links(LinkSettings)
    }

    package let name: String
    package var world = WorldSettings()
    /// The hosts, in turn.
    package var profiles = [NodeProfile()]
    package var steps: [Step]

    package init(_ name: String, _ steps: [Step]) {
        self.name = name
        self.steps = steps
    }
}

/// What became of a scenario.
package struct ScenarioReport: Sendable {
    package let name: String
    package let seed: UInt64
    /// For each `.idle` and `.churn`.
    package internal(set) var traffic: [TrafficSummary] = []
    /// For each `.broadcast` that a node had something to say for.
    package internal(set) var spreads: [Spread] = []
    /// How long each `.unite` took.
    package internal(set) var reunions: [Duration] = []
    package internal(set) var eventCount: UInt64 = 0
    package internal(set) var handledCount: UInt64 = 0
    package internal(set) var traceHash: UInt64 = 0
    /// The rule that was broken, if one was.
    package internal(set) var failure: WorldFailure?

    /// How far something came that a node said.
    package struct Spread: Hashable, Sendable {
        /// Nodes that could hear of it, and those that did.
        package let listenerCount: Int
        package let heardCount: Int
        /// When the last of them had heard, to a tenth of a second; nil if nobody did.
        package let lastHeard: Duration?
        /// Bytes of control messages of all nodes meanwhile, with what is sent anyway.
        package let controlBytes: UInt64
    }
}
