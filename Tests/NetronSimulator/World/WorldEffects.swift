// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronWire

// What nodes want done.
extension World {
    func carryOut(_ effect: NodeEffect, of number: Int) {
        switch effect {
        case .wake(let instant):
            let pause = instant - ownTime(of: number)
            hosts[number].deadline = instant == .never ? .max : now + nanoseconds(pause)
            armWake(of: number)
        case .send(let bytes, let id): sendControl(bytes, to: id, from: number)
        case .sendDatagram(let bytes, let endpoint):
            sendDatagram(bytes, to: endpoint, from: number)
        case .dial(let endpoint, let id): dial(endpoint, id, from: number)
        case .resolve(let host):
            tell(.resolved(host, resolve(host)), to: number, after: CoreTimes.resolving)
        case .circuit(let side): add(side, at: number)
        case .relay(let one, let other): relay(one, other, at: number)
        case .endCircuit(let circuit): removeCircuit(circuit, at: number)
        case .tryPath(let id, let endpoint): tryPath(id, endpoint, from: number)
        case .usePath(let id, let endpoint): usePath(id, endpoint, from: number)
        case .searchPath(let id, let endpoint): search(id, endpoint, from: number)
        case .keep(let id, let isKept): keep(id, isKept, at: number)
        case .keepalive(let id, let setting): set(setting, of: id, at: number)
        case .probe(let id): probe(id, from: number)
        case .setTime(let milliseconds):
            hosts[number].networkTimeOffset =
                Int64(clamping: milliseconds) - Int64(clamping: wall(of: number))
        case .tell(let notice): onNotice?(number, notice)
        case .setPrefixes, .route, .lease, .ledgerChanged, .ledgerRead, .map: break
        }
    }

    private func resolve(_ host: HostPort) -> [Endpoint] {
        if let address = host.address { return [Endpoint(address, port: host.port)] }
        return (names[host.host] ?? []).map { Endpoint($0.address, port: host.port) }
    }

    private func sendControl(_ bytes: [UInt8], to id: NodeID, from number: Int) {
        guard let other = numbers[id] else {
            return breakRule("sends to somebody who does not exist", number)
        }
        guard other != number else { return breakRule("sends to itself", number) }
        guard (1...Message.bytesMax).contains(bytes.count) else {
            return breakRule("sends a message of \(bytes.count) bytes", number)
        }
        guard let session = pairs[number, other],
            sessions[session].ends[sessions[session].side(of: number)].isUp
        else { return breakRule("sends to node \(other) without a session", number) }
        trace.add(.send, of: number, other, bytes.count, at: now)
        onSend?(number, other, bytes)
        let side = sessions[session].side(of: number)
        let load = Traffic.Load(
            kind: .control,
            bytes: WireSizes.overhead + bytes.count,
            family: bytes.count > 1 ? Int(bytes[1]) : 0
        )
        let (remote, key) = (sessions[session].ends[side].remote, sessions[session].ends[side].key)
        launch(.control, load, from: number, to: remote) { packet in
            packet.key = key
            packet.payload = bytes
        }
        carry(session, side, wasSent: false)
    }

    private func breakRule(_ text: String, _ number: Int) {
        if settings.checksRules { fail("sending", text, of: number) }
    }

    private func sendDatagram(_ bytes: [UInt8], to endpoint: Endpoint, from number: Int) {
        guard endpoint.port != 0 else { return }
        trace.add(.sendDatagram, of: number, Trace.nobody, bytes.count, at: now)
        let load = Traffic.Load(kind: .dht, bytes: bytes.count)
        launch(.datagram, load, from: number, to: endpoint) { $0.payload = bytes }
    }

    /// Sends the packets of an inner flow; the node is asked for a session if there is none.
    package func sendData(bytes: Int, from number: Int, to other: Int) {
        guard isUp(number) else { return }
        guard let session = pairs[number, other],
            sessions[session].ends[sessions[session].side(of: number)].isUp
        else { return give(.unrouted(hosts[other].ula), to: number) }
        let side = sessions[session].side(of: number)
        let load = Traffic.Load(kind: .data, bytes: WireSizes.overhead + bytes)
        let key = sessions[session].ends[side].key
        let remote = sessions[session].ends[side].remote
        carry(session, side, wasSent: true)
        searchPathOnce(session, side)
        guard let way = deliver(load, from: number, to: remote) else { return }
        hear(session, key, 1 - side, from: way.source, isWanted: true)
    }

    // MARK: - Datagrams

    /// Counts a datagram, and finds its way; there is none without an address to send from.
    ///
    /// It leaves by the door that is given, or by the one that a search found for that endpoint.
    func transmit(
        _ load: inout Traffic.Load,
        from number: Int,
        by door: Int? = nil,
        to remote: Endpoint
    ) -> Network.Way? {
        if let circuit = remote.circuit {
            return transmit(&load, from: number, through: circuit)
        }
        guard network.attachments[number].families.contains(remote.family) else { return nil }
        load.bytes += WireSizes.headers(remote.family)
        traffic[number].send(load)
        return network.send(
            from: number,
            by: door ?? hosts[number].doors[remote] ?? 0,
            to: remote,
            bytes: load.bytes,
            at: now,
            using: &random
        )
    }

    /// Sends a datagram that comes in by an event of its own.
    func launch(
        _ kind: Packet.Kind,
        _ load: Traffic.Load,
        from number: Int,
        to remote: Endpoint,
        fill: (inout Packet) -> Void
    ) {
        var load = load
        guard let way = transmit(&load, from: number, to: remote) else { return }
        var packet = Packet(
            kind: kind,
            from: number,
            to: way.node,
            source: way.source,
            gatePort: way.gatePort,
            load: load
        )
        fill(&packet)
        queue.push(.packet, packets.insert(packet), at: now + way.delay)
        guard let delay = way.secondDelay else { return }
        packet.isCopy = true
        queue.push(.packet, packets.insert(packet), at: now + delay)
    }

    /// Sends a datagram whose coming nobody is told of, so that it needs no event: it is there at
    /// once, or not at all.
    func deliver(
        _ load: Traffic.Load,
        from number: Int,
        by door: Int? = nil,
        to remote: Endpoint
    ) -> Network.Way? {
        var load = load
        guard let way = transmit(&load, from: number, by: door, to: remote),
            hosts[way.node].state == .up,
            network.admits(way.node, port: way.gatePort, from: way.source, at: now)
        else { return nil }
        traffic[way.node].receive(load)
        if way.secondDelay != nil { traffic[way.node].receive(load) }
        return way
    }

    func arrive(_ index: Int) {
        guard let packet = packets.remove(at: index), hosts[packet.to].state == .up,
            network.admits(packet.to, port: packet.gatePort, from: packet.source, at: now)
        else { return }
        traffic[packet.to].receive(packet.load)
        if packet.kind == .datagram {
            return give(.datagram(packet.payload, from: packet.source), to: packet.to, packet.from)
        }
        guard !packet.isCopy else { return }
        switch packet.kind {
        case .control: takeControl(packet)
        case .message1: takeMessage1(packet)
        case .message2: takeMessage2(packet)
        case .message3: takeMessage3(packet)
        case .confirmation: takeConfirmation(packet)
        case .goodbye: takeGoodbye(packet)
        case .datagram: break
        }
    }
}
