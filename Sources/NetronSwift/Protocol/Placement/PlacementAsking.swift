// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

// How what is not kept here is found.
extension Placement {
    func place(of target: PlacementTarget) -> DirectoryPlace {
        switch target {
        case .member(let id): placeKey.place(of: id)
        case .networkAddress(let address): placeKey.place(ofNetworkAddress: address)
        case .address(let address): placeKey.place(ofClaimed: address)
        case .key(let key): placeKey.place(of: key)
        case .near: self.place
        }
    }

    /// Looks for something, unless it is looked for already or was not found just now.
    mutating func lookUp(
        _ target: PlacementTarget,
        at moment: Moment,
        _ contacts: some PlacementContacts,
        into effects: inout [Effect]
    ) {
        guard !waiting.contains(target), !lookups.contains(where: { $0.target == target }) else {
            return
        }
        let place = place(of: target)
        if absent.contains(place, at: moment.instant) {
            effects.append(.done(target, .absent))
        } else if let near = keptHere(target, place), !near.isEmpty {
            finish(target, with: near, from: nil, at: moment, into: &effects)
        } else if waiting.count >= PlacementLimits.waitingMax {
            effects.append(.done(target, .unknown))
        } else {
            waiting.append(target)
        }
    }

    /// What is kept here of a key for others, who would ask us; nil for who is no keeper of it.
    private func keptHere(_ target: PlacementTarget, _ place: DirectoryPlace) -> [Presence]? {
        switch target {
        case .address, .key: shelf.statements(at: place)
        case .member, .networkAddress, .near: nil
        }
    }

    /// Begins lookups that wait, asks further members, and ends what is done.
    mutating func askMore(
        at now: Instant,
        _ contacts: some PlacementContacts,
        into effects: inout [Effect]
    ) {
        while !waiting.isEmpty, lookups.count < PlacementLimits.lookupsMax {
            let target = waiting.removeFirst()
            begin(target, at: place(of: target), now, contacts)
        }
        for index in lookups.indices.reversed() {
            lookups[index].passed(to: now)
            while !lookups[index].isDone(at: now), let next = lookups[index].next(salt: salt) {
                lookups[index].ask(next, at: now)
                let contact = lookups[index].candidates[next].contact
                let question = PlacementMessage.ask(
                    number: lookups[index].number,
                    lookups[index].place
                )
                effects.append(.send(question, to: contact.id, at: contact.endpoints))
            }
            if lookups[index].isDone(at: now) { end(index, at: now, into: &effects) }
        }
    }

    /// Begins a lookup with those whom this node knows to be nearest.
    mutating func begin(
        _ target: PlacementTarget?,
        at place: DirectoryPlace,
        _ now: Instant,
        _ contacts: some PlacementContacts
    ) {
        number &+= 1
        var lookup = PlacementLookup(
            number,
            for: target,
            at: place,
            until: now + PlacementLimits.lookupTime
        )
        lookup.add(contacts.nearest(to: place, count: 2 * PlacementLimits.keepersMax))
        lookups.append(lookup)
    }

    private mutating func end(_ index: Int, at now: Instant, into effects: inout [Effect]) {
        let lookup = lookups.remove(at: index)
        guard let target = lookup.target else {
            return store(at: lookup.place, with: lookup.keepers, at: now, into: &effects)
        }
        guard target != .near else { return effects.append(.near(lookup.keepers)) }
        let outcome = lookup.outcome
        if outcome == .absent { absent.note(lookup.place, at: now) }
        effects.append(.done(target, outcome))
    }

    // MARK: Answers of theirs

    mutating func take(
        _ statements: [[UInt8]],
        nearer hints: [Hint],
        toQuestion number: UInt32,
        from peer: NodeID,
        at moment: Moment,
        into effects: inout [Effect]
    ) {
        guard let index = lookups.firstIndex(where: { $0.number == number }),
            lookups[index].answered(peer, at: moment.instant)
        else {
            counters.unasked += 1
            return
        }
        let others = hints.filter { $0.id != id && !$0.endpoints.isEmpty }
        lookups[index].add(
            others.map { PlacementContact($0.id, at: placeKey.place(of: $0.id), $0.endpoints) }
        )
        guard let target = lookups[index].target, target != .near else { return }
        let found = statements.compactMap { bytes -> Presence? in
            guard let presence = believed(bytes, at: moment), !presence.isLeaving,
                isAnswer(presence, to: target, lookups[index].place)
            else {
                counters.refused += 1
                return nil
            }
            return presence
        }
        lookups[index].found(found)
        remember(found, for: target, from: peer, at: moment, into: &effects)
    }

    /// Whether a statement can be what is looked for; whether its author's state has a key is seen
    /// when the state is here.
    private func isAnswer(
        _ presence: Presence,
        to target: PlacementTarget,
        _ place: DirectoryPlace
    ) -> Bool {
        switch target {
        case .member(let id): presence.author == id
        case .networkAddress(let address):
            cryptography.networkAddress(presence.author) == address
        case .address(let address): presence.claims.contains { $0.address == address }
        case .key: presence.hasLedger
        case .near: false
        }
    }

    private mutating func finish(
        _ target: PlacementTarget,
        with presences: [Presence],
        from peer: NodeID?,
        at moment: Moment,
        into effects: inout [Effect]
    ) {
        remember(presences, for: target, from: peer, at: moment, into: &effects)
        effects.append(.done(target, .found(presences.sorted { $0.author < $1.author })))
    }

    /// Keeps for a while what was looked for.
    private mutating func remember(
        _ presences: [Presence],
        for target: PlacementTarget,
        from peer: NodeID?,
        at moment: Moment,
        into effects: inout [Effect]
    ) {
        var use = PlacementUse.sought
        if case .key = target { use.insert(.state) }
        for presence in presences where presence.author != id {
            shelf.keep(presence, claims: claimPlaces(of: presence), for: use)
            shelf.remember(
                presence.author,
                until: moment.instant + PlacementLimits.foundFor
            )
            effects.append(.kept(presence, from: peer, for: use))
        }
    }
}
