// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

// How lookups go: begun, fed with nodes, stepped on, and ended.
extension DHTMachine {
    // MARK: Beginning

    /// Begins what somebody waits for, or lets it wait its turn.
    mutating func look(
        _ request: DHTRequest,
        at now: Instant,
        into effects: inout [DHTEffect]
    ) {
        if let index = lookups.firstIndex(where: {
            $0.request.key == request.key && $0.request.kind == request.kind && !$0.isStoring
                && request.storing == nil
        }) {
            // The same is looked up already.
            if let port = request.announcing { lookups[index].request.announcing = port }
            return
        }
        if isCold, bootstrap.nextAt == .never || isResting, !isEntering {
            enter(at: now, into: &effects)
        }
        // Upkeep leaves room for what somebody waits for.
        guard lookups.count < DHTLimits.lookupsMax else {
            if waiting.count < DHTLimits.waitingLookupsMax {
                waiting.append(request)
            } else {
                effects.append(.finished(request.key, announced: 0))
            }
            return
        }
        begin(request, at: now, into: &effects)
    }

    mutating func begin(
        _ request: DHTRequest,
        at now: Instant,
        into effects: inout [DHTEffect]
    ) {
        lookupCount &+= 1
        var lookup = DHTLookup(lookupCount, request, at: now)
        for index in lookup.frontiers.indices {
            seed(&lookup.frontiers[index], of: request)
        }
        lookups.append(lookup)
        reportOwn(lookups.count - 1, at: now, into: &effects)
        step(lookups.count - 1, at: now, into: &effects)
    }

    /// Gives a lookup the nodes that we know, and where those are few, those that know others.
    private func seed(_ frontier: inout DHTFrontier, of request: DHTRequest) {
        let family = frontier.family
        guard !isDeaf(family) else { return }
        let table = self[family].table
        let known = table.closest(to: request.key, upTo: DHTLimits.bucketSize)
        frontier.add(known.map(\.node), toldBy: nil)
        guard isCold || known.count < DHTLimits.bucketSize else { return }
        let saved = bootstrap.saved(closestTo: request.key, upTo: 2 * DHTLimits.bucketSize)
        frontier.add(saved.filter { $0.endpoint.address.family == family }, toldBy: nil)
        frontier.add(places: bootstrap.places)
    }

    mutating func put(
        _ item: DHTItem,
        replacing replaced: Int64?,
        at now: Instant,
        into effects: inout [DHTEffect]
    ) {
        let salt = item.author?.salt ?? []
        let isSound =
            item.value.count <= DHTItem.valueBytesMax && salt.count <= DHTItem.saltBytesMax
            && item.author.map {
                $0.key.count == DHTItem.keyByteCount && $0.sequence >= 0
                    && $0.signature.count == Cryptography.signatureByteCount
            } ?? true
        precondition(isSound, "an item that no node would store")
        var request = DHTRequest(key: item.target, kind: .item(salt: salt))
        request.storing = item
        request.replacing = replaced
        look(request, at: now, into: &effects)
    }

    /// Ends what nobody waits for any more, without a word.
    mutating func cancel(_ key: DHTID, at now: Instant, into effects: inout [DHTEffect]) {
        waiting.removeAll { $0.key == key }
        lookups.removeAll { $0.request.key == key && $0.request.isWaitedFor }
        beginWaiting(at: now, into: &effects)
    }

    private mutating func beginWaiting(at now: Instant, into effects: inout [DHTEffect]) {
        while lookups.count < DHTLimits.lookupsMax, !waiting.isEmpty {
            begin(waiting.removeFirst(), at: now, into: &effects)
        }
    }

    // MARK: Feeding

    /// Gives a node that answered to lookups that know none.
    mutating func feed(_ node: DHTNode, at now: Instant, into effects: inout [DHTEffect]) {
        feed(at: now, into: &effects) { $0.add([node], toldBy: nil) }
    }

    /// Gives places where nodes are said to be to lookups that know few.
    mutating func feed(
        places: [Endpoint],
        at now: Instant,
        into effects: inout [DHTEffect]
    ) {
        feed(at: now, into: &effects) { $0.add(places: places) }
    }

    private mutating func feed(
        at now: Instant,
        into effects: inout [DHTEffect],
        _ add: (inout DHTFrontier) -> Void
    ) {
        for number in lookups.map(\.number) {
            change(number, at: now, into: &effects) { lookup in
                guard !lookup.isStoring else { return }
                for index in lookup.frontiers.indices
                where lookup.frontiers[index].candidates.count < DHTLimits.bucketSize {
                    add(&lookup.frontiers[index])
                }
            }
        }
    }

