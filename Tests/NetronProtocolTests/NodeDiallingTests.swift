// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronWire
import Testing

@Suite("node: whom to dial") struct NodeDiallingTests {
    private func found(_ number: UInt8, at text: String? = nil) -> NodeEvent {
        .discovered(text.map { endpoint($0) } ?? outer(number), node(number))
    }

    @Test("who is found with its id is dialled at once") func found() {
        var script = NodeScript()
        _ = script.start()
        #expect(script.after(found(2)) == [dial(2)])
        // Others tell the same.
        #expect(script.after(found(2)).isEmpty)
    }

    @Test("nobody dials itself, or who is here") func useless() {
        var script = NodeScript()
        _ = script.start()
        _ = script.join(2)
        #expect(script.after(found(2, at: "192.0.2.50:7000")).isEmpty)
        #expect(script.after(.discovered(outer(2), nil)).isEmpty)
        #expect(script.after(found(me, at: "192.0.2.50:7")).isEmpty)
    }

    @Test(
        "an endpoint that cannot be is not dialled",
        arguments: [
            "0.0.0.0:7000", "224.0.0.1:7000", "255.255.255.255:7000", "[ff02::1]:7000",
            "192.0.2.9:0", "[fd00:0:1::9]:7000", "10.1.0.1:7000", "10.1.0.2:7000",
        ]
    )
    func impossible(text: String) {
        var script = NodeScript()
        _ = script.start(claims: [claim("10.1.0.1")])
        _ = script.join(1, claims: [claim("10.1.0.2")])
        #expect(script.after(found(9, at: text)).isEmpty)
    }

    @Test(
        "what a neighbour says of a place on its own host or link is not dialled",
        arguments: [
            ("192.0.2.9:7000", true), ("127.0.0.1:7000", false), ("[::1]:7000", false),
            ("[fe80::9]:7000", false), ("169.254.0.9:7000", false),
        ]
    )
    func elsewhere(text: String, isDialled: Bool) {
        var script = NodeScript()
        _ = script.start()
        _ = script.join(1)
        _ = script.hear(.gossip(.answer(isAccepted: true)), from: 1)
        let hint = Hint(node(9), at: [endpoint(text)])
        let effects = script.hear(.gossip(.forwardJoin(hint, ttl: 0)), from: 1)
        #expect(effects == (isDialled ? [.dial(endpoint(text), node(9))] : []))
    }

    @Test("who was found is tried four times, 1, 2 and 4 s apart") func retry() {
        var script = NodeScript()
        _ = script.start()
        _ = script.after(found(2))
        for seconds in [1, 2, 4] {
            #expect(script.after(.dialFailed(outer(2), node(2))).isEmpty)
            #expect(script.pass(.seconds(seconds) - .milliseconds(1)).isEmpty)
            #expect(script.pass(.milliseconds(1)) == [dial(2)])
        }
        #expect(script.after(.dialFailed(outer(2), node(2))).isEmpty)
        #expect(script.pass(.seconds(59)).dials.isEmpty)
        #expect(script.after(found(2)) == [dial(2)])
    }

