// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronWire
internal import Testing

/// Network time under a clock that a test turns by hand; the build is at 2,000,000 s.
private struct TimeScript {
    static let build: UInt64 = 2_000_000_000
    /// What the clock of all who are right shows at the script's start.
    static let right: UInt64 = 2_500_000_000

    var time: NetworkTime
    var now = Instant(nanoseconds: 7_000_000_000)
    var elapsed: UInt64 { now.nanoseconds / 1_000_000 - 7_000 }
    /// How far the host's clock is before the right one, in milliseconds.
    private var own: Int64 = 0

    init(persisted: UInt64 = 0) {
        time = NetworkTime(
            buildMilliseconds: Self.build,
            persistedMilliseconds: persisted
        )
    }

    var wall: UInt64? { time.wall(at: now) }

    /// How far network time is before the right one.
    var error: Int64? { wall.map { Int64($0) - Int64(Self.right + elapsed) } }

    mutating func clock(off own: Int64 = 0, isTrusted: Bool = false) -> [NetworkTimeEffect] {
        self.own = own
        let wall = UInt64(Int64(Self.right + elapsed) + own)
        return handle(.clock(wallMilliseconds: wall, isTrusted: isTrusted))
    }

    /// Hears a peer whose clock is that far before the right one.
    mutating func hear(_ number: UInt8, off: Int64 = 0) -> [NetworkTimeEffect] {
        handle(.heard(from: InternetScript.member(Int(number)), offsetMilliseconds: off - own))
    }

    mutating func handle(_ event: NetworkTimeEvent) -> [NetworkTimeEffect] {
        var effects: [NetworkTimeEffect] = []
        time.handle(event, at: now, into: &effects)
        return effects
    }

    mutating func pass(_ duration: Duration) { now = now + duration }

    func setTime(off error: Int64) -> NetworkTimeEffect {
        .setTime(wallMilliseconds: UInt64(Int64(Self.right + elapsed) + error))
    }
}

private let hour: Int64 = 3_600_000

@Suite("Network time") struct NetworkTimeTests {
    @Test("nothing is known before the host's clock is told, and samples before it are no use")
    func unknown() {
        var script = TimeScript()
        #expect(script.wall == nil)
        #expect(script.hear(1) == [])
        #expect(script.wall == nil && script.time.source == .unknown)
    }