    /// Takes what a node answered to a lookup.
    mutating func answered(
        _ number: UInt32,
        _ response: KRPCResponse,
        from source: Endpoint,
        at now: Instant,
        into effects: inout [DHTEffect]
    ) {
        guard let index = lookups.firstIndex(where: { $0.number == number }) else { return }
        lookups[index].withFrontier(of: source) {
            $0.answered(source, by: response.id, token: response.token)
        }
        report(index, response, from: source, into: &effects)
        for (family, nodes) in [(IPAddress.Family.v4, response.nodes), (.v6, response.nodes6)]
        where !isDeaf(family) {
            let usable = nodes.filter { isUsable($0, toldBy: source) }
            lookups[index].frontiers[family == .v4 ? 0 : 1].add(usable, toldBy: source)
        }
        step(index, at: now, into: &effects)
        let node = DHTNode(response.id, source)
        if lookups.contains(where: \.isHungry) { feed(node, at: now, into: &effects) }
    }

    /// Whether a node that another told of may be asked.
    private func isUsable(_ node: DHTNode, toldBy teller: Endpoint) -> Bool {
        let side = self[node.endpoint.address.family]
        return node.id != side.table.own && node.endpoint != side.votes.endpoint
            && node.endpoint.isPlausible(toldBy: teller)
    }

    private mutating func report(
        _ index: Int,
        _ response: KRPCResponse,
        from source: Endpoint,
        into effects: inout [DHTEffect]
    ) {
        let request = lookups[index].request
        switch request.kind {
        case .own, .refresh: return
        case .peers:
            // Peers of the other family were not asked for (BEP 32).
            let usable = response.peers.filter {
                $0.address.family == source.address.family && $0.isPlausible(toldBy: source)
            }
            guard !usable.isEmpty else { return }
            let peers = lookups[index].takeNew(usable)
            if !peers.isEmpty { effects.append(.found(request.key, peers)) }
        case .item(let salt):
            guard let value = response.value else { return }
            var item = DHTItem(value: value)
            if let key = response.key, let sequence = response.sequence,
                let signature = response.signature
            {
                item.author = DHTItem.Author(
                    key: key,
                    salt: salt,
                    sequence: sequence,
                    signature: signature
                )
            }
            guard lookups[index].isNews(item, with: cryptography) else { return }
            lookups[index].best = item
            effects.append(.item(request.key, item))
        }
    }

    /// Reports what is stored here: we may be one of the closest ourselves.
    private mutating func reportOwn(
        _ index: Int,
        at now: Instant,
        into effects: inout [DHTEffect]
    ) {
        let request = lookups[index].request
        switch request.kind {
        case .own, .refresh: return
        case .peers:
            for family in [IPAddress.Family.v4, .v6] {
                let stored = peers.peers(
                    of: request.key,
                    family,
                    upTo: KRPCLimits.peersMax,
                    at: now,
                    using: &random
                )
                let news = lookups[index].takeNew(stored)
                if !news.isEmpty { effects.append(.found(request.key, news)) }
            }
        case .item(let salt):
            guard let item = items.item(request.key, at: now),
                item.author.map({ $0.salt == salt }) ?? true
            else { return }
            lookups[index].best = item
            effects.append(.item(request.key, item))
        }
    }

    // MARK: Stepping

    /// Changes a lookup, if it is still there, and steps on.
    mutating func change(
        _ number: UInt32,
        at now: Instant,
        into effects: inout [DHTEffect],
        _ change: (inout DHTLookup) -> Void
    ) {
        guard let index = lookups.firstIndex(where: { $0.number == number }) else { return }
        change(&lookups[index])
        step(index, at: now, into: &effects)
    }

    /// Goes on with lookups that a budget held up, and ends those whose time is over.
    mutating func resumeLookups(at now: Instant, into effects: inout [DHTEffect]) {
        for number in lookups.map(\.number) {
            change(number, at: now, into: &effects) { lookup in
                if let paused = lookup.pausedUntil, paused <= now { lookup.pausedUntil = nil }
            }
        }
    }

    /// Asks as many as may be asked, and ends the lookup if there is nothing more to do.
    private mutating func step(
        _ index: Int,
        at now: Instant,
        into effects: inout [DHTEffect]
    ) {
        if lookups[index].isStoring {
            let isOver = lookups[index].storesOpen <= 0 || lookups[index].deadline <= now
            if isOver { end(index, at: now, into: &effects) }
            return
        }
        let isLate = lookups[index].deadline <= now
        if lookups[index].isHungry && !isLate {
            if lookups[index].hungryUntil <= now { end(index, at: now, into: &effects) }
            return
        }
        var isDone = true
        for family in [IPAddress.Family.v4, .v6] where !isLate {
            let isOver = ask(index, family, at: now, into: &effects)
            isDone = isDone && isOver
        }
        guard isDone || isLate else { return }
        if lookups[index].request.isImmutable, lookups[index].best != nil,
            lookups[index].request.storing == nil
        {
            return end(index, at: now, into: &effects)
        }
        store(index, at: now, into: &effects)
    }

