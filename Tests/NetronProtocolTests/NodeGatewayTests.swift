// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronWire
import Testing

private func range(_ text: String) -> Prefix {
    guard let prefix = Prefix(text) else { preconditionFailure(text) }
    return prefix
}

private func carries(_ texts: String...) -> GatewaySettings {
    GatewaySettings(advertised: texts.map(range))
}

private let accepts = GatewaySettings(acceptsRoutes: true, networks: [range("10.1.0.0/24")])

extension NodeWorld {
    /// The first node, which all others are told of.
    fileprivate mutating func begin(_ number: UInt8, _ gateways: GatewaySettings) {
        names["one.example"] = [outer(1)]
        let contacts = number == 1 ? [] : [contact("one.example:7000")]
        let claims = [claim("10.1.0.\(number)", since: 1_000)]
        start(number, claims: claims, contacts: contacts, gateways: gateways)
    }

    /// What else than its addresses is a member's in a node's packet core.
    fileprivate func ranges(of other: UInt8, at number: UInt8) -> [Prefix] {
        (prefixes[number]?[node(other)] ?? []).filter {
            $0 != ula(other) && $0 != host("10.1.0.\(other)")
        }
    }

    fileprivate func routed(at number: UInt8) -> [Prefix] { (routes[number] ?? []).sorted() }
}

@Suite("gateways") struct NodeGatewayTests {
    @Test("what a member carries is routed to it, by those alone who accept routes")
    func accepting() {
        var world = NodeWorld()
        world.begin(1, GatewaySettings())
        world.begin(2, carries("10.20.0.0/16", "::/0"))
        world.begin(3, accepts)
        world.begin(4, GatewaySettings())
        world.pass(.seconds(10))
        #expect(world.routed(at: 3) == [range("10.20.0.0/16"), range("::/0")])
        #expect(world.ranges(of: 2, at: 3) == [range("10.20.0.0/16"), range("::/0")])
        for number: UInt8 in [1, 2, 4] {
            #expect(world.routed(at: number) == [])
            #expect(world.ranges(of: 2, at: number) == [])
        }
        let value = world.read("gateways", node(2).description, at: 4)
        #expect(value == "10.20.0.0/16 ::/0")
    }

    @Test("they end with the gateway, and with its next life that does not carry them")
    func ending() {
        var world = NodeWorld()
        world.begin(1, accepts)
        world.begin(2, carries("10.20.0.0/16"))
        world.pass(.seconds(10))
        #expect(world.routed(at: 1) == [range("10.20.0.0/16")])
        world.stop(2)
        world.pass(.seconds(2))
        #expect(world.routed(at: 1) == [] && world.machines[1]?.acceptedRoutes.isEmpty == true)
        world.begin(2, carries("10.30.0.0/16"))
        world.pass(.seconds(10))
        #expect(world.routed(at: 1) == [range("10.30.0.0/16")])
        world.crash(2)
        world.begin(2, GatewaySettings())
        world.pass(.seconds(30))
        #expect(world.routed(at: 1) == [])
        #expect(world.read("gateways", node(2).description, at: 2) == nil)
    }

