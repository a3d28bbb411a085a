// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronSimulator
import NetronWire
import Testing

@Suite("directory: statements") struct DirectoryTests {
    @Test("the same statements, in any order and however often, make the same directory")
    func merging() {
        var random = SeededRandom(seed: 11)
        for round in 0..<20 {
            var statements: [Presence] = []
            for number in 1...12 {
                for _ in 0..<Int.random(in: 1...4, using: &random) {
                    statements.append(some(number, with: &random))
                }
            }
            var merged = DirectoryScript()
            for statement in statements { merged.judge(statement) }
            for _ in 0..<4 {
                var other = DirectoryScript(seed: UInt64(round))
                let doubled = statements + statements.shuffled(using: &random).prefix(9)
                for statement in doubled.shuffled(using: &random) { other.judge(statement) }
                expectSame(merged, other)
            }
        }
    }

    /// A statement of few possible orders, so that many clash; some leave, some say otherwise.
    private func some(_ number: Int, with random: inout SeededRandom) -> Presence {
        presence(
            of: many(number),
            version: UInt32.random(in: 0...2, using: &random),
            incarnation: labEpoch - UInt64.random(in: 1...2, using: &random),
            isLeaving: Bool.random(using: &random),
            saying: .init(
                name: "host-\(Int.random(in: 0...1, using: &random))",
                claims: [.init(ip("10.0.0.\(Int.random(in: 1...3, using: &random))"), since: 5)]
            )
        )
    }

    private func expectSame(_ left: DirectoryScript, _ right: DirectoryScript) {
        #expect(left.directory.summary == right.directory.summary)
        #expect(left.directory.liveCount == right.directory.liveCount)
        for number in 1...12 {
            let (one, other) = (left.directory, right.directory)
            #expect(one.record(of: many(number)) == other.record(of: many(number)))
        }
        for last in 1...3 {
            let address = ip("10.0.0.\(last)")
            #expect(left.directory.holders(of: address) == right.directory.holders(of: address))
        }
    }

    @Test("a newer statement replaces, an older or equal one is known") func order() {
        var script = DirectoryScript()
        let id = many(1)
        #expect(script.judge(presence(of: id, version: 5)).verdict == .accept)
        #expect(script.judge(presence(of: id, version: 5)).verdict == .known)
        #expect(script.judge(presence(of: id, version: 4)).verdict == .known)
        #expect(script.judge(presence(of: id, version: 6)).verdict == .accept)
        let later = presence(of: id, version: 0, incarnation: labEpoch)
        #expect(script.judge(later).verdict == .accept)
        #expect(script.directory.record(of: id) == later)
        #expect(script.directory.liveCount == 1)
    }

    @Test("only what says something new is told") func changes() {
        var script = DirectoryScript()
        let id = many(1)
        #expect(script.judge(presence(of: id)).effects == [.changed(id)])
        #expect(script.judge(presence(of: id, version: 1)).effects.isEmpty)
        let other = presence(of: id, version: 2, saying: .init(name: "other"))
        #expect(script.judge(other).effects == [.changed(id)])
    }

    @Test("two minutes of skew are borne with, a millisecond more is not") func skew() {
        var script = DirectoryScript()
        let limit = labEpoch + Presence.skewMilliseconds
        #expect(script.judge(presence(of: many(1), time: limit)).verdict == .accept)
        let early = presence(of: many(2), time: limit + 1)
        #expect(script.judge(early).verdict == .refuse(.early))
        let future = presence(of: many(3), incarnation: limit + 1)
        #expect(script.judge(future).verdict == .refuse(.early))
        script.pass(.milliseconds(1))
        #expect(script.judge(early).verdict == .accept)
    }

