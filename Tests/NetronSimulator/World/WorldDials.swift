// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronWire

// Handshakes (docs/protocol.md, section 5), a datagram an event: each may be lost, and each end
// knows only what came.
extension World {
    func dial(_ endpoint: Endpoint, _ id: NodeID?, from number: Int) {
        trace.add(.dial, of: number, id.flatMap { numbers[$0] } ?? Trace.nobody, at: now)
        guard endpoint.port != 0 || endpoint.isRelayed, id != hosts[number].id,
            hosts[number].dialCount < CoreTimes.dialsMax
        else { return tell(.dialFailed(endpoint, id), to: number) }
        beginDial(endpoint, id, isInternal: false, from: number)
    }

    func beginDial(_ endpoint: Endpoint, _ id: NodeID?, isInternal: Bool, from number: Int) {
        let dial = Dial(
            node: number,
            boot: hosts[number].boot,
            endpoint: endpoint,
            id: id,
            isInternal: isInternal
        )
        hosts[number].dialCount += 1
        sendMessage1(dials.insert(dial))
    }

    private func sendMessage1(_ index: Int) {
        let load = Traffic.Load(kind: .handshake, bytes: WireSizes.message1)
        let number = dials[index].node
        let wall = coreWall(of: number)
        send(.message1, load, of: index, from: number, to: dials[index].endpoint) {
            $0.wall = wall >= self.settings.wallLeastMilliseconds ? wall : nil
        }
        dials[index].sent = now
        wait(index, CoreTimes.dialRetry << UInt64(dials[index].tries))
        dials[index].tries += 1
    }

    private func send(
        _ kind: Packet.Kind,
        _ load: Traffic.Load,
        of index: Int,
        from number: Int,
        to remote: Endpoint,
        fill: (inout Packet) -> Void = { _ in }
    ) {
        let generation = dials.generation(of: index)
        launch(kind, load, from: number, to: remote) { packet in
            packet.dial = index
            packet.generation = generation
            fill(&packet)
        }
    }

    /// The entry's token is the number of tries with a bit for the phase: a timer of an earlier
    /// try says nothing.
    private func wait(_ index: Int, _ pause: UInt64) {
        queue.push(.dial, index, token: token(of: index, dials[index].tries + 1), at: now + pause)
    }

    private func token(of index: Int, _ tries: Int) -> UInt32 {
        let phase: UInt32 = dials[index].isConfirming ? 0x80 : 0
        return dials.generation(of: index) << 8 | phase | UInt32(tries)
    }

    func dialTimeout(_ index: Int, _ token: UInt32) {
        let generation = dials.generation(of: index)
        guard dials.has(index, generation), token == self.token(of: index, dials[index].tries)
        else { return }
        let dial = dials[index]
        guard hosts[dial.node].boot == dial.boot else { return endDial(index) }
        guard hosts[dial.node].state == .up else {
            // The host sleeps: the timer comes when it is awake again.
            return queue.push(.dial, index, token: token, at: now + CoreTimes.second)
        }
        let most = dial.isConfirming ? CoreTimes.message3TriesMax : CoreTimes.dialTriesMax
        if dial.tries >= most {
            failDial(index)
        } else if dial.isConfirming {
            sendMessage3(index)
        } else {
            sendMessage1(index)
        }
    }

    private func failDial(_ index: Int) {
        let dial = dials[index]
        endDial(index)
        if !dial.isInternal { give(.dialFailed(dial.endpoint, dial.id), to: dial.node) }
    }

    /// Forgets a dial, and what waited for it.
    private func endDial(_ index: Int) {
        let dial = dials.remove(at: index)
        if hosts[dial.node].boot == dial.boot { hosts[dial.node].dialCount -= 1 }
        let other = dial.other >= 0 ? dial.other : dial.id.flatMap { numbers[$0] } ?? -1
        guard other >= 0, let session = pairs[dial.node, other] else { return }
        let side = sessions[session].side(of: dial.node)
        if dial.isInternal { sessions[session].ends[side].isRedialling = false }
        if sessions[session].ends[side].pendingKey == dial.key {
            sessions[session].ends[side].pendingKey = 0
        }
        freeIfUnused(session)
    }

    // MARK: - The responder

    func takeMessage1(_ packet: Packet) {
        guard dials.has(packet.dial, packet.generation),
            hosts[packet.from].profile.network == hosts[packet.to].profile.network,
            takesEpoch(of: packet.wall, at: packet.to)
        else { return }
        dials[packet.dial].other = packet.to
        dials[packet.dial].taken = now
        dials[packet.dial].halfOpenEnd = now + CoreTimes.halfOpenEnd
        dials[packet.dial].heardByResponder = offset(of: packet.wall, at: packet.to)
        let load = Traffic.Load(kind: .handshake, bytes: WireSizes.message2)
        let wall = coreWall(of: packet.to)
        send(.message2, load, of: packet.dial, from: packet.to, to: packet.source) {
            $0.wall = wall >= self.settings.wallLeastMilliseconds ? wall : nil
        }
    }

