// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronWire
import Testing

@Suite("node: members that fall silent") struct NodeSilenceTests {
    /// With a neighbour, 3, that relays, and a member, 2, that is reached directly and says where.
    private func script() -> NodeScript {
        var script = NodeScript()
        _ = script.start()
        _ = script.after(.clock(wallMilliseconds: labEpoch, isTrusted: true))
        _ = script.join(3)
        _ = script.hear(.gossip(.neighbour(.high)), from: 3)
        script.learn(2, at: [outer(2), outer(7)], from: 3)
        _ = script.join(2)
        return script
    }

    /// The circuit to a member that another one is asked for.
    private func asked(_ effects: [NodeEffect], of relay: UInt8, to target: UInt8) -> CircuitID? {
        for case .path(.open(let opening)) in effects.messages(to: relay)
        where opening.target == node(target) {
            return opening.circuit
        }
        return nil
    }

    private func isDial(_ effect: NodeEffect) -> Bool {
        if case .dial = effect { true } else { false }
    }

    @Test("all its endpoints are tried, and a neighbour is asked for a circuit") func sought() {
        var script = script()
        let effects = script.after(.silent(node(2)))
        #expect(effects.contains(.tryPath(node(2), outer(2))))
        #expect(effects.contains(.tryPath(node(2), outer(7))))
        #expect(asked(effects, of: 3, to: 2) != nil)
        #expect(script.after(.silent(node(9))).isEmpty)
    }

    @Test("a circuit that comes is tried, and dialled by: the session may be given up there")
    func opened() throws {
        for hasMoved in [false, true] {
            var script = script()
            let circuit = try #require(asked(script.after(.silent(node(2))), of: 3, to: 2))
            if hasMoved { _ = script.after(.moved(node(2), outer(7))) }
            let out = try #require(CircuitID(9))
            let effects = script.hear(.path(.opened(circuit, by: out)), from: 3)
            let way = Endpoint(circuit)
            #expect(effects.contains(.tryPath(node(2), way)))
            #expect(effects.contains(.dial(way, node(2))) == !hasMoved)
        }
    }

    @Test("two circuits through one relay are no spare") func spare() throws {
        var script = script()
        _ = script.join(4)
        _ = script.hear(.gossip(.neighbour(.high)), from: 4)
        let first = try #require(asked(script.after(.silent(node(2))), of: 3, to: 2))
        _ = script.hear(.path(.opened(first, by: try #require(CircuitID(9)))), from: 3)
        _ = script.after(.moved(node(2), Endpoint(first)))
        // The other end opens one too, by the same relay.
        let opening = PathMessage.Opening(
            try #require(CircuitID(17)),
            from: node(2),
            to: node(me),
            through: [node(3)]
        )
        _ = script.hear(.path(.open(opening)), from: 3)
        let candidates = PathMessage.Candidates([outer(2)], hasHeard: true)
        _ = script.hear(.path(.candidates(candidates)), from: 2)
        #expect(asked(script.pass(.seconds(10)), of: 4, to: 2) != nil)
    }

    @Test("a circuit that led nowhere is not dialled by when the member is down")
    func ended() throws {
        var script = script()
        let circuit = try #require(asked(script.after(.silent(node(2))), of: 3, to: 2))
        _ = script.hear(.path(.opened(circuit, by: try #require(CircuitID(9)))), from: 3)
        _ = script.after(.moved(node(2), Endpoint(circuit)))
        var effects = script.after(.peerDown(node(2), .silent))
        #expect(effects.contains(.endCircuit(circuit)))
        effects += script.pass(.seconds(5))
        #expect(!effects.contains(.dial(Endpoint(circuit), node(2))))
        #expect(effects.contains(where: isDial))
    }
}
