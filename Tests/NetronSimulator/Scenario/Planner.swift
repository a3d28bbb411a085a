// SPDX-License-Identifier: Apache-2.0

/// A network of real nodes, run to see what one of them will cost.
package final class Planner {
    package struct Settings: Hashable, Sendable {
        package var nodeCount: Int
        package var seed: UInt64
        /// The share of nodes that goes in a day.
        package var churnPerDay = 0.0
        /// The share of datagrams that is lost.
        package var loss = 0.0
        /// Whether all know all when its time begins, and not only when all have heard of all: that
        /// takes the square of `nodeCount` events.
        package var isSettled = false
        /// Whether each node has an address, and one in ten a service in the ledger.
        package var hasRecords = false

        package init(nodeCount: Int, seed: UInt64) {
            self.nodeCount = nodeCount
            self.seed = seed
        }
    }

    /// What a span of time was like.
    package struct Row: Sendable {
        /// Its end, since all nodes had started.
        package let elapsed: Duration
        package let liveCount: Int
        /// How many overlays they make.
        package let overlayCount: Int
        package let traffic: TrafficSummary
        /// Sessions and known members of a node, in the mean.
        package let sessionMean: Double
        package let knownMean: Double
        /// Bytes on the disk of a node, in the mean, and of the one with most.
        package let diskMean: Double
        package let diskMost: Int
        /// Bytes of memory as nodes count them; nil if they do not.
        package let memoryMean: Double?
        package let memoryMost: Int?
        /// Events of the whole world in the span.
        package let eventCount: UInt64
    }

    /// One node of so many has a service.
    private static let nodesPerService = 10

    private let settings: Settings
    private let world: World<MachineNode>
    private var mark: TrafficMark
    private var eventsBefore: UInt64 = 0
    /// Whether all nodes have started, which is when its time begins.
    package private(set) var hasGrown = false

    package init(_ settings: Settings) {
        self.settings = settings
        var world = WorldSettings()
        world.links.loss = settings.loss
        world.traceCount = 64
        world.beginsAtRest = settings.isSettled
        world.givesAddresses = settings.hasRecords
        self.world = World(seed: settings.seed, settings: world, factory: MachineNode.make)
        mark = self.world.trafficMark
        self.world.checkers = MachineNode.checkers
        self.world.grow(
            by: settings.nodeCount,
            over: Self.growth(settings.nodeCount),
            [NodeProfile()]
        )
    }

    /// How long it takes until all nodes have started: 20 a second, a minute at least.
    package static func growth(_ nodeCount: Int) -> Duration {
        max(.seconds(60), .milliseconds(50 * nodeCount))
    }

    /// When its time begins: all nodes have started, and in a settled network have neighbours.
    private var beginning: Duration {
        let growth = Self.growth(settings.nodeCount)
        return settings.isSettled ? growth + .seconds(60) : growth
    }

    /// How long it ran since all nodes had started.
    package var elapsed: Duration { max(.zero, world.elapsed - beginning) }
    package var eventCount: UInt64 { world.eventCount }
    package var liveCount: Int { world.live.count }

    /// Lets time go by.
    package func advance(by span: Duration) throws(WorldFailure) {
        try world.run(for: span)
        guard !hasGrown, world.elapsed >= beginning else { return }
        hasGrown = true
        if settings.isSettled { world.rest() }
        if settings.hasRecords { writeServices() }
        // What nodes cost that have just come is another matter than what they cost.
        mark = world.trafficMark
        eventsBefore = world.eventCount
        world.begin(Churn(perDay: settings.churnPerDay))
    }

    private func writeServices() {
        for number in world.live where number % Self.nodesPerService == 0 {
            _ = world.perform(on: number) { $0.writeService(at: $1, into: &$2) }
        }
    }

    /// What it was like since the last row.
    package func row() -> Row {
        let live = world.live
        let nodes = live.compactMap(world.node)
        let disks = nodes.map(\.diskBytes)
        let memories = nodes.compactMap(\.memoryBytes)
        let share = 1 / Double(max(1, live.count))
        defer {
            mark = world.trafficMark
            eventsBefore = world.eventCount
        }
        return Row(
            elapsed: elapsed,
            liveCount: live.count,
            overlayCount: world.componentCount(),
            traffic: world.traffic(since: mark),
            sessionMean: share * Double(live.reduce(0) { $0 + world.peers(of: $1).count }),
            knownMean: share * Double(live.reduce(0) { $0 + world.knownMemberCount(of: $1) }),
            diskMean: share * Double(disks.reduce(0, +)),
            diskMost: disks.max() ?? 0,
            memoryMean: memories.isEmpty ? nil : share * Double(memories.reduce(0, +)),
            memoryMost: memories.max(),
            eventCount: world.eventCount - eventsBefore
        )
    }
}
