// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronSimulator
internal import NetronWire
internal import Testing

@Suite("address translators")
struct NATTests {
    private static let kinds = NATKind.allCases

    /// Node 0 has the kind of NAT; 1 and 2 are public hosts.
    private func world(_ kind: NATKind, timeout: Duration = .seconds(60)) -> World<Puppet> {
        World.of([.behind(kind, timeout: timeout), NodeProfile(), NodeProfile()])
    }

    /// Where a host sees node 0 when that sends to it.
    private func mapped(_ world: World<Puppet>, at host: Int) throws -> Endpoint {
        world.tell(0, .sendDatagram([1], to: try world.outer(host)))
        try world.run(for: .seconds(1))
        return try #require(world.datagrams(host).source)
    }

    private func reaches(
        _ world: World<Puppet>,
        _ sender: Int,
        _ endpoint: Endpoint,
        _ receiver: Int
    ) throws -> Bool {
        _ = world.take(receiver)
        world.tell(sender, .sendDatagram([2], to: endpoint))
        try world.run(for: .seconds(1))
        return world.datagrams(receiver).count == 1
    }

    @Test("who was sent to may answer, whatever the kind", arguments: kinds)
    func answers(_ kind: NATKind) throws {
        let world = world(kind)
        #expect(try reaches(world, 1, try mapped(world, at: 1), 0))
    }

    @Test("others get in at a full cone alone", arguments: kinds)
    func strangers(_ kind: NATKind) throws {
        let world = world(kind)
        let endpoint = try mapped(world, at: 1)
        #expect(try reaches(world, 2, endpoint, 0) == [.none, .fullCone].contains(kind))
    }

    @Test("another port of who was sent to gets in by a filter of addresses", arguments: kinds)
    func ports(_ kind: NATKind) throws {
        let world = world(kind)
        let endpoint = try mapped(world, at: 1)
        // Node 0 sends to a port of host 2 that nobody has; then host 2 sends from its own.
        let outer = try world.outer(2)
        world.tell(0, .sendDatagram([1], to: Endpoint(outer.address, port: outer.port + 1)))
        try world.run(for: .seconds(1))
        let mayEnter: [NATKind] = [.none, .fullCone, .addressRestricted]
        #expect(try reaches(world, 2, endpoint, 0) == mayEnter.contains(kind))
    }

    @Test("only a symmetric one shows another port to another host", arguments: kinds)
    func mappings(_ kind: NATKind) throws {
        let world = world(kind)
        let (one, two) = (try mapped(world, at: 1), try mapped(world, at: 2))
        #expect((one != two) == kind.isSymmetric)
        #expect(try mapped(world, at: 1) == one)
        #expect((one == world.localEndpoint(of: 0)) == (kind == .none))
    }

    @Test("two that send to each other meet, but not by way of what only one host was shown")
    func punching() throws {
        for left in Self.kinds {
            for right in Self.kinds {
                let world = World.of([.behind(left), .behind(right), NodeProfile()])
                let host = try world.outer(2)
                var seen: [Endpoint] = []
                for number in 0..<2 {
                    world.tell(number, .sendDatagram([1], to: host))
                    try world.run(for: .seconds(1))
                    seen.append(try #require(world.datagrams(2).source))
                }
                for _ in 0..<3 {
                    world.tell(0, .sendDatagram([1], to: seen[1]))
                    world.tell(1, .sendDatagram([1], to: seen[0]))
                    try world.run(for: .seconds(1))
                }
                // Datagrams came through in one direction at least: an answer then goes back.
                let met = world.datagrams(0).count + world.datagrams(1).count > 0
                let isHopeless =
                    left.isSymmetric && (right.isSymmetric || right == .portRestricted)
                    || right.isSymmetric && left == .portRestricted
                #expect(met != isHopeless, "\(left) and \(right)")
            }
        }
    }

    @Test("a mapping ends without traffic, and what is sent keeps it")
    func timeouts() throws {
        let world = world(.portRestricted, timeout: .seconds(30))
        let endpoint = try mapped(world, at: 1)
        try world.run(for: .seconds(27))
        #expect(try reaches(world, 1, endpoint, 0))
        try world.run(for: .seconds(3))
        // What came in did not keep it.
        #expect(try !reaches(world, 1, endpoint, 0))
        let other = try mapped(world, at: 1)
        #expect(other != endpoint && other.address == endpoint.address)
        for _ in 0..<5 {
            try world.run(for: .seconds(25))
            #expect(try mapped(world, at: 1) == other)
        }
    }

    @Test("nothing turns round inside; neighbours meet on their LAN")
    func hairpin() throws {
        let world = World<Puppet>(seed: 1, factory: Puppet.make)
        var profile = NodeProfile.behind(.fullCone)
        profile.site = world.addSite(.fullCone)
        for profile in [profile, profile, NodeProfile()] { world.start(world.add(profile)) }
        let outer = try mapped(world, at: 2)
        #expect(try !reaches(world, 1, outer, 0))
        let inner = try #require(world.localEndpoint(of: 0))
        #expect(try reaches(world, 1, inner, 0))
        #expect(try !reaches(world, 2, inner, 0))
        #expect(world.node(2)?.events.isEmpty == true)
    }
}
