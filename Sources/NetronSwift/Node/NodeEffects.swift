// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import NetronAPI
internal import NetronEngine
internal import NetronProtocol
internal import NetronWire

// Events into the machine, effects out of it.
extension Node {
    /// Takes in all that happened in the packet core.
    func drain() {
        while let event = device?.nextEvent() { take(event) }
        while let (source, bytes) = device?.nextDatagram() { feed(.datagram(bytes, from: source)) }
    }

    private func take(_ event: DeviceEvent) {
        switch event {
        case .peerUp(let id, let endpoint, let rtt, let clockOffset):
            feed(.peerUp(id, endpoint, rtt: rtt, ula: networkAddress(of: id)))
            if let clockOffset {
                feed(.clockHeard(from: id, offsetMilliseconds: clockOffset))
            }
        case .peerDown(let id, let reason): feed(.peerDown(id, Departure(reason)))
        case .message(let id, let bytes): feed(.received(from: id, bytes))
        case .dialFailed(let endpoint, let id, let error):
            logger.debug("no answer from \(endpoint): \(error)")
            feed(.dialFailed(endpoint, id))
        case .pong(let id, let token, let rtt): answered(token, by: id, rtt)
        case .moved(let id, let endpoint):
            feed(.moved(id, endpoint))
            rememberSoon()
        case .unrouted(let address): feed(.unrouted(address))
        case .sentToAll: feed(.sentToAll)
        case .hostChanged: tellHost()
        case .circuitEnded(let circuit): feed(.circuitEnded(circuit))
        // What was tried is used by the packet core itself, where it is better.
        case .path: break
        case .silent(let id):
            logger.debug("member \(id.prefix()) answers nothing, another way is sought")
            feed(.silent(id))
        case .silenceEnded(let id, let wasAsked, let silence):
            feed(.silenceEnded(id, wasAsked: wasAsked, after: silence))
        case .lost(let count):
            logger.warning("\(count) events of the packet core were lost")
            recover()
        }
    }

    private func answered(_ token: UInt64, by id: NodeID, _ rtt: Duration) {
        guard let waiter = pings.removeValue(forKey: token) else { return }
        note(echoOf: id, came: true)
        switch waiter {
        case .user(_, let ping): ping.resume(returning: rtt)
        case .probe(let id): feed(.probed(id, isAlive: true))
        }
    }

    /// Finds out what the events would have said that were lost: who is here, and who is not.
    private func recover() {
        let peers = device?.peers().filter(\.isUp) ?? []
        let here = Set(peers.map(\.id))
        for member in machine.allMembers where !here.contains(member.id) {
            feed(.peerDown(member.id, .silent))
        }
        for peer in peers where machine.member(peer.id)?.endpoint != peer.endpoint {
            guard machine.member(peer.id) == nil else {
                feed(.moved(peer.id, peer.endpoint))
                continue
            }
            let ula = networkAddress(of: peer.id)
            feed(.peerUp(peer.id, peer.endpoint, rtt: peer.rtt ?? .zero, ula: ula))
        }
    }

    /// Gives the machine an event, and carries out what it answers.
    ///
    /// What the packet core refuses at once is an event again.
    func feed(_ event: NetronProtocol.NodeEvent, at now: Instant = Clock.now()) {
        var events = [event]
        while let event = events.first {
            events.removeFirst()
            var effects: [NodeEffect] = []
            machine.handle(event, at: now, into: &effects)
            events += carryOut(effects)
        }
    }

    /// Carries out what the machine wants done; what is refused at once is an event again.
    func carryOut(_ effects: [NodeEffect]) -> [NetronProtocol.NodeEvent] {
        effects.compactMap(carryOut)
    }

    private func carryOut(_ effect: NodeEffect) -> NetronProtocol.NodeEvent? {
        do throws(EngineError) {
            switch effect {
            case .dial(let endpoint, let id): try device?.dial(endpoint, id: id)
            case .resolve(let host): resolve(host)
            case .send(let bytes, let id): try device?.send(bytes, to: id)
            case .sendDatagram(let bytes, let endpoint):
                try device?.sendDatagram(bytes, to: endpoint)
            case .keep(let id, let isKept): try device?.keep(id, isKept)
            case .keepalive(let id, let setting): try device?.setKeepalive(setting, of: id)
            case .probe(let id): try probe(id)
            case .circuit(let side): try device?.addCircuit(side)
            case .relay(let one, let other): try device?.relay(one, other)
            case .endCircuit(let circuit): try device?.endCircuit(circuit)
            case .tryPath(let id, let endpoint): try device?.tryPath(endpoint, of: id)
            case .usePath(let id, let endpoint): try device?.usePath(endpoint, of: id)
            case .map(let request):
                guard map(request) else { return .mapped(request, .failure(.unable)) }
            case .searchPath(let id, let endpoint): try device?.searchPath(endpoint, of: id)
            case .setTime(let wall): device?.setTime(wallMilliseconds: wall)
            case .setPrefixes(let id, let prefixes): try device?.setPrefixes(prefixes, of: id)
            case .route(let prefix, let isPresent): route(prefix, isPresent: isPresent)
            case .lease(let address, let length, let isHeld):
                lease(address, length: length, isHeld: isHeld)
            case .ledgerChanged(let keys): ledgerChanged(keys)
            case .ledgerRead(let key): ledgerRead(key)
            case .tell(let notice): tell(notice)
            case .wake(let instant): wake(at: instant)
            }
        } catch {
            if case .dial(let endpoint, let id) = effect { return .dialFailed(endpoint, id) }
            if case .probe(let id) = effect { return .probed(id, isAlive: false) }
            if case .circuit(let side) = effect { return .circuitEnded(side.into) }
            if case .relay(let side, _) = effect { return .circuitEnded(side.into) }
            // A peer may be gone before its event is read, and messages may be lost anyway.
            logger.debug("the packet core refused: \(error)")
        }
        return nil
    }

