// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronWire
internal import Testing

private typealias Keepalive = PathMessage.Keepalive

/// A machine behind a gate, members outside, and what passes between them.
private struct KeepaliveScript {
    private var machine = KeepaliveLearner()
    private(set) var now = Instant(nanoseconds: 1_000_000_000)
    private var wake = Instant.never
    private var effects: [KeepaliveEffect] = []
    private(set) var settings: [NodeID: KeepaliveSetting] = [:]
    private(set) var told: [NodeID: Keepalive] = [:]
    private(set) var tellCount = 0
    /// Who does not know the message.
    var deaf: Set<NodeID> = []
    var gate = IPAddress(.v4, number: 0x0102_0304)

    var memory: Int64? { machine.memory(.v4).map(\.components.seconds) }

    mutating func put(_ event: KeepaliveEvent) {
        machine.handle(event, at: now, into: &effects)
        while !effects.isEmpty {
            switch effects.removeFirst() {
            case .wake(let instant): wake = instant
            case .set(let id, let setting): settings[id] = setting
            case .tell(let id, let keepalive):
                told[id] = keepalive
                tellCount += 1
                if !deaf.contains(id), !keepalive.isAnswer { answer(id) }
            }
        }
    }

    private mutating func answer(_ id: NodeID) {
        let answer = Keepalive(
            seconds: KeepaliveLimits.ceiling,
            isKept: false,
            isGated: false,
            isAnswer: true
        )
        machine.handle(
            .received(answer, from: id, by: .gated(gate)),
            at: now,
            into: &effects
        )
    }

    mutating func run(for duration: Duration) {
        let end = now + duration
        while wake <= end {
            now = max(now, wake)
            wake = .never
            put(.timeout)
        }
        now = end
    }

    /// Members outside to whom this node keeps sessions.
    mutating func meet(_ ids: NodeID...) {
        for id in ids {
            put(.kept(id, true))
            put(.way(id, .gated(gate)))
        }
    }

    /// One silence of a member, behind a gate that forgets after so many seconds.
    mutating func silence(_ id: NodeID, gate timeout: UInt8) {
        let seconds = settings[id]?.seconds ?? KeepaliveLimits.first
        run(for: .seconds(Int64(seconds)))
        let isIn = seconds < timeout
        let silence = Duration.seconds(Int64(seconds) + (isIn ? 0 : 2))
        put(.silenceEnded(id, wasAsked: !isIn, after: silence))
    }
}

@Suite("how long sessions may be silent") struct KeepaliveTests {
    private let one = node(2)
    private let two = node(3)

