// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronWire
import Testing

@Suite("node: greetings") struct NodeGreetingTests {
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
        _ = script.hear(.hello(hello()), from: 1)
        _ = script.hear(.observed(outer(me)), from: 1)
        #expect(script.pass(.seconds(40)).isEmpty)
    }

    @Test("who only hears where it is seen, and no greeting, greets on until it is greeted")
    func nameless() {
        var script = NodeScript()
        _ = script.start()
        _ = script.up(1)
        let greeting = send(.hello(hello()), to: 1)
        _ = script.hear(.observed(outer(me)), from: 1)
        #expect(script.pass(.seconds(1)) == [greeting])
        _ = script.hear(.observed(outer(me)), from: 1)
        #expect(script.pass(.seconds(2)) == [greeting])
        _ = script.hear(.hello(hello()), from: 1)
        _ = script.hear(.observed(outer(me)), from: 1)
        #expect(script.pass(.seconds(40)).isEmpty)
    }

    @Test("a greeting that was not answered by the way before is said again by the new one")
    func moved() throws {
        var script = NodeScript()
        _ = script.start()
        _ = script.up(1)
        let greeting = send(.hello(hello()), to: 1)
        #expect(script.after(.moved(node(1), outer(2))).contains(greeting))
        for number in [7, 8] as [UInt32] {
            let circuit = Endpoint(try #require(CircuitID(number)))
            #expect(script.after(.moved(node(1), circuit)).contains(greeting))
        }
        _ = script.hear(.hello(hello()), from: 1)
        _ = script.hear(.observed(outer(me)), from: 1)
        #expect(!script.after(.moved(node(1), outer(1))).contains(greeting))
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
                send(.hello(hello()), to: 1), send(.observed(outer(1)), to: 1),
            ]
        )
        _ = script.hear(.observed(outer(me)), from: 1)
        #expect(script.pass(.seconds(30)).isEmpty)
    }

    @Test("what is no message is told once and harms nothing", arguments: [[], [1], [1, 1, 255]])
    func malformed(bytes: [UInt8]) {
        var script = NodeScript()
        _ = script.start()
        _ = script.up(1)
        let first = script.after(.received(from: node(1), bytes))
        #expect(first.notices.count == 1 && first.count == 1)
        #expect(script.after(.received(from: node(1), bytes)).isEmpty)
        #expect(script.machine.counters.malformed == 2)
    }

    @Test(
        "what a newer member says is counted, and nobody's fault",
        arguments: [[2, 1, 9], [1, 6, 9], [1, 2, 16, 9], [1, 5, 9, 9], [1, 5, 7, 4, 9]]
    )
    func unknown(bytes: [UInt8]) {
        var script = NodeScript()
        _ = script.start()
        _ = script.up(1)
        #expect(script.after(.received(from: node(1), bytes)).isEmpty)
        #expect(script.machine.counters.unknown == 1)
        #expect(script.machine.counters.malformed == 0)
    }

    @Test("where a member sees the node counts also if it says so before the way there is known")
    func seenEarly() throws {
        var script = NodeScript()
        _ = script.start()
        _ = script.up(2, at: Endpoint(try #require(CircuitID(7))))
        _ = script.hear(.observed(outer(100)), from: 2)
        #expect(script.machine.nat.viewCount(at: script.now) == 0)
        _ = script.after(.moved(node(2), outer(2)))
        #expect(script.machine.nat.viewCount(at: script.now) == 1)
        #expect(script.machine.nat.lastSeen(at: script.now) == outer(100))
    }

    @Test("who has no session is not listened to") func stranger() {
        var script = NodeScript()
        _ = script.start()
        #expect(script.hear(.hello(hello([claim("10.1.0.1")])), from: 1).isEmpty)
        #expect(script.machine.addresses(of: node(1)).isEmpty)
    }
}