    @Test("a statement goes at the minute after its lease and the skew, and is not taken again")
    func expiry() {
        var script = DirectoryScript()
        let id = many(1)
        let short = presence(of: id, lease: 600)
        script.judge(short)
        let end = labEpoch + 600_000 + Presence.skewMilliseconds
        let minute = (end / 60_000 + 1) * 60_000
        script.pass(.milliseconds(Int64(minute - labEpoch) - 1))
        #expect(script.directory.liveCount == 1)
        #expect(script.judge(short).verdict == .known)
        #expect(script.pass(.milliseconds(1)).changed == [id])
        #expect(script.directory.liveCount == 0)
        #expect(script.directory.record(of: id) == nil)
        #expect(script.judge(short).verdict == .refuse(.expired))
        #expect(script.directory.summary == DirectoryScript().directory.summary)
    }

    @Test("who left is known until its lease ends, so that older statements do not come back")
    func leaving() {
        var script = DirectoryScript()
        let id = many(1)
        let address = ip("10.0.0.1")
        let before = presence(
            of: id,
            saying: .init(name: "a", claims: [.init(address, since: 1)])
        )
        script.judge(before)
        #expect(script.directory.holders(of: address).map(\.id) == [id])
        let left = presence(of: id, version: 1, lease: 3_600, isLeaving: true)
        #expect(script.judge(left).effects.changed == [id])
        #expect(script.directory.liveCount == 0)
        #expect(!script.directory.isOnline(id))
        #expect(script.directory.standing(of: id) == .left)
        #expect(script.directory.holders(of: address).isEmpty)
        script.pass(.seconds(3_600))
        #expect(script.judge(before).verdict == .known)
        script.pass(.seconds(300))
        #expect(script.directory.standing(of: id) == nil)
        #expect(script.judge(presence(of: id, version: 2, time: script.wall)).verdict == .accept)
    }

    @Test("bytes that are no statement of ours are refused, and nothing stays of them")
    func hostile() throws {
        var script = DirectoryScript()
        let good = presence(of: many(1)).bytes
        for index in good.indices.dropFirst(2) {
            var bad = good
            bad[index] ^= 1
            guard case .refuse = script.judge(bad).verdict else {
                Issue.record("byte \(index) may be anything")
                return
            }
        }
        #expect(script.judge([]).verdict == .refuse(.unknown))
        #expect(script.judge([3] + good.dropFirst()).verdict == .refuse(.unknown))
        #expect(script.judge([1, 2] + good.dropFirst(2)).verdict == .refuse(.unknown))
        #expect(script.judge(Array(good.dropLast())).verdict == .refuse(.malformed))
        #expect(script.judge([1, 1]).verdict == .refuse(.malformed))
        let foreign = Presence.Draft(
            by: many(1),
            .init(incarnation: 1, version: 1),
            time: labEpoch,
            lease: 4_000,
            saying: .init(name: "")
        ).signed(by: .cheap(many(1)), network: [9, 9, 9, 9, 9, 9, 9, 9])
        #expect(script.judge(foreign).verdict == .refuse(.forged))
        #expect(script.directory.liveCount == 0)
    }

    @Test("an author is heard ten times at once, and then once a second") func flood() {
        var script = DirectoryScript()
        let id = many(1)
        var verdicts: [DirectoryVerdict] = []
        for version in 0..<20 {
            verdicts.append(script.judge(presence(of: id, version: UInt32(version))).verdict)
        }
        #expect(verdicts.filter { $0 == .accept }.count == 10)
        #expect(verdicts.last == .refuse(.tooOften))
        script.pass(.seconds(1))
        #expect(script.judge(presence(of: id, version: 100)).verdict == .accept)
        #expect(script.judge(presence(of: id, version: 101)).verdict == .refuse(.tooOften))
        // A forgery spends nothing of the author's.
        script.pass(.seconds(1))
        var forged = presence(of: id, version: 102).bytes
        forged[forged.count - 1] ^= 1
        #expect(script.judge(forged).verdict == .refuse(.forged))
        #expect(script.judge(presence(of: id, version: 103)).verdict == .accept)
    }

