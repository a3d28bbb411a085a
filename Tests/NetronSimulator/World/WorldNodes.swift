// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
package import NetronWire

// Nodes: where they are, and how they come and go.
extension World {
    enum State {
        case down
        case up
        case asleep
    }

    /// A node's place in the world, whether it runs or not.
    struct Slot {
        let id: NodeID
        let ula: IPAddress
        let profile: NodeProfile
        let cryptography: Cryptography
        var state = State.down
        var node: Node?
        var memory: Node.Memory?
        var contacts: [HostPort] = []
        /// Counts its lives.
        var boot: UInt32 = 0
        /// What its own clock is ahead of the world's, in nanoseconds; no two agree.
        var clockStart: UInt64
        /// When its host started, in the world's time.
        var hostStart: UInt64 = 0
        /// What the network's time is ahead of its wall clock, in milliseconds; as it said.
        var networkTimeOffset: Int64?
        var deadline = UInt64.max
        var queuedWake = UInt64.max
        var lastWake: UInt64 = 0
        var wakes = 0
        var dialCount = 0
        /// The numbers of its sessions.
        var sessions: [Int] = []
        /// First messages made without a clock that may still be taken, and since when; as a rate.
        var clocklessLeft = CoreTimes.clocklessBurst
        var clocklessSince: UInt64 = 0
    }

    package var nodeCount: Int { slots.count }

    package func id(of number: Int) -> NodeID { slots[number].id }

    package func number(of id: NodeID) -> Int? { numbers[id] }

    package func profile(of number: Int) -> NodeProfile { slots[number].profile }

    /// The node, if it runs or sleeps.
    package func node(_ number: Int) -> Node? { slots[number].node }

    package func isUp(_ number: Int) -> Bool { slots[number].state == .up }

    package func isDown(_ number: Int) -> Bool { slots[number].state == .down }

    /// Those that run, by number.
    package var live: [Int] { slots.indices.filter { slots[$0].state == .up } }

    /// Where a node is attached, as it sees that itself.
    package func localEndpoint(of number: Int, _ family: IPAddress.Family = .v4) -> Endpoint? {
        network.localEndpoint(of: number, family)
    }

    /// A node's name in the world's DNS, with its port: `n7.test:7000`.
    package func contact(_ number: Int) -> HostPort {
        let text = "n\(number).test:\(slots[number].profile.port)"
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
        makeSlot(number, profile)
        return number
    }

    /// The same host with another identity, in the place of a node that is down.
    package func replace(_ old: Int) -> Int {
        precondition(isDown(old), "a node that runs is not replaced")
        let number = network.attachAgain(old)
        makeSlot(number, slots[old].profile)
        return number
    }

    private func makeSlot(_ number: Int, _ profile: NodeProfile) {
        precondition(number == slots.count)
        let id = makeID(number)
        let cryptography = SimulatedCryptography.of(id, network: profile.network, seed: seed)
        slots.append(
            Slot(
                id: id,
                ula: cryptography.networkAddress(id),
                profile: profile,
                cryptography: cryptography,
                clockStart: 1 + random.next() % Self.clockStartMax
            )
        )
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
        if let contacts { slots[number].contacts = contacts }
        let slot = slots[number]
        slots[number].boot += 1
        slots[number].state = .up
        slots[number].queuedWake = .max
        slots[number].deadline = .max
        trace.add(.started, of: number, at: now)
        let birth = Birth(
            number: number,
            id: slot.id,
            random: SeededRandom(seed: random.next()),
            cryptography: slot.cryptography,
            memory: slot.memory
        )
        let newborn = factory(birth)
        slots[number].node = newborn.node
        give(.started(introduction(of: number)), to: number)
        tellClock(to: number)
        for event in newborn.events { give(event, to: number) }
        if settings.findsOnLAN { findOnLAN(number) }
    }

    private func introduction(of number: Int) -> Introduction {
        let slot = slots[number]
        return Introduction(
            id: slot.id,
            ula: slot.ula,
            name: "n\(number)",
            version: "0.0.0",
            platform: "simulated",
            contacts: slot.contacts
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
        for session in slots[number].sessions { sendGoodbye(session, from: number) }
        end(number)
    }

    /// Ends a node without a word; what it wrote to its disk stays.
    package func crash(_ number: Int) {
        guard !isDown(number) else { return }
        trace.add(.crashed, of: number, at: now)
        end(number)
        slots[number].hostStart = now
        slots[number].clockStart = 1
    }

    /// Forgets what a node that is down has on disk, but for its identity.
    package func wipe(_ number: Int) {
        precondition(isDown(number), "a node that runs is not wiped")
        slots[number].memory = nil
    }

    private func end(_ number: Int) {
        slots[number].memory = slots[number].node?.memory
        slots[number].node = nil
        slots[number].state = .down
        slots[number].boot += 1
        slots[number].dialCount = 0
        slots[number].networkTimeOffset = nil
        for session in slots[number].sessions { forget(session, at: number) }
        slots[number].sessions = []
    }

    // MARK: - Sleep and moves

    /// Freezes a node with its host, as a laptop that is shut.
    package func sleep(_ number: Int) {
        guard isUp(number) else { return }
        trace.add(.slept, of: number, at: now)
        slots[number].state = .asleep
    }

    package func awake(_ number: Int) {
        guard slots[number].state == .asleep else { return }
        trace.add(.awoke, of: number, at: now)
        slots[number].state = .up
        slots[number].queuedWake = .max
        if slots[number].deadline != .max {
            slots[number].deadline = max(now, slots[number].deadline)
            armWake(of: number)
        }
        for session in slots[number].sessions { look(at: session, within: 0) }
        tellClock(to: number)
    }

    /// Gives a node with a public address another one; its host notices.
    package func move(_ number: Int) {
        trace.add(.moved, of: number, at: now)
        network.move(number)
        names["n\(number).test"] = [IPAddress.Family.v4, .v6].compactMap {
            network.localEndpoint(of: number, $0)
        }
        let boot = slots[number].boot
        after(.seconds(1)) { world in
            guard world.slots[number].boot == boot, world.isUp(number) else { return }
            for session in world.slots[number].sessions { world.echo(session, from: number) }
        }
    }

    // MARK: - Partitions

    /// Splits the nodes into groups that do not hear each other; those that are not named stay
    /// with the first.
    package func partition(_ groups: [[Int]]) {
        for number in slots.indices { network.setGroup(of: number, to: 0) }
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
        slots[number].profile.clock.shows(
            truth: settings.wallMilliseconds + now / CoreTimes.millisecond,
            elapsed: now,
            uptime: now - slots[number].hostStart
        )
    }

    /// What its packet core counts epochs by.
    func coreWall(of number: Int) -> UInt64 {
        let shown = Int64(clamping: wall(of: number))
        return UInt64(clamping: shown + (slots[number].networkTimeOffset ?? 0))
    }

    private func tellClock(to number: Int) {
        let isTrusted = slots[number].profile.clock.isTrusted
        give(.clock(wallMilliseconds: wall(of: number), isTrusted: isTrusted), to: number)
    }
}
