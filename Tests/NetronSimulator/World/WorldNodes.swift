// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
package import NetronWire

// Nodes: where they are, and how they come and go.
extension World {
    package var nodeCount: Int { hosts.count }

    package func id(of number: Int) -> NodeID { hosts[number].id }

    package func number(of id: NodeID) -> Int? { numbers[id] }

    package func profile(of number: Int) -> NodeProfile { hosts[number].profile }

    /// The node, if it runs or sleeps.
    package func node(_ number: Int) -> Node? { nodes[number] }

    package func isUp(_ number: Int) -> Bool { hosts[number].state == .up }

    package func isDown(_ number: Int) -> Bool { hosts[number].state == .down }

    /// Those that run, by number.
    package var live: [Int] { hosts.indices.filter { hosts[$0].state == .up } }

    /// Where a node is attached, as it sees that itself.
    package func localEndpoint(of number: Int, _ family: IPAddress.Family = .v4) -> Endpoint? {
        network.localEndpoint(of: number, family)
    }

    /// A node's name in the world's DNS, with its port: `n7.test:7000`.
    package func contact(_ number: Int) -> HostPort {
        let text = "n\(number).test:\(hosts[number].profile.port)"
        guard let contact = try? HostPort(parsing: text) else {
            preconditionFailure("\(text) is a host and a port")
        }
        return contact
    }

    /// What the world's DNS says of a name.
    package func setName(_ name: String, to endpoints: [Endpoint]) { names[name] = endpoints }

    /// A gateway that several nodes shall be behind; its number goes into their profile.
    package func addSite(_ nat: NATKind, timeout: Duration = .seconds(60)) -> Int {
        network.addSite(.behind(nat, timeout: timeout), using: &random)
    }

    // MARK: - Lives

    /// A new node, which does not run yet.
    package func add(_ profile: NodeProfile = NodeProfile()) -> Int {
        let number = network.attach(profile, using: &random)
        makeHost(number, profile)
        return number
    }

    /// The same host with another identity, in the place of a node that is down.
    package func replace(_ old: Int) -> Int {
        precondition(isDown(old), "a node that runs is not replaced")
        let number = network.attachAgain(old)
        makeHost(number, hosts[old].profile)
        return number
    }

    private func makeHost(_ number: Int, _ profile: NodeProfile) {
        precondition(number == hosts.count)
        let id = makeID(number)
        let cryptography = SimulatedCryptography.of(id, network: profile.network, seed: seed)
        hosts.append(
            Host(
                id: id,
                ula: cryptography.networkAddress(id),
                profile: profile,
                cryptography: cryptography,
                clockStart: 1 + random.next() % Self.clockStartMax
            )
        )
        nodes.append(nil)
        memories.append(nil)
        traffic.append(Traffic())
        numbers[id] = number
        let endpoints = [IPAddress.Family.v4, .v6].compactMap {
            network.localEndpoint(of: number, $0)
        }
        names["n\(number).test"] = endpoints
    }

    /// 30 days: what a host may have been up before the world begins.
    private static var clockStartMax: UInt64 { 30 * 86_400 * CoreTimes.second }

    private func makeID(_ number: Int) -> NodeID {
        var random = SeededRandom(seed: SeededRandom.mix(seed &+ 0x6964, UInt64(number)))
        var bytes = random.bytes(NodeID.byteCount)
        bytes[NodeID.byteCount - 1] &= 0x7F
        guard let id = NodeID(bytes: bytes) else { preconditionFailure("an id of 32 bytes") }
        return id
    }

    /// Starts a node; the second time with what the first life left on disk.
    package func start(_ number: Int, contacts: [HostPort]? = nil) {
        precondition(isDown(number), "a node starts once")
        if let contacts { hosts[number].contacts = contacts }
        let host = hosts[number]
        hosts[number].boot += 1
        hosts[number].state = .up
        hosts[number].queuedWake = .max
        hosts[number].deadline = .max
        trace.add(.started, of: number, at: now)
        let birth = Birth(
            number: number,
            id: host.id,
            random: SeededRandom(seed: random.next()),
            cryptography: host.cryptography,
            memory: memories[number],
            isHeld: settings.beginsAtRest && !hasRested,
            share: shared.share
        )
        let newborn = factory(birth)
        nodes[number] = newborn.node
        give(.started(introduction(of: number)), to: number)
        tellClock(to: number)
        tellHost(to: number)
        for event in newborn.events { give(event, to: number) }
        if settings.findsOnLAN { findOnLAN(number) }
    }

    private func introduction(of number: Int) -> Introduction {
        let host = hosts[number]
        let address = IPAddress(.v4, number: 0x0A00_0001 + UInt128(number))
        let claim = Hello.Claim(address, since: settings.wallMilliseconds)
        return Introduction(
            id: host.id,
            ula: host.ula,
            name: "n\(number)",
            version: "0.0.0",
            platform: "simulated",
            claims: settings.givesAddresses ? [claim] : [],
            contacts: host.contacts,
            relayedMax: host.profile.relays ? CircuitLimits.relayedMax : 0
        )
    }

