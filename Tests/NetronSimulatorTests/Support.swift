// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronSimulator
internal import NetronWire
internal import Testing

/// A node that does what a test says, and keeps what it was told.
struct Puppet: SimulatedNode {
    var events: [(event: NodeEvent, at: Instant)] = []
    var memory = 0

    mutating func handle(
        _ event: NodeEvent,
        at now: Instant,
        into effects: inout [NodeEffect]
    ) {
        events.append((event, now))
    }

    static func make(_ birth: Birth<Int>) -> Newborn<Self> {
        Newborn(Self(memory: (birth.memory ?? 0) + 1))
    }
}

extension World where Node == Puppet {
    /// Nodes that run, on links that lose nothing.
    static func of(
        _ profiles: [NodeProfile],
        seed: UInt64 = 1,
        _ settings: WorldSettings = WorldSettings()
    ) -> World<Puppet> {
        let world = World<Puppet>(seed: seed, settings: settings, factory: Puppet.make)
        for profile in profiles { world.start(world.add(profile)) }
        return world
    }

    static func of(_ count: Int) -> World<Puppet> {
        of(Array(repeating: NodeProfile(), count: count))
    }

    func tell(_ number: Int, _ effects: NodeEffect...) {
        perform(on: number) { $2 += effects }
    }

    /// What a node was told, in order; and forgets it.
    func take(_ number: Int) -> [NodeEvent] {
        let events = node(number)?.events.map(\.event) ?? []
        perform(on: number) { node, _, _ in node.events = [] }
        return events
    }

    /// The public endpoint of a node without NAT.
    func outer(_ number: Int) throws -> Endpoint { try #require(localEndpoint(of: number)) }

    /// Has a node dial another, and waits until both have a session.
    func join(_ number: Int, _ other: Int) throws {
        tell(number, .dial(try outer(other), id(of: other)))
        try run(for: .seconds(1))
        #expect(hasSession(number, other) && hasSession(other, number))
        _ = take(number)
        _ = take(other)
    }

    /// How many datagrams a node was told of, and from where the last came.
    func datagrams(_ number: Int) -> (count: Int, source: Endpoint?) {
        let sources = take(number).compactMap { event -> Endpoint? in
            if case .datagram(_, let source) = event { source } else { nil }
        }
        return (sources.count, sources.last)
    }
}

extension World where Node == MachineNode {
    /// A network of many gates that has settled, in which so much of all is lost.
    ///
    /// One member in six is public, and so are the first two; one lets in all, two are restricted
    /// and two symmetric.
    static func ofGates(
        _ count: Int,
        seed: UInt64,
        loss: Double,
        settling: Duration = .seconds(300)
    ) throws -> World<MachineNode> {
        let profiles: [NodeProfile] = [
            NodeProfile(), .behind(.portRestricted), .behind(.symmetricRandom),
            .behind(.portRestricted), .behind(.symmetricRandom), .behind(.fullCone),
        ]
        var settings = WorldSettings()
        settings.tellsHosts = true
        settings.links.loss = loss
        let world = World(seed: seed, settings: settings, factory: MachineNode.make)
        for number in 0..<count {
            let profile = number < 2 ? NodeProfile() : profiles[number % profiles.count]
            world.start(world.add(profile), contacts: number == 0 ? [] : [world.contact(0)])
        }
        try world.run(for: settling)
        return world
    }

    /// Sends packets from one to the other until there is a session; how long that took, or nil if
    /// there is none within 10 s.
    func reach(
        _ number: Int,
        _ other: Int,
        sendingEach pause: Duration = .milliseconds(100)
    ) throws -> Duration? {
        let begun = elapsed
        while elapsed < begun + .seconds(10) {
            sendData(bytes: 100, from: number, to: other)
            if hasSession(number, other) { return elapsed - begun }
            try run(for: pause)
        }
        return nil
    }
}

extension [NodeEvent] {
    /// Those that say how a member went, and why.
    var departures: [Departure] {
        compactMap { if case .peerDown(_, let departure) = $0 { departure } else { nil } }
    }

    var upCount: Int { count { if case .peerUp = $0 { true } else { false } } }
}