    /// Whether a first message is of an epoch that the responder takes, or made without a clock
    /// and within the rate for that.
    private func takesEpoch(of wall: UInt64?, at number: Int) -> Bool {
        guard let wall else { return takesClockless(at: number) }
        let own = coreWall(of: number)
        // Who has no clock takes only what was made without one.
        guard own >= settings.wallLeastMilliseconds else { return false }
        let epoch = settings.epochSeconds * 1000
        return wall / epoch + 1 >= own / epoch && wall / epoch <= own / epoch + 1
    }

    private func takesClockless(at number: Int) -> Bool {
        let gained = (now - hosts[number].clocklessSince) / CoreTimes.second
        if gained > 0 {
            hosts[number].clocklessLeft = min(
                CoreTimes.clocklessBurst,
                hosts[number].clocklessLeft + gained * CoreTimes.clocklessPerSecond
            )
            hosts[number].clocklessSince += gained * CoreTimes.second
        }
        guard hosts[number].clocklessLeft > 0 else { return false }
        hosts[number].clocklessLeft -= 1
        return true
    }

    private func offset(of wall: UInt64?, at number: Int) -> Int64? {
        wall.map { Int64(clamping: $0) - Int64(clamping: self.wall(of: number)) }
    }

    func takeMessage3(_ packet: Packet) {
        guard dials.has(packet.dial, packet.generation) else { return }
        let dial = dials[packet.dial]
        guard dial.other == packet.to, now <= dial.halfOpenEnd else { return }
        let session = session(packet.to, packet.from)
        let side = sessions[session].side(of: packet.to)
        if sessions[session].ends[side].knows(dial.key) {
            return confirm(packet, dial.key)
        }
        confirm(packet, dial.key)
        install(
            session,
            side,
            Handshake(
                key: dial.key,
                begun: dial.taken,
                rtt: now - dial.taken,
                remote: packet.source,
                isInitiator: false,
                offset: dial.heardByResponder
            )
        )
    }

    private func confirm(_ packet: Packet, _ key: UInt32) {
        let load = Traffic.Load(kind: .handshake, bytes: WireSizes.confirmation)
        send(.confirmation, load, of: packet.dial, from: packet.to, to: packet.source) {
            $0.key = key
        }
    }

    // MARK: - The initiator

    func takeMessage2(_ packet: Packet) {
        guard dials.has(packet.dial, packet.generation) else { return }
        let dial = dials[packet.dial]
        guard hosts[dial.node].boot == dial.boot, !dial.isConfirming, dial.other == packet.from
        else { return }
        if let id = dial.id, id != hosts[packet.from].id { return failDial(packet.dial) }
        let session = session(dial.node, packet.from)
        let side = sessions[session].side(of: dial.node)
        let end = sessions[session].ends[side]
        if !dial.isInternal, end.isUp, dial.sent > end.made, end.unanswered == 0 {
            endDial(packet.dial)
            prove(dial.endpoint, session, side)
            return tellUp(session, side, at: dial.endpoint)
        }
        lastKey += 1
        dials[packet.dial].key = lastKey
        dials[packet.dial].heardByInitiator = offset(of: packet.wall, at: dial.node)
        dials[packet.dial].isConfirming = true
        dials[packet.dial].tries = 0
        dials[packet.dial].rtt = now - dial.sent
        sessions[session].ends[side].pendingKey = lastKey
        sessions[session].ends[side].pendingDial = packet.dial
        sendMessage3(packet.dial)
    }

    private func sendMessage3(_ index: Int) {
        let load = Traffic.Load(kind: .handshake, bytes: WireSizes.message3)
        send(.message3, load, of: index, from: dials[index].node, to: dials[index].endpoint)
        wait(index, CoreTimes.message3Retry << UInt64(dials[index].tries))
        dials[index].tries += 1
    }

    func takeConfirmation(_ packet: Packet) {
        guard let session = pairs[packet.from, packet.to] else { return }
        confirmed(session, sessions[session].side(of: packet.to), packet.key)
    }

    /// A packet came with a key that a handshake waited for.
    func confirmed(_ session: Int, _ side: Int, _ key: UInt32) {
        let end = sessions[session].ends[side]
        guard key != 0, end.pendingKey == key else { return }
        let dial = dials[end.pendingDial]
        sessions[session].ends[side].pendingKey = 0
        let wasUp = end.isUp
        install(
            session,
            side,
            Handshake(
                key: key,
                begun: dial.sent,
                rtt: dial.rtt,
                remote: dial.endpoint,
                isInitiator: true,
                offset: dial.heardByInitiator
            )
        )
        endDial(end.pendingDial)
        if wasUp, !dial.isInternal { tellUp(session, side, at: dial.endpoint) }
    }
}

/// What a handshake came to at one end.
struct Handshake {
    let key: UInt32
    /// When the message 1 that was answered was sent, or taken.
    let begun: UInt64
    let rtt: UInt64
    let remote: Endpoint
    let isInitiator: Bool
    /// What the other's clock is ahead, in milliseconds.
    let offset: Int64?
}
