// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronWire
import Testing

@Suite("node: addresses of members") struct NodeClaimTests {
    let address = "10.1.0.9"

    private func contested(by holder: UInt8, to claimant: UInt8) -> NodeEffect {
        send(.contested(ip(address), holder: node(holder)), to: claimant)
    }

    @Test("what a member claims is its own, as host routes, after its made address")
    func accepted() {
        var script = NodeScript()
        _ = script.start()
        let effects = script.join(1, claims: [claim("10.1.0.9"), claim("2001:db8::9")])
        #expect(
            effects.contains(
                .setPrefixes(node(1), [ula(1), host("10.1.0.9"), host("2001:db8::9")])
            )
        )
        #expect(script.machine.addresses(of: node(1)) == [ip("10.1.0.9"), ip("2001:db8::9")])
    }

    @Test("what it no longer claims is no longer its own") func dropped() {
        var script = NodeScript()
        _ = script.start()
        _ = script.join(1, claims: [claim("10.1.0.9"), claim("10.1.0.10")])
        let effects = script.hear(.hello(hello([claim("10.1.0.10")])), from: 1)
        #expect(effects.contains(.setPrefixes(node(1), [ula(1), host("10.1.0.10")])))
    }

    @Test(
        "nobody gets what cannot be a member's",
        arguments: [
            "0.0.0.0", "127.0.0.1", "224.0.0.1", "255.255.255.255", "::1", "ff02::1", "fe80::1",
            "169.254.1.1", "fd00:0:1::2", "fd00:0:1:ffff::1",
        ]
    )
    func impossible(text: String) {
        var script = NodeScript()
        _ = script.start()
        let effects = script.join(1, claims: [claim(text), claim("10.1.0.9")])
        #expect(effects.notices.contains(.addressRefused(ip(text), claimedBy: node(1))))
        #expect(script.machine.member(node(1))?.prefixes == [ula(1), host("10.1.0.9")])
    }

    @Test("the made address may be claimed by its owner, which changes nothing") func ownULA() {
        var script = NodeScript()
        _ = script.start()
        let effects = script.join(1, claims: [.init(ula(node(1)), since: 1)])
        #expect(!effects.notices.contains { if case .addressRefused = $0 { true } else { false } })
        #expect(script.machine.member(node(1))?.prefixes == [ula(1)])
    }

    @Test("sixteen addresses are the most, the made one among them") func limit() {
        var script = NodeScript()
        _ = script.start()
        _ = script.join(1, claims: (1...16).map { claim("10.1.0.\($0)") })
        #expect(script.machine.member(node(1))?.prefixes.count == 16)
    }

    @Test("a settled holder is not displaced, however early the other claims") func settled() {
        var script = NodeScript()
        _ = script.start()
        _ = script.join(1, claims: [claim(address, since: 500)])
        _ = script.pass(NodeLimits.settledAfter)
        let effects = script.join(2, claims: [claim(address, since: 0)])
        #expect(effects.contains(contested(by: 1, to: 2)))
        #expect(script.machine.member(node(1))?.prefixes == [ula(1), host(address)])
        #expect(script.machine.member(node(2))?.prefixes == [ula(2)])
    }

    @Test(
        "of two that come up at once the earlier has it, then the smaller id",
        arguments: [(5, 5, 1), (5, 4, 2), (4, 5, 1)]
    )
    func atOnce(first: Int, second: Int, winner: UInt8) {
        for order in [[UInt8(1), 2], [2, 1]] {
            var script = NodeScript()
            _ = script.start()
            var effects: [NodeEffect] = []
            for number in order {
                let since = UInt64(number == 1 ? first : second)
                effects += script.join(number, claims: [claim(address, since: since)])
                effects += script.pass(.seconds(9))
            }
            let loser = 3 - winner
            #expect(effects.contains(contested(by: winner, to: loser)))
            #expect(!effects.contains(contested(by: loser, to: winner)))
            #expect(script.machine.member(node(winner))?.prefixes == [ula(winner), host(address)])
            #expect(script.machine.member(node(loser))?.prefixes == [ula(loser)])
        }
    }

    @Test("when the holder goes, the next in turn has the address") func inherited() {
        var script = NodeScript()
        _ = script.start()
        _ = script.join(1, claims: [claim(address, since: 1)])
        _ = script.join(2, claims: [claim(address, since: 3)])
        _ = script.join(3, claims: [claim(address, since: 2)])
        let effects = script.after(.peerDown(node(1), .goodbye))
        #expect(
            effects == [
                .tell(.memberDown(node(1), .goodbye)),
                .setPrefixes(node(3), [ula(3), host(address)]),
            ]
        )
    }

    @Test("a settled holder that gives way makes room for who waits") func yielding() {
        var script = NodeScript()
        _ = script.start()
        _ = script.join(1, claims: [claim(address, since: 1)])
        _ = script.pass(NodeLimits.settledAfter)
        _ = script.join(2, claims: [claim(address, since: 2)])
        let effects = script.hear(.hello(hello([claim(address, since: .max)])), from: 1)
        #expect(effects.contains(.setPrefixes(node(1), [ula(1)])))
        #expect(effects.contains(.setPrefixes(node(2), [ula(2), host(address)])))
        // Who gave way is not told of what it knows.
        #expect(!effects.contains(contested(by: 2, to: 1)))
    }

    @Test("who waits is told again with each round of hints") func toldAgain() {
        var script = NodeScript()
        _ = script.start()
        _ = script.join(1, claims: [claim(address, since: 1)])
        _ = script.join(2, claims: [claim(address, since: 2)])
        #expect(script.pass(.seconds(90)).contains(contested(by: 1, to: 2)))
    }
}