    @Test("a clock that the kernel vouches for is the time, whatever peers say")
    func synchronized() {
        var script = TimeScript()
        #expect(script.clock(isTrusted: true) == [])
        for number in 1...9 { #expect(script.hear(UInt8(number), off: hour) == []) }
        script.pass(.seconds(100))
        #expect(script.error == 0)
        #expect(script.time.isTrusted && script.time.source == .synchronized)
    }

    @Test("a clock that nobody vouches for is used as it is until three peers are heard")
    func quorum() {
        var script = TimeScript()
        #expect(script.clock(off: -50 * 60_000) == [])
        #expect(script.hear(1) == [])
        #expect(script.hear(2) == [])
        #expect(script.error == -50 * 60_000 && !script.time.isTrusted)
        #expect(script.time.persisted(at: script.now) == nil)
        #expect(script.hear(3) == [script.setTime(off: 0)])
        #expect(script.error == 0 && script.time.isTrusted)
        #expect(script.time.persisted(at: script.now) == script.wall)
    }

    @Test("one peer heard three times is one vote")
    func oneVote() {
        var script = TimeScript()
        _ = script.clock(off: hour)
        for _ in 0..<3 { #expect(script.hear(1) == []) }
        #expect(!script.time.isTrusted)
    }

    @Test(
        "one of three or of five that lies moves nothing, and two of five neither",
        arguments: [Int64.min, -100 * hour, 100 * hour, Int64.max / 2]
    )
    func liars(lie: Int64) {
        var script = TimeScript()
        _ = script.clock(off: hour)
        _ = script.hear(1)
        _ = script.hear(2)
        _ = script.handle(.heard(from: InternetScript.member(9), offsetMilliseconds: lie))
        _ = script.hear(3)
        #expect(script.error == 0)
        _ = script.handle(.heard(from: InternetScript.member(8), offsetMilliseconds: lie))
        #expect(script.hear(4) == [])
        #expect(script.hear(5) == [])
        #expect(script.error == 0)
    }

    @Test("a clock in 1970 takes the time of the one peer that is there, and three correct it")
    func clockless() {
        var script = TimeScript()
        #expect(script.clock(off: -Int64(TimeScript.right) + 5_000) == [])
        #expect(script.time.source == .guess)
        #expect(script.hear(1, off: 600_000) == [script.setTime(off: 600_000)])
        #expect(script.time.source == .provisional && !script.time.isTrusted)
        #expect(script.hear(2) == [script.setTime(off: 0)])
        #expect(script.hear(3, off: 1_000) == [])
        #expect(script.error == 1_000 && script.time.isTrusted)
    }

    @Test("a peer whose own clock is before the build is not heard")
    func implausiblePeer() {
        var script = TimeScript()
        _ = script.clock(off: -Int64(TimeScript.right))
        #expect(script.hear(1, off: -Int64(TimeScript.right - TimeScript.build) - 1) == [])
        #expect(script.time.source == .guess && script.time.implausibleCount == 1)
        #expect(script.hear(1, off: -Int64(TimeScript.right - TimeScript.build)) != [])
        #expect(script.time.source == .provisional)
    }

    @Test("a clock that was never set goes on from the last time known, but tells nobody")
    func guess() {
        var script = TimeScript(persisted: TimeScript.right - 90_000)
        #expect(script.clock(off: -Int64(TimeScript.right)) == [])
        script.pass(.seconds(30))
        #expect(script.error == -90_000 && !script.time.isTrusted)
        #expect(script.clock(off: -Int64(TimeScript.right)) == [])
        #expect(script.error == -90_000)
    }

    @Test("an untrusted clock that is 60 s behind the last time known is wrong, and one less not")
    func behind() {
        var right = TimeScript(persisted: TimeScript.right + 60_000)
        _ = right.clock()
        #expect(right.time.source == .ownClock)
        #expect(right.error == 60_000)
        var wrong = TimeScript(persisted: TimeScript.right + 60_001)
        _ = wrong.clock()
        #expect(wrong.time.source == .guess)
    }

    @Test("peers cannot bring the time below the last known, a synchronized clock can")
    func floor() {
        var script = TimeScript(persisted: TimeScript.right + UInt64(hour))
        _ = script.clock()
        for number in 1...5 { _ = script.hear(UInt8(number)) }
        #expect(script.error == hour && script.time.source == .peers)
        #expect(script.clock(isTrusted: true) == [script.setTime(off: 0)])
        #expect(script.error == 0)
        // What the kernel no longer vouches for stands, and below what was the last known.
        #expect(script.clock(off: -hour) == [])
        #expect(script.error == 0 && script.time.isTrusted)
    }

    @Test("a clock before the build is not believed though the kernel vouches for it")
    func beforeBuild() {
        var script = TimeScript()
        let wall = TimeScript.build - 1
        #expect(script.handle(.clock(wallMilliseconds: wall, isTrusted: true)) == [])
        #expect(script.time.source == .guess && script.wall == TimeScript.build)
    }

    @Test("2 s of difference are left alone, and more are corrected")
    func threshold() {
        var script = TimeScript()
        _ = script.clock()
        for number in 1...3 { #expect(script.hear(UInt8(number), off: 2_000) == []) }
        var other = TimeScript()
        _ = other.clock()
        _ = other.hear(1, off: 2_001)
        _ = other.hear(2, off: 2_001)
        #expect(other.hear(3, off: 2_001) == [other.setTime(off: 2_001)])
    }

    @Test("votes that come and go move the time once in 10 min, if by less than a minute")
    func flapping() {
        var script = TimeScript()
        _ = script.clock()
        for number in 1...3 { _ = script.hear(UInt8(number)) }
        var moves = 0
        for round in 0..<243 {
            script.pass(.seconds(5))
            for number in 1...3 {
                moves += script.hear(UInt8(number), off: round % 2 == 0 ? 30_000 : 0).count
            }
        }
        #expect(moves == 2)
        // A great difference does not wait.
        _ = script.hear(1, off: 100_000)
        #expect(script.hear(2, off: 100_000).count == 1)
    }

    @Test("votes expire after 6 h, but the time that they gave stays")
    func expiry() {
        var script = TimeScript()
        _ = script.clock(off: hour)
        for number in 1...3 { _ = script.hear(UInt8(number)) }
        script.pass(.seconds(6 * 3_600))
        #expect(script.hear(4, off: -hour) == [])
        #expect(script.error == 0 && script.time.isTrusted)
        // Three new ones are heard at once again.
        _ = script.hear(5, off: -hour)
        #expect(script.hear(6, off: -hour) == [script.setTime(off: -hour)])
    }

    @Test("when the host's clock is set, the votes are worth what they were")
    func stepped() {
        var script = TimeScript()
        _ = script.clock(off: hour)
        _ = script.hear(1)
        _ = script.hear(2)
        #expect(script.clock(off: 3 * hour) == [])
        #expect(script.error == 3 * hour)
        #expect(script.hear(3) == [script.setTime(off: 0)])
        #expect(script.clock(off: -hour) == [])
        #expect(script.error == 0)
    }

    @Test("of 64 votes the oldest gives way, so that ever new names do not make the table grow")
    func full() {
        var script = TimeScript()
        _ = script.clock()
        for number in 1...64 { _ = script.hear(UInt8(number)) }
        for number in 65...96 { #expect(script.hear(UInt8(number), off: hour) == []) }
        #expect(script.hear(97, off: hour) == [script.setTime(off: hour)])
    }
}
