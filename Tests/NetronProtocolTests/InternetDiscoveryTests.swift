// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronWire
internal import Testing

private let epoch = InternetScript.wall / InternetScript.hour

@Suite("Internet discovery: alone") struct InternetAloneTests {
    @Test("nothing is asked before the time is known, and everything at once when it is")
    func begins() {
        var script = InternetScript()
        script.run(for: 100)
        #expect(script.rounds == [])
        script.tell()
        #expect(script.announced == [epoch, epoch - 1])
        #expect(script.rounds == [100])
        #expect(script.effects.contains(.epoch(epoch)))
    }

    @Test("a node without a session looks again after 1, 2, 4, 8 s, and up to a minute")
    func backoff() {
        var script = InternetScript()
        script.tell()
        script.run(for: 600)
        let pauses = zip(script.rounds.dropFirst(), script.rounds).map { $0 - $1 }
        let expected = [1.0, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60, 60]
        for (pause, expected) in zip(pauses, expected) {
            #expect(pause > expected * 0.899 && pause < expected * 1.001)
        }
        #expect(pauses.count >= expected.count)
        #expect(script.sought.count == 2 * script.rounds.count)
    }

    @Test("what eight nodes took is announced again after a quarter of an hour, not before")
    func announcedAgain() {
        var script = InternetScript()
        script.tell()
        script.run(for: 800)
        #expect(script.announced == [epoch, epoch - 1])
        script.run(for: 110)
        #expect(script.announced.sorted() == [epoch - 1, epoch - 1, epoch, epoch])
    }

    @Test("what nobody took is announced again with the next round, and at least once a minute")
    func notTaken() {
        var script = InternetScript()
        script.dht = .empty
        script.tell()
        script.run(for: 6.9)
        #expect(script.announced.count == 6)
        script.run(for: 600)
        #expect(script.announced.count > 2 * 12)
    }

    @Test("what fewer than four nodes took is announced again after 5 min")
    func fewTook() {
        var script = InternetScript()
        script.dht = .takes(3)
        script.tell()
        script.run(for: 299)
        #expect(script.announced.count == 2)
        script.run(for: 70)
        #expect(script.announced.count == 4)
        var enough = InternetScript()
        enough.dht = .takes(4)
        enough.tell()
        enough.run(for: 370)
        #expect(enough.announced.count == 2)
    }

    @Test("a lookup that is under way is not doubled, and the round that it held up follows it")
    func busy() {
        var script = InternetScript()
        script.dht = .silent
        script.tell()
        script.run(for: 5)
        #expect(script.rounds == [0])
        for key in [epoch, epoch - 1].map(InternetScript.key) {
            script.put(.finished(key: key, announced: 8))
        }
        #expect(script.rounds == [0, 5])
    }

    @Test("a lookup of which nothing is heard is given up after 30 s")
    func lost() {
        var script = InternetScript()
        script.dht = .silent
        script.tell()
        script.run(for: 29)
        #expect(script.rounds == [0])
        script.run(for: 70)
        #expect(script.rounds.count >= 2)
    }

    @Test("one that is long alone looks every 5 min if it can be reached, else every minute")
    func lonely() {
        for (isReachable, count) in [(true, 30...50), (false, 120...150)] {
            var script = InternetScript()
            let own = isReachable ? "198.51.100.1" : "10.0.0.1"
            script.put(.addresses([InternetScript.address(own)]))
            script.put(.publicEndpoint(InternetScript.endpoint("198.51.100.1:7000")))
            script.tell()
            script.run(for: 1_000)
            script.forget()
            script.run(for: 7_200)
            #expect(count.contains(script.rounds.count), "\(script.rounds.count)")
        }
    }

    @Test("without a DHT nothing is announced, looked up, served or rested")
    func noDHT() {
        var script = InternetScript(usesDHT: false, isBootstrapNamed: true)
        script.tell()
        script.meet(2, isKnown: true)
        script.run(for: 7_200)
        let others = script.effects.filter { if case .epoch = $0 { false } else { true } }
        #expect(others == [])
    }

    @Test("a node that stopped does nothing more")
    func stopped() {
        var script = InternetScript()
        script.tell()
        script.put(.stopped)
        script.forget()
        script.run(for: 3_600)
        script.put(.networkChanged)
        #expect(script.effects == [])
    }
}