    /// How long a member has to answer a probe.
    private static let probePatience = Duration.seconds(3)

    private func probe(_ id: NodeID) throws(EngineError) {
        let token = freeToken()
        try device?.ping(id, token: token)
        pings[token] = .probe(id)
        Task { [weak self] in
            try? await Task.sleep(for: Self.probePatience)
            await self?.giveUpProbe(token)
        }
    }

    private func giveUpProbe(_ token: UInt64) {
        guard case .probe(let id)? = pings.removeValue(forKey: token) else { return }
        note(echoOf: id, came: false)
        feed(.probed(id, isAlive: false))
    }

    private func resolve(_ host: HostPort) {
        Task { [weak self] in
            let endpoints = await Resolver.resolve(host)
            await self?.resolved(host, endpoints)
        }
    }

    private func resolved(_ host: HostPort, _ endpoints: [Endpoint]) {
        if endpoints.isEmpty { logger.debug("\(host) has no address now") }
        feed(.resolved(host, endpoints))
    }

    private func wake(at instant: Instant) {
        timer?.cancel()
        timer = nil
        guard instant != .never, phase == .running else { return }
        let pause = max(.zero, instant - Clock.now())
        timer = Task { [weak self] in
            try? await Task.sleep(for: pause)
            guard !Task.isCancelled else { return }
            // Even if the sleep ended a little early by the core's clock.
            await self?.feed(.timeout, at: max(instant, Clock.now()))
        }
    }

    /// Takes note of somebody on the LAN who may be a member.
    func discovered(_ endpoint: Endpoint) {
        logger.debug("somebody on the LAN is at \(endpoint)")
        feed(.discovered(endpoint, nil))
    }
}

extension Departure {
    fileprivate init(_ reason: DeviceEvent.DownReason) {
        switch reason {
        case .goodbye: self = .goodbye
        case .silent: self = .silent
        case .local: self = .local
        case .idle: self = .idle
        }
    }
}

// What the user is told.
extension Node {
    private func tell(_ notice: Notice) {
        switch notice {
        case .memberUp(let id, let endpoint):
            logger.info("member \(id.prefix()) is up at \(endpoint)")
            sessionCame(with: id)
            rememberSoon()
            announcer.yield(.peerUp(id, endpoint))
        case .memberDown(let id, let departure):
            logger.info("member \(id.prefix()) is down: \(departure.reason)")
            echoes[id] = nil
            announcer.yield(.peerDown(id))
        case .memberChanged(let id):
            guard let member = machine.member(id) else { return }
            let name = member.hello?.name ?? "nameless yet"
            logger.debug("member \(id.prefix()) is \(name), at \(member.endpoint)")
        case .addressTaken(let address, let holder):
            logger.error("\(Health.taken(address, by: holder).text)")
            announcer.yield(.addressTaken(address, by: holder))
        case .addressClaimed(let address, let claimant):
            logger.warning("\(Health.claimed(address, by: claimant).text)")
            announcer.yield(.addressClaimed(address, by: claimant))
        case .addressFree(let address):
            logger.notice("the address \(address) is this node's, and nobody else wants it")
            announcer.yield(.addressFree(address))
        case .addressRefused(let address, let claimant):
            logger.warning(
                "member \(claimant.prefix()) claims \(address), which cannot be its own; ignored"
            )
        case .keyTaken(let key, let holder?):
            logger.warning("\(key) in the ledger is \(holder.prefix())'s, which had it before")
        case .keyTaken(let key, nil): logger.notice("\(key) in the ledger is this node's again")
        case .notAdvertised(let key, let refusal):
            logger.error("nobody is told what is advertised: \(refusal.sentence(about: key))")
        case .ledgerFailed(let error): ledgerFailed(error)
        case .twin:
            logger.error("\(Health.twin.text)")
            isTwinSeen = true
        case .doubled: giveUp(because: .identityInUse)
        case .equivocation(let id): logger.warning("\(Health.equivocation(by: id).text)")
        case .revocations(let authority, let serial, let count):
            let words = count == 1 ? "1 certificate" : "\(count) certificates"
            logger.notice("list \(serial) of the authority \(authority.prefix()) revokes \(words)")
        case .twoLists(let authority, let serial):
            logger.warning(
                """
                the authority \(authority.prefix()) signed two lists with the number \(serial), \
                and one does not count; revoke again what `netron trust list` does not show
                """
            )
        case .malformed(let id, let error):
            logger.warning("member \(id.prefix()) sent what is no message: \(error); ignored")
        }
    }
}

extension Departure {
    fileprivate var reason: String {
        switch self {
        case .goodbye: "it said goodbye"
        case .silent: "it no longer answers"
        case .local: "it was hung up"
        case .idle: "nothing was to be said"
        }
    }
}
