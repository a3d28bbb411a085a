// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronWire
import Testing

@Suite("directory: suspicions") struct DirectorySuspicionTests {
    private let accuser = many(1)
    private let accused = many(2)

    private func suspicion(
        of accused: NodeID,
        by accuser: NodeID,
        version: UInt32 = 0,
        time: UInt64 = labEpoch
    ) -> [UInt8] {
        Suspicion(
            of: accused,
            .init(incarnation: labEpoch - 1_000, version: version),
            by: accuser,
            at: time,
            with: (.cheap(accuser), network)
        ).bytes
    }

    private func script(_ id: NodeID = many(0)) -> DirectoryScript {
        var script = DirectoryScript(id)
        script.judge(presence(of: accuser))
        script.judge(presence(of: accused))
        return script
    }

    @Test("who is accused and does not answer is offline after 30 s, and still a member")
    func unanswered() {
        var script = script()
        let (verdict, effects) = script.judge(suspicion(of: accused, by: accuser))
        #expect(verdict == .accept)
        #expect(effects == [.changed(accused)])
        #expect(script.directory.standing(of: accused) == .suspect)
        #expect(script.directory.isOnline(accused))
        #expect(script.pass(DirectoryLimits.suspicionTimeout - .milliseconds(1)).isEmpty)
        #expect(script.pass(.milliseconds(1)) == [.changed(accused)])
        #expect(!script.directory.isOnline(accused))
        #expect(script.directory.liveCount == 2)
        #expect(script.directory.onlineCount == 1)
        // It comes back with a newer statement.
        #expect(script.judge(presence(of: accused, version: 1)).effects == [.changed(accused)])
        #expect(script.directory.isOnline(accused))
        #expect(script.directory.onlineCount == 2)
    }

    @Test("a newer statement refutes, and a suspicion of the older one is no news") func refuted() {
        var script = script()
        let bytes = suspicion(of: accused, by: accuser)
        script.judge(presence(of: accused, version: 1))
        #expect(script.judge(bytes).verdict == .known)
        let newer = suspicion(of: accused, by: accuser, version: 1)
        #expect(script.judge(newer).verdict == .accept)
        #expect(script.judge(newer).verdict == .known)
        script.judge(presence(of: accused, version: 2))
        #expect(script.pass(.seconds(120)).isEmpty)
        #expect(script.directory.standing(of: accused) == .online)
    }

    @Test("this node refutes at once when it is accused") func ownRefutation() throws {
        var script = script()
        let own = try #require(script.after(.own(.init(name: "me"))).presences.first)
        let bytes = Suspicion(
            of: script.id,
            own.order,
            by: accuser,
            at: labEpoch,
            with: (.cheap(accuser), network)
        ).bytes
        let (verdict, effects) = script.judge(bytes)
        #expect(verdict == .accept)
        #expect(effects.presences.first.map { $0.order > own.order } == true)
        #expect(script.directory.isOnline(script.id))
        script.pass(.seconds(120))
        #expect(script.directory.isOnline(script.id))
    }

    @Test("this node accuses whom it cannot reach, once") func ownSuspicion() throws {
        var script = script()
        #expect(script.after(.unreachable(accused)).isEmpty)
        script.after(.own(.init(name: "me")))
        let effects = script.after(.unreachable(accused))
        let bytes = try #require(effects.broadcasts.first)
        #expect(script.after(.unreachable(accused)).isEmpty)
        #expect(script.after(.unreachable(many(77))).isEmpty)
        #expect(script.after(.unreachable(script.id)).isEmpty)
        var other = self.script(many(3))
        #expect(other.judge(bytes).verdict == .refuse(.stranger))
        other.judge(try #require(script.directory.ownRecord))
        #expect(other.judge(bytes).verdict == .accept)
    }

    @Test("a suspicion counts only from a member, now, about what is known, and signed")
    func refused() {
        var script = script()
        #expect(script.judge(suspicion(of: accused, by: many(9))).verdict == .refuse(.stranger))
        let early = suspicion(of: accused, by: accuser, time: labEpoch + 120_001)
        #expect(script.judge(early).verdict == .refuse(.early))
        let late = suspicion(of: accused, by: accuser, time: labEpoch - 120_001)
        #expect(script.judge(late).verdict == .refuse(.expired))
        var forged = suspicion(of: accused, by: accuser)
        forged[forged.count - 1] ^= 1
        #expect(script.judge(forged).verdict == .refuse(.forged))
        #expect(script.judge(forged + [1]).verdict == .refuse(.malformed))
        #expect(script.directory.standing(of: accused) == .online)
        script.judge(presence(of: accused, version: 1, isLeaving: true))
        let gone = suspicion(of: accused, by: accuser, version: 1)
        #expect(script.judge(gone).verdict == .known)
    }

    @Test("a suspicion that outran the statement that it doubts goes on, and is not taken in")
    func outran() {
        var script = script()
        for bytes in [
            suspicion(of: accused, by: accuser, version: 1), suspicion(of: many(9), by: accuser),
        ] {
            let (verdict, effects) = script.judge(bytes)
            #expect(verdict == .relay)
            #expect(effects.isEmpty)
        }
        #expect(script.directory.standing(of: accused) == .online)
        #expect(script.pass(.seconds(121)).isEmpty)
        // Others than members are not heard, nor is what is forged or old.
        let stranger = suspicion(of: many(9), by: many(8), time: script.wall)
        #expect(script.judge(stranger).verdict == .refuse(.stranger))
        var forged = suspicion(of: many(9), by: accuser, time: script.wall)
        forged[forged.count - 1] ^= 1
        #expect(script.judge(forged).verdict == .refuse(.forged))
        let late = suspicion(of: many(9), by: accuser)
        #expect(script.judge(late).verdict == .refuse(.expired))
    }

    @Test("what outran is of the accuser's dozen a minute") func outranTooOften() {
        var script = script()
        let verdicts = (10..<40).map {
            script.judge(suspicion(of: many($0), by: accuser)).verdict
        }
        #expect(verdicts.filter { $0 == .relay }.count == 12)
        #expect(verdicts.last == .refuse(.tooOften))
        let known = suspicion(of: accused, by: accuser)
        #expect(script.judge(known).verdict == .refuse(.tooOften))
    }

    @Test("an accuser is heard a dozen times a minute, a member is accused twice a minute")
    func flood() {
        var script = script()
        for number in 10..<40 { script.judge(presence(of: many(number))) }
        let verdicts = (10..<40).map {
            script.judge(suspicion(of: many($0), by: accuser)).verdict
        }
        #expect(verdicts.filter { $0 == .accept }.count == 12)
        #expect(verdicts.last == .refuse(.tooOften))
        script.pass(.seconds(5))
        let later = suspicion(of: many(39), by: accuser, time: script.wall)
        #expect(script.judge(later).verdict == .accept)

        script.judge(presence(of: many(10), version: 1))
        let again = suspicion(of: many(10), by: accused, version: 1, time: script.wall)
        #expect(script.judge(again).verdict == .refuse(.tooOften))
        script.pass(.seconds(25))
        #expect(script.judge(again).verdict == .accept)
    }
}
