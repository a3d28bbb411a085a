// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronWire
import Testing

@Suite("nodes without room for all") struct NodePlacementTests {
    private static let count: UInt8 = 40

    /// A network of nodes that have room for 16 others each.
    private func world(gateways: [UInt8: GatewaySettings] = [:]) -> NodeWorld {
        var world = NodeWorld()
        world.budget = 16 * DirectoryLimits.budgetPerMember
        world.names["first.example"] = [outer(1)]
        for number in 1...Self.count {
            world.start(
                number,
                claims: [claim("10.1.0.\(number)")],
                contacts: number == 1 ? [] : [contact("first.example:7000")],
                gateways: gateways[number] ?? GatewaySettings()
            )
            world.pass(.milliseconds(200))
        }
        world.pass(.seconds(120))
        return world
    }

    private func key(_ name: String) throws -> LedgerKey {
        let bucket = try #require(LedgerName("dns"))
        return try #require(LedgerKey(bucket, name))
    }

    @Test("a packet finds the member that has its address, and its own address")
    func packets() {
        var world = world()
        var unknown = 0
        for number in 1...Self.count {
            let other = (number + 19) % Self.count + 1
            #expect(world.machines[number]?.knownMembers.count ?? 99 < 30)
            let isUnknown = world.machines[number]?.statement(of: node(other)) == nil
            unknown += isUnknown ? 1 : 0
            let address = number % 2 == 0 ? ip("10.1.0.\(other)") : ula(node(other))
            world.tell(.unrouted(address), to: number)
            world.pass(.seconds(2))
            #expect(world.members(of: number).contains(other))
        }
        #expect(unknown > 10)
    }

    @Test("what a member says in the ledger is read at every other one") func read() throws {
        var world = world()
        let name = try key("printer")
        #expect(world.write(.put(name, [1, 2]), at: 7) == nil)
        world.pass(.seconds(20))
        for number in 1...Self.count {
            world.tell(.ledgerWanted(name), to: number)
            world.pass(.seconds(3))
            #expect(world.reads[number] == [name])
            let record = try world.machines[number]?.ledgerRecord(of: name, at: world.now)
            #expect(record?.value == [1, 2])
            #expect(record?.author == node(7))
        }
        let other = try key("nobody")
        world.tell(.ledgerWanted(other), to: 3)
        world.pass(.seconds(20))
        #expect(world.reads[3]?.last == other)
        #expect(try world.machines[3]?.ledgerRecord(of: other, at: world.now) == nil)
        #expect(world.machines[3]?.isLedgerComplete == false)
    }

    @Test("gateways are found by who accepts routes, and one that left is forgotten")
    func gateways() throws {
        let range = try #require(Prefix("10.20.0.0/16"))
        let other = try #require(Prefix("10.30.0.0/16"))
        let accepts = GatewaySettings(acceptsRoutes: true)
        let accepting: [UInt8] = [3, 11, 23, 37]
        var settings = Dictionary(uniqueKeysWithValues: accepting.map { ($0, accepts) })
        settings[7] = GatewaySettings(advertised: [range])
        settings[29] = GatewaySettings(advertised: [range, other])
        var world = world(gateways: settings)
        world.pass(.seconds(120))
        for number in accepting { #expect(world.routes[number] == [range, other]) }
        for number in accepting {
            world.end(number, 7)
            world.end(number, 29)
            world.tell(.unrouted(ip("10.20.1.1")), to: number)
            world.pass(.seconds(2))
            #expect(!Set(world.members(of: number)).isDisjoint(with: [7, 29]))
        }
        world.stop(29)
        world.pass(.seconds(360))
        for number in accepting { #expect(world.routes[number] == [range]) }
        #expect(world.routes[5] == [])
    }

    @Test("what changes is read anew, and what is deleted is gone") func changed() throws {
        var world = world()
        let name = try key("printer")
        #expect(world.write(.put(name, [1]), at: 7) == nil)
        world.pass(.seconds(20))
        #expect(world.write(.put(name, [2]), at: 7) == nil)
        world.pass(.seconds(20))
        for number in [UInt8(11), 23, 37] {
            world.tell(.ledgerWanted(name), to: number)
            world.pass(.seconds(3))
            let record = try world.machines[number]?.ledgerRecord(of: name, at: world.now)
            #expect(record?.value == [2])
        }
        #expect(world.write(.delete(name), at: 7) == nil)
        world.pass(.seconds(20))
        for number in [UInt8(11), 24] {
            world.tell(.ledgerWanted(name), to: number)
            world.pass(.seconds(20))
            #expect(try world.machines[number]?.ledgerRecord(of: name, at: world.now) == nil)
        }
    }

    @Test("nobody is asked for an address that nobody has again and again") func absent() {
        var world = world()
        world.tell(.unrouted(ip("10.9.9.9")), to: 5)
        world.pass(.seconds(3))
        let before = world.messageCount
        for _ in 0..<20 { world.tell(.unrouted(ip("10.9.9.9")), to: 5) }
        #expect(world.messageCount == before)
    }

    @Test("a key that another has is refused, once those who know of it were asked")
    func held() throws {
        var world = world()
        let bucket = try #require(LedgerName("services"))
        let name = try #require(LedgerKey(bucket, "printer"))
        #expect(world.write(.put(name, [1]), at: 7) == nil)
        world.pass(.seconds(20))
        for number in [UInt8(12), 25, 38] {
            world.tell(.ledgerWanted(name), to: number)
            world.pass(.seconds(3))
            #expect(world.write(.put(name, [2]), at: number) == .held(by: node(7)))
        }
    }

    @Test("who keeps all asks nobody") func whole() {
        var world = NodeWorld()
        world.start(1)
        world.start(2, contacts: [contact("first.example:7000")])
        world.pass(.seconds(10))
        let before = world.messageCount
        world.tell(.unrouted(ip("10.9.9.9")), to: 1)
        #expect(world.messageCount == before)
    }
}
