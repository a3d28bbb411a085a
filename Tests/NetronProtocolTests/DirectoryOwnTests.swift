// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronWire
import Testing

@Suite("directory: the own statement") struct DirectoryOwnTests {
    private func fields(_ name: String, at port: UInt16 = 1) -> Presence.Fields {
        Presence.Fields(name: name, endpoints: [Endpoint(ip("192.0.2.1"), port: port)])
    }

    @Test("it is broadcast at once, and others believe it") func first() throws {
        var script = DirectoryScript()
        let statement = try #require(script.after(.own(fields("a"))).presences.first)
        #expect(statement.author == script.id)
        #expect(statement.order == .init(incarnation: labEpoch, version: 0))
        #expect(statement.name == "a")
        var other = DirectoryScript(many(1))
        #expect(other.judge(statement).verdict == .accept)
        #expect(script.directory.summary == other.directory.summary)
        #expect(script.after(.own(fields("a"))).isEmpty)
    }

    @Test("it changes five times at once, and then once a second with the last that was said")
    func burst() {
        var script = DirectoryScript()
        var cuts = 0
        for number in 0..<20 { cuts += script.after(.own(fields("\(number)"))).presences.count }
        #expect(cuts == 5)
        let late = script.pass(.seconds(1)).presences
        #expect(late.map(\.name) == ["19"])
        #expect(script.pass(.seconds(60)).presences.isEmpty)
    }

    @Test("endpoints alone are said every 10 s, all else at once") func paths() {
        var script = DirectoryScript()
        script.after(.own(fields("a", at: 1)))
        #expect(script.after(.own(fields("a", at: 2))).presences.isEmpty)
        #expect(script.pass(.milliseconds(9_999)).presences.isEmpty)
        #expect(script.pass(.milliseconds(1)).presences.map(\.endpoints.first?.port) == [2])
        script.after(.own(fields("a", at: 3)))
        #expect(script.after(.own(fields("b", at: 3))).presences.map(\.name) == ["b"])
    }

    @Test("it is renewed within half an hour, and its lease bridges a renewal that is lost")
    func renewal() throws {
        var script = DirectoryScript()
        let first = try #require(script.after(.own(fields("a"))).presences.first)
        #expect(script.pass(.seconds(26 * 60)).presences.isEmpty)
        let renewals = script.pass(.seconds(4 * 60)).presences
        #expect(renewals.map(\.order.version) == [1])
        #expect(renewals.allSatisfy { Presence.saySame($0.bytes, first.bytes) })
        #expect(first.lease == 2 * 1_800 + 600)
    }

    @Test("who is held says nothing, and then what it would have said some time ago")
    func held() throws {
        var script = DirectoryScript()
        script.directory.hold()
        #expect(script.after(.own(fields("a"))).isEmpty)
        #expect(script.after(.again).isEmpty && script.pass(.seconds(7_200)).isEmpty)
        let now = script.now
        let made = script.directory.statement(among: 10_000, at: now, wall: script.wall)
        let statement = try #require(made)
        #expect(statement.name == "a" && statement.order.version == 0)
        let age = script.wall - statement.time
        #expect(age <= 3_385_000 && statement.lease == 2 * 3_385 + 600)
        let others = (1...20).map { presence(of: many($0), time: script.wall, lease: 8_000) }
        let all = script.directory.shared(
            [statement] + others,
            epoch: nil,
            at: now,
            wall: script.wall
        )
        #expect(script.directory.liveCount == 0)
        script.directory.rest(with: all, at: now, wall: script.wall)
        #expect(script.directory.liveCount == 21)
        #expect(script.after(.timeout).isEmpty)
        // It is renewed when it would have been, as a statement of the same life.
        let left = Duration.milliseconds(3_385_000 - Int64(age))
        let renewals = script.pass(left).presences
        #expect(renewals.map(\.order) == [statement.order.next])
    }

    @Test("directories that share statements differ where one heard more")
    func sharing() throws {
        var one = DirectoryScript(many(1))
        var two = DirectoryScript(many(2))
        let all = (3...300).map { presence(of: many($0)) }
        let shared = one.directory.shared(all, epoch: 1, at: one.now, wall: one.wall)
        one.directory.rest(with: shared, at: one.now, wall: one.wall)
        two.directory.rest(with: shared, at: two.now, wall: two.wall)
        #expect(one.directory.summary == two.directory.summary)
        #expect(one.judge(presence(of: many(7), version: 1)).verdict == .accept)
        #expect(one.directory.record(of: many(7))?.order.version == 1)
        #expect(two.directory.record(of: many(7))?.order.version == 0)
        #expect(one.directory.summary != two.directory.summary)
        var grown = DirectoryScript(many(2))
        for presence in all { grown.judge(presence) }
        #expect(grown.directory.summary == two.directory.summary)
        // They go when their lease ends.
        two.after(.timeout)
        _ = two.pass(.seconds(4_200 + 180))
        #expect(two.directory.liveCount == 0)
    }

