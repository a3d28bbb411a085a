// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

// What members ask, and what they answer.
extension Placement {
    mutating func receive(
        _ message: PlacementMessage,
        from peer: NodeID,
        at moment: Moment,
        _ contacts: some PlacementContacts,
        into effects: inout [Effect]
    ) {
        guard askers.spend(1, of: peer, at: moment.instant) else {
            counters.unheard += 1
            return
        }
        switch message {
        case .ask(let number, let place):
            let answer = answer(number, place, to: peer, contacts)
            counters.answered += 1
            effects.append(.send(answer, to: peer, at: []))
        case .answer(let number, let statements, let hints):
            take(
                statements,
                nearer: hints,
                toQuestion: number,
                from: peer,
                at: moment,
                into: &effects
            )
        case .store(let number, let places, let bytes):
            let kept = keep(places, bytes, from: peer, at: moment, contacts, into: &effects)
            effects.append(.send(.kept(number: number, kept), to: peer, at: []))
        case .kept(let number, let places):
            own.kept(places, by: peer, number: number, at: moment.instant)
        }
    }

    /// Who is at a place, and who is nearer to it.
    private func answer(
        _ number: UInt32,
        _ place: DirectoryPlace,
        to peer: NodeID,
        _ contacts: some PlacementContacts
    ) -> PlacementMessage {
        var statements = shelf.statements(at: place).map(\.bytes)
        if own.places.contains(place), let presence = own.presence {
            statements.insert(presence.bytes, at: 0)
        } else if let presence = contacts.statement(at: place) {
            statements.insert(presence.bytes, at: 0)
        }
        let hints = contacts.nearest(to: place, count: PlacementMessage.hintsMax + 1)
            .filter { $0.id != peer }
            .map { Hint($0.id, at: Array($0.endpoints.prefix(PlacementLimits.hintEndpointsMax))) }
        return .answer(number: number, fitting: statements, nearer: hints)
    }

    /// Keeps that the sender is to be found at places near our own; answers at which ones it is.
    ///
    /// Nobody can store for another, and nobody can fill places that are far from here.
    private mutating func keep(
        _ places: [DirectoryPlace],
        _ bytes: [UInt8],
        from peer: NodeID,
        at moment: Moment,
        _ contacts: some PlacementContacts,
        into effects: inout [Effect]
    ) -> [DirectoryPlace] {
        guard let presence = believed(bytes, at: moment), presence.author == peer,
            !presence.isLeaving, !isOld(presence)
        else {
            counters.refused += 1
            return []
        }
        let near = places.filter { isNear($0, contacts) }
        guard !near.isEmpty else { return [] }
        let claims = claimPlaces(of: presence)
        let isOfState = near.contains { place in !claims.contains { $0.place == place } }
        // A key that is no address of the statement can only be one of the state that it names.
        guard presence.hasLedger || !isOfState else { return [] }
        let use = isOfState ? PlacementUse.state : []
        let before = shelf[peer]?.presence
        shelf.keep(presence, claims: claims, for: use)
        let kept = near.filter { place in
            let claim = claims.first { $0.place == place }
            return shelf.add(
                place,
                of: peer,
                rank: claim?.rank,
                isOfState: claim == nil,
                proofDue: claim == nil ? moment.instant + PlacementLimits.proofTime : .never
            )
        }
        shelf.removeIfUnused(peer)
        guard !kept.isEmpty else { return [] }
        counters.stored += kept.count
        // The state proves its keys anew whenever it is another one, or more of them are told.
        if isOfState || before != presence {
            effects.append(.kept(presence, from: peer, for: use))
        }
        return kept
    }

    private func isOld(_ presence: Presence) -> Bool {
        guard let known = shelf[presence.author]?.presence else { return false }
        return presence != known && !presence.replaces(known)
    }

    /// Whether this node is among the nearest to a place, as far as it knows.
    private func isNear(_ place: DirectoryPlace, _ contacts: some PlacementContacts) -> Bool {
        let nearest = contacts.nearest(to: place, count: PlacementLimits.nearerMax)
        guard nearest.count == PlacementLimits.nearerMax, let last = nearest.last else {
            return true
        }
        return self.place.number ^ place.number <= last.place.number ^ place.number
    }
}
