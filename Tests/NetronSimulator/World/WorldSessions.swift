// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
package import NetronWire

// Sessions: what they carry, and how their ends notice that they are over.
//
// One timer serves a session with both of its ends. An echo with its answer is no event: whether
// both come through is drawn when the echo is sent, and their bytes are counted at once.
extension World {
    /// The nodes that a node has sessions with, by number.
    package func peers(of number: Int) -> [Int] {
        hosts[number].sessions.map { session in
            sessions[session].ends[1 - sessions[session].side(of: number)].node
        }.sorted()
    }

    /// Whether a node has a session with another, as it sees that itself.
    package func hasSession(_ number: Int, _ other: Int) -> Bool {
        guard let session = pairs[number, other] else { return false }
        return sessions[session].ends[sessions[session].side(of: number)].isUp
    }

    /// Where a node sees another that it has a session with.
    package func endpoint(of other: Int, at number: Int) -> Endpoint? {
        guard hasSession(number, other), let session = pairs[number, other] else { return nil }
        return sessions[session].ends[sessions[session].side(of: number)].remote
    }

    /// The round trip that a node measured to another.
    package func roundTrip(_ number: Int, _ other: Int) -> Duration? {
        guard hasSession(number, other), let session = pairs[number, other] else { return nil }
        let end = sessions[session].ends[sessions[session].side(of: number)]
        return .nanoseconds(Int64(clamping: end.rtt))
    }

    /// How many sessions there are with both ends up.
    package var sessionCount: Int {
        sessions.indices.count { sessions[$0].ends[0].isUp && sessions[$0].ends[1].isUp }
    }

    /// The session of two nodes, made if there is none.
    func session(_ one: Int, _ other: Int) -> Int {
        if let session = pairs[one, other] { return session }
        let session = sessions.insert(Session(one, other))
        pairs.insert(session, for: one, other)
        return session
    }

    func freeIfUnused(_ session: Int) {
        for side in 0..<2 {
            let end = sessions[session].ends[side]
            if end.isUp || end.pendingKey != 0 { return }
        }
        pairs.remove(sessions[session].ends[0].node, sessions[session].ends[1].node)
        sessions.remove(at: session)
    }

    // MARK: - Beginning

    /// Takes a new session into use at one end (docs/protocol.md, section 6.3).
    func install(_ session: Int, _ side: Int, _ handshake: Handshake) {
        let end = sessions[session].ends[side]
        if end.isUp, handshake.begun <= end.made, losesOverlap(session, side, handshake) {
            sessions[session].ends[side].previousKey = handshake.key
            return prove(handshake.remote, session, side)
        }
        let hasMoved = end.isUp && end.remote != handshake.remote
        renew(session, side, handshake)
        if !end.isUp {
            bringUp(session, side)
            tellUp(session, side, at: handshake.remote)
        } else if hasMoved {
            tellMoved(session, side)
        }
        if !end.isUp || hasMoved { sessions[session].ends[side].isSearched = false }
        tellOffset(session, side, handshake.offset)
        schedule(session)
    }

    /// A handshake that came to nothing else led to the other end: a better way is used.
    func prove(_ endpoint: Endpoint, _ session: Int, _ side: Int) {
        let isBetter = !endpoint.isRelayed && sessions[session].ends[side].remote.isRelayed
        if isBetter { move(session, side, to: endpoint) }
    }

    func usePath(_ id: NodeID, _ endpoint: Endpoint, from number: Int) {
        guard let other = numbers[id], let session = pairs[number, other] else { return }
        let side = sessions[session].side(of: number)
        let end = sessions[session].ends[side]
        if end.isUp, end.remote != endpoint { move(session, side, to: endpoint) }
    }

    func move(_ session: Int, _ side: Int, to endpoint: Endpoint) {
        sessions[session].ends[side].remote = endpoint
        sessions[session].ends[side].isSearched = false
        tellMoved(session, side)
    }