    @Test("in a large network it is renewed more seldom, so that all renewals fit the budget")
    func largeNetwork() throws {
        var script = DirectoryScript()
        for number in 1...8_000 { script.judge(presence(of: many(number), lease: 86_400)) }
        let statement = try #require(script.after(.own(fields("a"))).presences.first)
        let interval = script.directory.renewalInterval
        #expect(interval == .seconds(8_000 * 520 / 1_536))
        #expect(statement.lease == 2 * 2_708 + 600)
        let seven = interval * 7 / 8
        #expect(script.pass(seven - .seconds(1)).presences.isEmpty)
        #expect(script.pass(interval / 8 + .seconds(1)).presences.count == 1)
    }

    @Test("a million members renew within the budget, and of more a lease is as long as may be")
    func largestNetwork() throws {
        func lease(among count: Int) throws -> UInt32 {
            var script = DirectoryScript()
            script.directory.hold()
            script.after(.own(fields("a")))
            let (now, wall) = (script.now, script.wall)
            let said = script.directory.statement(among: count, at: now, wall: wall)
            return try #require(said).lease
        }
        #expect(try lease(among: 1_000_000) == UInt32(2 * (1_000_000 * 520 / 1_536) + 600))
        #expect(try lease(among: 1 << 24) == Presence.leaseMax)
    }

    @Test("who stops says so, and nothing more") func stopping() throws {
        var script = DirectoryScript()
        #expect(DirectoryScript(many(4)).directory.ownRecord == nil)
        script.after(.own(fields("a")))
        let last = try #require(script.after(.stopping).presences.first)
        #expect(last.isLeaving)
        #expect(last.order.version == 1)
        #expect(script.after(.own(fields("b"))).isEmpty)
        #expect(script.pass(.seconds(7_200)).isEmpty)
    }

    @Test("a second node with the same key is told of, and answered above its statement")
    func twin() throws {
        var script = DirectoryScript()
        script.after(.own(fields("a")))
        script.pass(.seconds(300))
        let twin = presence(
            of: script.id,
            version: 7,
            incarnation: script.wall - 1_000,
            time: script.wall,
            saying: fields("twin")
        )
        let (verdict, effects) = script.judge(twin)
        #expect(verdict == .refuse(.twin))
        #expect(effects.twins == [twin.order])
        let answer = try #require(effects.presences.first)
        #expect(answer.order > twin.order)
        #expect(answer.name == "a")
        // An escalation is not followed at any speed.
        let next = presence(
            of: script.id,
            version: 9,
            incarnation: script.wall - 1_000,
            time: script.wall,
            saying: fields("twin")
        )
        #expect(script.judge(next).effects.isEmpty)
        #expect(script.pass(.seconds(10)).presences.map { $0.order > next.order } == [true])
    }

    @Test("what an earlier life of the node said is no twin's, even if its clock was ahead")
    func earlierLife() throws {
        var script = DirectoryScript()
        script.after(.own(fields("a")))
        let old = presence(of: script.id, version: 3, incarnation: labEpoch - 5_000)
        #expect(script.judge(old).verdict == .known)
        let ahead = presence(
            of: script.id,
            version: 3,
            incarnation: labEpoch + 60_000,
            time: labEpoch + 60_000
        )
        let (verdict, effects) = script.judge(ahead)
        #expect(verdict == .refuse(.twin))
        #expect(effects.twins.isEmpty)
        #expect(effects.presences.first.map { $0.order > ahead.order } == true)
    }

    @Test("somebody else's statement in our name is forged, and not answered") func forged() {
        var script = DirectoryScript()
        script.after(.own(fields("a")))
        var bytes = presence(of: script.id, version: 9, incarnation: labEpoch + 1).bytes
        bytes[bytes.count - 1] ^= 1
        let (verdict, effects) = script.judge(bytes)
        #expect(verdict == .refuse(.forged))
        #expect(effects.isEmpty)
    }
}
