// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronWire
import Testing

@Suite("leased addresses where nobody knows all members") struct NodeLeasePartTests {
    /// The numbers of those that come later.
    private static let late: UInt8 = 101

    /// A network of so many nodes, with an address of 10.1.0.0 each, and room for so many others.
    private func world(_ count: UInt8, room: Int = 24) -> NodeWorld {
        var world = NodeWorld()
        world.budget = room * DirectoryLimits.budgetPerMember
        world.names["first.example"] = [outer(1)]
        for number in 1...count {
            world.start(
                number,
                claims: [claim("10.1.0.\(number)")],
                contacts: number == 1 ? [] : [contact("first.example:7000")]
            )
            world.pass(.milliseconds(200))
        }
        world.pass(.seconds(120))
        return world
    }

    private func join(_ number: UInt8, _ ranges: String..., to world: inout NodeWorld) {
        let ranges = ranges.compactMap { Prefix($0) }.map { LeaseRange($0) }
        world.start(number, contacts: [contact("first.example:7000")], ranges: ranges)
    }

    private func leases(_ world: NodeWorld, _ number: UInt8) -> [IPAddress] {
        world.machines[number]?.leasedAddresses.map(\.address) ?? []
    }

    @Test("where 60 of 62 are taken a free one is found, and none is claimed that is taken")
    func nearlyFull() {
        var world = world(60, room: 28)
        for number in Self.late..<(Self.late + 2) {
            join(number, "10.1.0.0/26", to: &world)
            world.pass(.seconds(5))
            #expect(leases(world, number).count == 1)
            world.pass(.seconds(60))
        }
        let all = leases(world, Self.late) + leases(world, Self.late + 1)
        #expect(Set(all) == [ip("10.1.0.61"), ip("10.1.0.62")])
        #expect(world.leaseCounts == [Self.late: 1, Self.late + 1: 1])
    }

    @Test("where too little is kept of what is left with others, few are claimed that are taken")
    func cramped() {
        var world = world(60, room: 16)
        join(Self.late, "10.1.0.0/26", to: &world)
        world.pass(.seconds(60))
        #expect([[ip("10.1.0.61")], [ip("10.1.0.62")]].contains(leases(world, Self.late)))
        #expect(world.leaseCounts[Self.late] ?? 0 <= 3)
    }

    @Test("where all are taken none is claimed and that is said; a gap is found later")
    func full() {
        var world = world(30)
        join(Self.late, "10.1.0.0/27", to: &world)
        world.pass(.seconds(60))
        #expect(leases(world, Self.late).isEmpty)
        #expect(world.leaseCounts.isEmpty)
        #expect(world.machines[Self.late]?.fullRanges == Prefix("10.1.0.0/27").map { [$0] })
        world.stop(7)
        world.pass(NodeLimits.leaseTakenFor)
        #expect(leases(world, Self.late) == [ip("10.1.0.7")])
        #expect(world.machines[Self.late]?.fullRanges == [])
    }

    @Test("of two that ask at once for the last address one has it in the end") func together() {
        var world = world(29)
        join(Self.late, "10.1.0.0/27", to: &world)
        join(Self.late + 1, "10.1.0.0/27", to: &world)
        world.pass(.seconds(60))
        let all = leases(world, Self.late) + leases(world, Self.late + 1)
        #expect(all == [ip("10.1.0.30")])
        #expect((world.leaseCounts[Self.late] ?? 0) <= 3)
        #expect((world.leaseCounts[Self.late + 1] ?? 0) <= 3)
        for number in Self.late...(Self.late + 1) {
            #expect(world.addressesOfHost(number) == Set(leases(world, number)))
        }
    }

    @Test("both ends of a link of two are taken, and addresses of IPv6") func small() {
        var world = world(24)
        for number in Self.late..<(Self.late + 3) {
            join(number, "10.2.0.0/31", "fd01::/126", to: &world)
            world.pass(.seconds(20))
        }
        let all = (Self.late..<(Self.late + 3)).flatMap { leases(world, $0) }
        #expect(Set(all) == Set(["10.2.0.0", "10.2.0.1", "fd01::1", "fd01::2", "fd01::3"].map(ip)))
        #expect(all.count == 5)
        #expect(world.machines[Self.late + 2]?.fullRanges == Prefix("10.2.0.0/31").map { [$0] })
    }
}