@Suite("node: addresses of its own") struct NodeOwnClaimTests {
    let address = "10.1.0.9"

    private func greeting(since: UInt64, to number: UInt8) -> NodeEffect {
        send(.hello(hello([claim(address, since: since)])), to: number)
    }

    @Test("a new node gives way to an earlier claim, and tells everybody") func givesWay() {
        var script = NodeScript()
        _ = script.start(claims: [claim(address, since: 10)])
        _ = script.join(2)
        let effects = script.join(1, claims: [claim(address, since: 9)])
        #expect(effects.notices.contains(.addressTaken(ip(address), by: node(1))))
        #expect(effects.contains(greeting(since: .max, to: 1)))
        #expect(effects.contains(greeting(since: .max, to: 2)))
        #expect(script.machine.member(node(1))?.prefixes == [ula(1), host(address)])
        #expect(script.machine.allConflicts.map(\.conflict) == [.taken(by: node(1))])
    }

    @Test("a settled node keeps its address, and both are told") func keeps() {
        var script = NodeScript()
        _ = script.start(claims: [claim(address, since: 10)])
        _ = script.pass(NodeLimits.settledAfter)
        let effects = script.join(1, claims: [claim(address, since: 9)])
        #expect(effects.notices.contains(.addressClaimed(ip(address), by: node(1))))
        #expect(effects.contains(send(.contested(ip(address), holder: node(me)), to: 1)))
        #expect(script.machine.member(node(1))?.prefixes == [ula(1)])
        let end = script.hear(.hello(hello()), from: 1)
        #expect(end.notices.contains(.addressFree(ip(address))))
        #expect(script.machine.allConflicts.isEmpty)
    }

    @Test("the address comes back when its holder goes") func comesBack() {
        var script = NodeScript()
        _ = script.start(claims: [claim(address, since: 10)])
        _ = script.join(2)
        _ = script.join(1, claims: [claim(address, since: 9)])
        let effects = script.after(.peerDown(node(1), .goodbye))
        #expect(effects.notices.contains(.addressFree(ip(address))))
        #expect(effects.contains(greeting(since: 10, to: 2)))
        #expect(script.machine.allConflicts.isEmpty)
    }

    @Test("a new node believes a member that tells of a holder") func contested() {
        var script = NodeScript()
        _ = script.start(claims: [claim(address, since: 1)])
        _ = script.join(1)
        let effects = script.hear(.contested(ip(address), holder: node(7)), from: 1)
        #expect(effects.notices == [.addressTaken(ip(address), by: node(7))])
        #expect(effects.contains(greeting(since: .max, to: 1)))
        // What others claim meanwhile is no reason to doubt it.
        let other = script.join(2, claims: [claim("10.1.0.2")])
        #expect(!other.contains(greeting(since: 1, to: 1)))
        // When the holder comes, it has the address, though we claimed it earlier.
        _ = script.join(7, claims: [claim(address, since: 5)])
        #expect(script.machine.member(node(7))?.prefixes == [ula(7), host(address)])
    }

    @Test("a holder out of sight is doubted after a minute") func doubted() {
        var script = NodeScript()
        _ = script.start(claims: [claim(address, since: 1)])
        _ = script.join(1)
        _ = script.hear(.contested(ip(address), holder: node(7)), from: 1)
        _ = script.hear(.observed(outer(me)), from: 1)
        let effects = script.pass(NodeLimits.reclaimAfter)
        #expect(effects == [greeting(since: 1, to: 1)])
        #expect(script.machine.allConflicts.map(\.conflict) == [.taken(by: node(7))])
        // Still held: nothing new for the user.
        let refused = script.hear(.contested(ip(address), holder: node(7)), from: 1)
        #expect(refused.notices.isEmpty)
        _ = script.hear(.observed(outer(me)), from: 1)
        _ = script.hear(.observed(outer(me)), from: 1)
        // Free: told once it is settled.
        let end = script.pass(NodeLimits.reclaimAfter + NodeLimits.settledAfter)
        #expect(end.notices == [.addressFree(ip(address))])
    }

    @Test("a settled node does not give way to hearsay, but tells its user for a while")
    func hearsay() {
        var script = NodeScript()
        _ = script.start(claims: [claim(address, since: 10)])
        _ = script.join(1)
        _ = script.pass(NodeLimits.settledAfter)
        let effects = script.hear(.contested(ip(address), holder: node(7)), from: 1)
        #expect(effects == [.tell(.addressClaimed(ip(address), by: node(7)))])
        let end = script.pass(NodeLimits.rivalForgottenAfter)
        #expect(end.notices == [.addressFree(ip(address))])
    }

    @Test("a contest about what is not ours, or is said to be ours, is nothing") func noContest() {
        var script = NodeScript()
        _ = script.start(claims: [claim(address)])
        _ = script.join(1)
        #expect(script.hear(.contested(ip("10.1.0.8"), holder: node(7)), from: 1).isEmpty)
        #expect(script.hear(.contested(ip(address), holder: node(me)), from: 1).isEmpty)
    }
}
