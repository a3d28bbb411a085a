// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronWire
internal import Testing

private let ids = (0..<10).map { GossipWorld.id($0) }

/// Who was asked to probe whom, and by which number.
private func requests(_ effects: [GossipEffect]) -> [(prober: NodeID, number: UInt32, Hint)] {
    effects.compactMap {
        guard case .send(.probeRequest(let number, let hint), let id) = $0 else { return nil }
        return (id, number, hint)
    }
}

private func friends(_ count: Int) -> GossipScript {
    var script = GossipScript()
    for number in 1...count { script.befriend(number) }
    return script
}

@Suite("failure detector") struct DetectorTests {
    @Test("three others are asked, and one that finds it silent too is enough") func accusing() {
        var script = friends(5)
        script.give(.sessionDown(ids[1], .silent))
        let asked = requests(script.effects)
        #expect(asked.count == GossipLimits.probersMax)
        #expect(asked.allSatisfy { $0.2 == GossipWorld.hint(1) && $0.prober != ids[1] })
        let answer = GossipMessage.probeAnswer(number: asked[0].number, isAlive: false)
        script.give(.received(answer, from: asked[0].prober))
        #expect(!script.effects.contains(.unreachable(ids[1])))
        #expect(script.pass(.seconds(60)).filter { $0 == .unreachable(ids[1]) }.count == 1)
    }

    @Test("who is heard by one is not accused, and is dialled again later") func heard() {
        var script = friends(3)
        script.give(.sessionDown(ids[1], .silent))
        let asked = requests(script.effects)
        for (index, request) in asked.enumerated() {
            let answer = GossipMessage.probeAnswer(number: request.number, isAlive: index == 1)
            script.give(.received(answer, from: request.prober))
        }
        let later = script.pass(.seconds(60))
        #expect(!later.contains(.unreachable(ids[1])))
        #expect(later.contains(.connect(ids[1], [GossipWorld.endpoint(1)])))
    }

    @Test("when nobody answers, nobody is accused and the health is worse") func cutOff() {
        var script = friends(5)
        script.give(.sessionDown(ids[1], .silent))
        let later = script.pass(.seconds(120))
        #expect(!later.contains(.unreachable(ids[1])))
        #expect(script.machine.illHealth == 1)
    }

    @Test("when most go silent at once, one witness is not enough") func many() {
        var script = friends(5)
        for number in 1...3 { script.give(.sessionDown(ids[number], .silent)) }
        #expect(script.machine.illHealth > 0)
        let asked = requests(script.effects)
        let answer = GossipMessage.probeAnswer(number: asked[0].number, isAlive: false)
        script.give(.received(answer, from: asked[0].prober))
        #expect(!script.pass(.seconds(300)).contains(.unreachable(ids[3])))
    }

    @Test("who said goodbye is not looked for") func goodbye() {
        var script = friends(3)
        script.give(.sessionDown(ids[1], .goodbye))
        #expect(requests(script.effects).isEmpty)
        #expect(!script.pass(.seconds(60)).contains(.unreachable(ids[1])))
    }

    @Test("a member that is back is not accused") func back() {
        var script = friends(4)
        script.give(.sessionDown(ids[1], .silent))
        let asked = requests(script.effects)
        script.give(.sessionUp(ids[1], GossipWorld.endpoint(1)))
        for request in asked {
            let answer = GossipMessage.probeAnswer(number: request.number, isAlive: false)
            script.give(.received(answer, from: request.prober))
            #expect(!script.effects.contains(.unreachable(ids[1])))
        }
    }

    @Test("with a session a probe answers, without one a dial does") func probing() {
        var script = friends(2)
        script.give(.sessionUp(ids[5], GossipWorld.endpoint(5)))
        script.hear(.probeRequest(number: 7, GossipWorld.hint(5)), from: 1)
        #expect(script.effects.contains(.probe(ids[5])))
        script.give(.probed(ids[5], isAlive: true))
        #expect(script.sent(to: 1) == [.probeAnswer(number: 7, isAlive: true)])
        script.hear(.probeRequest(number: 8, GossipWorld.hint(6)), from: 2)
        #expect(script.effects.contains(.connect(ids[6], [GossipWorld.endpoint(6)])))
        script.give(.connectFailed(ids[6]))
        #expect(script.sent(to: 2) == [.probeAnswer(number: 8, isAlive: false)])
    }

    @Test("probes for others are bounded, and only neighbours may ask") func bounded() {
        var script = friends(2)
        var begun = 0
        for number in 0..<100 {
            script.hear(
                .probeRequest(number: UInt32(number), GossipWorld.hint(100 + number)),
                from: 1
            )
            begun += script.effects.count { if case .connect = $0 { true } else { false } }
        }
        #expect(begun == GossipLimits.probesBurst)
        script.hear(.probeRequest(number: 5, GossipWorld.hint(7)), from: 8)
        #expect(script.effects.isEmpty)
        _ = script.pass(GossipLimits.probeAnsweredAfter)
        #expect(script.machine.sizes.probes == 0)
    }
}
