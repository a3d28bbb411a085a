// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronWire
import Testing

@Suite("nodes together") struct NodeWorldTests {
    private let address = "10.1.0.9"

    /// A name that leads to a node.
    private func contact(_ number: UInt8) -> HostPort {
        NetronProtocolTests.contact("192-0-2-\(number).example:7000")
    }

    private func world() -> NodeWorld {
        var world = NodeWorld()
        for number in UInt8(1)...99 { world.names["192-0-2-\(number).example"] = [outer(number)] }
        return world
    }

    @Test("a third node needs one contact") func thirdNode() {
        var world = world()
        world.start(1)
        world.start(2, contacts: [contact(1)])
        world.pass(.seconds(5))
        #expect(world.members(of: 2) == [1])
        world.start(3, contacts: [contact(2)])
        world.pass(.milliseconds(200))
        #expect(world.members(of: 1) == [2, 3])
        #expect(world.members(of: 2) == [1, 3])
        #expect(world.members(of: 3) == [1, 2])
    }

    @Test("forty in a chain of contacts become one overlay, and all know all") func chain() {
        var world = world()
        let all = (UInt8(1)...40).map { $0 }
        for number in all {
            world.start(number, contacts: number == 1 ? [] : [contact(number - 1)])
            world.pass(.milliseconds(20))
        }
        world.pass(.seconds(120))
        for number in all {
            let machine = world.machines[number]
            #expect(machine?.knownMembers.count == 39)
            #expect((1...GossipLimits.activeMax).contains(machine?.neighbours.count ?? 0))
        }
    }

    @Test("a packet for a member without a session makes one") func onDemand() {
        var world = world()
        let all = (UInt8(1)...20).map { $0 }
        for number in all {
            world.start(
                number,
                claims: [claim("10.1.0.\(number)")],
                contacts: number == 1 ? [] : [contact(1)]
            )
        }
        world.pass(.seconds(120))
        for (number, other) in [(UInt8(7), UInt8(18)), (18, 7), (3, 14)] {
            world.end(number, other)
            #expect(!world.members(of: number).contains(other))
            world.tell(.unrouted(ip("10.1.0.\(other)")), to: number)
            world.pass(.milliseconds(100))
            #expect(world.members(of: number).contains(other))
            world.end(number, other)
            world.tell(.unrouted(ula(node(other))), to: number)
            world.pass(.milliseconds(100))
            #expect(world.members(of: number).contains(other))
        }
    }

    @Test("a host that sends to all gets sessions with all, if they are few", arguments: [12, 33])
    func toAll(_ count: Int) {
        var world = world()
        let all = (1...UInt8(count)).map { $0 }
        for number in all { world.start(number, contacts: number == 1 ? [] : [contact(1)]) }
        world.pass(.seconds(30))
        #expect(world.machines[2]?.knownMembers.count == count - 1)
        for other in all where other > 3 { world.end(2, other) }
        #expect(world.members(of: 2).count < 5)
        world.tell(.sentToAll, to: 2)
        world.pass(.seconds(1))
        let isSmall = count <= NodeLimits.gatheredMax
        #expect((world.members(of: 2).count == count - 1) == isSmall)
    }