@Suite("Internet discovery: epochs") struct InternetEpochTests {
    @Test("the next epoch is announced from the middle of this one on, and told at its beginning")
    func turns() {
        var script = InternetScript()
        script.tell()
        // The script begins a tenth of an hour after the epoch did.
        script.run(for: 1_439)
        #expect(!script.announced.contains(epoch + 1))
        script.forget()
        script.run(for: 1)
        #expect(script.announced == [epoch + 1])
        script.run(for: 1_799)
        #expect(!script.effects.contains(.epoch(epoch + 1)))
        #expect(Set(script.sought) == [epoch, epoch + 1])
        script.run(for: 1)
        #expect(script.effects.contains(.epoch(epoch + 1)))
        script.forget()
        script.run(for: 1_799)
        #expect(Set(script.sought) == [epoch, epoch + 1])
    }

    @Test("one whose clock may be wrong looks in three epochs and announces in two")
    func untrusted() {
        var script = InternetScript()
        script.tell(isTrusted: false)
        script.run(for: 10)
        #expect(Set(script.sought) == [epoch - 1, epoch, epoch + 1])
        #expect(Set(script.announced) == [epoch - 1, epoch])
    }

    @Test("a clock 50 minutes off in either direction looks where one that is right announces")
    func off() {
        for begin in stride(from: 0.0, to: 3_600, by: 300) {
            var right = InternetScript()
            right.run(for: begin)
            right.tell()
            for off in [-50, 50] {
                var wrong = InternetScript()
                wrong.run(for: begin)
                wrong.tell(isTrusted: false, off: Int64(off) * 60_000)
                #expect(!Set(right.announced).isDisjoint(with: wrong.sought))
                #expect(!Set(wrong.announced).isDisjoint(with: right.sought))
            }
        }
    }

    @Test("when the time is corrected a node that is alone looks in the right places at once")
    func corrected() {
        var script = InternetScript()
        script.tell(isTrusted: false, off: -3 * Int64(InternetScript.hour))
        script.run(for: 300)
        script.forget()
        script.tell()
        #expect(script.announced == [epoch, epoch - 1])
        #expect(script.effects.contains(.epoch(epoch)))
        script.forget()
        script.tell(off: 1_000)
        #expect(script.effects == [])
    }
}

@Suite("Internet discovery: in the network") struct InternetMemberTests {
    @Test("a newcomer looks for 10 s after its first session, then rests")
    func newcomer() {
        var script = InternetScript()
        script.tell()
        script.meet(2, isKnown: false)
        script.run(for: 9.9)
        #expect(script.rounds.count > 2 && !script.effects.contains(.rest(true)))
        script.run(for: 0.1)
        #expect(script.effects.contains(.rest(true)))
        script.forget()
        script.run(for: 36_000)
        #expect(script.rounds == [])
    }

    @Test("who loses its last session looks at once, and upkeep is needed again")
    func lostAll() {
        var script = InternetScript.settled(isAnnouncer: false)
        script.lose(50)
        script.run(for: 100)
        #expect(script.effects.filter { $0 == .rest(false) } == [])
        script.forget()
        script.lose(51)
        #expect(script.announced.count == 2 && script.effects.contains(.rest(false)))
        script.run(for: 1)
        #expect(script.rounds.count == 2)
    }

    @Test("it says that it announces for as long as it does") func saysSo() {
        var script = InternetScript()
        #expect(!script.isAnnouncing)
        script.tell()
        #expect(script.isAnnouncing && !script.announced.isEmpty)
        script.meet(2, isKnown: true)
        #expect(!script.isAnnouncing)
        script.put(.announcers([InternetScript.member(1)]))
        #expect(script.isAnnouncing)
        script.put(.announcers([InternetScript.member(2)]))
        #expect(!script.isAnnouncing)
        script.lose(2)
        #expect(script.isAnnouncing)
        script.put(.stopped)
        #expect(!script.isAnnouncing)
        var other = InternetScript(usesDHT: false)
        other.tell()
        #expect(!other.isAnnouncing)
    }

    @Test("a session that comes and goes within seconds does not bring the search to its start")
    func flapping() {
        var script = InternetScript()
        script.tell()
        script.run(for: 200)
        script.forget()
        for _ in 0..<10 {
            script.meet(2, isKnown: true)
            script.run(for: 1)
            script.lose(2)
            script.run(for: 5)
        }
        #expect(script.rounds.count <= 2)
    }