    private func findOnLAN(_ number: Int) {
        for other in network.neighbours(of: number) where isUp(other) {
            for (one, two) in [(number, other), (other, number)] {
                guard let endpoint = network.localEndpoint(of: two) else { continue }
                tell(.discovered(endpoint, nil), to: one, after: CoreTimes.resolving)
            }
        }
    }

    /// Stops a node as its user does: it says goodbye.
    package func stop(_ number: Int) {
        guard isUp(number) else { return }
        give(.stopping, to: number)
        trace.add(.stopped, of: number, at: now)
        for session in hosts[number].sessions { sendGoodbye(session, from: number) }
        end(number)
    }

    /// Ends a node without a word; what it wrote to its disk stays.
    package func crash(_ number: Int) {
        guard !isDown(number) else { return }
        trace.add(.crashed, of: number, at: now)
        end(number)
        // The host starts again, and its own clock with it.
        hosts[number].hostStart = now
        hosts[number].clockStart = 1 &- now
    }

    /// Forgets what a node that is down has on disk, but for its identity.
    package func wipe(_ number: Int) {
        precondition(isDown(number), "a node that runs is not wiped")
        memories[number] = nil
    }

    private func end(_ number: Int) {
        memories[number] = nodes[number]?.memory
        nodes[number] = nil
        hosts[number].state = .down
        hosts[number].boot += 1
        hosts[number].dialCount = 0
        hosts[number].networkTimeOffset = nil
        for session in hosts[number].sessions { forget(session, at: number) }
        hosts[number].sessions = []
        hosts[number].circuits = [:]
        hosts[number].doors = [:]
    }

    // MARK: - Sleep and moves

    /// Freezes a node with its host, as a laptop that is shut.
    package func freeze(_ number: Int) {
        guard isUp(number) else { return }
        trace.add(.frozen, of: number, at: now)
        hosts[number].state = .asleep
    }

    package func thaw(_ number: Int) {
        guard hosts[number].state == .asleep else { return }
        trace.add(.thawed, of: number, at: now)
        hosts[number].state = .up
        hosts[number].queuedWake = .max
        if hosts[number].deadline != .max {
            hosts[number].deadline = max(now, hosts[number].deadline)
            armWake(of: number)
        }
        for session in hosts[number].sessions { look(at: session, within: 0) }
        tellClock(to: number)
    }

    /// Gives a node with a public address another one; its host notices.
    package func move(_ number: Int) {
        trace.add(.moved, of: number, at: now)
        network.move(number)
        names["n\(number).test"] = [IPAddress.Family.v4, .v6].compactMap {
            network.localEndpoint(of: number, $0)
        }
        let boot = hosts[number].boot
        after(.seconds(1)) { world in
            guard world.hosts[number].boot == boot, world.isUp(number) else { return }
            for session in world.hosts[number].sessions { world.echo(session, from: number) }
        }
    }

    /// Takes a host that is behind a gateway behind another one; it notices.
    package func roam(_ number: Int, to site: Int) {
        trace.add(.moved, of: number, at: now)
        network.roam(number, to: site)
        tellHost(to: number)
        for session in hosts[number].sessions { echo(session, from: number) }
    }

    private func tellHost(to number: Int) {
        guard settings.tellsHosts else { return }
        let endpoints = [IPAddress.Family.v4, .v6].compactMap {
            network.localEndpoint(of: number, $0)
        }
        let port = network.attachments[number].port
        give(.hostChanged(endpoints.map(\.address), port: port), to: number)
    }

    // MARK: - Partitions

    /// Splits the nodes into groups that do not hear each other; those that are not named stay
    /// with the first.
    package func partition(_ groups: [[Int]]) {
        for number in hosts.indices { network.setGroup(of: number, to: 0) }
        for (group, members) in groups.enumerated() {
            for number in members { network.setGroup(of: number, to: group) }
        }
        for group in groups.indices {
            for other in groups.indices where other != group { network.block(group, to: other) }
        }
    }

    /// Loses what one group sends to the other, but not the reverse.
    package func block(_ senders: [Int], to receivers: [Int]) {
        for number in senders { network.setGroup(of: number, to: 1) }
        for number in receivers { network.setGroup(of: number, to: 2) }
        network.block(1, to: 2)
    }

    package func heal() { network.heal() }

    // MARK: - Clocks

    /// What a node's wall clock shows, in milliseconds since 1970.
    package func wall(of number: Int) -> UInt64 {
        hosts[number].profile.clock.shows(
            truth: settings.wallMilliseconds + now / CoreTimes.millisecond,
            elapsed: now,
            uptime: now - hosts[number].hostStart
        )
    }

    /// What its packet core counts epochs by.
    func coreWall(of number: Int) -> UInt64 {
        let shown = Int64(clamping: wall(of: number))
        return UInt64(clamping: shown + (hosts[number].networkTimeOffset ?? 0))
    }

    private func tellClock(to number: Int) {
        let isTrusted = hosts[number].profile.clock.isTrusted
        give(.clock(wallMilliseconds: wall(of: number), isTrusted: isTrusted), to: number)
    }
}