    /// Asks further nodes of a family; true if nothing more can come from it.
    private mutating func ask(
        _ index: Int,
        _ family: IPAddress.Family,
        at now: Instant,
        into effects: inout [DHTEffect]
    ) -> Bool {
        let place = family == .v4 ? 0 : 1
        let request = lookups[index].request
        let isUpkeep = request.kind == .refresh
        while true {
            // No copy of the frontier is held, lest each change copy its candidates.
            let (next, isOver) = lookups[index].frontiers[place].survey()
            let inFlight = lookups[index].frontiers[place].inFlight
            guard let next else { return isOver }
            guard lookups[index].frontiers[place].sent < DHTLimits.queriesPerLookupMax else {
                return inFlight == 0
            }
            guard inFlight < DHTLimits.parallel, lookups[index].pausedUntil == nil else {
                return false
            }
            let candidate = lookups[index].frontiers[place].candidates[next]
            let isOpen =
                isUpkeep ? upkeepBudget.isOpen(at: now) : lookupBudget.isOpen(at: now)
            guard isOpen,
                ask(
                    request.method(want: want(request, family)),
                    of: candidate.endpoint,
                    candidate.id,
                    for: .step(lookups[index].number),
                    isUpkeep: isUpkeep,
                    at: now,
                    into: &effects
                )
            else {
                lookups[index].pausedUntil = now + DHTLimits.pause
                return false
            }
            lookups[index].frontiers[place].ask(next)
        }
    }

    /// Which families of nodes a query asks for; none stands for the family it goes over.
    private func want(_ request: DHTRequest, _ family: IPAddress.Family) -> KRPCWant {
        let other: IPAddress.Family = family == .v4 ? .v6 : .v4
        // What is looked up for somebody goes on in a family once there are nodes of it.
        let isLacking = self[other].table.count < DHTLimits.bucketSize
        guard !request.isWaitedFor, isLacking, !isDeaf(other) else { return [] }
        return [.v4, .v6]
    }

    // MARK: Ending

    /// Goes over to announcing, if that was asked for.
    private mutating func store(
        _ index: Int,
        at now: Instant,
        into effects: inout [DHTEffect]
    ) {
        let lookup = lookups[index]
        let storers = lookup.frontiers.flatMap(\.storers)
        lookups[index].isStoring = true
        for storer in storers {
            guard let token = storer.token,
                let method = lookup.storing(with: token, at: storer.endpoint.address.family),
                ask(
                    method,
                    of: storer.endpoint,
                    storer.id,
                    for: .store(lookup.number),
                    isUpkeep: false,
                    at: now,
                    into: &effects
                )
            else { continue }
            lookups[index].storesOpen += 1
        }
        // The replies have as much time as any.
        lookups[index].deadline = now + DHTLimits.lostAfter
        if lookups[index].storesOpen == 0 { end(index, at: now, into: &effects) }
    }

    private mutating func end(_ index: Int, at now: Instant, into effects: inout [DHTEffect]) {
        let lookup = lookups.remove(at: index)
        if lookup.request.isWaitedFor {
            effects.append(.finished(lookup.request.key, announced: lookup.stored))
        }
        if lookup.request.kind == .own { entered(at: now) }
        beginWaiting(at: now, into: &effects)
    }
}

extension DHTRequest {
    fileprivate var isImmutable: Bool { kind == .item(salt: []) && storing?.author == nil }
}

extension DHTLookup {
    /// Changes the frontier that an endpoint belongs to.
    mutating func withFrontier(of endpoint: Endpoint, _ change: (inout DHTFrontier) -> Void) {
        change(&frontiers[endpoint.address.family == .v4 ? 0 : 1])
    }

    /// What is stored in the end, or nil if nothing is.
    fileprivate func storing(
        with token: [UInt8],
        at family: IPAddress.Family
    ) -> KRPCMethod? {
        if let item = request.storing {
            return .put(item, token: token, replacing: request.replacing)
        }
        let (port, isImplied): (UInt16, Bool)
        switch request.announcing {
        case nil: return nil
        case .port(let given),
            .forwarded(let given, _) where family == .v4:
            (port, isImplied) = (given, false)
        case .implied(let fallback), .forwarded(_, let fallback):
            (port, isImplied) = (fallback, true)
        }
        return .announcePeer(
            KRPCAnnouncement(key: request.key, port: port, isImplied: isImplied, token: token)
        )
    }
}
