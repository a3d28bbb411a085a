// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronSimulator
import NetronWire

/// What a network of members that keep a part each does.
struct PlacementFigures: CustomStringConvertible {
    private(set) var lookups = 0
    private(set) var found = 0
    private(set) var trips: [Int] = []
    private(set) var loadMean = 0.0
    private(set) var load99 = 0.0
    private(set) var kept99 = 0.0
    private(set) var keptMean = 0.0

    /// Which part of the lookups that found something took so many round trips at most.
    func tripsAtMost(_ most: Int) -> Double {
        Double(trips.count { $0 <= most }) / Double(max(1, trips.count))
    }

    var description: String {
        let parts = [3, 4, 5, 6].map { "<=\($0): \(100 * tripsAtMost($0)) %" }
        return "\(found) of \(lookups) found; round trips"
            + " \(parts.joined(separator: ", ")), most \(trips.max() ?? 0); load mean"
            + " \(loadMean), p99 \(load99 / max(1, loadMean)) of it; kept mean \(keptMean),"
            + " p99 \(kept99 / max(1, keptMean)) of it"
    }

    /// A network in which each member says an address and a name, and members look by chance for
    /// these and for each other: while all are there, when a tenth of them and when 30 % vanished
    /// and nobody said anything anew, and when those who are left did.
    static func story(among count: Int, capacity: Int, lookups: Int) -> [Self] {
        var world = PlacementWorld(count, capacity: capacity, seed: 1)
        var random = SeededRandom(seed: 2)
        var living = Array(0..<count)
        publish(living, in: &world)
        let doomed = living.shuffled(using: &random).prefix(count * 3 / 10)
        var figures: [Self] = []
        for dead in [0, count / 10, doomed.count] {
            for node in doomed.prefix(dead) where !world.isDead[node] { world.kill(node) }
            living = living.filter { !world.isDead[$0] }
            figures.append(look(lookups, among: living, in: &world, &random))
        }
        publish(living, in: &world)
        figures.append(look(lookups, among: living, in: &world, &random))
        return figures
    }

    /// Looks for what all others said in turn, so that nobody's is left out by chance.
    private static func look(
        _ lookups: Int,
        among living: [Int],
        in world: inout PlacementWorld,
        _ random: inout SeededRandom
    ) -> Self {
        world.clear()
        let sought = living.shuffled(using: &random)
        for number in 0..<lookups {
            let asker = living[Int.random(in: 0..<living.count, using: &random)]
            let target = target(of: sought[number % sought.count], number, in: world)
            world.lookUp(target, by: asker)
            if number % 50 == 0 { world.run(for: .milliseconds(20)) }
        }
        world.run(for: .seconds(20))
        var figures = Self()
        figures.take(world)
        return figures
    }

    private static func publish(_ nodes: [Int], in world: inout PlacementWorld) {
        for node in nodes {
            world.publish(node)
            if node % 20 == 0 { world.run(for: .milliseconds(100)) }
        }
        world.run(for: .seconds(20))
    }

    private static func target(
        of node: Int,
        _ number: Int,
        in world: PlacementWorld
    ) -> PlacementTarget {
        switch number % 3 {
        case 0: .address(world.address(of: node))
        case 1: .key(world.key(of: node))
        default: .networkAddress(world.map.cryptography.networkAddress(world.map.ids[node]))
        }
    }

    private mutating func take(_ world: PlacementWorld) {
        lookups = world.results.count
        found = world.results.count { $0.isFound }
        trips = world.results.filter(\.isFound).map(\.roundTrips)
        // Who cannot be reached is asked nothing.
        let nodes = world.load.indices.filter { $0 % 2 == 0 && !world.isDead[$0] }
        (loadMean, load99) = Self.spread(nodes.map { world.load[$0] })
        (keptMean, kept99) = Self.spread(nodes.map { world.placeCount(of: $0) })
    }

    private static func spread(_ values: [Int]) -> (mean: Double, p99: Double) {
        let sorted = values.sorted()
        let mean = Double(sorted.reduce(0, +)) / Double(max(1, sorted.count))
        return (mean, Double(sorted[sorted.count * 99 / 100]))
    }
}

extension PlacementWorld.Result {
    var isFound: Bool {
        if case .found = outcome { true } else { false }
    }
}
