// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

// What the overlay looks like from above. Nodes without an active view count by their sessions.
extension World {
    /// The nodes that a live node holds on to and that are not down, by number.
    package func neighbours(of number: Int) -> [Int] {
        guard let view = nodes[number]?.activeView else { return peers(of: number) }
        return view.compactMap { numbers[$0] }
    }

    /// How many separate overlays the live nodes of each network make, all together.
    package func componentCount() -> Int {
        var parents = Array(hosts.indices)
        func root(_ number: Int) -> Int {
            var number = number
            while parents[number] != number {
                parents[number] = parents[parents[number]]
                number = parents[number]
            }
            return number
        }
        let live = self.live
        for number in live {
            for other in neighbours(of: number) where hosts[other].state == .up {
                parents[root(number)] = root(other)
            }
        }
        return live.count { root($0) == $0 }
    }

    /// Two live nodes of which only the first holds on to the second.
    package func asymmetry() -> (Int, Int)? {
        var views: [Int: [Int]] = [:]
        for number in live { views[number] = neighbours(of: number) }
        for number in live {
            for other in views[number] ?? [] {
                if let back = views[other], !back.contains(number) { return (number, other) }
            }
        }
        return nil
    }

    /// How many others a node knows of.
    package func knownMemberCount(of number: Int) -> Int {
        nodes[number]?.knownMemberCount ?? hosts[number].sessions.count
    }
}

// Rules that hold for every kind of node. Those about the overlay hold when nothing was disturbed
// for a while; `isDue` says when.
extension Checker {
    /// The live nodes make one overlay.
    package static func isWhole(
        every seconds: Int = 1,
        when isDue: @escaping (World<Node>) -> Bool
    ) -> Self {
        Self("one overlay", .seconds(seconds)) { world, _ in
            guard isDue(world), !world.live.isEmpty else { return nil }
            let count = world.componentCount()
            return count == 1 ? nil : "there are \(count)"
        }
    }

    /// Who holds on to another is held on to.
    package static func isSymmetric(
        every seconds: Int = 1,
        when isDue: @escaping (World<Node>) -> Bool
    ) -> Self {
        Self("symmetric views", .seconds(seconds)) { world, _ in
            guard isDue(world), let (one, other) = world.asymmetry() else { return nil }
            return "node \(one) has node \(other) in its view, but not the reverse"
        }
    }

    /// Everybody knows of all others that live.
    package static func knowsAll(
        every seconds: Int = 1,
        when isDue: @escaping (World<Node>) -> Bool
    ) -> Self {
        Self("membership", .seconds(seconds)) { world, _ in
            guard isDue(world) else { return nil }
            let live = world.live
            for number in live {
                let count = world.knownMemberCount(of: number)
                if count < live.count - 1 {
                    return "node \(number) knows of \(count) others of \(live.count - 1)"
                }
            }
            return nil
        }
    }

    /// What a getter gives never passes a limit.
    package static func bounded(
        _ name: String,
        most: Int,
        _ moment: Moment = .step,
        _ count: @escaping (Node) -> Int
    ) -> Self {
        Self("bounds", moment) { world, number in
            func complaint(_ number: Int) -> String? {
                guard let found = world.nodes[number].map(count), found > most else { return nil }
                return "\(name) of node \(number) is \(found), and \(most) at most"
            }
            if let number { return complaint(number) }
            return world.live.lazy.compactMap(complaint).first
        }
    }
}
