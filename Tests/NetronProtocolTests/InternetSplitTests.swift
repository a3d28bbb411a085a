// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronWire
internal import Testing

@Suite("Internet discovery: splits") struct InternetSplitTests {
    @Test("a member that the directory does not know 5 s after it was met is of another part")
    func split() {
        var script = InternetScript.settled(isAnnouncer: true)
        script.meet(9, isKnown: false)
        script.run(for: 4.9)
        #expect(script.joins == [])
        script.run(for: 0.1)
        #expect(script.joins == [InternetScript.member(9)])
        script.run(for: 3_600)
        #expect(script.joins.count == 1)
    }

    @Test("both sides join, whoever of the two contacted the other")
    func bothSides() {
        for isAnnouncer in [true, false] {
            var script = InternetScript.settled(isAnnouncer: isAnnouncer)
            script.meet(9, isKnown: false)
            script.run(for: 10)
            #expect(script.joins == [InternetScript.member(9)])
        }
    }

    @Test("a newcomer of whom the directory tells in time is none, nor one that is gone by then")
    func newcomer() {
        var script = InternetScript.settled(isAnnouncer: true)
        script.meet(9, isKnown: false)
        script.meet(10, isKnown: false)
        script.run(for: 3)
        script.put(.learned(InternetScript.member(9)))
        script.lose(10)
        script.run(for: 100)
        #expect(script.joins == [])
    }

    @Test("who is known joins nobody, and neither does who has met nobody before")
    func harmless() {
        var known = InternetScript.settled(isAnnouncer: true)
        known.meet(9, isKnown: true)
        known.run(for: 100)
        #expect(known.joins == [])
        var fresh = InternetScript()
        fresh.tell()
        fresh.meet(9, isKnown: false)
        fresh.run(for: 100)
        #expect(fresh.joins == [])
    }

    @Test("two parts that meet within seconds of their making join too")
    func young() {
        var script = InternetScript()
        script.tell()
        script.meet(2, isKnown: false)
        script.run(for: 2)
        script.meet(9, isKnown: false)
        script.run(for: 10)
        #expect(script.joins == [InternetScript.member(9)])
    }

    @Test("one member is joined once a minute, however often it comes and goes")
    func flapping() {
        var script = InternetScript.settled(isAnnouncer: true)
        for _ in 0..<60 {
            script.meet(9, isKnown: false)
            script.run(for: 6)
            script.lose(9)
        }
        #expect((5...7).contains(script.joins.count), "\(script.joins.count)")
    }

    @Test("of a thousand unknown members that come at once 64 are joined")
    func flood() {
        var script = InternetScript.settled(isAnnouncer: true)
        for number in 1_000..<2_000 { script.meet(number, isKnown: false) }
        script.run(for: 10)
        #expect(script.joins.count == 64)
    }

    @Test("what became of an unknown member is looked at again with the next lookup")
    func notJoined() {
        var script = InternetScript.settled(isAnnouncer: true)
        let epoch = InternetScript.wall / InternetScript.hour + 2
        let found = InternetEvent.found(
            key: InternetScript.key(of: epoch),
            [InternetScript.outer(9)]
        )
        script.put(found)
        script.meet(9, isKnown: false)
        script.lose(9)
        script.run(for: 61)
        script.put(found)
        #expect(script.found.count == 2)
    }
}