    private func losesOverlap(_ session: Int, _ side: Int, _ handshake: Handshake) -> Bool {
        let ends = sessions[session].ends
        let isSmaller = hosts[ends[side].node].id < hosts[ends[1 - side].node].id
        return handshake.isInitiator != isSmaller
    }

    private func renew(_ session: Int, _ side: Int, _ handshake: Handshake) {
        let age =
            handshake.isInitiator
            ? CoreTimes.rekeyInitiator + random.next() % CoreTimes.rekeyJitter
            : CoreTimes.rekeyResponder
        let rtt = sessions[session].ends[side].rtt
        sessions[session].ends[side].previousKey = sessions[session].ends[side].key
        sessions[session].ends[side].key = handshake.key
        sessions[session].ends[side].isInitiator = handshake.isInitiator
        sessions[session].ends[side].made = now
        sessions[session].ends[side].rekey = now + age
        sessions[session].ends[side].remote = handshake.remote
        sessions[session].ends[side].rtt = rtt == 0 ? handshake.rtt : rtt
        sessions[session].ends[side].hear(at: now)
    }

    private func bringUp(_ session: Int, _ side: Int) {
        let number = sessions[session].ends[side].node
        sessions[session].ends[side].isUp = true
        sessions[session].ends[side].isKept = settings.keepsAll
        sessions[session].ends[side].carried = now
        sessions[session].ends[side].place = hosts[number].sessions.count
        hosts[number].sessions.append(session)
    }

    func tellUp(_ session: Int, _ side: Int, at endpoint: Endpoint) {
        let other = sessions[session].ends[1 - side].node
        let rtt = Duration.nanoseconds(Int64(clamping: sessions[session].ends[side].rtt))
        let (id, ula) = (hosts[other].id, hosts[other].ula)
        give(
            .peerUp(id, endpoint, rtt: rtt, ula: ula),
            to: sessions[session].ends[side].node,
            other
        )
    }

    func tellMoved(_ session: Int, _ side: Int) {
        let end = sessions[session].ends[side]
        let other = sessions[session].ends[1 - side].node
        give(.moved(hosts[other].id, end.remote), to: end.node, other)
    }

    private func tellSilent(_ session: Int, _ side: Int) {
        let (end, other) = (sessions[session].ends[side], sessions[session].ends[1 - side].node)
        give(.silent(hosts[other].id), to: end.node, other)
    }

    private func tellOffset(_ session: Int, _ side: Int, _ offset: Int64?) {
        guard let offset else { return }
        let other = sessions[session].ends[1 - side].node
        give(
            .clockHeard(from: hosts[other].id, offsetMilliseconds: offset),
            to: sessions[session].ends[side].node,
            other
        )
    }

    /// A new path is asked for its size by all the probes of one round, as the first answers end
    /// the search; where the largest do not pass, there are three rounds.
    ///
    /// What carries no inner packet needs no size.
    func searchPathOnce(_ session: Int, _ side: Int) {
        guard settings.searchesPaths, !sessions[session].ends[side].isSearched else { return }
        sessions[session].ends[side].isSearched = true
        let end = sessions[session].ends[side]
        let headers = WireSizes.headers(end.remote.family)
        let largest = WireSizes.probes[0] + headers
        for _ in 0..<(largest <= links.mtuBytes ? 1 : 3) {
            for size in WireSizes.probes {
                let load = Traffic.Load(kind: .path, bytes: size)
                guard let way = deliver(load, from: end.node, to: end.remote) else { continue }
                let reply = Traffic.Load(kind: .path, bytes: WireSizes.probeReply)
                _ = deliver(reply, from: way.node, to: way.source)
            }
        }
    }

    // MARK: - Carrying

    /// An end sends, or was sent, what somebody wanted.
    ///
    /// Packets are answered, messages need not be.
    func carry(_ session: Int, _ side: Int, wasSent: Bool) {
        sessions[session].ends[side].carried = now
        sessions[session].ends[side].sent = now
        if wasSent { sessions[session].ends[side].patient = 0 }
        if wasSent, sessions[session].ends[side].unanswered == 0 {
            sessions[session].ends[side].unanswered = now
            sessions[session].ends[side].asked = now
        }
        schedule(session)
    }

