// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronSimulator
internal import NetronWire
internal import Testing

/// A machine under a clock that a test turns by hand.
private struct PunchScript {
    private var machine = HolePuncher(random: SeededRandom(seed: 1))
    var gate = Gate()
    private(set) var now = Instant(nanoseconds: 1_000_000_000)
    private var wake = Instant.never
    private(set) var effects: [PunchEffect] = []

    mutating func put(_ event: PunchEvent) {
        var more: [PunchEffect] = []
        machine.handle(event, behind: gate, at: now, into: &more)
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
        #expect(script.take() == [.tell(node(2), .init([own], hasHeard: false))])
        script.run(for: .seconds(30))
        #expect(script.take().count == 5)
        script.run(for: .seconds(600))
        #expect(script.take() == [])
    }

    @Test("what it says is tried at once and fast, then seldom, as long as it is relayed")
    func trying() {
        var script = script()
        _ = script.take()
        script.put(.received(.init([other], hasHeard: true), from: node(2)))
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
                guard case .tell(_, let candidates) = effect else { continue }
                #expect(turn < 4, "still told in turn \(turn)")
                scripts[to].put(.received(candidates, from: node(2)))
            }
        }
    }

    @Test("new candidates, of either side, are tried fast again")
    func news() {
        var script = script()
        script.put(.received(.init([other], hasHeard: true), from: node(2)))
        script.run(for: .seconds(600))
        _ = script.take()
        script.put(.received(.init([own, other], hasHeard: true), from: node(2)))
        #expect(script.take().count == 2)
        script.run(for: .seconds(600))
        _ = script.take()
        script.put(.own([other]))
        #expect(
            script.take() == [
                .tell(node(2), .init([other], hasHeard: true)), .attempt(node(2), own),
                .attempt(node(2), other),
            ]
        )
    }

    @Test("who is not relayed is not tried, whatever it says; of too many none is added")
    func strangers() {
        var script = PunchScript()
        script.put(.own([own]))
        script.put(.received(.init([other], hasHeard: false), from: node(2)))
        script.run(for: .seconds(60))
        #expect(script.take() == [])
        for number in 0..<PunchLimits.membersMax + 10 {
            script.put(.relayed(GossipWorld.id(number)))
        }
        #expect(script.take().count == PunchLimits.membersMax)
    }
}

@Suite("the search against a gate that shows each host another port") struct PortSearchTests {
    private let own = Endpoint(IPAddress(.v4, number: 0x0102_0304), port: 7_000)
    private let other = Endpoint(IPAddress(.v4, number: 0x0506_0708), port: 40_000)

    private var fixed: Gate { Gate(mapping: .endpointIndependent, seen: own) }

    private func symmetric(step: UInt16? = nil) -> Gate {
        Gate(mapping: .addressDependent(step: step), seen: other)
    }

    /// A node behind a gate that is relayed to one behind another, which it has heard of.
    private func script(behind gate: Gate, to theirs: Gate) -> PunchScript {
        var script = PunchScript()
        script.gate = gate
        script.put(.own([]))
        script.put(.relayed(node(2)))
        script.put(.received(.init([], gate: theirs, hasHeard: true), from: node(2)))
        return script
    }

    private func ports(_ effects: [PunchEffect]) -> [UInt16] {
        effects.compactMap { effect in
            guard case .attempt(node(2), let endpoint) = effect else { return nil }
            return endpoint.port
        }
    }

    @Test("who is behind it opens many ports after the fast rounds, and calls three times")
    func calling() {
        var script = script(behind: symmetric(), to: fixed)
        _ = script.take()
        script.run(for: .milliseconds(400))
        #expect(script.take() == [])
        script.run(for: .seconds(15))
        let effects = script.take()
        #expect(effects.count { $0 == .search(node(2), own) } == 1)
        let calls = effects.filter { effect in
            guard case .tell(_, let told) = effect else { return false }
            return told.isSearching && told.hasHeard
        }
        #expect(calls.count == 3)
        // Again after a minute, then seldom.
        script.run(for: .seconds(3_600))
        #expect((5...8).contains(script.take().count { $0 == .search(node(2), own) }))
    }

