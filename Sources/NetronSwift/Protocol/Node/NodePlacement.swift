// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// What waits for sessions with members that are asked, and who waits for what is found.
struct PlacementDesk {
    struct Parcel {
        let id: NodeID
        var messages: [PlacementMessage]
    }

    /// A key that somebody here wants to read.
    struct Read {
        let key: LedgerKey
        /// The states that are waited for; nil as long as it is looked for whose they are.
        var authors: [NodeID]?
        var due: Instant
    }

    /// In the order in which the members were first to be asked.
    var parcels: [Parcel] = []
    var reads: [Read] = []
    /// Whether the directory keeps all members, as was told.
    var toldAll = true
    /// When the nearest members are looked for again.
    var nearDue = Instant.never
    /// A near member that the directory is to be compared with, as soon as there is a session.
    var near: NodeID?
}

// What is not kept here, and what is kept for others.
extension NodeMachine {
    /// Tells the machine of places what happened, and does what it asks for.
    mutating func place(
        _ event: PlacementEvent,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard let wall = time.wall(at: now) else { return }
        var asked: [PlacementEffect] = []
        placement.handle(event, at: now, wall: wall, contacts: directory, into: &asked)
        for effect in asked { carryOut(effect, at: now, into: &effects) }
    }

    private mutating func carryOut(
        _ effect: PlacementEffect,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        switch effect {
        case .send(let message, let id, let endpoints):
            deliver(message, to: id, at: endpoints, now, into: &effects)
        case .done(let target, let outcome):
            lookedUp(target, outcome, at: now, into: &effects)
        case .near(let contacts): metNear(contacts, at: now, into: &effects)
        case .kept(let presence, let teller, let use):
            keptStatement(presence, from: teller, for: use, at: now, into: &effects)
        case .forgotten(let id):
            keepLedger(.guest(id, isKept: false), at: now, into: &effects)
            guard directory.record(of: id) == nil, members[id]?.hello == nil else { return }
            register(claims: [], of: id, at: now, into: &effects)
        case .wake(let instant):
            placementDue = instant
            wake(at: instant)
        }
    }

    // MARK: Members that are asked

    /// Sends a message, or keeps it until there is a session.
    private mutating func deliver(
        _ message: PlacementMessage,
        to id: NodeID,
        at endpoints: [Endpoint],
        _ now: Instant,
        into effects: inout [Effect]
    ) {
        guard members[id] == nil else {
            return post(.placement(message), to: id, into: &effects)
        }
        guard !endpoints.isEmpty, seek(id, at: endpoints, .asked, at: now) else {
            return place(.unreachable(id), at: now, into: &effects)
        }
        if let index = desk.parcels.firstIndex(where: { $0.id == id }) {
            if desk.parcels[index].messages.count < NodeLimits.parcelMessagesMax {
                desk.parcels[index].messages.append(message)
            }
            return
        }
        desk.parcels.append(PlacementDesk.Parcel(id: id, messages: [message]))
        if desk.parcels.count > NodeLimits.parcelsMax {
            let oldest = desk.parcels.removeFirst()
            place(.unreachable(oldest.id), at: now, into: &effects)
        }
    }

    /// Sends what waited for a session.
    mutating func sendParcel(to id: NodeID, at now: Instant, into effects: inout [Effect]) {
        if let index = desk.parcels.firstIndex(where: { $0.id == id }) {
            for message in desk.parcels.remove(at: index).messages {
                post(.placement(message), to: id, into: &effects)
            }
        }
        if desk.near == id {
            desk.near = nil
            register(.reconcile(id), at: now, into: &effects)
        }
    }

    /// Takes in that there will be no session with a member that was to be asked.
    mutating func dropParcel(of id: NodeID, at now: Instant, into effects: inout [Effect]) {
        if desk.near == id { desk.near = nil }
        guard let index = desk.parcels.firstIndex(where: { $0.id == id }) else { return }
        desk.parcels.remove(at: index)
        place(.unreachable(id), at: now, into: &effects)
    }

    /// Takes in a message, after the hints in it were made to fit this host.
    mutating func placed(
        _ message: PlacementMessage,
        by teller: NodeID,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard case .answer(let number, let statements, let hints) = message,
            let source = members[teller]?.endpoint
        else { return place(.received(message, from: teller), at: now, into: &effects) }
        let understood = hints.map { hint in
            Hint(hint.id, at: hint.endpoints.filter { $0.meansSomething(at: source) })
        }
        let answer = PlacementMessage.answer(number: number, statements, nearer: understood)
        place(.received(answer, from: teller), at: now, into: &effects)
    }

    // MARK: What is found

    private mutating func lookedUp(
        _ target: PlacementTarget,
        _ outcome: PlacementOutcome,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        let found: [Presence] = if case .found(let presences) = outcome { presences } else { [] }
        switch target {
        case .member, .networkAddress: for presence in found { want(presence.author, at: now) }
        case .address(let address):
            guard !lookedUpLease(address, outcome, at: now, into: &effects) else { return }
            if let id = addresses.holder(of: address) { want(id, at: now) }
        case .key(let key):
            if key.bucket == LedgerBucket.gateways {
                foundGateways(outcome, at: now, into: &effects)
            }
            for index in desk.reads.indices where desk.reads[index].key == key {
                desk.reads[index].authors = found.map(\.author)
                desk.reads[index].due = now + NodeLimits.readStatesWait
            }
            runReads(at: now, into: &effects)
        case .near: break
        }
    }

