// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronSimulator
internal import NetronWire
internal import Testing

@Suite("sessions")
struct SessionTests {
    private static let lengths = [
        WireSizes.message1, WireSizes.message2, WireSizes.message3, WireSizes.confirmation,
    ]

    @Test("a handshake is four datagrams, and both ends are told")
    func handshake() throws {
        let world = World.of(2)
        _ = (world.take(0), world.take(1))
        world.tell(0, .dial(try world.outer(1), world.id(of: 1)))
        try world.run(for: .seconds(1))
        let trip = try #require(world.roundTrip(0, 1))
        let cryptography = SimulatedCryptography.of(world.id(of: 0), network: 0, seed: 1)
        let ula = cryptography.networkAddress(world.id(of: 1))
        let events = world.take(0)
        let up = NodeEvent.peerUp(world.id(of: 1), try world.outer(1), rtt: trip, ula: ula)
        #expect(events.count == 2 && events.first == up)
        #expect(world.take(1).upCount == 1)
        let bytes = UInt64(Self.lengths.reduce(0) { $0 + $1 + 28 })
        for number in 0..<2 { #expect(world.traffic[number].bytes(.handshake) == bytes) }
    }

    @Test("a dial of nobody fails after 25 s, one of another id at once")
    func failures() throws {
        let world = World.of(2)
        let nowhere = Endpoint(try world.outer(1).address, port: 9)
        world.tell(0, .dial(nowhere, nil))
        try world.run(for: .seconds(25))
        #expect(!world.take(0).contains(.dialFailed(nowhere, nil)))
        try world.run(for: .seconds(1))
        #expect(world.take(0) == [.dialFailed(nowhere, nil)])
        #expect(world.traffic[0].sent(.handshake) == 6 * 188)

        let other = try #require(NodeID(bytes: [UInt8](repeating: 1, count: 32)))
        world.tell(0, .dial(try world.outer(1), other))
        try world.run(for: .seconds(1))
        #expect(world.take(0) == [.dialFailed(try world.outer(1), other)])
        #expect(!world.hasSession(0, 1))
    }

    @Test("a wrong token is not answered")
    func strangers() throws {
        var stranger = NodeProfile()
        stranger.network = 1
        let world = World.of([stranger, NodeProfile()])
        world.tell(0, .dial(try world.outer(1), nil))
        try world.run(for: .seconds(30))
        #expect(!world.hasSession(0, 1) && world.traffic[1].sent(.handshake) == 0)
    }

    @Test("a handshake succeeds on a link that loses a tenth", arguments: 1...20)
    func lossy(_ seed: UInt64) throws {
        var settings = WorldSettings()
        settings.links.loss = 0.1
        settings.keepsAll = true
        let world = World.of([NodeProfile(), NodeProfile()], seed: seed, settings)
        world.tell(0, .dial(try world.outer(1), nil))
        try world.run(for: .seconds(25))
        #expect(world.hasSession(0, 1) && world.hasSession(1, 0))
    }

    @Test("two that dial each other at once have one session, told once")
    func overlap() throws {
        let world = World.of(2)
        _ = (world.take(0), world.take(1))
        for number in 0..<2 {
            world.tell(number, .dial(try world.outer(1 - number), world.id(of: 1 - number)))
        }
        try world.run(for: .seconds(2))
        #expect(world.sessionCount == 1 && world.peers(of: 0) == [1])
        // The dial that came second is answered too.
        for number in 0..<2 { #expect((1...2).contains(world.take(number).upCount)) }
        world.tell(0, .send([1, 1], to: world.id(of: 1)))
        world.tell(1, .send([1, 2], to: world.id(of: 0)))
        try world.run(for: .seconds(1))
        #expect(world.take(1) == [.received(from: world.id(of: 0), [1, 1])])
        #expect(world.take(0) == [.received(from: world.id(of: 1), [1, 2])])
    }

    @Test("a dial that leads to a peer is answered without a handshake")
    func superfluous() throws {
        let world = World.of(2)
        try world.join(0, 1)
        let before = world.traffic[0].bytes(.handshake)
        world.tell(0, .dial(try world.outer(1), nil))
        try world.run(for: .seconds(1))
        #expect(world.take(0).upCount == 1 && world.take(1).isEmpty)
        #expect(world.traffic[0].bytes(.handshake) - before == 188 + 180)
    }

    @Test("messages are counted by family, with all headers")
    func counting() throws {
        let world = World.of(2)
        try world.join(0, 1)
        world.tell(0, .send([1, 7, 3, 4], to: world.id(of: 1)))
        try world.run(for: .milliseconds(250))
        #expect(world.take(1) == [.received(from: world.id(of: 0), [1, 7, 3, 4])])
        for number in 0..<2 {
            #expect(world.traffic[number].bytes(family: 7) == 28 + 32 + 4)
            #expect(world.traffic[number].bytes(.control) == 28 + 32 + 4)
        }
    }

    @Test("a second copy is counted, and dropped")
    func replay() throws {
        var settings = WorldSettings()
        settings.links.duplication = 1
        let world = World.of([NodeProfile(), NodeProfile()], settings)
        try world.join(0, 1)
        world.tell(0, .send([1, 7], to: world.id(of: 1)))
        try world.run(for: .seconds(1))
        #expect(world.take(1).count == 1)
        #expect(world.traffic[1].received(.control) == 2 * world.traffic[0].sent(.control))
    }

    @Test("a packet that nobody answers is followed by one echo, a message by none")
    func unanswered() throws {
        let world = World.of(2)
        try world.join(0, 1)
        world.tell(0, .send([1, 7], to: world.id(of: 1)))
        try world.run(for: .seconds(20))
        #expect(world.traffic[0].bytes(.keepalive) == 0)
        world.sendData(bytes: 100, from: 0, to: 1)
        try world.run(for: .seconds(20))
        // Three round trips pass, then one echo is asked for and answered.
        #expect(world.traffic[0].bytes(.keepalive) == 2 * 80)
    }

    @Test("a kept session costs an echo and its answer every 25 s", arguments: [28, 48])
    func keepalive(_ headers: Int) throws {
        var profile = NodeProfile()
        profile.families = headers == 28 ? .v4 : .v6
        let world = World.of([profile, profile])
        let endpoint = try #require(world.localEndpoint(of: 1, headers == 28 ? .v4 : .v6))
        world.tell(0, .dial(endpoint, nil))
        try world.run(for: .seconds(1))
        world.tell(0, .keep(world.id(of: 1), true))
        try world.run(for: .seconds(115))
        for number in 0..<2 {
            #expect(world.traffic[number].bytes(.keepalive) == UInt64(4 * 2 * (52 + headers)))
        }
        // And a handshake every 120 to 130 s.
        let before = world.traffic[0].bytes(.handshake)
        try world.run(for: .seconds(20))
        let bytes = Self.lengths.reduce(0) { $0 + $1 + headers }
        #expect(world.traffic[0].bytes(.handshake) - before == UInt64(bytes))
        try world.run(for: .seconds(36_000))
        #expect(world.hasSession(0, 1) && world.hasSession(1, 0))
        #expect(world.take(0).departures.isEmpty)
        let rekeys = (world.traffic[0].bytes(.handshake) - before) / UInt64(bytes)
        #expect((277...301).contains(rekeys))
    }

    @Test("a session that nobody keeps ends at both ends after 180 s")
    func idle() throws {
        let world = World.of(2)
        try world.join(0, 1)
        try world.run(for: .seconds(170))
        #expect(world.hasSession(0, 1))
        try world.run(for: .seconds(12))
        #expect(world.take(0).departures == [.idle] && world.take(1).departures == [.idle])
        #expect(!world.hasSession(0, 1) && world.sessionCount == 0)
    }

    @Test("what is carried puts the end off, beyond the age of the keys")
    func carried() throws {
        let world = World.of(2)
        try world.join(0, 1)
        for _ in 0..<5 {
            try world.run(for: .seconds(150))
            world.tell(1, .send([1, 7], to: world.id(of: 0)))
        }
        try world.run(for: .seconds(170))
        #expect(world.hasSession(0, 1))
        try world.run(for: .seconds(15))
        #expect(world.take(0).departures == [.idle])
    }

    @Test("a session that is not kept any more ends like others")
    func released() throws {
        let world = World.of(2)
        try world.join(0, 1)
        world.tell(1, .keep(world.id(of: 0), true))
        try world.run(for: .seconds(1000))
        #expect(world.take(0).departures.isEmpty)
        world.tell(1, .keep(world.id(of: 0), false))
        try world.run(for: .seconds(210))
        #expect(world.take(0).departures == [.idle])
    }

    @Test("who crashed is missed 12 s after the first echo that it does not answer")
    func silence() throws {
        let world = World.of(2)
        try world.join(0, 1)
        world.tell(0, .keep(world.id(of: 1), true))
        world.crash(1)
        try world.run(for: .seconds(36))
        #expect(world.take(0).departures.isEmpty)
        try world.run(for: .seconds(2))
        #expect(world.take(0).departures == [.silent])
        // Who sends packets to it notices sooner.
        world.start(1)
        try world.join(0, 1)
        world.crash(1)
        world.sendData(bytes: 100, from: 0, to: 1)
        try world.run(for: .seconds(11.9))
        #expect(world.take(0).departures.isEmpty)
        try world.run(for: .seconds(0.3))
        #expect(world.take(0).departures == [.silent])
    }

    @Test("a goodbye ends the session at once")
    func goodbye() throws {
        let world = World.of(2)
        try world.join(0, 1)
        world.stop(1)
        try world.run(for: .seconds(1))
        #expect(world.take(0).departures == [.goodbye])
        #expect(world.traffic[0].received(.goodbye) == 28 + 36)
    }

    @Test("a peer that begins anew at its place is found again by who misses it")
    func reborn() throws {
        let world = World.of(2)
        try world.join(0, 1)
        world.crash(1)
        world.start(1)
        _ = world.take(1)
        world.sendData(bytes: 100, from: 0, to: 1)
        try world.run(for: .seconds(11))
        #expect(world.hasSession(1, 0) && world.hasSession(0, 1))
        #expect(world.take(1).upCount == 1)
        #expect(
            world.take(0).allSatisfy {
                switch $0 {
                case .clockHeard, .silent: true
                default: false
                }
            }
        )
        #expect(world.node(1)?.memory == 2)
    }

    @Test("a peer that moves is followed")
    func moves() throws {
        let world = World.of(2)
        try world.join(0, 1)
        let old = try world.outer(1)
        world.move(1)
        try world.run(for: .seconds(2))
        #expect(try world.outer(1) != old)
        #expect(world.take(0) == [.moved(world.id(of: 1), try world.outer(1))])
        #expect(world.endpoint(of: 1, at: 0) == (try world.outer(1)))
        world.tell(0, .send([1, 7], to: world.id(of: 1)))
        try world.run(for: .seconds(1))
        #expect(world.take(1).contains(.received(from: world.id(of: 0), [1, 7])))
    }

    @Test("a kept session stays behind a translator that forgets in 30 s; others are lost")
    func translated() throws {
        for isKept in [true, false] {
            let world = World.of([.behind(.portRestricted, timeout: .seconds(30)), NodeProfile()])
            try world.join(0, 1)
            world.tell(0, .keep(world.id(of: 1), isKept))
            try world.run(for: .seconds(100))
            world.tell(1, .send([1, 7], to: world.id(of: 0)))
            try world.run(for: .seconds(1))
            let message = NodeEvent.received(from: world.id(of: 1), [1, 7])
            #expect(world.take(0).contains(message) == isKept)
        }
    }

    @Test("a probe is answered by whoever lives, and failed for whoever does not")
    func probes() throws {
        let world = World.of(2)
        try world.join(0, 1)
        let id = world.id(of: 1)
        world.tell(0, .probe(id))
        try world.run(for: .seconds(1))
        #expect(world.take(0) == [.probed(id, isAlive: true)])
        world.crash(1)
        world.tell(0, .probe(id))
        try world.run(for: .seconds(4))
        #expect(world.take(0) == [.silent(id), .probed(id, isAlive: false)])
        try world.run(for: .seconds(20))
        #expect(world.take(0).departures == [.silent])
        world.tell(0, .probe(id))
        try world.run(for: .seconds(1))
        #expect(world.take(0) == [.probed(id, isAlive: false)])
    }

    @Test("a host that slept for long has no session left, nor have its peers")
    func frozen() throws {
        let world = World.of(2)
        try world.join(0, 1)
        world.tell(0, .keep(world.id(of: 1), true))
        world.tell(1, .keep(world.id(of: 0), true), .wake(at: Instant(nanoseconds: 1)))
        try world.run(for: .seconds(1))
        _ = world.take(1)
        world.freeze(1)
        try world.run(for: .seconds(7200))
        #expect(world.take(0).departures == [.silent])
        #expect(world.node(1)?.events.isEmpty == true)
        world.thaw(1)
        try world.run(for: .seconds(1))
        #expect(world.take(1).departures == [.silent])
    }

    @Test("a short sleep is not noticed")
    func nap() throws {
        let world = World.of(2)
        try world.join(0, 1)
        for number in 0..<2 { world.tell(number, .keep(world.id(of: 1 - number), true)) }
        world.freeze(1)
        try world.run(for: .seconds(20))
        world.thaw(1)
        try world.run(for: .seconds(300))
        #expect(world.take(0).departures.isEmpty && world.take(1).departures.isEmpty)
    }

    @Test("a path is searched for its size once, when it carries a packet")
    func paths() throws {
        let world = World.of(2)
        try world.join(0, 1)
        let probes = WireSizes.probes.reduce(0) { $0 + $1 + 28 + 36 + 28 }
        #expect(world.traffic[0].bytes(.path) == 0)
        world.sendData(bytes: 100, from: 0, to: 1)
        #expect(world.traffic[0].bytes(.path) == UInt64(probes))
        world.tell(0, .keep(world.id(of: 1), true))
        try world.run(for: .seconds(600))
        world.sendData(bytes: 100, from: 0, to: 1)
        #expect(world.traffic[0].bytes(.path) == UInt64(probes))
    }

    @Test("data counts as carried, and asks for a session where there is none")
    func data() throws {
        let world = World.of(2)
        _ = world.take(0)
        world.sendData(bytes: 100, from: 0, to: 1)
        let ula = SimulatedCryptography.of(world.id(of: 0), network: 0, seed: 1)
            .networkAddress(world.id(of: 1))
        #expect(world.take(0) == [.unrouted(ula)])
        try world.join(0, 1)
        world.sendData(bytes: 100, from: 0, to: 1)
        #expect(world.traffic[1].received(.data) == 160)
    }
}
