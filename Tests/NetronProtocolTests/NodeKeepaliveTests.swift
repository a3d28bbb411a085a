// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronWire
import Testing

@Suite("node: how long a session may be silent") struct NodeKeepaliveTests {
    private typealias Keepalive = PathMessage.Keepalive

    /// What a member hears of it, and what the packet core is told.
    private struct Said {
        var messages: [Keepalive] = []
        var settings: [KeepaliveSetting] = []
    }

    /// A node with that address, which keeps the session with a neighbour, 2.
    private func script(_ address: String = "192.168.0.2") -> NodeScript {
        var script = NodeScript()
        _ = script.start()
        _ = script.after(.hostChanged([ip(address)], port: 7000))
        _ = script.up(2)
        _ = script.hear(.gossip(.neighbour(.high)), from: 2)
        return script
    }

    private func put(_ event: NodeEvent, _ script: inout NodeScript) -> Said {
        var effects: [NodeEffect] = []
        script.machine.handle(event, at: script.now, into: &effects)
        var said = Said()
        for effect in effects {
            switch effect {
            case .keepalive(node(2), let setting): said.settings.append(setting)
            case .send(let bytes, to: node(2)):
                if case .path(.keepalive(let keepalive))? = try? Message.decode(bytes) {
                    said.messages.append(keepalive)
                }
            default: break
            }
        }
        return said
    }

    private func observed(_ text: String) -> NodeEvent {
        .received(from: node(2), Message.observed(endpoint(text)).encoded())
    }

    private func keepalive(_ seconds: UInt8, isGated: Bool, isAnswer: Bool = false) -> NodeEvent {
        let said = Keepalive(
            seconds: seconds,
            isKept: true,
            isGated: isGated,
            isAnswer: isAnswer
        )
        return .received(from: node(2), Message.path(.keepalive(said)).encoded())
    }

    @Test("a neighbour is told what stands before us, as soon as it says where it sees us")
    func telling() {
        let ways = [
            ("192.168.0.2", "192.0.2.100:7000", true), ("192.0.2.100", "192.0.2.100:7000", false),
        ]
        for (address, seen, isGated) in ways {
            var script = script(address)
            let said = put(observed(seen), &script)
            let seconds = isGated ? KeepaliveLimits.first : KeepaliveLimits.ceiling
            #expect(said.messages == [.init(seconds: seconds, isKept: true, isGated: isGated)])
        }
        // On the LAN all is as ever.
        var script = script()
        #expect(put(observed("192.168.0.2:7000"), &script).messages == [])
    }

    @Test("a member outside is called upon to ask, and its echo tells how long the gate remembers")
    func learning() {
        var script = script()
        _ = put(observed("192.0.2.100:7000"), &script)
        let said = put(keepalive(45, isGated: false, isAnswer: true), &script)
        let called = KeepaliveSetting(
            seconds: 25,
            turn: .theirs,
            isWanted: true,
            isReported: true
        )
        #expect(said.settings == [called])
        #expect(script.machine.gateMemory() == nil)
        _ = put(.silenceEnded(node(2), wasAsked: false, after: .seconds(25)), &script)
        #expect(script.machine.gateMemory() == .seconds(25))
        #expect(script.machine.gateMemory(.v6) == nil)
    }

    @Test("what comes through others is left alone, and what was agreed on ends there")
    func relayed() throws {
        var script = script()
        _ = put(observed("192.0.2.100:7000"), &script)
        _ = put(keepalive(45, isGated: false), &script)
        let circuit = Endpoint(try #require(CircuitID(9)))
        #expect(put(.moved(node(2), circuit), &script).settings == [.standard])
        let said = put(keepalive(10, isGated: true), &script)
        #expect(said.messages == [] && said.settings == [])
    }
}
