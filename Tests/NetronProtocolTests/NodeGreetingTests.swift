// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronWire
import Testing

@Suite("node: greetings and hints") struct NodeGreetingTests {
    @Test("a member gets its made address and a greeting at once") func firstWords() {
        var script = NodeScript()
        #expect(script.start(claims: [claim("10.1.0.1")]).isEmpty)
        #expect(
            script.up(1) == [
                .setPrefixes(node(1), [ula(1)]),
                .tell(.memberUp(node(1), outer(1))),
                send(.hello(hello([claim("10.1.0.1")])), to: 1),
            ]
        )
    }

    @Test("a stranger hears of the others, and they of it") func introduced() {
        var script = NodeScript()
        _ = script.start()
        _ = script.join(1)
        _ = script.join(2)
        let effects = script.up(3)
        #expect(
            effects.suffix(3) == [hints(1, 2, to: 3), hints(3, to: 1), hints(3, to: 2)]
        )
    }

    @Test("a greeting is answered with where its sender is seen") func answered() {
        var script = NodeScript()
        _ = script.start()
        _ = script.up(1)
        #expect(
            script.hear(.hello(hello()), from: 1) == [
                send(.observed(outer(1)), to: 1), .tell(.memberChanged(node(1))),
            ]
        )
        #expect(script.hear(.observed(outer(me)), from: 1).isEmpty)
        #expect(script.machine.member(node(1))?.observed == outer(me))
    }

    @Test("a greeting is repeated at 1, 3, 7 s and so on until it is answered") func repeated() {
        var script = NodeScript()
        _ = script.start()
        _ = script.up(1)
        let greeting = send(.hello(hello()), to: 1)
        #expect(script.pass(.milliseconds(999)).isEmpty)
        #expect(script.pass(.milliseconds(1)) == [greeting])
        #expect(script.pass(.milliseconds(1999)).isEmpty)
        #expect(script.pass(.milliseconds(1)) == [greeting])
        #expect(script.pass(.seconds(4)) == [greeting])
        _ = script.hear(.observed(outer(me)), from: 1)
        #expect(script.pass(.seconds(40)).isEmpty)
    }

    @Test("an answer to the greeting before is none to the new one") func staleAnswer() {
        var script = NodeScript()
        _ = script.start(claims: [claim("10.1.0.1", since: 5)])
        _ = script.up(1)
        // An earlier claim makes us greet again while the first answer is under way.
        let effects = script.hear(.hello(hello([claim("10.1.0.1", since: 1)])), from: 1)
        let yielded = send(.hello(hello([claim("10.1.0.1", since: .max)])), to: 1)
        #expect(effects.contains(yielded))
        _ = script.hear(.observed(outer(me)), from: 1)
        #expect(script.pass(.seconds(1)) == [yielded])
        _ = script.hear(.observed(outer(me)), from: 1)
        #expect(script.pass(.seconds(30)).isEmpty)
    }

    @Test("a member that begins anew is greeted too") func forgottenBy() {
        var script = NodeScript()
        _ = script.start()
        _ = script.join(1)
        _ = script.join(2)
        #expect(
            script.hear(.hello(hello()), from: 1) == [
                send(.hello(hello()), to: 1), hints(2, to: 1), send(.observed(outer(1)), to: 1),
            ]
        )
        _ = script.hear(.observed(outer(me)), from: 1)
        // However often it begins anew, others hear of it only now and then.
        _ = script.hear(.hello(hello()), from: 1)
        _ = script.hear(.observed(outer(me)), from: 1)
        #expect(script.pass(.milliseconds(9_999)).isEmpty)
        #expect(script.pass(.milliseconds(1)) == [hints(1, to: 2)])
    }

    @Test("what is no message is told once and harms nothing", arguments: [[], [1], [1, 1, 255]])
    func malformed(bytes: [UInt8]) {
        var script = NodeScript()
        _ = script.start()
        _ = script.up(1)
        let first = script.after(.received(from: node(1), bytes))
        #expect(first.notices.count == 1 && first.count == 1)
        #expect(script.after(.received(from: node(1), bytes)).isEmpty)
    }

    @Test("who has no session is not listened to") func stranger() {
        var script = NodeScript()
        _ = script.start()
        #expect(script.hear(.hello(hello([claim("10.1.0.1")])), from: 1).isEmpty)
        #expect(script.machine.addresses(of: node(1)).isEmpty)
    }

    @Test("others hear of a new endpoint, at most every ten seconds") func moved() {
        var script = NodeScript()
        _ = script.start()
        _ = script.join(1)
        _ = script.join(2)
        let first = endpoint("198.51.100.1:1")
        let second = endpoint("198.51.100.1:2")
        #expect(script.after(.moved(node(1), first)) == [.tell(.memberChanged(node(1)))])
        #expect(script.pass(.seconds(9)).isEmpty)
        #expect(script.after(.moved(node(1), second)) == [.tell(.memberChanged(node(1)))])
        #expect(script.after(.moved(node(1), second)).isEmpty)
        #expect(script.pass(.seconds(1)) == [send(.hints([Hint(node(1), at: [second])]), to: 2)])
        #expect(script.after(.moved(node(9), second)).isEmpty)
    }

    @Test("an endpoint is told only where it means something") func linkLocal() {
        var script = NodeScript()
        _ = script.start()
        _ = script.up(1, at: endpoint("[fe80::1%3]:7000"))
        _ = script.up(2, at: endpoint("127.0.0.1:7000"))
        let effects = script.up(3)
        #expect(!effects.messages(to: 3).contains { if case .hints = $0 { true } else { false } })
        let neighbour = script.up(4, at: endpoint("[fe80::4%3]:7000"))
        let hint = Hint(node(1), at: [endpoint("[fe80::1]:7000")])
        #expect(
            neighbour.messages(to: 4).contains(.hints([hint, Hint(node(3), at: [outer(3)])]))
        )
    }

    @Test("once a minute one member hears of others") func gossip() {
        var script = NodeScript()
        _ = script.start()
        for number in 1...3 { _ = script.join(UInt8(number)) }
        let effects = script.pass(.seconds(90))
        #expect(effects.count == 1)
        guard case .send(let bytes, let id) = effects.first else { return }
        let message = try? Message.decode(bytes)
        let others = (1...3).map { node(UInt8($0)) }.filter { $0 != id }
        #expect(message == .hints(others.map { Hint($0, at: [outer($0.bytes[0])]) }))
    }

    @Test("hints of many go in messages of twelve, to and of at most 120") func many() {
        var script = NodeScript()
        _ = script.start()
        for number in 1...99 { _ = script.join(UInt8(number)) }
        for number in 101...140 { _ = script.join(UInt8(number)) }
        let effects = script.up(200)
        let counts = effects.messages(to: 200).compactMap { message in
            if case .hints(let hints) = message { hints.count } else { nil }
        }
        #expect(counts == Array(repeating: 12, count: 10))
        let told = effects.count { effect in
            if case .send(_, let id) = effect { id != node(200) } else { false }
        }
        #expect(told == 120)
    }
}
