// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronWire
import Testing

@Suite("node: whom to dial") struct NodeDiallingTests {
    private func hint(_ number: UInt8, at endpoints: String...) -> Message {
        .hints([Hint(node(number), at: endpoints.map { endpoint($0) })])
    }

    @Test("a hint is dialled at once, with its id") func hinted() {
        var script = NodeScript()
        _ = script.start()
        _ = script.join(1)
        #expect(
            script.hear(hint(2, at: "192.0.2.2:7000", "[2001:db8::2]:7000"), from: 1) == [
                dial(2), .dial(endpoint("[2001:db8::2]:7000"), node(2)),
            ]
        )
        // Others tell the same.
        #expect(script.hear(hint(2, at: "192.0.2.2:7000"), from: 1).isEmpty)
    }

    @Test("nobody dials itself, or who is here") func useless() {
        var script = NodeScript()
        _ = script.start()
        _ = script.join(1)
        _ = script.join(2)
        #expect(script.hear(hint(me, at: "192.0.2.50:7000"), from: 1).isEmpty)
        #expect(script.hear(hint(2, at: "192.0.2.50:7000"), from: 1).isEmpty)
        #expect(script.after(.discovered(outer(2), nil)).isEmpty)
        #expect(script.after(.discovered(endpoint("192.0.2.50:7"), node(me))).isEmpty)
    }

    @Test(
        "an endpoint that cannot be is not dialled",
        arguments: [
            "0.0.0.0:7000", "224.0.0.1:7000", "255.255.255.255:7000", "[ff02::1]:7000",
            "192.0.2.9:0", "127.0.0.1:7000", "[::1]:7000", "[fe80::9]:7000", "169.254.0.9:7000",
            "[fd00:0:1::9]:7000", "10.1.0.1:7000", "10.1.0.2:7000",
        ]
    )
    func impossible(text: String) {
        var script = NodeScript()
        _ = script.start(claims: [claim("10.1.0.1")])
        _ = script.join(1, claims: [claim("10.1.0.2")])
        #expect(script.hear(hint(9, at: text), from: 1).isEmpty)
    }

    @Test("a link-local hint is on the link of its teller") func scope() {
        var script = NodeScript()
        _ = script.start()
        _ = script.up(1, at: endpoint("[fe80::1%3]:7000"))
        #expect(
            script.hear(hint(2, at: "[fe80::2]:7000"), from: 1) == [
                .dial(endpoint("[fe80::2%3]:7000"), node(2))
            ]
        )
    }

    @Test("a hinted member is tried four times, 1, 2 and 4 s apart") func hintedRetry() {
        var script = NodeScript()
        _ = script.start()
        _ = script.join(1)
        _ = script.hear(hint(2, at: "192.0.2.2:7000"), from: 1)
        for seconds in [1, 2, 4] {
            #expect(script.after(.dialFailed(outer(2), node(2))).isEmpty)
            #expect(script.pass(.seconds(seconds) - .milliseconds(1)).isEmpty)
            #expect(script.pass(.milliseconds(1)) == [dial(2)])
        }
        #expect(script.after(.dialFailed(outer(2), node(2))).isEmpty)
        #expect(script.pass(.seconds(59)).dials.isEmpty)
        #expect(script.hear(hint(2, at: "192.0.2.2:7000"), from: 1) == [dial(2)])
    }

    @Test("a lost member is sought for ten minutes, up to 60 s apart") func lost() {
        var script = NodeScript()
        _ = script.start()
        _ = script.join(1)
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

    @Test("who said goodbye is not sought", arguments: [Departure.goodbye, .local])
    func goodbye(departure: Departure) {
        var script = NodeScript()
        _ = script.start()
        _ = script.join(1)
        _ = script.after(.peerDown(node(1), departure))
        #expect(script.pass(.seconds(600)).isEmpty)
    }

    @Test("a lost member is sought at its last three endpoints") func lastEndpoints() {
        var script = NodeScript()
        _ = script.start()
        _ = script.join(1)
        for number in 2...5 { _ = script.after(.moved(node(1), outer(UInt8(number)))) }
        _ = script.after(.peerDown(node(1), .silent))
        #expect(
            script.pass(.seconds(1)) == [5, 4, 3].map { .dial(outer($0), node(1)) }
        )
    }

    @Test("64 dials at once, the others when one ends") func limit() {
        var script = NodeScript()
        _ = script.start()
        _ = script.join(1)
        var begun: [NodeEffect] = []
        for first in stride(from: 110, to: 194, by: 12) {
            let some = (first..<first + 12).map { Hint(node(UInt8($0)), at: [outer(UInt8($0))]) }
            begun += script.hear(.hints(some), from: 1)
        }
        #expect(begun.count == 64)
        #expect(script.after(.dialFailed(outer(110), node(110))) == [dial(174)])
        #expect(script.up(111).contains(dial(175)))
        // Of the rest nothing is heard.
        let later = script.pass(.seconds(40)).dials
        #expect(later.contains(dial(193)))
    }

    @Test("one member cannot make us seek more than 256") func flood() {
        var script = NodeScript()
        _ = script.start()
        _ = script.join(1)
        _ = script.join(2)
        var dialled: Set<NodeEffect> = []
        for number in 0..<40 {
            let some = (0..<12).map { place in
                let bytes = [2, UInt8(number), UInt8(place)] + [UInt8](repeating: 0, count: 29)
                return NodeID(bytes: bytes).map { Hint($0, at: [outer(UInt8(place + 10))]) }
            }
            dialled.formUnion(script.hear(.hints(some.compactMap(\.self)), from: 1).dials)
        }
        // Twelve endpoints are dialled once each at a time, whatever ids are said to be there.
        #expect(dialled.count == 12)
        #expect(script.machine.soughtCount == NodeLimits.soughtPerTellerMax)
        #expect(script.hear(hint(9, at: "192.0.2.9:7000"), from: 2) == [dial(9)])
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

    @Test("a dial that leads to who is here changes the path only") func otherPath() {
        var script = NodeScript()
        _ = script.start()
        _ = script.join(1)
        let lan = endpoint("192.168.0.1:7000")
        #expect(script.after(.discovered(lan, nil)) == [.dial(lan, nil)])
        #expect(script.up(1, at: lan) == [.tell(.memberChanged(node(1)))])
        #expect(script.machine.member(node(1))?.endpoint == lan)
        #expect(script.after(.discovered(lan, nil)).isEmpty)
        #expect(script.after(.discovered(outer(1), nil)).isEmpty)
    }

    @Test("so does a move that is told instead") func movedByDial() {
        var script = NodeScript()
        _ = script.start(contacts: [contact("one.example:7000")])
        _ = script.join(1)
        let lan = endpoint("192.168.0.1:7000")
        #expect(script.after(.resolved(contact("one.example:7000"), [lan])) == [.dial(lan, nil)])
        #expect(script.after(.moved(node(1), lan)) == [.tell(.memberChanged(node(1)))])
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
        #expect(script.up(1).contains(.tell(.memberUp(node(1), outer(1)))))
        _ = script.hear(.observed(outer(me)), from: 1)
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
