// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronWire
internal import Testing

/// What a network asks of the DHT in an hour.
private struct Load: Equatable {
    var announcements = 0
    var lookups = 0
    /// Members that did anything at all.
    var busy = 0

    /// The load of a settled network of so many, from one epoch's beginning to the next.
    init(members count: Int, isReachable: Bool) {
        let epoch = InternetScript.wall / InternetScript.hour
        let first = Self.announcers(of: count, in: epoch)
        let second = Self.announcers(of: count, in: epoch + 1)
        for number in 0..<count {
            var script = Self.settled(number, isReachable: isReachable)
            script.put(.announcers(first))
            // To the end of the epoch whose announcers settled, through all of the next.
            script.run(for: 3_600 * 0.9 - 20)
            script.forget()
            script.put(.announcers(second))
            script.run(for: 3_600)
            announcements += script.announced.count
            lookups += script.sought.count - script.announced.count
            if !script.rounds.isEmpty { busy += 1 }
        }
    }

    private static func settled(_ number: Int, isReachable: Bool) -> InternetScript {
        var script = InternetScript(number, seed: UInt64(number))
        let own = isReachable ? "198.51.100.1" : "192.168.1.1"
        script.put(.addresses([InternetScript.address(own)]))
        script.put(.publicEndpoint(InternetScript.endpoint("198.51.100.1:7000")))
        script.meet(20_001, isKnown: true)
        script.run(for: 20)
        script.tell()
        return script
    }

    /// The eight with the lowest H(epoch, id), as the directory chooses them.
    private static func announcers(of count: Int, in epoch: UInt64) -> [NodeID] {
        let ranked = (0..<count).map { (InternetScript.hash($0, in: epoch), $0) }
        let sorted = ranked.sorted { $0.0.lexicographicallyPrecedes($1.0) }
        return sorted.prefix(8).map { InternetScript.member($0.1) }
    }
}

@Suite("Internet discovery: load on the DHT") struct InternetLoadTests {
    @Test(
        "a network of thousands asks as much of the DHT as one of 100",
        arguments: [(true, 1_000), (false, 10_000)]
    )
    func equal(isReachable: Bool, count: Int) {
        let small = Load(members: 10, isReachable: isReachable)
        let middle = Load(members: 100, isReachable: isReachable)
        let large = Load(members: count, isReachable: isReachable)
        // Chance spreads the rounds, so an hour may have one more or less of each of the eight.
        for load in [small, middle, large] {
            #expect((8...16).contains(load.busy), "\(load)")
            #expect((8 * 2 * 4...8 * 2 * 6).contains(load.announcements), "\(load)")
        }
        #expect(abs(large.announcements - middle.announcements) <= 16, "\(middle), \(large)")
        #expect(abs(large.lookups - middle.lookups) <= 32, "\(middle), \(large)")
        let lookups = isReachable ? 8 * 2 * 5...8 * 2 * 8 : 8 * 2 * 55...8 * 2 * 68
        #expect(lookups.contains(large.lookups) && lookups.contains(middle.lookups), "\(large)")
    }
}
