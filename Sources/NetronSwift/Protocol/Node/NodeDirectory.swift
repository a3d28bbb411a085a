// SPDX-License-Identifier: Apache-2.0

package import NetronWire

// Who is a member, whether there is a session or not.
extension NodeMachine {
    /// Tells the directory what happened, and does what it asks for.
    mutating func register(
        _ event: DirectoryEvent,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        // Leases are counted by a clock; without any nothing can be said or believed.
        guard let wall = time.wall(at: now) else { return }
        if case .received(let message, let id) = event {
            informant = id
            if case .records(let statements) = message {
                for statement in statements {
                    lookForEvidence(statement, at: now, wall: wall, into: &effects)
                }
            }
        }
        defer { informant = nil }
        var asked: [DirectoryEffect] = []
        directory.handle(event, at: now, wall: wall, into: &asked)
        for effect in asked { carryOut(effect, at: now, into: &effects) }
        reviewPlacement(at: now, into: &effects)
    }

    /// Whether what was broadcast is to go on.
    mutating func judge(
        _ payload: [UInt8],
        from teller: NodeID,
        at now: Instant,
        into effects: inout [Effect]
    ) -> GossipEvent.Verdict {
        switch DirectoryPayload(of: payload) {
        case .block: return judgeBlock(payload, from: teller, at: now, into: &effects)
        case .trust, .trustHead: return judgeTrust(payload, from: teller, at: now, into: &effects)
        case .presence, .suspicion, nil: break
        }
        guard let wall = time.wall(at: now) else { return .refuse }
        informant = teller
        defer { informant = nil }
        lookForEvidence(payload, at: now, wall: wall, into: &effects)
        var asked: [DirectoryEffect] = []
        let verdict = directory.judge(payload, at: now, wall: wall, into: &asked)
        for effect in asked { carryOut(effect, at: now, into: &effects) }
        switch verdict {
        case .accept, .relay:
            heard(payload, at: now, into: &effects)
            return .accept
        // What we have heard otherwise may be news to those behind us.
        case .known: return isNewest(payload) ? .accept : .refuse
        case .refuse: return .refuse
        }
    }

    /// Whether a statement is the newest one of its author, as far as is known.
    func isNewest(_ payload: [UInt8]) -> Bool {
        guard let header = try? PresenceHeader(payload) else { return false }
        return directory.record(of: header.author)?.bytes == payload
    }

    mutating func carryOut(
        _ effect: DirectoryEffect,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        switch effect {
        case .broadcast(let payload):
            let whole = withChanges(payload, at: now, into: &effects)
            overlay(.broadcast(whole), at: now, into: &effects)
            leaveWithOthers(payload, at: now, into: &effects)
        case .send(let message, let id):
            post(.directory(message), to: id, into: &effects)
        case .changed(let id): registered(id, at: now, into: &effects)
        case .renewed(let id):
            keepLedger(of: id, directory.record(of: id), at: now, into: &effects)
        case .twin: sawTwin(at: now, into: &effects)
        case .wake(let instant):
            directoryDue = instant
            wake(at: instant)
        }
    }

    /// Follows from what the directory now says of a member.
    private mutating func registered(
        _ id: NodeID,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard id != own?.id else { return }
        let record = statement(of: id)
        keepLedger(of: id, record, at: now, into: &effects)
        reviewGateway(id, record, at: now, into: &effects)
        // In a session it says itself what it claims.
        if members[id]?.hello == nil {
            switch directory.standing(of: id) {
            case .online: register(claims: record?.claims ?? [], of: id, at: now, into: &effects)
            // Whether it has its addresses stays as it was: we may be the one who misses it.
            case .suspect: break
            case .offline, .left: register(claims: [], of: id, at: now, into: &effects)
            case nil: register(claims: record?.claims ?? [], of: id, at: now, into: &effects)
            }
        }
        if let record, directory.isOnline(id) {
            search(.learned(id), at: now, into: &effects)
            remember(
                .online(id, record.endpoints, isReachable: record.isReachable),
                at: now,
                into: &effects
            )
        } else if members[id] == nil {
            remember(
                .vanished(
                    id,
                    record?.endpoints ?? [],
                    isReachable: record?.isReachable ?? false,
                    hasLeft: record?.isLeaving ?? false
                ),
                at: now,
                into: &effects
            )
        }
        tellAnnouncers(at: now, into: &effects)
    }