    @Test("of two that claim one address one has it everywhere, and both are told") func contest() {
        var world = world()
        world.start(1)
        world.start(2, claims: [claim(address, since: 20)], contacts: [contact(1)])
        world.start(3, claims: [claim(address, since: 10)], contacts: [contact(1)])
        world.pass(.seconds(1))
        for number in UInt8(1)...3 { #expect(world.holder(of: address, at: number) == 3) }
        #expect(world.notices[2]?.contains(.addressTaken(ip(address), by: node(3))) == true)
        #expect(world.notices[3]?.contains(.addressClaimed(ip(address), by: node(2))) == true)
        #expect(world.machines[1]?.allConflicts.isEmpty == true)
    }

    @Test("a newcomer does not get what a live node has, though it claims an earlier time")
    func newcomer() {
        var world = world()
        world.start(1)
        world.start(2, claims: [claim(address, since: 20)], contacts: [contact(1)])
        world.pass(.seconds(30))
        world.start(3, claims: [claim(address, since: 0)], contacts: [contact(1)])
        world.pass(.seconds(200))
        for number in UInt8(1)...3 { #expect(world.holder(of: address, at: number) == 2) }
        #expect(world.machines[3]?.allConflicts.map(\.conflict) == [.taken(by: node(2))])
        #expect(world.machines[2]?.allConflicts.map(\.conflict) == [.claimed(by: node(3))])
    }

    @Test("when the owner leaves, who waited has the address, and the notice ends")
    func inherits() {
        var world = world()
        world.start(1)
        world.start(2, claims: [claim(address, since: 20)], contacts: [contact(1)])
        world.pass(.seconds(30))
        world.start(3, claims: [claim(address, since: 30)], contacts: [contact(1)])
        world.pass(.seconds(1))
        world.stop(2)
        world.pass(.seconds(1))
        for number in [UInt8(1), 3] { #expect(world.holder(of: address, at: number) == 3) }
        #expect(world.notices[3]?.last == .addressFree(ip(address)))
        #expect(world.machines[3]?.allConflicts.isEmpty == true)
        // The old owner comes back and has to wait in its turn.
        world.pass(.seconds(30))
        world.start(2, claims: [claim(address, since: 20)], contacts: [contact(1)])
        world.pass(.seconds(1))
        for number in UInt8(1)...3 { #expect(world.holder(of: address, at: number) == 3) }
    }

    @Test("two that never see each other settle it by who sees both") func betweenStrangers() {
        var world = world()
        world.start(1)
        world.cut([2], from: [3])
        world.start(2, claims: [claim(address, since: 20)], contacts: [contact(1)])
        world.pass(.seconds(30))
        world.start(3, claims: [claim(address, since: 0)], contacts: [contact(1)])
        world.pass(.seconds(1))
        #expect(world.holder(of: address, at: 1) == 2)
        #expect(world.machines[3]?.allConflicts.map(\.conflict) == [.taken(by: node(2))])
        world.stop(2)
        world.pass(NodeLimits.reclaimAfter + NodeLimits.settledAfter + .seconds(1))
        #expect(world.holder(of: address, at: 1) == 3)
        #expect(world.machines[3]?.allConflicts.isEmpty == true)
    }

    @Test("halves that were parted find each other within ten minutes, without contacts")
    func partition() {
        var world = world()
        for number in UInt8(1)...6 {
            world.start(number, contacts: number == 1 ? [] : [contact(1)])
        }
        world.pass(.seconds(5))
        world.cut([1, 2, 3], from: [4, 5, 6])
        world.pass(.seconds(300))
        #expect(world.members(of: 3) == [1, 2])
        #expect(world.members(of: 4) == [5, 6])
        world.heal()
        world.pass(.seconds(90))
        for number in UInt8(1)...6 { #expect(world.members(of: number).count == 5) }
    }

    @Test("what two halves both settled on stays where it is, and all four claims are told")
    func settledHalves() {
        var world = world()
        world.start(1, claims: [claim(address, since: 20)])
        world.start(2, claims: [claim(address, since: 10)])
        world.pass(.seconds(60))
        world.start(3, contacts: [contact(1), contact(2)])
        world.pass(.seconds(100))
        #expect(world.machines[1]?.allConflicts.map(\.conflict) == [.claimed(by: node(2))])
        #expect(world.machines[2]?.allConflicts.map(\.conflict) == [.claimed(by: node(1))])
        #expect(world.holder(of: address, at: 1) == 1)
        #expect(world.holder(of: address, at: 2) == 2)
    }

    @Test("a link that was cut when hints were told is made by a later round") func missedHint() {
        var world = world()
        for number in UInt8(1)...3 { world.start(number) }
        world.cut([2], from: [3])
        world.start(4, contacts: [contact(1), contact(2), contact(3)])
        world.pass(.seconds(300))
        #expect(world.members(of: 3) == [1, 4])
        world.heal()
        world.pass(.seconds(600))
        #expect(world.members(of: 3) == [1, 2, 4])
    }

    @Test("a contact's name is asked again until it leads to a member") func nameChanges() {
        var world = world()
        world.names["moving.example"] = [outer(50)]
        world.start(1)
        world.start(2, contacts: [NetronProtocolTests.contact("moving.example:7000")])
        world.pass(.seconds(60))
        #expect(world.members(of: 2).isEmpty)
        world.names["moving.example"] = [outer(1)]
        world.pass(.seconds(31))
        #expect(world.members(of: 2) == [1])
        // The member goes to another host, and so does the name.
        world.stop(1)
        world.start(3)
        world.names["moving.example"] = [outer(3)]
        world.pass(.seconds(3))
        #expect(world.members(of: 2) == [3])
    }

    @Test("one world, one outcome") func deterministic() {
        func run() -> ([[UInt8]], Int) {
            var world = world()
            for number in UInt8(1)...20 {
                world.start(number, contacts: number == 1 ? [] : [contact(number / 2)])
            }
            world.cut([3, 5, 7], from: [2, 4, 6])
            world.pass(.seconds(60))
            world.heal()
            world.pass(.seconds(200))
            return ((UInt8(1)...20).map { world.members(of: $0) }, world.messageCount)
        }
        let first = run()
        let second = run()
        #expect(first.0 == second.0)
        #expect(first.1 == second.1)
    }
}