    func takeControl(_ packet: Packet) {
        guard let session = pairs[packet.from, packet.to] else { return }
        let side = sessions[session].side(of: packet.to)
        confirmed(session, side, packet.key)
        guard hear(session, packet.key, side, from: packet.source, isWanted: true) else { return }
        give(.received(from: hosts[packet.from].id, packet.payload), to: packet.to, packet.from)
    }

    /// An end opens a packet; false if it has no such session.
    @discardableResult
    func hear(
        _ session: Int,
        _ key: UInt32,
        _ side: Int,
        from source: Endpoint,
        isWanted: Bool
    ) -> Bool {
        guard sessions[session].ends[side].knows(key) else { return false }
        sessions[session].ends[side].hear(at: now)
        if isWanted { sessions[session].ends[side].carried = now }
        if sessions[session].ends[side].probeEnd != 0 { answerProbe(session, side, isAlive: true) }
        if sessions[session].ends[side].remote != source,
            !source.isRelayed || !stays(session, side)
        {
            follow(session, side, to: source)
        }
        return true
    }

    /// The peer sends from elsewhere: it is asked there, and the path moves when it answers.
    private func follow(_ session: Int, _ side: Int, to source: Endpoint) {
        let load = Traffic.Load(kind: .path, bytes: WireSizes.challenge)
        let number = sessions[session].ends[side].node
        guard let way = deliver(load, from: number, to: source),
            deliver(load, from: way.node, to: way.source) != nil
        else { return }
        sessions[session].ends[side].remote = source
        tellMoved(session, side)
        sessions[session].ends[side].isSearched = false
    }

    // MARK: - Echoes

    /// Asks the other end for an echo; true if it came.
    @discardableResult
    func echo(_ session: Int, from number: Int) -> Bool {
        let side = sessions[session].side(of: number)
        let end = sessions[session].ends[side]
        if end.unanswered == 0 { sessions[session].ends[side].unanswered = now }
        sessions[session].ends[side].asked = now
        let ownSilence = end.hasSpoken ? 0 : end.silence(at: now)
        sessions[session].ends[side].sent = now
        let load = Traffic.Load(kind: .keepalive, bytes: WireSizes.echo)
        guard let way = deliver(load, from: number, to: end.remote),
            way.node == sessions[session].ends[1 - side].node
        else { return false }
        let (silence, isLate) = (sessions[session].ends[1 - side].silence(at: now), end.lost > 0)
        // An echo is a sign that the other wants the session.
        guard hear(session, end.key, 1 - side, from: way.source, isWanted: true) else {
            return false
        }
        tellSilence(session, 1 - side, wasAsked: false, silence)
        sessions[session].ends[1 - side].sent = now
        let back = sessions[session].ends[1 - side]
        guard let reply = deliver(load, from: back.node, to: back.remote),
            reply.node == number,
            hear(session, back.key, side, from: reply.source, isWanted: false)
        else { return false }
        if !isLate { tellSilence(session, side, wasAsked: true, ownSilence) }
        let rtt = sessions[session].ends[side].rtt
        sessions[session].ends[side].rtt = (7 * rtt + way.delay + reply.delay) / 8
        return true
    }

    func probe(_ id: NodeID, from number: Int) {
        guard let other = numbers[id], let session = pairs[number, other],
            sessions[session].ends[sessions[session].side(of: number)].isUp
        else { return tell(.probed(id, isAlive: false), to: number) }
        let side = sessions[session].side(of: number)
        sessions[session].ends[side].probeEnd = now + CoreTimes.probeEnd
        echo(session, from: number)
        schedule(session)
    }

    private func answerProbe(_ session: Int, _ side: Int, isAlive: Bool) {
        let end = sessions[session].ends[side]
        sessions[session].ends[side].probeEnd = 0
        let id = hosts[sessions[session].ends[1 - side].node].id
        tell(.probed(id, isAlive: isAlive), to: end.node, after: isAlive ? end.rtt : 0)
    }

