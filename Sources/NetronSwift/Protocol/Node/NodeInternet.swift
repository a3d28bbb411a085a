// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

// How others are found who are not on the LAN and whom nobody named.
extension NodeMachine {
    /// Tells the discovery over the Internet what happened, and does what it asks for.
    mutating func search(
        _ event: InternetEvent,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        var asked: [InternetEffect] = []
        internet.handle(event, at: now, into: &asked)
        for effect in asked { carryOut(effect, at: now, into: &effects) }
    }

    private mutating func carryOut(
        _ effect: InternetEffect,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        switch effect {
        case .announce(let key):
            lookUp(key, announcing: announcedPort, at: now, into: &effects)
        case .lookUp(let key): lookUp(key, announcing: nil, at: now, into: &effects)
        case .discovered(let endpoint): dial(endpoint, nil, at: now, into: &effects)
        case .priorityJoin(let id):
            guard let member = members[id] else { return }
            let endpoint = told(member.endpoint, of: id)
            overlay(.learned(Hint(id, at: [endpoint])), at: now, into: &effects)
            register(.reconcile(id), at: now, into: &effects)
        case .epoch(let epoch):
            announcersEpoch = epoch
            tellAnnouncers(at: now, into: &effects)
        case .rest(let rests): ask(.rest(rests), at: now, into: &effects)
        case .serve(let serves): ask(.serve(serves), at: now, into: &effects)
        case .reachability(_, let endpoint):
            publicEndpoint = endpoint
            scheduleAnchors(at: now)
            mindWays(at: now, into: &effects)
            refreshPresence(at: now, into: &effects)
        case .wake(let instant):
            internetDue = instant
            wake(at: instant)
        }
    }

    private mutating func lookUp(
        _ key: [UInt8],
        announcing port: DHTAnnouncedPort?,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard let key = DHTID(bytes: key) else { preconditionFailure("a key of another length") }
        ask(.lookup(key, announcing: port), at: now, into: &effects)
    }

    /// Tells the discovery who announces, if that is new.
    mutating func tellAnnouncers(at now: Instant, into effects: inout [Effect]) {
        guard let announcersEpoch else { return }
        let announcers = directory.announcers(epoch: announcersEpoch)
        guard announcers != toldAnnouncers else { return }
        toldAnnouncers = announcers
        search(.announcers(announcers), at: now, into: &effects)
    }
}

// The distributed hash table.
extension NodeMachine {
    /// Tells our node of the table what happened, and does what it asks for.
    mutating func ask(
        _ event: DHTEvent,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard own?.discovery.usesDHT == true else { return }
        var asked: [DHTEffect] = []
        table.handle(event, at: now, into: &asked)
        for effect in asked { carryOut(effect, at: now, into: &effects) }
    }

    private mutating func carryOut(
        _ effect: DHTEffect,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        switch effect {
        case .send(let bytes, let endpoint): effects.append(.sendDatagram(bytes, to: endpoint))
        case .resolve(let host): effects.append(.resolve(host))
        case .found(let key, let endpoints):
            search(.found(key: key.bytes, endpoints), at: now, into: &effects)
        case .finished(let key, let count):
            search(.finished(key: key.bytes, announced: count), at: now, into: &effects)
        case .publicEndpoint(let endpoint):
            search(.publicEndpoint(endpoint), at: now, into: &effects)
        case .seen(let endpoint, let observer): nat.hear(endpoint, by: observer, at: now)
        // Nothing of ours is kept there.
        case .item: break
        case .wake(let instant):
            tableDue = instant
            wake(at: instant)
        }
    }
}

// Those of the last run, and those who vanished.
extension NodeMachine {
    mutating func remember(
        _ event: PeerMemoryEvent,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        var asked: [PeerMemoryEffect] = []
        memory.handle(event, at: now, into: &asked)
        for effect in asked {
            switch effect {
            case .attempt(let id, let endpoint): seek(id, at: [endpoint], .discovered, at: now)
            case .wake(let instant):
                memoryDue = instant
                wake(at: instant)
            }
        }
    }
}

// What time it is.
extension NodeMachine {
    mutating func keepTime(
        _ event: NetworkTimeEvent,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        let isFirst = time.wall(at: now) == nil
        var asked: [NetworkTimeEffect] = []
        time.handle(event, at: now, into: &asked)
        for case .setTime(let wall) in asked {
            effects.append(.setTime(wallMilliseconds: wall))
        }
        guard let wall = time.wall(at: now) else { return }
        if let told = toldTime, told.isTrusted == time.isTrusted,
            told.wall(at: now).distance(to: wall).magnitude < NodeLimits.clockStep
        {
            return
        }
        toldTime = WallClock(wall, isTrusted: time.isTrusted, at: now)
        search(
            .time(wallMilliseconds: wall, isTrusted: time.isTrusted),
            at: now,
            into: &effects
        )
        remember(
            .time(wallMilliseconds: wall, isTrusted: time.isTrusted),
            at: now,
            into: &effects
        )
        guard isFirst else { return }
        beginLedger(at: now, wall: wall, into: &effects)
        beginGateways(at: now, into: &effects)
        refreshPresence(at: now, into: &effects)
    }
}
