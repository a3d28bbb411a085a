// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronWire
import Testing

@Suite("node: rumors") struct NodeRumorTests {
    private let accuser = node(3)

    /// A node with two neighbours, 1 and 2, that knows the accuser.
    private func script() -> NodeScript {
        var script = NodeScript()
        _ = script.start()
        _ = script.after(.clock(wallMilliseconds: labEpoch, isTrusted: true))
        for number in UInt8(1)...2 {
            _ = script.join(number)
            _ = script.hear(.gossip(.neighbour(.high)), from: number)
            _ = script.hear(.gossip(.answer(isAccepted: true)), from: number)
        }
        let statement = Presence.Draft(
            by: accuser,
            .init(incarnation: labEpoch, version: 0),
            time: labEpoch,
            lease: 3_600,
            saying: .init(name: "accuser")
        ).signed(by: weakCryptography(of: accuser), network: weakNetwork)
        #expect(passedOn(statement.bytes, in: &script) == [statement.bytes])
        return script
    }

    private func suspicion(of accused: NodeID) -> [UInt8] {
        Suspicion(
            of: accused,
            .init(incarnation: labEpoch, version: 0),
            by: accuser,
            at: labEpoch,
            with: (weakCryptography(of: accuser), weakNetwork)
        ).bytes
    }

    /// What 2 is told because of what 1 told.
    private func passedOn(_ payload: [UInt8], in script: inout NodeScript) -> [[UInt8]] {
        var effects: [NodeEffect] = []
        let message = Message.gossip(.gossip(Rumor(payload, hops: 1))).encoded()
        script.machine.handle(.received(from: node(1), message), at: script.now, into: &effects)
        return effects.messages(to: 2).compactMap {
            if case .gossip(.gossip(let rumor)) = $0 { rumor.payload } else { nil }
        }
    }

    @Test("a suspicion of somebody who is not known here yet goes on, once") func outran() {
        var script = script()
        let bytes = suspicion(of: node(4))
        #expect(passedOn(bytes, in: &script) == [bytes])
        #expect(passedOn(bytes, in: &script).isEmpty)
        #expect(script.machine.record(of: node(4)) == nil)
    }

    @Test("what is not signed by its author goes no further") func forged() {
        var script = script()
        var bytes = suspicion(of: node(4))
        bytes[bytes.count - 1] ^= 1
        #expect(passedOn(bytes, in: &script).isEmpty)
    }
}