    @Test("a member that is killed carries nothing any more when it is known to be gone")
    func crash() {
        var world = NodeWorld()
        for number: UInt8 in [1, 3, 4] { world.begin(number, accepts) }
        world.begin(2, carries("10.20.0.0/16"))
        world.pass(.seconds(10))
        world.crash(2)
        world.pass(.seconds(7_200))
        for number: UInt8 in [1, 3, 4] { #expect(world.routed(at: number) == []) }
    }

    @Test("of several the one has a range that said so first, and the next when it is gone")
    func contested() {
        var world = NodeWorld()
        world.begin(1, accepts)
        world.begin(3, carries("10.20.0.0/16", "10.30.0.0/16"))
        world.pass(.seconds(10))
        world.begin(2, carries("10.20.0.0/16", "10.20.5.0/24"))
        world.pass(.seconds(10))
        #expect(world.ranges(of: 3, at: 1) == [range("10.20.0.0/16"), range("10.30.0.0/16")])
        #expect(world.ranges(of: 2, at: 1) == [range("10.20.5.0/24")])
        world.stop(3)
        world.pass(.seconds(2))
        #expect(world.ranges(of: 2, at: 1) == [range("10.20.0.0/16"), range("10.20.5.0/24")])
        #expect(world.routed(at: 1) == [range("10.20.0.0/16"), range("10.20.5.0/24")])
        // Who comes back is behind the one that stayed.
        world.begin(3, carries("10.20.0.0/16"))
        world.pass(.seconds(10))
        #expect(world.ranges(of: 3, at: 1) == [])
        #expect(world.machines[1]?.acceptedRoutes.map(\.gateway) == [node(2), node(2)])
    }

    @Test("neither a part of the own networks nor what the node carries itself is accepted")
    func refusing() {
        var world = NodeWorld()
        var both = accepts
        both.advertised = [range("10.20.0.0/16")]
        world.begin(1, both)
        world.begin(2, carries("10.20.0.0/16", "10.1.0.0/24", "10.1.0.7/32", "fd00:0:1::/64"))
        world.pass(.seconds(10))
        #expect(world.routed(at: 1) == [] && world.ranges(of: 2, at: 1) == [])
        world.begin(3, carries("10.0.0.0/8", "10.20.7.0/24"))
        world.pass(.seconds(10))
        #expect(world.routed(at: 1) == [range("10.0.0.0/8"), range("10.20.7.0/24")])
    }

    @Test("an address that a member claims is its own, though another carries it") func claimed() {
        var world = NodeWorld()
        world.begin(1, accepts)
        world.start(
            2,
            claims: [claim("172.16.0.2")],
            contacts: [contact("one.example:7000")]
        )
        world.pass(.seconds(10))
        world.begin(3, carries("172.16.0.2/32", "172.16.0.3/32"))
        world.pass(.seconds(10))
        #expect(world.ranges(of: 3, at: 1) == [range("172.16.0.3/32")])
        #expect(world.ranges(of: 2, at: 1) == [range("172.16.0.2/32")])
    }

    @Test("a packet for a range leads to its gateway, the longest range first, on demand")
    func demand() {
        var world = NodeWorld()
        for number: UInt8 in 1...3 { world.begin(number, GatewaySettings()) }
        world.begin(4, carries("10.20.0.0/16"))
        world.begin(5, carries("0.0.0.0/0", "10.0.0.0/8"))
        world.begin(6, accepts)
        world.pass(.seconds(10))
        for (address, gateway, other) in [
            ("10.20.1.1", 4, 5), ("10.21.1.1", 5, 4), ("192.0.9.1", 5, 4),
        ] as [(String, UInt8, UInt8)] {
            world.end(6, 4)
            world.end(6, 5)
            world.tell(.unrouted(ip(address)), to: 6)
            world.pass(.milliseconds(10))
            #expect(world.members(of: 6).contains(gateway))
            #expect(!world.members(of: 6).contains(other))
        }
        world.end(6, 5)
        // One of its own network, which nobody has, is no gateway's.
        world.tell(.unrouted(ip("10.1.0.99")), to: 6)
        world.pass(.milliseconds(10))
        #expect(!world.members(of: 6).contains(5))
    }

    @Test("a router gets all that is nobody's, on demand, and no route of the host") func router() {
        var world = NodeWorld()
        let networks = [range("10.1.0.0/24")]
        world.begin(1, GatewaySettings())
        world.begin(2, carries("0.0.0.0/0"))
        world.begin(3, GatewaySettings(router: ip("10.1.0.4"), networks: networks))
        world.pass(.seconds(10))
        world.begin(4, GatewaySettings())
        world.pass(.seconds(10))
        #expect(world.ranges(of: 4, at: 3) == [range("0.0.0.0/0"), range("::/0")])
        #expect(world.ranges(of: 2, at: 3) == [] && world.routed(at: 3) == [])
        world.end(3, 4)
        world.tell(.unrouted(ip("203.0.113.9")), to: 3)
        world.pass(.milliseconds(10))
        #expect(world.members(of: 3).contains(4))
        world.stop(4)
        world.pass(.seconds(2))
        world.tell(.unrouted(ip("203.0.113.9")), to: 3)
        world.pass(.seconds(2))
        #expect(!world.members(of: 3).contains(4))
    }

    @Test("with a router what others carry is accepted, but for all addresses") func both() {
        var world = NodeWorld()
        var settings = accepts
        settings.router = ip("10.1.0.1")
        world.begin(1, GatewaySettings())
        world.begin(2, carries("0.0.0.0/0", "10.20.0.0/16"))
        world.begin(3, settings)
        world.pass(.seconds(10))
        #expect(world.routed(at: 3) == [range("10.20.0.0/16")])
        #expect(world.ranges(of: 1, at: 3) == [range("0.0.0.0/0"), range("::/0")])
    }

    @Test("what a gateway said is known after a start from what is on disk") func restart() {
        var world = NodeWorld()
        world.begin(1, GatewaySettings())
        world.begin(2, carries("10.20.0.0/16"))
        world.begin(3, accepts)
        world.pass(.seconds(10))
        world.crash(3)
        world.pass(.seconds(30))
        world.begin(3, accepts)
        world.pass(.seconds(10))
        #expect(world.routed(at: 3) == [range("10.20.0.0/16")])
    }

    @Test("of more than a member may have in the packet core its addresses come first")
    func prefixes() {
        var world = NodeWorld()
        world.begin(1, accepts)
        let claims = (1...12).map { claim("172.16.0.\($0)") }
        world.start(
            2,
            claims: claims,
            contacts: [contact("one.example:7000")],
            gateways: GatewaySettings(advertised: (1...8).map { range("10.\($0 + 1).0.0/16") })
        )
        world.pass(.seconds(10))
        let found = world.prefixes[1]?[node(2)] ?? []
        #expect(found.count == 16 && found[0] == ula(2))
        #expect(found[1...12].allSatisfy { $0.length == 32 } && found[13].length == 16)
    }
}