    @Test("addresses have the claimant with the earliest claim first, and few of many")
    func holders() {
        var script = DirectoryScript()
        let address = ip("10.0.0.1")
        for number in (1...40).reversed() {
            let claim = Hello.Claim(address, since: UInt64(number))
            let fields = Presence.Fields(name: "", claims: [claim])
            script.judge(presence(of: many(number), saying: fields))
        }
        let holders = script.directory.holders(of: address)
        #expect(holders.map(\.id) == (1...16).map(many))
        #expect(holders.map(\.since) == Array(1...16))
        script.judge(presence(of: many(1), version: 1))
        #expect(script.directory.holders(of: address).first?.id == many(2))
        let ula = Cryptography.cheap(many(7)).networkAddress(many(7))
        #expect(script.directory.member(withNetworkAddress: ula) == many(7))
        #expect(script.directory.member(withNetworkAddress: address) == nil)
    }

    @Test("pages list every member once") func pages() {
        var script = DirectoryScript()
        for number in 1...100 { script.judge(presence(of: many(number))) }
        var seen: [NodeID] = []
        var cursor: Int? = 0
        while let start = cursor {
            let page = script.directory.members(from: start, count: 7)
            #expect(page.ids.count <= 7)
            seen += page.ids
            cursor = page.next
        }
        #expect(seen.sorted() == (1...100).map(many).sorted())
    }

    @Test("coming and going by the thousand leaves nothing behind") func churn() {
        var script = DirectoryScript()
        var leases: [Int: UInt32] = [:]
        var random = SeededRandom(seed: 2)
        for number in 1...600 {
            let lease = UInt32.random(in: 1...20, using: &random) * 60
            leases[number] = lease
            let fields = usualFields(number)
            script.judge(presence(of: many(number), lease: lease, saying: fields))
        }
        for minutes in 1...25 {
            script.pass(.seconds(60))
            let limit = labEpoch + UInt64(minutes) * 60_000
            for number in 1...600 {
                let end = labEpoch + UInt64(leases[number] ?? 0) * 1_000 + 120_000
                let isHere = (end / 60_000 + 1) * 60_000 > limit
                let id = many(number)
                guard (script.directory.record(of: id) != nil) == isHere,
                    script.directory.isOnline(id) == isHere,
                    script.directory.holders(of: claimed(number)).map(\.id) == (isHere ? [id] : [])
                else {
                    Issue.record("member \(number) after \(minutes) minutes")
                    return
                }
            }
        }
        #expect(script.directory.liveCount == 0)
        #expect(script.directory.summary == DirectoryScript().directory.summary)
    }

    private func claimed(_ number: Int) -> IPAddress { ip("10.0.\(number >> 8).\(number & 255)") }

    @Test("those announce whose hash is lowest, reachable ones first, and only while online")
    func announcers() {
        var script = DirectoryScript()
        for number in 1...100 {
            let fields = Presence.Fields(name: "", isReachable: number <= 3)
            script.judge(presence(of: many(number), saying: fields))
        }
        let first = script.directory.announcers(epoch: 1)
        #expect(first.count == 8)
        #expect(Set(first.prefix(3)) == Set((1...3).map(many)))
        #expect(script.directory.announcers(epoch: 2) != first)
        // Everybody computes the same, whatever it heard first.
        var other = DirectoryScript()
        #expect(other.directory.announcers(epoch: 1).isEmpty)
        for number in (1...100).reversed() {
            let fields = Presence.Fields(name: "", isReachable: number <= 3)
            other.judge(presence(of: many(number), saying: fields))
        }
        #expect(other.directory.announcers(epoch: 1) == first)
        // One after the other goes, until all were looked for again.
        var gone: [NodeID] = []
        for _ in 0..<60 {
            guard let next = other.directory.announcers(epoch: 1).first else { break }
            gone.append(next)
            other.judge(presence(of: next, version: 1, isLeaving: true))
        }
        #expect(Set(gone).count == 60)
        #expect(Array(gone.prefix(8)) == first)
        let rest = other.directory.announcers(epoch: 1)
        #expect(rest.count == 8 && Set(rest).isDisjoint(with: gone))
    }
}