    @Test("a lost member is sought for ten minutes, up to 60 s apart") func lost() {
        var script = NodeScript()
        _ = script.start()
        _ = script.join(1)
        _ = script.join(2)
        #expect(
            script.after(.peerDown(node(1), .silent)) == [.tell(.memberDown(node(1), .silent))]
        )
        var pauses: [Duration] = []
        var last = script.now
        while script.machine.soughtCount > 0 {
            guard script.pass(script.deadline - script.now) == [dial(1)] else { continue }
            pauses.append(script.now - last)
            last = script.now
            _ = script.after(.dialFailed(outer(1), node(1)))
        }
        let first: [Duration] = [1, 2, 4, 8, 16, 32, 60, 60].map { .seconds($0) }
        #expect(Array(pauses.prefix(8)) == first)
        #expect(pauses.reduce(.zero, +) <= .seconds(600))
        #expect(pauses.reduce(.zero, +) > .seconds(540))
    }

    @Test("who went by itself is not sought") func goodbye() {
        var script = NodeScript()
        _ = script.start()
        _ = script.join(1)
        _ = script.join(2)
        #expect(script.after(.peerDown(node(1), .goodbye)).dials.isEmpty)
        #expect(script.pass(.seconds(600)).dials.isEmpty)
    }

    @Test("who is alone tries those who were here") func alone() {
        var script = NodeScript()
        _ = script.start()
        _ = script.join(1)
        let effects = script.after(.peerDown(node(1), .goodbye)) + script.pass(.seconds(30))
        #expect(effects.dials == [dial(1)])
    }

    @Test("a lost member is sought at its last four endpoints") func lastEndpoints() {
        var script = NodeScript()
        _ = script.start()
        _ = script.join(1)
        _ = script.join(9)
        for number in 2...6 { _ = script.after(.moved(node(1), outer(UInt8(number)))) }
        _ = script.after(.peerDown(node(1), .silent))
        #expect(
            script.pass(.seconds(1)) == [6, 5, 4, 3].map { .dial(outer($0), node(1)) }
        )
    }

    @Test("64 dials at once, the others when one ends") func limit() {
        var script = NodeScript()
        _ = script.start()
        _ = script.join(1)
        var begun: [NodeEffect] = []
        for number in UInt8(110)..<194 { begun += script.after(found(number)) }
        #expect(begun.count == 64)
        #expect(script.after(.dialFailed(outer(110), node(110))) == [dial(174)])
        #expect(script.up(111).contains(dial(175)))
        // Of the rest nothing is heard.
        let later = script.pass(.seconds(40)).dials
        #expect(later.contains(dial(193)))
    }

    @Test("no more than 1,024 are sought") func flood() {
        var script = NodeScript()
        _ = script.start()
        var dialled: Set<NodeEffect> = []
        for number in 0..<1100 {
            let bytes = [2, UInt8(number / 256), UInt8(number % 256)]
            let id = NodeID(bytes: bytes + [UInt8](repeating: 0, count: 29))
            let place = outer(UInt8(10 + number % 12))
            dialled.formUnion(script.after(.discovered(place, id)).dials)
        }
        // Twelve endpoints are dialled once each at a time, whatever ids are said to be there.
        #expect(dialled.count == 12)
        #expect(script.machine.soughtCount == NodeLimits.soughtMax)
    }

    @Test("the LAN is dialled at once, and not again for ten seconds") func discovered() {
        var script = NodeScript()
        _ = script.start()
        let dial = NodeEffect.dial(outer(1), nil)
        #expect(script.after(.discovered(outer(1), nil)) == [dial])
        #expect(script.after(.discovered(outer(1), nil)).isEmpty)
        #expect(script.after(.dialFailed(outer(1), nil)).isEmpty)
        #expect(script.after(.discovered(outer(1), nil)).isEmpty)
        #expect(script.pass(.seconds(10)).isEmpty)
        #expect(script.after(.discovered(outer(1), nil)) == [dial])
    }

    @Test("a dial that leads to who is here moves it to the LAN, and nowhere else")
    func otherPath() {
        var script = NodeScript()
        _ = script.start()
        _ = script.join(1)
        let lan = endpoint("192.168.0.1:7000")
        #expect(script.after(.discovered(lan, nil)) == [.dial(lan, nil)])
        #expect(script.up(1, at: outer(2)).isEmpty)
        #expect(script.up(1, at: lan) == [.usePath(node(1), lan)])
        #expect(script.machine.member(node(1))?.endpoint == outer(1))
        _ = script.after(.moved(node(1), lan))
        #expect(script.machine.member(node(1))?.endpoint == lan)
        #expect(script.up(1, at: outer(1)).isEmpty)
        #expect(script.after(.discovered(lan, nil)).isEmpty)
        #expect(script.after(.discovered(outer(1), nil)).isEmpty)
    }

    @Test("so does a move that is told instead") func movedByDial() {
        var script = NodeScript()
        _ = script.start(contacts: [contact("one.example:7000")])
        _ = script.join(1)
        let lan = endpoint("192.168.0.1:7000")
        #expect(script.after(.resolved(contact("one.example:7000"), [lan])) == [.dial(lan, nil)])
        #expect(
            script.after(.moved(node(1), lan))
                == [.tell(.memberChanged(node(1))), send(.observed(lan), to: 1)]
        )
        #expect(script.pass(.seconds(50)).isEmpty)
        #expect(script.after(.discovered(outer(1), nil)).isEmpty)
    }

    @Test("after the end nothing is done") func stopped() {
        var script = NodeScript()
        _ = script.start(contacts: [contact("one.example:7000")])
        #expect(script.after(.stopping).isEmpty)
        #expect(script.after(.discovered(outer(1), nil)).isEmpty)
        #expect(script.up(1).isEmpty)
    }
}

