// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

// How the table is filled and kept.
extension DHTMachine {
    /// Whether we know nobody, or nobody that we know answers.
    var isCold: Bool {
        let sides = [side4, side6].filter { $0.table.count > 0 }
        return sides.allSatisfy { $0.silence >= DHTLimits.silenceUntilCold }
    }

    /// Whether a family leads nowhere though the other does.
    func isDeaf(_ family: IPAddress.Family) -> Bool {
        let other: IPAddress.Family = family == .v4 ? .v6 : .v4
        return self[family].silence >= DHTLimits.silenceUntilCold
            && self[other].silence < DHTLimits.silenceUntilCold && self[other].table.count > 0
    }

    /// Whether our own neighbourhood is being looked for.
    var isEntering: Bool { lookups.contains { $0.request.kind == .own } }

    // MARK: Entering

    /// Looks for nodes near our id through all that we know: saved nodes and routers at once.
    mutating func enter(at now: Instant, into effects: inout [DHTEffect]) {
        guard bootstrap.isPossible || !isCold else { return bootstrap.end() }
        for host in bootstrap.begin() { effects.append(.resolve(host)) }
        lookAround(.v4, at: now, into: &effects)
    }

    mutating func resolved(
        _ host: HostPort,
        _ endpoints: [Endpoint],
        at now: Instant,
        into effects: inout [DHTEffect]
    ) {
        bootstrap.resolve(host, to: endpoints)
        let isNeeded = side4.table.count + side6.table.count < DHTLimits.bucketSize || isCold
        guard isNeeded, !bootstrap.places.isEmpty else { return }
        feed(places: bootstrap.places, at: now, into: &effects)
        if isCold, !isEntering { lookAround(.v4, at: now, into: &effects) }
    }

    /// Looks for nodes near our id of a family.
    mutating func lookAround(
        _ family: IPAddress.Family,
        at now: Instant,
        into effects: inout [DHTEffect]
    ) {
        let key = self[family].table.own
        let isUnderWay = lookups.contains { $0.request.kind == .own && $0.request.key == key }
        guard !isUnderWay else { return }
        begin(DHTRequest(key: key, kind: .own), at: now, into: &effects)
    }

    /// Decides, after a look around, when there is to be another.
    mutating func entered(at now: Instant) {
        guard !isEntering else { return }
        // A node at rest looks around only for somebody who waits.
        let isWanted = !isResting || lookups.contains(where: \.request.isWaitedFor)
        if isCold, bootstrap.isPossible, isWanted {
            bootstrap.retry(at: now)
        } else if side4.table.count + side6.table.count < DHTLimits.bucketSize, !isResting {
            bootstrap.retryLater(at: now)
        } else {
            bootstrap.end()
        }
    }

    mutating func networkChanged(at now: Instant, into effects: inout [DHTEffect]) {
        for family in [IPAddress.Family.v4, .v6] {
            self[family].votes = DHTVotes()
            self[family].silence = 0
            self[family].idHoldsUntil = now
        }
        bootstrap.end()
        if !isResting || isCold { enter(at: now, into: &effects) }
    }

    // MARK: Keeping

    mutating func rest(_ isOn: Bool, at now: Instant) {
        guard isOn != isResting else { return }
        isResting = isOn
        guard isOn else {
            upkeepAt = now
            return
        }
        upkeepAt = .never
        bootstrap.end()
        // What upkeep began may wait until it goes on.
        lookups.removeAll { $0.request.kind == .refresh }
    }

    /// Does what upkeep is due.
    mutating func keepUp(at now: Instant, into effects: inout [DHTEffect]) {
        if bootstrap.nextAt <= now { enter(at: now, into: &effects) }
        guard upkeepAt <= now else { return }
        upkeepAt = now + DHTLimits.upkeepInterval
        if isCold, bootstrap.nextAt == .never, !isEntering {
            return enter(at: now, into: &effects)
        }
        for family in [IPAddress.Family.v4, .v6] where !isDeaf(family) {
            pingQuestionable(family, at: now, into: &effects)
            refresh(family, at: now, into: &effects)
        }
    }

    private mutating func pingQuestionable(
        _ family: IPAddress.Family,
        at now: Instant,
        into effects: inout [DHTEffect]
    ) {
        guard upkeepBudget.isOpen(at: now) else { return }
        let nodes = self[family].table.takeQuestionable(upTo: DHTLimits.pingsPerTurn, at: now)
        for node in nodes {
            _ = ask(
                .ping,
                of: node.endpoint,
                node.id,
                for: .ping,
                isUpkeep: true,
                at: now,
                into: &effects
            )
        }
    }

    private mutating func refresh(
        _ family: IPAddress.Family,
        at now: Instant,
        into effects: inout [DHTEffect]
    ) {
        let isBusy = lookups.contains { $0.request.kind == .refresh || $0.request.kind == .own }
        guard !isBusy, lookups.count < DHTLimits.lookupsMax - 1,
            upkeepBudget.isOpen(at: now)
        else { return }
        let chance = DHTID.random(using: &random)
        var stale = self[family].table.takeStale(at: now, with: chance)
        // Answers to pings keep buckets fresh, but show no new neighbours.
        if stale == nil, self[family].lookAroundAt <= now, self[family].table.count > 0 {
            self[family].lookAroundAt = now + DHTLimits.freshness
            stale = self[family].table.own
        }
        guard let key = stale else { return }
        begin(DHTRequest(key: key, kind: .refresh), at: now, into: &effects)
    }

    /// Asks a node that asked us whether it is there, if the table has a place for it.
    ///
    /// The query alone proves nothing: its source may be false.
    mutating func introduce(
        _ node: DHTNode,
        at now: Instant,
        into effects: inout [DHTEffect]
    ) {
        guard isServing || !isResting, self[node.endpoint.address.family].table.wants(node),
            introductions.count < DHTLimits.introductionsMax,
            upkeepBudget.isOpen(at: now), !introductions.contains(node.endpoint)
        else { return }
        let isSent = ask(
            .ping,
            of: node.endpoint,
            node.id,
            for: .ping,
            isUpkeep: true,
            at: now,
            into: &effects
        )
        if isSent { introductions.insert(node.endpoint) }
    }
}