    /// Takes in a statement that is kept for others, or that somebody here looked for.
    private mutating func keptStatement(
        _ presence: Presence,
        from teller: NodeID?,
        for use: PlacementUse,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        let id = presence.author
        // It may be news to the directory too, if its author has a place there.
        if let wall = time.wall(at: now), directory.record(of: id) != nil {
            var asked: [DirectoryEffect] = []
            _ = directory.judge(presence.bytes, at: now, wall: wall, into: &asked)
            for effect in asked { carryOut(effect, at: now, into: &effects) }
        } else if use.contains(.sought), members[id]?.hello == nil {
            register(claims: presence.claims, of: id, at: now, into: &effects)
        }
        guard use.contains(.state), presence.hasLedger else { return }
        keepLedger(.guest(id, isKept: true), at: now, into: &effects)
        keepLedger(.head(presence, from: teller), at: now, into: &effects)
    }

    /// Takes in that a state is here which was wanted for its keys.
    mutating func stated(_ author: NodeID, at now: Instant, into effects: inout [Effect]) {
        let keys = ledger.placedKeys(of: author, with: placement.placeKey)
        place(.stated(author, keys), at: now, into: &effects)
        runReads(at: now, into: &effects)
    }

    /// Takes in that a member said something that is known to be its own.
    mutating func heard(_ payload: [UInt8], at now: Instant, into effects: inout [Effect]) {
        guard placement.keepsStatements, let header = try? PresenceHeader(payload),
            placement.statement(of: header.author) != nil,
            let presence = try? Presence(bytes: payload)
        else { return }
        place(.heard(presence), at: now, into: &effects)
    }

    /// The newest statement of a member, wherever it is kept.
    package func statement(of id: NodeID) -> Presence? {
        directory.record(of: id) ?? placement.statement(of: id)
    }

    // MARK: Reading

    /// Whether what counts for a key is known here without asking anybody.
    package var knowsAllKeys: Bool { directory.keepsAll && ledger.coverageBits == 0 }

    /// Looks for a key; `.ledgerRead` follows when as much is here as can be had.
    mutating func look(for key: LedgerKey, at now: Instant, into effects: inout [Effect]) {
        guard !knowsAllKeys, desk.reads.count < NodeLimits.readsMax else {
            effects.append(.ledgerRead(key))
            return
        }
        guard !desk.reads.contains(where: { $0.key == key }) else { return }
        let due = now + NodeLimits.readWait
        desk.reads.append(PlacementDesk.Read(key: key, authors: nil, due: due))
        wake(at: due)
        place(.lookUp(.key(key)), at: now, into: &effects)
    }

    /// Ends reads whose states are here, or are waited for no longer.
    mutating func runReads(at now: Instant, into effects: inout [Effect]) {
        for index in desk.reads.indices.reversed() {
            let read = desk.reads[index]
            let isHere = read.authors?.allSatisfy { author in
                statement(of: author).map { ledger.hasState(named: $0) } ?? true
            }
            guard isHere == true || read.due <= now else {
                wake(at: read.due)
                continue
            }
            desk.reads.remove(at: index)
            effects.append(.ledgerRead(read.key))
        }
    }

    // MARK: What this node says

    /// Leaves with others what this node says, where not all keep all.
    mutating func leaveWithOthers(
        _ payload: [UInt8],
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard !directory.keepsAll || directory.estimatedCount >= PlacementLimits.placedFrom,
            DirectoryPayload(of: payload) == .presence,
            let presence = try? Presence(bytes: payload), presence.author == own?.id
        else { return }
        place(.said(presence, keys: ledger.toldKeys), at: now, into: &effects)
    }

    /// Takes in how much the directory keeps now.
    mutating func reviewPlacement(at now: Instant, into effects: inout [Effect]) {
        guard directory.keepsAll != desk.toldAll else { return }
        desk.toldAll = directory.keepsAll
        desk.nearDue = desk.toldAll ? .never : now
        wake(at: desk.nearDue)
        guard !desk.toldAll, let own = directory.ownRecord else { return }
        leaveWithOthers(own.bytes, at: now, into: &effects)
    }

    /// Looks for those who are nearest, of whom this node is to know all.
    mutating func lookForNear(at now: Instant, into effects: inout [Effect]) {
        guard desk.nearDue <= now else { return wake(at: desk.nearDue) }
        desk.nearDue = now + NodeLimits.nearInterval
        wake(at: desk.nearDue)
        place(.lookUp(.near), at: now, into: &effects)
    }

    /// Compares the directory with that of a near member.
    private mutating func metNear(
        _ contacts: [PlacementContact],
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard let contact = contacts.randomElement(using: &random) else { return }
        if members[contact.id] != nil {
            register(.reconcile(contact.id), at: now, into: &effects)
        } else if seek(contact.id, at: contact.endpoints, .asked, at: now) {
            desk.near = contact.id
        }
    }
}
