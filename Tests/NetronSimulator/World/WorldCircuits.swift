// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronWire

/// A circuit as one node has it.
struct Circuit: Hashable {
    /// Who sends on it here, by number, and whom its datagrams go to.
    let neighbour: Int
    /// What that one wants to see.
    let out: CircuitID
    /// Where a relay sends on what comes; nil at an end.
    let twin: CircuitID?
    var heard: UInt64
}

// Relay circuits, and ways that are tried.
extension World {
    func add(_ side: CircuitSide, at number: Int) {
        guard let neighbour = numbers[side.neighbour] else { return }
        hosts[number].circuits[side.into] =
            Circuit(neighbour: neighbour, out: side.out, twin: nil, heard: now)
        watch(side.into, at: number)
    }

    func relay(_ one: CircuitSide, _ other: CircuitSide, at number: Int) {
        for (side, twin) in [(one, other), (other, one)] {
            guard let neighbour = numbers[side.neighbour] else { return }
            hosts[number].circuits[side.into] =
                Circuit(neighbour: neighbour, out: side.out, twin: twin.into, heard: now)
        }
        watch(one.into, at: number)
    }

    func removeCircuit(_ circuit: CircuitID, at number: Int) {
        guard let gone = hosts[number].circuits.removeValue(forKey: circuit) else { return }
        if let twin = gone.twin { hosts[number].circuits[twin] = nil }
    }

    /// Ends the circuits through a neighbour whose session is over.
    func endCircuits(at number: Int, through neighbour: Int) {
        let ended = hosts[number].circuits.filter { $0.value.neighbour == neighbour }.keys
        for circuit in ended.sorted() {
            removeCircuit(circuit, at: number)
            tell(.circuitEnded(circuit), to: number)
        }
    }

    /// Ends a circuit on which nothing came for long.
    private func watch(_ circuit: CircuitID, at number: Int) {
        let boot = hosts[number].boot
        after(.nanoseconds(Int64(CoreTimes.circuitIdle))) { world in
            guard world.hosts[number].boot == boot,
                let found = world.hosts[number].circuits[circuit]
            else { return }
            let twin = found.twin.flatMap { world.hosts[number].circuits[$0] }
            guard max(found.heard, twin?.heard ?? 0) + CoreTimes.circuitIdle <= world.now else {
                return world.watch(circuit, at: number)
            }
            world.removeCircuit(circuit, at: number)
            world.give(.circuitEnded(circuit), to: number)
        }
    }

    /// Sends a datagram through a circuit; nil if it does not come to its other end.
    ///
    /// All its legs are gone at once, so gates are asked now and not when it comes.
    func transmit(
        _ load: inout Traffic.Load,
        from number: Int,
        through first: CircuitID
    ) -> Network.Way? {
        load.bytes += WireSizes.shim
        let bytes = load.bytes
        var (node, name, delay) = (number, first, UInt64(0))
        for _ in 0...PathMessage.relaysMax {
            guard let circuit = hosts[node].circuits[name] else { return nil }
            let next = circuit.neighbour
            guard let remote = directRemote(of: next, at: node) else { return nil }
            load.bytes = bytes
            guard let way = transmit(&load, from: node, to: remote), way.node == next,
                hosts[next].state == .up,
                network.admits(next, port: way.gatePort, from: way.source, at: now),
                hosts[next].circuits[circuit.out]?.neighbour == node
            else { return nil }
            hosts[next].circuits[circuit.out]?.heard = now
            delay += way.delay
            guard let twin = hosts[next].circuits[circuit.out]?.twin else {
                return Network.Way(
                    node: next,
                    source: Endpoint(circuit.out),
                    gatePort: 0,
                    delay: delay,
                    secondDelay: nil
                )
            }
            traffic[next].receive(load)
            (node, name) = (next, twin)
        }
        return nil
    }

    private func directRemote(of other: Int, at number: Int) -> Endpoint? {
        guard let session = pairs[number, other] else { return nil }
        let end = sessions[session].ends[sessions[session].side(of: number)]
        return end.isUp && !end.remote.isRelayed ? end.remote : nil
    }

    // MARK: - Ways

    /// Sends a challenge of a session to an endpoint of the other end, whose answer proves the way.
    func tryPath(_ id: NodeID, _ endpoint: Endpoint, by door: Int = 0, from number: Int) {
        guard let other = numbers[id], let session = pairs[number, other] else { return }
        let side = sessions[session].side(of: number)
        let end = sessions[session].ends[side]
        guard end.isUp else { return }
        let load = Traffic.Load(kind: .path, bytes: WireSizes.challenge)
        guard let way = deliver(load, from: number, by: door, to: endpoint), way.node == other,
            sessions[session].ends[1 - side].knows(end.key),
            let reply = deliver(load, from: other, by: way.door, to: way.source),
            reply.node == number
        else { return }
        // What both have found goes by these doors from now on.
        hosts[number].doors[endpoint] = reply.door == 0 ? nil : reply.door
        hosts[other].doors[way.source] = way.door == 0 ? nil : way.door
        let isMoving = leaves(end, for: endpoint, at: number)
        if isMoving { move(session, side, to: endpoint) }
        guard pairs[number, other] == session else { return }
        // Who only tries another way does not say by it that it moved.
        guard isMoving || way.source == sessions[session].ends[1 - side].remote else { return }
        hear(session, end.key, 1 - side, from: way.source, isWanted: false)
    }

    /// Sends challenges by many doors, again and again for as long as the packet core does.
    ///
    /// They open the gate before it to the other end, whose challenges are let in then.
    func search(_ id: NodeID, _ endpoint: Endpoint, from number: Int, times: Int = 5) {
        guard times > 0, let other = numbers[id] else { return }
        for door in 1...CoreTimes.searchDoors {
            guard let session = pairs[number, other],
                sessions[session].ends[sessions[session].side(of: number)].remote.isRelayed
            else { return }
            tryPath(id, endpoint, by: door, from: number)
        }
        let boot = hosts[number].boot
        after(.nanoseconds(Int64(CoreTimes.searchAgain))) { world in
            guard world.hosts[number].boot == boot else { return }
            world.search(id, endpoint, from: number, times: times - 1)
        }
    }

    /// Whether a way that was proven is better than the one in use: a direct one than a circuit,
    /// and any than one that is gone or silent.
    private func leaves(_ end: Session.End, for endpoint: Endpoint, at number: Int) -> Bool {
        guard endpoint != end.remote else { return false }
        guard end.remote.isRelayed else { return end.lost > 0 }
        return !endpoint.isRelayed || end.lost > 0 || isGone(end.remote, at: number)
    }

    /// Whether an end stays where it is when the other one sends by a circuit that is not its own.
    ///
    /// A direct way stays. Of two ends that use different circuits the one with the lesser id
    /// stays, as long as its own answers, and the other one follows; else they would swap them for
    /// ever.
    func stays(_ session: Int, _ side: Int) -> Bool {
        let (end, other) = (sessions[session].ends[side], sessions[session].ends[1 - side])
        guard end.remote.isRelayed else { return true }
        guard !isGone(end.remote, at: end.node), end.lost == 0,
            hosts[end.node].id < hosts[other.node].id
        else { return false }
        let load = Traffic.Load(kind: .keepalive, bytes: WireSizes.echo)
        return deliver(load, from: end.node, to: end.remote)?.node == other.node
    }

    private func isGone(_ endpoint: Endpoint, at number: Int) -> Bool {
        endpoint.circuit.map { hosts[number].circuits[$0] == nil } ?? false
    }
}
