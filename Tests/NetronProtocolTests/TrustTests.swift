// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronSimulator
import NetronWire
import Testing

/// More than a broadcast carries.
private let many = 0..<100

@Suite("trust objects that are told") struct TrustTellingTests {
    @Test("a small one is taken from a broadcast, kept and passed on, once") func small() {
        var script = TrustScript()
        let object = revoking(1...3, serial: 2)
        let (isPassedOn, effects) = script.judge(object.encoded())
        #expect(isPassedOn)
        #expect(effects == [.keep(object), .changed(object.head)])
        #expect(script.machine.shelf[node(200)] == object)
        // It may be news to those behind us, whom the overlay tells each thing once.
        #expect(script.judge(object.encoded()) == (true, []))
    }

    @Test(
        "what is older, forged, of another network or of a stranger is neither kept nor passed on"
    )
    func refusals() {
        var script = TrustScript()
        #expect(script.judge(revoking([1], serial: 5).encoded()).isPassedOn == true)
        var forged = revoking([1], serial: 6).encoded()
        forged[forged.count - 1] ^= 1
        let others = [
            revoking([1, 2], serial: 4).encoded(), forged,
            revoking([1], serial: 6, in: [8, 7, 6, 5, 4, 3, 2, 1]).encoded(),
            revoking([1], serial: 6, by: 202).encoded(),
            revoking([1], serial: 6, by: 202).head.bytes,
            Array(revoking([1], serial: 6).encoded().dropLast()), [4], [5], [6],
        ]
        for payload in others { #expect(script.judge(payload) == (false, [])) }
        #expect(script.machine.shelf.objects.map(\.serial) == [5])
        let counters = script.machine.counters
        #expect((counters.older, counters.forged, counters.strange) == (1, 5, 2))
    }

    @Test("a network without authorities says and hears nothing") func silence() {
        var script = TrustScript(authorities: [])
        let object = revoking([1], serial: 1)
        #expect(script.judge(object.encoded()) == (false, []))
        #expect(script.after(.neighbourUp(node(1))) == [])
        #expect(script.hear(.have([]), from: 1) == [])
        #expect(script.hear(.heads([object.head]), from: 1) == [])
        #expect(script.deadline == .never)
    }

    @Test("of a large one the head is passed on at once, and the rest pulled of who told of it")
    func large() {
        var script = TrustScript(neighbours: 1...3)
        let object = revoking(many, serial: 1)
        let (isPassedOn, effects) = script.judge(object.head.bytes, from: 2)
        #expect(isPassedOn)
        #expect(effects.asked == [node(2)])
        let seen = script.serve(object, effects)
        #expect(seen.contains(.keep(object)) && seen.contains(.changed(object.head)))
        #expect(script.machine.shelf[node(200)] == object)
        // Who waits for it asks here.
        #expect(seen.told == [node(1): [object.head], node(3): [object.head]])
        #expect(script.judge(object.head.bytes, from: 3) == (true, []))
    }

    @Test("a list of none needs no pulling") func empty() {
        var script = TrustScript(neighbours: 1...1)
        let object = revoking([], serial: 3)
        let (isPassedOn, effects) = script.judge(object.head.bytes)
        #expect(isPassedOn && effects.asked == [])
        #expect(script.machine.shelf[node(200)] == object)
    }

    @Test("who does not have it yet is asked again, and others too") func retries() {
        var script = TrustScript(neighbours: 1...3)
        let object = revoking(many, serial: 1)
        var (_, effects) = script.judge(object.head.bytes, from: 2)
        var asked: Set<NodeID> = []
        for _ in 0..<20 {
            for case .send(.chunks(.request(let request)), let peer) in effects {
                asked.insert(peer)
                effects = script.hear(
                    .chunks(.refused(handle: request.handle)),
                    from: peer.bytes[0]
                )
            }
            effects = script.pass(.seconds(1))
        }
        #expect(asked == [node(1), node(2), node(3)])
        #expect(script.serve(object, effects).contains(.keep(object)) == true)
    }

    @Test("who is silent, or goes, is not waited for") func silentPeers() {
        var script = TrustScript(neighbours: 1...2)
        let object = revoking(many, serial: 1)
        let (_, effects) = script.judge(object.head.bytes, from: 1)
        #expect(effects.asked == [node(1)])
        #expect(script.after(.neighbourDown(node(1))).asked == [])
        #expect(Set(script.pass(.seconds(2)).asked) == [node(2)])
        let later = script.pass(.seconds(120))
        #expect(later.asked.count { $0 == node(2) } > 3)
    }

    @Test("a newer head takes the place of one that is awaited, and not the other way round")
    func overtaking() {
        var script = TrustScript(neighbours: 1...2)
        let (old, new) = (revoking(many, serial: 1), revoking(many, serial: 2))
        _ = script.judge(old.head.bytes, from: 1)
        let (isPassedOn, effects) = script.judge(new.head.bytes, from: 2)
        #expect(isPassedOn && effects.asked == [node(2)])
        #expect(script.judge(old.head.bytes, from: 1) == (false, []))
        _ = script.serve(new, effects)
        #expect(script.machine.shelf[node(200)] == new)
    }

    @Test("a large one that is published is told by its head, a small one whole") func publishing()
    {
        var script = TrustScript(neighbours: 1...2)
        let small = revoking(0..<22, serial: 1)
        #expect(script.publish(small).contains(.broadcast(small.encoded())) == true)
        let large = revoking(0..<23, serial: 2)
        #expect(script.publish(large).contains(.broadcast(large.head.bytes)) == true)
        #expect(script.machine.shelf[node(200)] == large)
    }

    @Test("what could not be kept is tried again") func keeping() {
        var script = TrustScript()
        let object = revoking([1], serial: 1)
        _ = script.judge(object.encoded())
        #expect(script.after(.notKept(node(200))) == [])
        #expect(script.pass(.seconds(59)) == [])
        #expect(script.pass(.seconds(2)) == [.keep(object)])
        #expect(script.pass(.seconds(120)) == [])
    }

    @Test("an authority that signs two lists with one number is told, once") func doubled() {
        var script = TrustScript()
        let lists = [revoking([1], serial: 3), revoking([2], serial: 3), revoking([4], serial: 3)]
        let all = lists.flatMap { script.judge($0.encoded()).effects }
        #expect(all.count { $0 == .equivocated(node(200), serial: 3) } == 1)
        let greatest = lists.max { order(of: $0) < order(of: $1) }
        #expect(script.machine.shelf[node(200)] == greatest)
    }
}

@Suite("trust objects that are compared") struct TrustComparingTests {
    @Test("who meets a neighbour says what it has, and again once a minute") func rounds() {
        var script = TrustScript()
        let object = revoking([1], serial: 1)
        _ = script.judge(object.encoded())
        let have = TrustMessage.have([.init(node(200), order(of: object))])
        #expect(script.after(.neighbourUp(node(1))) == [.send(have, to: node(1))])
        let rounds = script.pass(.seconds(600))
        #expect((8...13).contains(rounds.count))
        #expect(rounds.allSatisfy { $0 == .send(have, to: node(1)) })
        _ = script.after(.neighbourDown(node(1)))
        #expect(script.pass(.seconds(600)) == [])
    }

