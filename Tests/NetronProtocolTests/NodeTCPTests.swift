// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronWire
import Testing

@Suite("node: members by TCP") struct NodeTCPTests {
    private func script(_ contacts: String..., dialsTCP: Bool = true) -> NodeScript {
        var script = NodeScript()
        var own = introduction(of: me, contacts: contacts.map { contact($0) })
        own.dialsTCP = dialsTCP
        _ = script.after(.started(own))
        return script
    }

    private func tcp(_ number: UInt8) -> Endpoint { outer(number).by(.tcp) }

    @Test("a member that does not answer by UDP is dialled there by TCP too, once for each dial")
    func fallback() {
        var script = script()
        #expect(script.after(.discovered(outer(2), node(2))) == [dial(2)])
        #expect(script.pass(NodeLimits.tcpAfter - .milliseconds(1)).dials.isEmpty)
        #expect(script.pass(.milliseconds(1)).dials == [.dial(tcp(2), node(2))])
        #expect(script.pass(.seconds(20)).dials.isEmpty)
        // Only when both have failed it is tried anew.
        #expect(script.after(.dialFailed(outer(2), node(2))).isEmpty)
        #expect(script.pass(.seconds(5)).dials.isEmpty)
        #expect(script.after(.dialFailed(tcp(2), node(2))).isEmpty)
        #expect(script.pass(.seconds(1)).dials == [dial(2)])
        #expect(script.pass(NodeLimits.tcpAfter).dials == [.dial(tcp(2), node(2))])
    }

    @Test("who answers by UDP in time is not dialled by TCP") func answered() {
        var script = script()
        _ = script.after(.discovered(outer(2), node(2)))
        _ = script.up(2)
        #expect(script.pass(.seconds(10)).dials.isEmpty)
    }

    @Test("nobody is dialled by TCP who is not known, nor where it is turned off")
    func others() {
        var known = script()
        _ = known.after(.discovered(outer(2), nil))
        #expect(known.pass(.seconds(10)).dials.isEmpty)
        var off = script("192.0.2.3:7000", dialsTCP: false)
        _ = off.after(.discovered(outer(2), node(2)))
        _ = off.after(.resolved(contact("192.0.2.3:7000"), [outer(3)]))
        #expect(
            off.pass(.milliseconds(3500)).dials.allSatisfy { effect in
                if case .dial(let endpoint, _) = effect { !endpoint.isTCP } else { false }
            }
        )
        #expect(off.after(.discovered(tcp(9), node(9))).isEmpty)
    }

    @Test("a contact is dialled by both, or by TCP alone") func contacts() {
        var both = script("192.0.2.2:7000")
        let effects = both.after(.resolved(contact("192.0.2.2:7000"), [outer(2)]))
        #expect(effects == [.dial(outer(2), nil)])
        #expect(both.pass(NodeLimits.tcpAfter).dials.contains(.dial(tcp(2), nil)))
        // Then it is found, and not resolved any more.
        _ = both.up(2, at: tcp(2))
        #expect(!both.pass(.seconds(60)).contains(.resolve(contact("192.0.2.2:7000"))))

        var alone = script("tcp://192.0.2.2:7000")
        let dials = alone.after(.resolved(contact("tcp://192.0.2.2:7000"), [outer(2)]))
        #expect(dials == [.dial(tcp(2), nil)])
    }

    @Test("where a connection came from is not told to anybody, nor dialled") func incoming() {
        var script = script()
        let from = endpoint("192.0.2.2:51234").by(.tcpIn)
        let effects =
            script.up(2, at: from) + script.hear(.hello(hello()), from: 2)
            + script.hear(.observed(.nowhere), from: 2)
        #expect(effects.messages(to: 2).contains(.observed(.nowhere)))
        #expect(script.after(.discovered(from, node(9))).isEmpty)
        #expect(script.after(.peerDown(node(2), .silent)).dials.isEmpty)
        #expect(script.pass(.seconds(60)).dials.isEmpty)
    }

    @Test("where there is a connection ways by UDP are sought, and no circuits") func ways() {
        var script = script()
        _ = script.join(3)
        let first = script.up(2, at: tcp(2))
        #expect(isTold(first))
        let candidates = PathMessage.candidates(.init([outer(2)], hasHeard: true))
        _ = script.hear(.path(candidates), from: 2)
        let later = script.pass(.seconds(30))
        #expect(later.contains(.tryPath(node(2), outer(2))))
        #expect(!later.contains { if case .circuit = $0 { true } else { false } })
        // Then it is reached by UDP, and that was it.
        _ = script.after(.moved(node(2), outer(2)))
        #expect(!script.pass(.seconds(300)).contains(.tryPath(node(2), outer(2))))
    }

    @Test("who is reached through others is sought by TCP too, if strangers may reach it")
    func better() throws {
        for (isReachable, mapping) in [
            (true, NATMapping.endpointIndependent), (false, .none), (false, .unknown),
        ] {
            let isSought = isReachable || mapping == .none
            var script = script()
            _ = script.after(.clock(wallMilliseconds: labEpoch, isTrusted: true))
            _ = script.join(3)
            _ = script.hear(.gossip(.neighbour(.high)), from: 3)
            script.learn(2, at: [outer(2)], isReachable: isReachable, from: 3)
            _ = script.up(2, at: Endpoint(try #require(CircuitID(7))))
            let gate = Gate(mapping: mapping, filtering: .unknown, seen: .nowhere)
            let candidates = PathMessage.Candidates([outer(2)], gate: gate, hasHeard: true)
            _ = script.hear(.path(.candidates(candidates)), from: 2)
            let later = script.pass(.seconds(30))
            #expect(later.contains(.tryPath(node(2), outer(2))))
            #expect(later.contains(.tryPath(node(2), tcp(2))) == isSought)
            // Then there is nothing to be sought but a way by UDP.
            _ = script.after(.moved(node(2), tcp(2)))
            #expect(!script.pass(.seconds(300)).contains(.tryPath(node(2), tcp(2))))
        }
    }

    /// Whether candidates were said.
    private func isTold(_ effects: [NodeEffect]) -> Bool {
        effects.messages(to: 2).contains {
            if case .path(.candidates) = $0 { true } else { false }
        }
    }
}