    @Test("a gate's time is found from below, whatever it is", arguments: UInt8(11)...60)
    func learning(_ timeout: UInt8) throws {
        var script = KeepaliveScript()
        script.meet(one, two)
        for _ in 0..<20 { for id in [one, two] { script.silence(id, gate: timeout) } }
        let memory = try #require(script.memory)
        #expect(memory < timeout)
        #expect(memory >= min(Int64(timeout) - 3, Int64(KeepaliveLimits.ceiling)))
        // All use it, and nothing more is tried.
        for id in [one, two] { #expect(Int64(script.settings[id]?.seconds ?? 0) == memory) }
    }

    @Test("a gate that forgets sooner than may be asked is asked at the floor")
    func floor() {
        var script = KeepaliveScript()
        script.meet(one)
        for _ in 0..<20 { script.silence(one, gate: 5) }
        #expect(script.settings[one]?.seconds == KeepaliveLimits.floor)
        #expect(script.memory == nil)
    }

    @Test("longer times are tried with one member at a time")
    func alone() {
        var script = KeepaliveScript()
        script.meet(one, two)
        script.silence(one, gate: 60)
        let longer = [one, two].filter { (script.settings[$0]?.seconds ?? 0) > 25 }
        #expect(longer.count == 1)
        // Who is never silent has its time, and then it is the other's turn.
        script.run(for: KeepaliveLimits.trialPatience)
        let later = [one, two].filter { (script.settings[$0]?.seconds ?? 0) > 25 }
        #expect(later.count == 1 && later != longer)
    }

    @Test("one silence that was others' fault changes nothing, two within ten minutes do")
    func strikes() {
        var script = KeepaliveScript()
        script.meet(one)
        for _ in 0..<10 { script.silence(one, gate: 60) }
        #expect(script.settings[one]?.seconds == KeepaliveLimits.ceiling)
        for _ in 0..<5 {
            script.silence(one, gate: 1)
            #expect(script.settings[one]?.seconds == KeepaliveLimits.ceiling)
            script.run(for: KeepaliveLimits.strikeWindow)
        }
        script.silence(one, gate: 1)
        script.silence(one, gate: 60)
        script.silence(one, gate: 1)
        #expect(script.settings[one]?.seconds == 32)
        #expect(script.memory == nil)
    }

    @Test("what was too long is tried again after an hour")
    func again() {
        var script = KeepaliveScript()
        script.meet(one)
        for _ in 0..<20 { script.silence(one, gate: 30) }
        #expect(script.memory == 28)
        script.run(for: KeepaliveLimits.retryAfter)
        for _ in 0..<10 { script.silence(one, gate: 60) }
        #expect(script.memory == Int64(KeepaliveLimits.ceiling))
    }

    @Test("another gate begins anew, and what was known of the first is soon proven again")
    func gates() {
        var script = KeepaliveScript()
        script.meet(one)
        for _ in 0..<10 { script.silence(one, gate: 60) }
        let first = script.gate
        script.gate = IPAddress(.v4, number: 0x0102_0305)
        script.put(.networkChanged)
        script.put(.way(one, .gated(script.gate)))
        #expect(script.settings[one]?.seconds == KeepaliveLimits.first && script.memory == nil)
        script.gate = first
        script.put(.way(one, .gated(first)))
        #expect(script.settings[one]?.seconds == KeepaliveLimits.first && script.memory == nil)
        script.silence(one, gate: 60)
        #expect(script.settings[one]?.seconds == KeepaliveLimits.ceiling)
    }

    @Test("of many gates the one used longest ago is forgotten")
    func manyGates() {
        var script = KeepaliveScript()
        script.meet(one)
        let first = script.gate
        for number in 0..<KeepaliveLimits.gatesMax + 1 {
            script.gate = IPAddress(.v4, number: 0x0102_0304 + UInt128(number))
            script.put(.way(one, .gated(script.gate)))
            for _ in 0..<10 { script.silence(one, gate: 60) }
            #expect(script.memory == Int64(KeepaliveLimits.ceiling))
        }
        for (gate, next) in [(first, 35), (script.gate, KeepaliveLimits.ceiling)] {
            script.gate = gate
            script.put(.way(one, .gated(gate)))
            script.silence(one, gate: 60)
            #expect(script.settings[one]?.seconds == next)
        }
    }

    @Test("who does not know the message is asked as ever, and not told for ever")
    func versions() {
        var script = KeepaliveScript()
        script.deaf = [one]
        script.meet(one)
        script.run(for: .seconds(600))
        #expect(script.tellCount == KeepaliveLimits.tellsMax)
        #expect((script.settings[one] ?? .standard) == .standard)
        script.put(.silenceEnded(one, wasAsked: true, after: .seconds(27)))
        #expect((script.settings[one] ?? .standard) == .standard)
    }

    @Test("nobody can make others ask often, nor answer often")
    func limits() {
        var script = KeepaliveScript()
        for seconds in UInt8(1)...255 {
            let said = Keepalive(seconds: seconds, isKept: true, isGated: true)
            script.put(.received(said, from: one, by: .open))
            let set = script.settings[one]?.seconds ?? 0
            #expect(set == max(KeepaliveLimits.floor, min(seconds, KeepaliveLimits.ceiling)))
        }
        #expect(script.settings[one]?.turn == .ours && script.settings[one]?.isWanted == true)
        #expect(script.tellCount <= 2)
    }

    @Test("whose turn it is, and for how long, is clear to both")
    func turns() {
        let ways: [(KeepaliveWay, Bool, KeepaliveSetting.Turn, UInt8)] = [
            (.open, false, .initiator, KeepaliveLimits.ceiling), (.open, true, .ours, 30),
            (.gated(IPAddress(.v4, number: 1)), false, .theirs, KeepaliveLimits.first),
            (.gated(IPAddress(.v4, number: 1)), true, .initiator, KeepaliveLimits.first),
        ]
        for (way, isGated, turn, seconds) in ways {
            var script = KeepaliveScript()
            script.deaf = [one]
            let theirs = isGated ? 30 : KeepaliveLimits.ceiling
            let said = Keepalive(seconds: theirs, isKept: true, isGated: isGated)
            script.put(.received(said, from: one, by: way))
            let setting = script.settings[one]
            #expect(setting?.turn == turn && setting?.seconds == seconds)
            #expect(setting?.isReported == (turn == .theirs))
        }
    }

    @Test("who is reached through others is asked as ever, and what it says is left alone")
    func relayed() {
        var script = KeepaliveScript()
        let said = Keepalive(seconds: 10, isKept: true, isGated: true)
        script.put(.kept(one, true))
        script.put(.received(said, from: one, by: .unknown))
        script.run(for: .seconds(100))
        #expect(script.tellCount == 0 && (script.settings[one] ?? .standard) == .standard)
        script.put(.received(said, from: one, by: .open))
        #expect(script.settings[one]?.seconds == 10)
        script.put(.way(one, .unknown))
        #expect(script.settings[one] == .standard)
    }

    @Test("who is kept no more is told so until it answers, and forgotten")
    func ending() {
        var script = KeepaliveScript()
        script.meet(one)
        script.run(for: .seconds(60))
        script.deaf = [one]
        script.put(.kept(one, false))
        #expect(script.told[one]?.isKept == false && script.settings[one] == .standard)
        let count = script.tellCount
        script.deaf = []
        script.run(for: .seconds(60))
        #expect(script.tellCount == count + 1)
        script.run(for: .seconds(600))
        #expect(script.tellCount == count + 1)
    }

    @Test("a member that began anew is told again before anything is concluded")
    func reborn() {
        var script = KeepaliveScript()
        script.meet(one)
        for _ in 0..<10 { script.silence(one, gate: 60) }
        let count = script.tellCount
        script.silence(one, gate: 1)
        #expect(script.tellCount == count + 1)
        script.silence(one, gate: 60)
        #expect(script.settings[one]?.seconds == KeepaliveLimits.ceiling)
    }
}