    @Test("who has less gets heads, who has more is asked, who has the same gets nothing")
    func comparing() {
        var script = TrustScript(neighbours: 1...1)
        let (own, other) = (revoking([1], serial: 2), revoking([1], serial: 2, by: 201))
        _ = script.judge(own.encoded())
        #expect(script.hear(.have([]), from: 1) == [.send(.heads([own.head]), to: node(1))])
        let same = TrustMessage.Held(node(200), order(of: own))
        #expect(script.hear(.have([same]), from: 1) == [])
        let both = TrustMessage.have([same, .init(node(201), order(of: other))])
        #expect(script.hear(both, from: 1) == [.send(.want([node(201)]), to: node(1))])
        let newer = TrustMessage.Held(node(200), order(of: revoking([1], serial: 3)))
        #expect(script.hear(.have([newer]), from: 1) == [.send(.want([node(200)]), to: node(1))])
        let strange = TrustMessage.Held(node(199), order(of: other))
        #expect(
            script.hear(.have([strange]), from: 1) == [.send(.heads([own.head]), to: node(1))]
        )
        #expect(
            script.hear(.want([node(199), node(200)]), from: 1)
                == [.send(.heads([own.head]), to: node(1))]
        )
    }

    @Test("what a neighbour has is pulled, and the others are told") func pulling() {
        var script = TrustScript(neighbours: 1...3)
        let object = revoking(many, serial: 9)
        let effects = script.hear(.heads([object.head]), from: 1)
        #expect(effects.asked == [node(1)])
        let seen = script.serve(object, effects)
        #expect(seen.contains(.keep(object)))
        #expect(seen.told.keys.sorted() == [node(2), node(3)])
        #expect(!seen.contains { if case .broadcast = $0 { true } else { false } })
    }

    @Test("who says what nobody signed is not heard for a minute") func forging() {
        var script = TrustScript(neighbours: 1...1)
        let forged = revoking([1], serial: 1, in: [8, 7, 6, 5, 4, 3, 2, 1])
        #expect(script.hear(.heads([forged.head]), from: 1) == [])
        #expect(script.machine.counters.forged == 1)
        #expect(script.hear(.have([]), from: 1) == [])
        #expect(script.machine.counters.unheard == 1)
        script.now = script.now + .seconds(61)
        let object = revoking([1], serial: 1)
        #expect(script.hear(.heads([object.head]), from: 1).asked == [node(1)])
    }

    @Test("who gives other bytes than the head has the digest of is not heard") func wrongBytes() {
        var script = TrustScript(neighbours: 1...2)
        let (object, other) = (revoking(many, serial: 1), revoking(50..<150, serial: 1))
        let effects = script.hear(.heads([object.head]), from: 1)
        _ = script.serve(other, effects)
        #expect(script.machine.shelf.objects.isEmpty)
        #expect(script.machine.counters.forged == 1)
        // The other neighbour has it.
        let later = script.pass(.seconds(2))
        #expect(Set(later.asked) == [node(2)])
        #expect(script.serve(object, later).contains(.keep(object)) == true)
    }

    @Test("who speaks too often is not heard, and costs no answer") func flooding() {
        var script = TrustScript(neighbours: 1...1)
        _ = script.judge(revoking([1], serial: 1).encoded())
        let answers = (0..<200).flatMap { _ in script.hear(.have([]), from: 1) }
        #expect((1..<60).contains(answers.count))
        #expect(script.machine.counters.unheard > 100)
    }

    @Test("chunks are given of what is held, and nothing of what is not") func serving() {
        var script = TrustScript(neighbours: 1...1)
        let object = revoking(many, serial: 1)
        _ = script.publish(object)
        func request(_ digest: [UInt8]) -> TrustMessage {
            let key = node(200).bytes + digest.prefix(8)
            let name = ChunkObject(kind: 1, key: key)
            return .chunks(.request(.init(handle: 7, object: name, tag: 0, numbers: [0, 1])))
        }
        let given = script.hear(request(object.head.digest), from: 1)
        #expect(given.count == 2)
        let other = script.hear(request([UInt8](repeating: 0, count: 8)), from: 1)
        #expect(other == [.send(.chunks(.refused(handle: 7)), to: node(1))])
    }
}