@Suite("node: contacts") struct NodeContactTests {
    let one = contact("one.example:7000")

    @Test("a contact is resolved and dialled until it answers, 1 to 30 s apart") func backoff() {
        var script = NodeScript()
        #expect(script.start(contacts: [one]) == [.resolve(one)])
        #expect(script.after(.resolved(one, [])).isEmpty)
        for seconds in [1, 2, 4, 8, 16, 30, 30, 30] {
            #expect(script.pass(.seconds(seconds) - .milliseconds(1)).isEmpty)
            #expect(script.pass(.milliseconds(1)) == [.resolve(one)])
            #expect(script.after(.resolved(one, [outer(1)])) == [.dial(outer(1), nil)])
            #expect(script.after(.dialFailed(outer(1), nil)).isEmpty)
        }
        #expect(script.join(1).contains(.tell(.memberUp(node(1), outer(1)))))
        #expect(script.pass(.seconds(50)).isEmpty)
    }

    @Test("no second question before the answer") func slowResolver() {
        var script = NodeScript()
        _ = script.start(contacts: [one])
        #expect(script.pass(.seconds(100)).isEmpty)
        #expect(script.after(.resolved(one, [outer(1)])) == [.dial(outer(1), nil)])
    }

    @Test("nor when its member comes and goes meanwhile") func slowResolverAgain() {
        var script = NodeScript()
        _ = script.start(contacts: [one])
        _ = script.after(.resolved(one, [outer(1)]))
        _ = script.after(.dialFailed(outer(1), nil))
        #expect(script.pass(.seconds(1)) == [.resolve(one)])
        _ = script.join(2)
        _ = script.join(1)
        _ = script.after(.peerDown(node(1), .goodbye))
        #expect(script.pass(.seconds(30)).isEmpty)
        #expect(script.after(.resolved(one, [outer(1)])) == [.dial(outer(1), nil)])
    }

    @Test("a name is resolved again when its member goes, and may lead elsewhere") func renamed() {
        var script = NodeScript()
        _ = script.start(contacts: [one])
        _ = script.after(.resolved(one, [outer(1)]))
        _ = script.join(1)
        _ = script.after(.peerDown(node(1), .goodbye))
        #expect(script.pass(.seconds(1)) == [.resolve(one)])
        #expect(script.after(.resolved(one, [outer(2)])) == [.dial(outer(2), nil)])
    }

    @Test("what a name last led to is dialled while it cannot be resolved") func resolverAway() {
        var script = NodeScript()
        _ = script.start(contacts: [one])
        _ = script.after(.resolved(one, [outer(1)]))
        _ = script.after(.dialFailed(outer(1), nil))
        _ = script.pass(.seconds(1))
        #expect(script.after(.resolved(one, [])) == [.dial(outer(1), nil)])
    }

    @Test("a contact that is a member by another path is found") func otherPath() {
        var script = NodeScript()
        _ = script.start(contacts: [one])
        _ = script.after(.resolved(one, [outer(1)]))
        _ = script.up(1, at: endpoint("192.168.0.1:7000"))
        _ = script.hear(.hello(hello()), from: 1)
        _ = script.hear(.observed(outer(me)), from: 1)
        _ = script.up(1)
        #expect(script.pass(.seconds(50)).isEmpty)
    }

    @Test("an answer to no question is not taken") func unasked() {
        var script = NodeScript()
        _ = script.start(contacts: [one])
        #expect(script.after(.resolved(contact("two.example:7000"), [outer(2)])).isEmpty)
        _ = script.after(.resolved(one, [outer(1)]))
        #expect(script.after(.resolved(one, [outer(3)])).isEmpty)
    }
}