    func keep(_ id: NodeID, _ isKept: Bool, at number: Int) {
        guard let other = numbers[id], let session = pairs[number, other] else { return }
        sessions[session].ends[sessions[session].side(of: number)].isKept = isKept
        schedule(session)
    }

    func set(_ setting: KeepaliveSetting, of id: NodeID, at number: Int) {
        guard let other = numbers[id], let session = pairs[number, other] else { return }
        sessions[session].ends[sessions[session].side(of: number)].keepalive = setting
        schedule(session)
    }

    /// A silence of an end is over; its node is told, if it wants to know and waited for that.
    private func tellSilence(_ session: Int, _ side: Int, wasAsked: Bool, _ silence: UInt64) {
        let end = sessions[session].ends[side]
        let other = sessions[session].ends[1 - side].node
        guard end.keepalive.isReported, silence >= end.interval else { return }
        let event = NodeEvent.silenceEnded(
            hosts[other].id,
            wasAsked: wasAsked,
            after: .nanoseconds(Int64(silence))
        )
        tell(event, to: end.node)
    }

    // MARK: - The look

    /// Sees to it that a session is looked at when one of its ends has to do something.
    private func schedule(_ session: Int) {
        let due = min(
            sessions[session].ends[0].due(after: now),
            sessions[session].ends[1].due(after: now)
        )
        if due < sessions[session].check { look(at: session, within: due - now) }
    }

    func look(at session: Int, within pause: UInt64) {
        sessions[session].check = now + pause
        let token = sessions.generation(of: session)
        queue.push(.session, session, token: token, at: now + pause)
    }

    /// One look at a session, as liveness.c has it; what comes too early is put off.
    func look(at session: Int, _ time: UInt64) {
        guard sessions[session].check == time else { return }
        sessions[session].check = .max
        let generation = sessions.generation(of: session)
        for side in 0..<2 {
            let end = sessions[session].ends[side]
            guard end.isUp, hosts[end.node].state == .up else { continue }
            lookAfter(session, side)
            guard sessions.has(session, generation) else { return }
        }
        // A host that sleeps looks when it is awake.
        var due = UInt64.max
        for side in 0..<2 where hosts[sessions[session].ends[side].node].state == .up {
            due = min(due, sessions[session].ends[side].due(after: now))
        }
        if due < sessions[session].check { look(at: session, within: due - now) }
    }

    private func lookAfter(_ session: Int, _ side: Int) {
        let end = sessions[session].ends[side]
        if end.unanswered != 0, now >= end.unanswered + CoreTimes.silentEnd {
            return bringDown(session, side, .silent)
        }
        if now >= end.made + CoreTimes.sessionEnd
            || !end.isKept && !end.keepalive.isWanted && now >= end.carried + CoreTimes.idleEnd
        {
            let isIdle = !end.isKept && !end.keepalive.isWanted && end.unanswered == 0
            return bringDown(session, side, isIdle ? .idle : .silent)
        }
        if end.probeEnd != 0, now >= end.probeEnd { answerProbe(session, side, isAlive: false) }
        if end.unanswered == 0 {
            if now >= end.keepaliveDue {
                let isOurs = end.keepalive.turn == .ours
                sessions[session].ends[side].patient = isOurs ? now + CoreTimes.keepaliveLag : 0
                echo(session, from: end.node)
            }
        } else if now >= end.asked + end.patience, now < end.patient {
            echo(session, from: end.node)
        } else if now >= end.asked + end.patience {
            if end.lost < .max { sessions[session].ends[side].lost += 1 }
            if end.lost + 1 == CoreTimes.probesLost { tellSilent(session, side) }
            echo(session, from: end.node)
        }
        renewIfDue(session, side)
    }

