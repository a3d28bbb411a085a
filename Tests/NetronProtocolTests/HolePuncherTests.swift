// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronWire
internal import Testing

/// A machine under a clock that a test turns by hand.
private struct PunchScript {
    private var machine = HolePuncher()
    private(set) var now = Instant(nanoseconds: 1_000_000_000)
    private var wake = Instant.never
    private(set) var effects: [PunchEffect] = []

    mutating func put(_ event: PunchEvent) {
        var more: [PunchEffect] = []
        machine.handle(event, at: now, into: &more)
        for effect in more {
            if case .wake(let instant) = effect { wake = instant } else { effects.append(effect) }
        }
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

    mutating func take() -> [PunchEffect] {
        defer { effects = [] }
        return effects
    }
}

@Suite("the search for direct ways") struct HolePuncherTests {
    private let own = Endpoint(IPAddress(.v4, number: 0x0102_0304), port: 7_000)
    private let other = Endpoint(IPAddress(.v4, number: 0x0506_0708), port: 7_000)

    private func script() -> PunchScript {
        var script = PunchScript()
        script.put(.own([own]))
        script.put(.relayed(node(2)))
        return script
    }

    @Test("who is relayed is told at once where we are, and again until it says where it is")
    func telling() {
        var script = script()
        #expect(script.take() == [.tell(node(2), [own], hasHeard: false)])
        script.run(for: .seconds(30))
        #expect(script.take().count == 5)
        script.run(for: .seconds(600))
        #expect(script.take() == [])
    }

    @Test("what it says is tried at once and fast, then seldom, as long as it is relayed")
    func trying() {
        var script = script()
        _ = script.take()
        script.put(.received([other], from: node(2), hasHeard: true))
        #expect(script.take() == [.attempt(node(2), other)])
        script.run(for: .milliseconds(400))
        #expect(script.take() == Array(repeating: .attempt(node(2), other), count: 4))
        // Slow tries, each of which tells that the relay is still needed.
        script.run(for: .seconds(60))
        let slow = script.take()
        #expect((14...20).contains(slow.count))
        #expect(slow.count { $0 == .remains(node(2)) } == slow.count / 2)
        script.run(for: .seconds(600))
        #expect((18...22).contains(script.take().count))
        script.put(.settled(node(2)))
        script.run(for: .seconds(600))
        #expect(script.take() == [])
    }

    @Test("two that told each other are silent: neither answers an answer")
    func quiet() {
        var scripts = [script(), script()]
        for turn in 0..<20 {
            let (from, to) = (turn % 2, 1 - turn % 2)
            for effect in scripts[from].take() {
                guard case .tell(_, let candidates, let hasHeard) = effect else { continue }
                #expect(turn < 4, "still told in turn \(turn)")
                scripts[to].put(.received(candidates, from: node(2), hasHeard: hasHeard))
            }
        }
    }

    @Test("new candidates, of either side, are tried fast again")
    func news() {
        var script = script()
        script.put(.received([other], from: node(2), hasHeard: true))
        script.run(for: .seconds(600))
        _ = script.take()
        script.put(.received([own, other], from: node(2), hasHeard: true))
        #expect(script.take().count == 2)
        script.run(for: .seconds(600))
        _ = script.take()
        script.put(.own([other]))
        #expect(
            script.take() == [
                .tell(node(2), [other], hasHeard: true), .attempt(node(2), own),
                .attempt(node(2), other),
            ]
        )
    }

    @Test("who is not relayed is not tried, whatever it says; of too many none is added")
    func strangers() {
        var script = PunchScript()
        script.put(.own([own]))
        script.put(.received([other], from: node(2), hasHeard: false))
        script.run(for: .seconds(60))
        #expect(script.take() == [])
        for number in 0..<PunchLimits.membersMax + 10 {
            script.put(.relayed(GossipWorld.id(number)))
        }
        #expect(script.take().count == PunchLimits.membersMax)
    }
}