    /// Says to all members what is new about this node, if anything is.
    mutating func refreshPresence(at now: Instant, into effects: inout [Effect]) {
        guard let own else { return }
        let endpoints = ownEndpoints
        let isReachable = internet.isReachable(at: now) ?? false
        let fields = Presence.Fields(
            name: own.name,
            claims: announcedClaims.filter { $0.since != AddressTable.yielded },
            endpoints: endpoints,
            // Whoever can be reached needs nobody to be asked for it, and neighbours change often.
            introducers: isReachable ? [] : introducers,
            isReachable: isReachable,
            isWilling: own.relayedMax > 0,
            ledger: ledgerSummary
        )
        if endpoints != toldEndpoints {
            toldEndpoints = endpoints
            overlay(.relocated(endpoints), at: now, into: &effects)
            punch(.own(endpoints), at: now, into: &effects)
        }
        register(.own(fields), at: now, into: &effects)
    }
}

// What is said again though nothing is new: simulators look how far it goes.
extension NodeMachine {
    package mutating func sayAgain(at now: Instant, into effects: inout [NodeEffect]) {
        register(.again, at: now, into: &effects)
    }
}

// A network that begins at rest; for simulators, see DirectoryRest.swift.
extension NodeMachine {
    /// Finds neighbours and says nothing of itself until `rest`; told before `.started`.
    package mutating func hold() { directory.hold() }

    /// The own statement, as one that was said some time ago in a network of so many.
    package mutating func statement(among count: Int, at now: Instant) -> Presence? {
        guard let wall = time.wall(at: now) else { return nil }
        return directory.statement(among: count, at: now, wall: wall)
    }

    /// What one who has heard these statements knows; nil without a clock.
    package func shared(_ statements: [Presence], at now: Instant) -> SharedStatements? {
        time.wall(at: now).map {
            directory.shared(statements, epoch: announcersEpoch, at: now, wall: $0)
        }
    }

    /// Knows what all know.
    package mutating func rest(
        with all: SharedStatements,
        at now: Instant,
        into effects: inout [NodeEffect]
    ) {
        guard let wall = time.wall(at: now) else { return }
        directory.rest(with: all, at: now, wall: wall)
        register(.timeout, at: now, into: &effects)
        tellAnnouncers(at: now, into: &effects)
        handle(.timeout, at: now, into: &effects)
    }
}

// Sessions on demand.
extension NodeMachine {
    /// A packet waits for an inner address: its owner is sought, if need be by asking who that is.
    mutating func unrouted(_ address: IPAddress, at now: Instant, into effects: inout [Effect]) {
        let holder =
            addresses.holder(of: address) ?? directory.member(withNetworkAddress: address)
            ?? gateway(for: address)
        if let holder { return wanted(holder, at: now, into: &effects) }
        guard let own, !directory.keepsAll else { return }
        if let router = unknownRouter(for: address) {
            unrouted(router, at: now, into: &effects)
        }
        let network = Prefix(own.ula, length: ulaPrefixLength)
        let isMade = network?.contains(address) == true
        let target: PlacementTarget = isMade ? .networkAddress(address) : .address(address)
        place(.lookUp(target), at: now, into: &effects)
    }

    /// Wants a session with a member, of whom others may have to be asked.
    mutating func wanted(_ id: NodeID, at now: Instant, into effects: inout [Effect]) {
        if members[id] == nil, statement(of: id) == nil, !directory.keepsAll {
            place(.lookUp(.member(id)), at: now, into: &effects)
        } else {
            want(id, at: now)
        }
    }

    /// The host sends to all, which only those with a session hear: while the network is small the
    /// others are sought, so that they hear what comes next.
    mutating func gather(at now: Instant) {
        guard directory.keepsAll, directory.onlineCount <= NodeLimits.gatheredMax else { return }
        for id in directory.members(from: 0, count: .max).ids where directory.isOnline(id) {
            guard members[id] == nil, sought[id] == nil else { continue }
            // This is told each second: who did not answer just now is let be for a while.
            let endpoints = directory.record(of: id)?.endpoints ?? []
            let isTired = endpoints.contains { dials.failedOfLate($0, at: now) }
            if !isTired { want(id, at: now) }
        }
    }

    mutating func want(_ id: NodeID, at now: Instant) {
        guard members[id] == nil, let record = statement(of: id) else { return }
        seek(id, at: record.endpoints, .wanted, at: now)
    }

    /// Whether a member without a session is here, as far as is known.
    func isHere(_ id: NodeID) -> Bool {
        directory.standing(of: id) == nil
            ? placement.statement(of: id) != nil : directory.isOnline(id)
    }
}
