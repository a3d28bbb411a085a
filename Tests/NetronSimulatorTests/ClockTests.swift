// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronSimulator
internal import NetronWire
internal import Testing

@Suite("clocks in the world")
struct ClockTests {
    private func profile(_ clock: WallClock) -> NodeProfile {
        var profile = NodeProfile()
        profile.clock = clock
        return profile
    }

    /// Whether node 0 with this clock gets a session with node 1, whose clock is right.
    private func meets(_ clock: WallClock, _ other: WallClock = WallClock()) throws -> Bool {
        let world = World.of([profile(clock), profile(other)])
        world.tell(0, .dial(try world.outer(1), nil))
        try world.run(for: .seconds(30))
        return world.hasSession(0, 1)
    }

    @Test("clocks may be wrong by an epoch, and not by three")
    func epochs() throws {
        for minutes in [-50, 50] { #expect(try meets(.off(by: .seconds(60 * minutes)))) }
        for minutes in [-180, 180] { #expect(try !meets(.off(by: .seconds(60 * minutes)))) }
    }

    @Test("who has no clock reaches others, but is not reached by those who have one")
    func unset() throws {
        #expect(try meets(.unset))
        #expect(try meets(.unset, .unset))
        #expect(try !meets(WallClock(), .unset))
    }

    @Test("first messages without a clock are taken at 10 a second, 20 at once")
    func rate() throws {
        let world = World.of(
            Array(repeating: profile(.unset), count: 40) + [NodeProfile()]
        )
        let endpoint = try world.outer(40)
        for number in 0..<40 { world.tell(number, .dial(endpoint, nil)) }
        try world.run(for: .milliseconds(390))
        #expect(world.peers(of: 40).count == 20)
        try world.run(for: .seconds(30))
        #expect(world.peers(of: 40).count == 40)
    }

    @Test("each hears how far the other's clock is ahead of its own")
    func offsets() throws {
        let world = World.of([profile(.off(by: .seconds(600))), NodeProfile()])
        world.tell(0, .dial(try world.outer(1), nil))
        try world.run(for: .seconds(1))
        for number in 0..<2 {
            let heard = world.take(number).compactMap { event -> Int64? in
                if case .clockHeard(_, let offset) = event { offset } else { nil }
            }
            let offset = try #require(heard.first)
            #expect(heard.count == 1 && abs(offset - (number == 0 ? -600_000 : 600_000)) < 400)
        }
    }

    @Test("the network's time is what epochs are counted by, once it was told")
    func networkTime() throws {
        let world = World.of([profile(.unset), NodeProfile()])
        let truth = world.wall(of: 1)
        world.tell(0, .setTime(wallMilliseconds: truth))
        world.tell(1, .dial(try world.outer(0), nil))
        try world.run(for: .seconds(1))
        #expect(world.hasSession(1, 0))
    }

    @Test("a clock shows what it says of itself: right, ahead, drifting, or never set")
    func shows() throws {
        var drifting = WallClock()
        drifting.driftPPM = 100
        let world = World.of([.init(), .off(by: .seconds(60)), drifting, .unset].map(profile))
        try world.run(for: .seconds(10_000))
        let truth = world.wall(of: 0)
        #expect(truth == WorldSettings().wallMilliseconds + 10_000_000)
        #expect(world.wall(of: 1) == truth + 60_000 && world.wall(of: 2) == truth + 1000)
        #expect(world.wall(of: 3) == 10_000_000)
        let told = world.take(3).first { if case .clock = $0 { true } else { false } }
        #expect(told == .clock(wallMilliseconds: 0, isTrusted: false))
    }

    @Test("no two hosts count their own time from the same moment")
    func ownTime() throws {
        let world = World.of(3)
        let starts = (0..<3).compactMap { world.node($0)?.events.first?.at }
        #expect(Set(starts).count == 3)
        // A deadline is meant on the node's own clock.
        world.tell(0, .wake(at: starts[0] + .seconds(5)))
        try world.run(for: .seconds(6))
        let last = try #require(world.node(0)?.events.last)
        #expect(last.event == .timeout && last.at == starts[0] + .seconds(5))
    }

    @Test("a host that crashed counts anew, and is woken in time")
    func rebooted() throws {
        let world = World.of(1)
        try world.run(for: .seconds(100))
        world.crash(0)
        try world.run(for: .seconds(50))
        world.start(0)
        let start = try #require(world.node(0)?.events.first?.at)
        #expect(start < Instant(nanoseconds: 0) + .seconds(51))
        _ = world.take(0)
        world.tell(0, .wake(at: start + .seconds(5)))
        try world.run(for: .seconds(4.9))
        #expect(world.take(0).isEmpty)
        try world.run(for: .seconds(0.2))
        #expect(world.take(0) == [.timeout])
    }

    @Test("of several deadlines the last one told counts")
    func deadlines() throws {
        let world = World.of(1)
        let start = try #require(world.node(0)?.events.first?.at)
        _ = world.take(0)
        world.tell(0, .wake(at: start + .seconds(5)), .wake(at: start + .seconds(9)))
        try world.run(for: .seconds(8))
        #expect(world.take(0).isEmpty)
        try world.run(for: .seconds(2))
        #expect(world.take(0) == [.timeout])
        world.tell(0, .wake(at: start + .seconds(20)), .wake(at: .never))
        try world.run(for: .seconds(20))
        #expect(world.take(0).isEmpty)
        // One that is past comes at once.
        world.tell(0, .wake(at: start))
        try world.run(for: .zero)
        #expect(world.take(0) == [.timeout])
    }
}