    @Test("an announcer announces at once, and again every quarter of an hour in both epochs")
    func announcer() {
        var script = InternetScript.settled(isAnnouncer: false)
        script.put(.announcers([InternetScript.member(1)]))
        #expect(script.announced.count == 2 && script.effects.contains(.rest(false)))
        script.run(for: 36_000)
        // 40 quarters with two keys each, sooner by up to a tenth, and a new key each half hour.
        #expect((76...100).contains(script.announced.count), "\(script.announced.count)")
        script.forget()
        script.put(.announcers([InternetScript.member(2)]))
        #expect(script.effects.contains(.rest(true)))
        script.run(for: 7_200)
        #expect(script.rounds == [])
    }

    @Test("a hidden announcer looks every minute, one that can be reached every 10 min")
    func intervals() {
        var hidden = InternetScript.settled(isAnnouncer: true, isReachable: false)
        hidden.run(for: 36_000)
        #expect((1_200...1_400).contains(hidden.sought.count), "\(hidden.sought.count)")
        var unknown = InternetScript.settled(isAnnouncer: true, isReachable: nil)
        unknown.run(for: 36_000)
        #expect((1_200...1_400).contains(unknown.sought.count), "\(unknown.sought.count)")
        var open = InternetScript.settled(isAnnouncer: true, isReachable: true)
        open.run(for: 36_000)
        #expect((190...240).contains(open.sought.count), "\(open.sought.count)")
    }

    @Test("an announcer that turns out hidden does not wait for its long interval")
    func turnsHidden() {
        var script = InternetScript.settled(isAnnouncer: true, isReachable: true)
        script.put(.publicEndpoint(InternetScript.endpoint("198.51.100.99:7000")))
        script.run(for: 61)
        #expect(script.rounds.count >= 1)
    }

    @Test("the user's interval is that of an announcer that can be reached")
    func userInterval() {
        var script = InternetScript(interval: .seconds(100))
        script.put(.addresses([InternetScript.address("198.51.100.1")]))
        script.put(.publicEndpoint(InternetScript.endpoint("198.51.100.1:7000")))
        script.tell()
        script.meet(50, isKnown: true)
        script.put(.announcers([InternetScript.member(1)]))
        script.run(for: 600)
        script.forget()
        script.run(for: 3_600)
        #expect((34...48).contains(script.rounds.count), "\(script.rounds.count)")
    }

    @Test("who announces serves the DHT unless it is hidden, and all do where the user named it")
    func serves() {
        var script = InternetScript()
        script.tell()
        #expect(script.effects.contains(.serve(true)))
        script.put(.publicEndpoint(InternetScript.endpoint("198.51.100.1:7000")))
        #expect(script.effects.last == .serve(false))
        script.put(.addresses([InternetScript.address("198.51.100.1")]))
        #expect(script.effects.last == .serve(true))
        script.meet(2, isKnown: true)
        #expect(script.effects.last == .serve(false))

        var closed = InternetScript(isBootstrapNamed: true)
        #expect(closed.effects.contains(.serve(true)))
        closed.tell()
        closed.meet(2, isKnown: true)
        closed.put(.publicEndpoint(InternetScript.endpoint("198.51.100.1:7000")))
        closed.run(for: 3_600)
        #expect(!closed.effects.contains(.serve(false)))
    }

    @Test("a host that was asleep looks at once though its sessions seem to be up, then rests")
    func resumed() {
        var script = InternetScript.settled(isAnnouncer: false)
        script.put(.resumed)
        script.run(for: 12)
        #expect((3...6).contains(script.rounds.count))
        #expect(script.effects.last == .rest(true))
        script.forget()
        script.put(.resumed)
        #expect(script.rounds.count == 1)
    }

    @Test("a network that changes all the time makes a member look once in 5 min")
    func restless() {
        var script = InternetScript.settled(isAnnouncer: false)
        for _ in 0..<200 {
            script.put(.networkChanged)
            script.run(for: 1)
        }
        #expect(script.rounds.count <= 5)
        var alone = InternetScript()
        alone.tell()
        for _ in 0..<2_000 {
            alone.put(.networkChanged)
            alone.run(for: 0.1)
        }
        #expect(alone.rounds.count <= 202)
    }

    @Test("an announcer whose network changed announces anew, though not more than once in 5 min")
    func announcerMoves() {
        var script = InternetScript.settled(isAnnouncer: true)
        script.put(.networkChanged)
        #expect(script.announced.count == 2)
        for _ in 0..<280 {
            script.run(for: 1)
            script.put(.networkChanged)
        }
        #expect(script.announced.count <= 3)
        script.run(for: 21)
        #expect((4...5).contains(script.announced.count))
    }
}