    @Test("nobody searches where nothing is to be hit: an open gate, two fixed ones, two such ones")
    func hopeless() {
        var open = fixed
        open.filtering = .open
        for (mine, theirs) in [
            (symmetric(), open), (fixed, fixed), (symmetric(), symmetric()), (fixed, symmetric()),
            (symmetric(), Gate()), (Gate(), fixed),
        ] {
            var script = script(behind: mine, to: theirs)
            script.run(for: .seconds(600))
            #expect(!script.take().contains { if case .search = $0 { true } else { false } })
        }
    }

    @Test("who is called tries 1,024 different ports, 150 to 200 a second, and not again for 30 s")
    func trying() {
        var script = script(behind: fixed, to: symmetric())
        script.run(for: .seconds(60))
        _ = script.take()
        let call = PathMessage.Candidates(
            [],
            gate: symmetric(),
            hasHeard: true,
            isSearching: true
        )
        script.put(.received(call, from: node(2)))
        script.run(for: .seconds(1))
        let first = ports(script.take())
        #expect((150...200).contains(first.count))
        script.put(.received(call, from: node(2)))
        script.run(for: .seconds(9))
        let all = first + ports(script.take())
        #expect(all.count == PunchLimits.probesMax)
        #expect(Set(all).count == all.count && all.allSatisfy { $0 >= 1_024 })
        script.put(.received(call, from: node(2)))
        #expect(ports(script.take()) == [])
        script.run(for: .seconds(30))
        script.put(.received(call, from: node(2)))
        #expect(!ports(script.take()).isEmpty)
        script.put(.settled(node(2)))
        script.run(for: .seconds(10))
        #expect(script.take() == [])
    }

    @Test("the ports of one gate are tried at a time, and never by who is behind such a gate")
    func one() {
        var script = script(behind: fixed, to: symmetric())
        script.put(.relayed(node(3)))
        let call = PathMessage.Candidates(
            [],
            gate: symmetric(),
            hasHeard: true,
            isSearching: true
        )
        script.put(.received(call, from: node(2)))
        script.put(.received(call, from: node(3)))
        script.run(for: .seconds(10))
        #expect(
            !script.take().contains { if case .attempt(node(3), _) = $0 { true } else { false } }
        )
        var other = self.script(behind: symmetric(), to: fixed)
        _ = other.take()
        other.put(.received(call, from: node(2)))
        #expect(ports(other.take()) == [])
    }

    @Test(
        "the next ports of a gate that counts are tried in the fast rounds, and first when called"
    )
    func ahead() {
        var script = script(behind: fixed, to: symmetric(step: 2))
        let expected: [UInt16] = (1...16).map { 40_000 + 2 * $0 }
        #expect(ports(script.take()) == expected)
        script.run(for: .seconds(60))
        #expect(ports(script.take()) == expected + expected + expected + expected)
        let call = PathMessage.Candidates(
            [],
            gate: symmetric(step: 2),
            hasHeard: true,
            isSearching: true
        )
        script.put(.received(call, from: node(2)))
        script.run(for: .seconds(1))
        let first: [UInt16] = (1...100).map { 40_000 + 2 * $0 }
        #expect(Array(ports(script.take()).prefix(100)) == first)
    }

    @Test("ports begin anew behind the last one")
    func wrapping() {
        var gate = symmetric(step: 1)
        gate.seen = Endpoint(other.address, port: 65_530)
        var script = script(behind: fixed, to: gate)
        let next: [UInt16] = [65_531, 65_532, 65_533, 65_534, 65_535, 1_024, 1_025]
        #expect(Array(ports(script.take()).prefix(7)) == next)
    }

    @Test("what is learned of the own gate is told, too")
    func learning() {
        var script = script(behind: Gate(), to: fixed)
        script.run(for: .seconds(5))
        _ = script.take()
        script.gate = symmetric()
        script.run(for: .seconds(60))
        #expect(
            script.take().contains(.tell(node(2), .init([], gate: symmetric(), hasHeard: true)))
        )
    }
}
