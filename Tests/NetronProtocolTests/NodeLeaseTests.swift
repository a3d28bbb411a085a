// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronWire
import Testing

@Suite("leased addresses") struct NodeLeaseTests {
    private func world() -> NodeWorld {
        var world = NodeWorld()
        world.names["one.example"] = [outer(1)]
        return world
    }

    private func range(_ text: String = "10.1.0.0/24", last: String? = nil) -> LeaseRange {
        guard let range = Prefix(text) else { preconditionFailure(text) }
        return LeaseRange(range, last: last.map(ip))
    }

    private func leases(_ world: NodeWorld, _ number: UInt8) -> [IPAddress] {
        world.machines[number]?.leasedAddresses.map(\.address) ?? []
    }

    @Test("who meets nobody takes an address after a while, always the same one") func alone() {
        var found: Set<[IPAddress]> = []
        for _ in 0..<2 {
            var world = world()
            world.start(1, ranges: [range()])
            world.pass(NodeLimits.leaseAloneAfter - .seconds(1))
            #expect(leases(world, 1).isEmpty)
            world.pass(.seconds(2))
            #expect(leases(world, 1).count == 1)
            #expect(world.addressesOfHost(1) == Set(leases(world, 1)))
            found.insert(leases(world, 1))
        }
        #expect(found.count == 1)
    }

    @Test("who meets members takes a free address at once, and all know of it") func joining() {
        var world = world()
        world.start(1, ranges: [range("10.1.0.0/30")])
        world.pass(.seconds(10))
        world.start(2, contacts: [contact("one.example:7000")], ranges: [range("10.1.0.0/30")])
        world.pass(.seconds(3))
        let all = leases(world, 1) + leases(world, 2)
        #expect(Set(all) == [ip("10.1.0.1"), ip("10.1.0.2")])
        #expect(world.holder(of: "\(all[0])", at: 2) == 1)
        #expect(world.holder(of: "\(all[1])", at: 1) == 2)
        // A third one finds none, and takes the one that becomes free.
        world.start(3, contacts: [contact("one.example:7000")], ranges: [range("10.1.0.0/30")])
        world.pass(.seconds(60))
        #expect(leases(world, 3).isEmpty)
        world.stop(2)
        world.pass(.seconds(5))
        #expect(leases(world, 3) == [all[1]])
    }

    @Test("those who have no session with the one who took an address know of it too")
    func strangers() {
        var world = world()
        world.cut([4], from: [2, 3])
        for number in UInt8(1)...3 {
            world.start(number, contacts: number == 1 ? [] : [contact("one.example:7000")])
        }
        world.pass(.seconds(30))
        world.start(4, contacts: [contact("one.example:7000")], ranges: [range()])
        world.pass(.seconds(30))
        #expect(world.members(of: 4) == [1])
        for number in UInt8(1)...4 {
            #expect(world.holder(of: "\(leases(world, 4)[0])", at: number) == 4)
        }
    }

    @Test("the address of the last life is taken at once, if it is in the range and free")
    func remembered() {
        var world = world()
        world.start(1, ranges: [range(last: "10.1.0.77")])
        world.pass(.milliseconds(100))
        #expect(leases(world, 1) == [ip("10.1.0.77")])
        world.start(2, ranges: [range(last: "10.2.0.77")])
        world.pass(.milliseconds(100))
        #expect(leases(world, 2).isEmpty)
    }

    @Test("of two that took the same address one keeps it, and the other takes another")
    func contest() {
        var world = world()
        world.start(1, ranges: [range(last: "10.1.0.77")])
        world.pass(.seconds(30))
        world.start(2, ranges: [range(last: "10.1.0.77")])
        world.pass(.seconds(30))
        #expect(leases(world, 1) == leases(world, 2))
        // Only now they meet.
        world.start(3, contacts: [contact("one.example:7000")])
        world.tell(.discovered(outer(3), nil), to: 2)
        world.pass(.seconds(30))
        #expect(leases(world, 1) == [ip("10.1.0.77")])
        #expect(leases(world, 2).count == 1 && leases(world, 2) != leases(world, 1))
        for number in UInt8(1)...2 {
            #expect(world.addressesOfHost(number) == Set(leases(world, number)))
            #expect(world.notices[number]?.contains { $0.isAboutAnAddress } == false)
        }
        #expect(world.holder(of: "10.1.0.77", at: 3) == 1)
        #expect(world.holder(of: "\(leases(world, 2)[0])", at: 3) == 2)
    }

    @Test("ten that come up at once in a range for fourteen have an address each") func crowd() {
        var world = world()
        for number in UInt8(1)...10 {
            let contacts = number == 1 ? [] : [contact("one.example:7000")]
            world.start(number, contacts: contacts, ranges: [range("10.1.0.0/28")])
        }
        world.pass(.seconds(60))
        let all = (UInt8(1)...10).flatMap { leases(world, $0) }
        #expect(all.count == 10 && Set(all).count == 10)
        for number in UInt8(1)...10 {
            #expect(world.addressesOfHost(number) == Set(leases(world, number)))
        }
    }

    @Test("ranges of both families, beside an address that the user gave") func families() {
        var world = world()
        world.start(1, claims: [claim("10.9.0.1")], ranges: [range(), range("fd01::/64")])
        world.pass(.seconds(10))
        #expect(leases(world, 1).map(\.family) == [.v4, .v6])
        let own = world.machines[1]?.addresses(of: node(1)) ?? []
        #expect(Set(own).isSuperset(of: leases(world, 1) + [ip("10.9.0.1")]))
    }
}

extension Notice {
    fileprivate var isAboutAnAddress: Bool {
        switch self {
        case .addressTaken, .addressClaimed, .addressFree, .addressRefused: true
        default: false
        }
    }
}