    private func renewIfDue(_ session: Int, _ side: Int) {
        let end = sessions[session].ends[side]
        if end.lost > CoreTimes.probesLost, now >= end.redial {
            sessions[session].ends[side].redial = now + CoreTimes.redial
            redial(session, side)
        }
        guard now >= end.rekey, end.wantsRekey(at: now), sessions[session].ends[side].isUp else {
            return
        }
        sessions[session].ends[side].rekey = now + CoreTimes.redial
        if !rekeyAtOnce(session, side) { redial(session, side) }
    }

    private func redial(_ session: Int, _ side: Int) {
        let end = sessions[session].ends[side]
        guard !end.isRedialling, hosts[end.node].dialCount < CoreTimes.dialsMax else { return }
        sessions[session].ends[side].isRedialling = true
        let id = hosts[sessions[session].ends[1 - side].node].id
        beginDial(end.remote, id, isInternal: true, from: end.node)
    }

    /// A rekey whose four datagrams all come through needs no event; else it is begun anew.
    private func rekeyAtOnce(_ session: Int, _ side: Int) -> Bool {
        let (end, back) = (sessions[session].ends[side], sessions[session].ends[1 - side])
        guard back.isUp else { return false }
        let sizes = [
            WireSizes.message1, WireSizes.message2, WireSizes.message3, WireSizes.confirmation,
        ]
        var source = end.remote
        for (step, bytes) in sizes.enumerated() {
            let load = Traffic.Load(kind: .handshake, bytes: bytes)
            let (from, to, node) =
                step % 2 == 0
                ? (end.node, end.remote, back.node) : (back.node, source, end.node)
            guard let way = deliver(load, from: from, to: to), way.node == node else {
                return false
            }
            if step % 2 == 0 { source = way.source }
        }
        lastKey += 1
        let remotes = [end.remote, source]
        for (place, side) in [side, 1 - side].enumerated() {
            let handshake = Handshake(
                key: lastKey,
                begun: now,
                rtt: 0,
                remote: remotes[place],
                isInitiator: place == 0,
                offset: nil
            )
            let hasMoved = sessions[session].ends[side].remote != remotes[place]
            renew(session, side, handshake)
            if hasMoved { tellMoved(session, side) }
        }
        return true
    }

    // MARK: - Ending

    func sendGoodbye(_ session: Int, from number: Int) {
        let end = sessions[session].ends[sessions[session].side(of: number)]
        let load = Traffic.Load(kind: .goodbye, bytes: WireSizes.goodbye)
        launch(.goodbye, load, from: number, to: end.remote) { $0.key = end.key }
    }

    func takeGoodbye(_ packet: Packet) {
        guard let session = pairs[packet.from, packet.to] else { return }
        let side = sessions[session].side(of: packet.to)
        guard sessions[session].ends[side].knows(packet.key) else { return }
        bringDown(session, side, .goodbye)
    }

    private func bringDown(_ session: Int, _ side: Int, _ departure: Departure) {
        let end = sessions[session].ends[side]
        let other = sessions[session].ends[1 - side].node
        if end.probeEnd != 0 { answerProbe(session, side, isAlive: false) }
        takeFromList(session, side)
        forget(session, at: end.node)
        give(.peerDown(hosts[other].id, departure), to: end.node, other)
    }

    private func takeFromList(_ session: Int, _ side: Int) {
        let end = sessions[session].ends[side]
        guard let last = hosts[end.node].sessions.popLast() else {
            preconditionFailure("a session that is in no list")
        }
        guard last != session else { return }
        hosts[end.node].sessions[end.place] = last
        let moved = sessions[last].side(of: end.node)
        sessions[last].ends[moved].place = end.place
    }

    /// One end knows nothing of the session any more.
    func forget(_ session: Int, at number: Int) {
        let side = sessions[session].side(of: number)
        let other = sessions[session].ends[1 - side].node
        sessions[session].ends[side] = Session.End(number)
        if !hosts[number].circuits.isEmpty { endCircuits(at: number, through: other) }
        freeIfUnused(session)
    }
}