@Suite("trust objects that are published or resumed") struct TrustCheckTests {
    private func refusal(_ bytes: [UInt8], _ script: TrustScript, wall: UInt64?) -> TrustRefusal? {
        do throws(TrustRefusal) {
            _ = try script.machine.check(bytes, wall: wall)
            return nil
        } catch {
            return error
        }
    }

    @Test("what may not be published is refused with its reason") func reasons() {
        var script = TrustScript()
        _ = script.publish(revoking(1...3, serial: 5))
        func check(_ object: TrustObject) -> TrustRefusal? {
            refusal(object.encoded(), script, wall: labEpoch)
        }
        #expect(refusal([4, 1], script, wall: labEpoch) == .malformed)
        #expect(check(revoking([1], serial: 9, by: 202)) == .stranger(node(202)))
        #expect(check(revoking([1], serial: 9, in: [8, 7, 6, 5, 4, 3, 2, 1])) == .forged)
        #expect(check(revoking(1...4, serial: 5)) == .older(than: 5))
        #expect(check(revoking(1...3, serial: 4)) == .older(than: 5))
        #expect(check(revoking(1...3, serial: 6)) == nil)
        #expect(check(revoking(1...3, serial: 5)) == nil)
    }

    @Test("what is not over may not be left out here, though all would take it") func leavingOut() {
        var script = TrustScript()
        _ = script.publish(revoking(1...3, serial: 5))
        let less = revoking([2], serial: 6)
        let refused = TrustRefusal.leavesOut(certificate(1), count: 2)
        let over = certificatesEnd + Presence.skewMilliseconds + 1
        #expect(refusal(less.encoded(), script, wall: labEpoch) == refused)
        #expect(refusal(less.encoded(), script, wall: over - 1) == refused)
        #expect(refusal(less.encoded(), script, wall: nil) == refused)
        #expect(refusal(less.encoded(), script, wall: over) == nil)
        #expect(script.judge(less.encoded()).isPassedOn == true)
        #expect(script.machine.shelf[node(200)] == less)
    }

    @Test("what an earlier life kept counts again, unless nobody signed it") func resuming() {
        var script = TrustScript()
        let object = revoking(1...3, serial: 5)
        #expect(script.machine.resume([1, 2, 3]) == false)
        #expect(script.machine.resume(revoking([1], serial: 9, by: 202).encoded()) == false)
        let foreign = revoking([1], serial: 9, in: [8, 7, 6, 5, 4, 3, 2, 1])
        #expect(script.machine.resume(foreign.encoded()) == false)
        #expect(script.machine.resume(object.encoded()) == true)
        #expect(script.machine.shelf.objects == [object])
    }
}
