// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Who is doubted, and since when.
struct Suspects: Sendable {
    /// What a suspicion costs of a bucket that earns as much in a second as there may be suspicions
    /// in a minute.
    static let cost = 60

    private struct Doubt {
        let since: Instant
        var isCleared = false
    }

    private var doubts: [NodeID: Doubt] = [:]
    // All wait equally long, so that the first is the first that is due.
    private var queue: [(due: Instant, id: NodeID, since: Instant)] = []

    var deadline: Instant { queue.first?.due ?? .never }

    var isFull: Bool { queue.count >= DirectoryLimits.suspectsMax }

    /// Whether the last suspicion of a member was a short time ago, be it refuted or not.
    func isRecent(_ id: NodeID, at now: Instant) -> Bool {
        guard let doubt = doubts[id] else { return false }
        return now < doubt.since + DirectoryLimits.suspicionPause
    }

    mutating func doubt(_ id: NodeID, at now: Instant) {
        doubts[id] = Doubt(since: now)
        queue.append((now + DirectoryLimits.suspicionTimeout, id, now))
    }

    mutating func clear(_ id: NodeID) { doubts[id]?.isCleared = true }

    /// Who was doubted for long enough.
    mutating func takeDue(at now: Instant) -> [NodeID] {
        let due = queue.prefix { $0.due <= now }
        queue.removeFirst(due.count)
        return due.compactMap { entry in
            guard let doubt = doubts[entry.id], doubt.since == entry.since else { return nil }
            doubts[entry.id] = nil
            return doubt.isCleared ? nil : entry.id
        }
    }
}

extension Directory {
    /// Tells all that a member cannot be reached, unless that was said already.
    mutating func suspect(
        _ accused: NodeID,
        at moment: Moment,
        into effects: inout [Effect]
    ) {
        guard accused != id, own.said != nil, let slot = members.find(accused),
            mayDoubt(slot), !suspects.isRecent(accused, at: moment.instant),
            accusers.spend(Suspects.cost, of: id, at: moment.instant)
        else { return }
        let suspicion = Suspicion(
            of: accused,
            Presence.order(of: members.said[slot].bytes),
            by: id,
            at: moment.wall,
            with: (cryptography, network)
        )
        effects.append(.broadcast(suspicion.bytes))
        doubt(slot, at: moment.instant, into: &effects)
    }

    /// Takes a suspicion in if it is of the statement that is held.
    ///
    /// One that outran the statement that it doubts is only passed on, or those behind us might
    /// miss it; it costs the accuser as much.
    mutating func takeSuspicion(
        _ bytes: [UInt8],
        at moment: Moment,
        into effects: inout [Effect]
    ) -> DirectoryVerdict {
        guard let suspicion = try? Suspicion(bytes: bytes) else {
            let isKnown = bytes.count > 1 && bytes[1] == Suspicion.form
            return .refuse(isKnown ? .malformed : .unknown)
        }
        let slot = members.find(suspicion.accused)
        let held = slot.map { Presence.order(of: members.said[$0].bytes) }
        if let held, suspicion.order < held { return .known }
        let isAhead = suspicion.order != held
        if let slot, !isAhead,
            !members.said[slot].flags.isDisjoint(with: [.suspect, .leaving])
        {
            return .known
        }
        if let refusal = refusal(of: suspicion, at: moment) { return .refuse(refusal) }
        guard suspicion.isSigned(by: cryptography, network: network) else {
            return .refuse(.forged)
        }
        _ = accusers.spend(Suspects.cost, of: suspicion.accuser, at: moment.instant)
        guard let slot, !isAhead else { return .relay }
        doubt(slot, at: moment.instant, into: &effects)
        return .accept
    }

    /// What speaks against a suspicion that is news.
    private mutating func refusal(
        of suspicion: Suspicion,
        at moment: Moment
    ) -> DirectoryVerdict.Refusal? {
        let skew = Presence.skewMilliseconds
        if suspicion.time > moment.wall + skew { return .early }
        if suspicion.time + skew < moment.wall { return .expired }
        // Who does not keep all cannot tell who is no member.
        let accuser = members.find(suspicion.accuser)
        let isStranger = accuser.map { members.said[$0].flags.contains(.leaving) } ?? keepsAll
        if isStranger { return .stranger }
        if suspects.isRecent(suspicion.accused, at: moment.instant) { return .tooOften }
        let mayAccuse = accusers.has(Suspects.cost, of: suspicion.accuser, at: moment.instant)
        if !mayAccuse { return .tooOften }
        return suspects.isFull ? .full : nil
    }

    /// Takes in that a neighbour counts a member as offline whose statement it has as we do.
    ///
    /// The network was split, or a suspicion did not come here: what the member says now, if it is
    /// here, tells all. Who began a short time ago knows less of it than the neighbour.
    mutating func hearOffline(_ slot: Int, at moment: Moment, into effects: inout [Effect]) {
        let id = members.slots[slot].id
        if id == self.id {
            own.schedule(at: moment.instant)
        } else if isNew(at: moment.instant) {
            if mayDoubt(slot) { doubt(slot, at: moment.instant, into: &effects) }
        } else {
            suspect(id, at: moment, into: &effects)
        }
    }

    private func mayDoubt(_ slot: Int) -> Bool {
        members.said[slot].flags.isDisjoint(with: [.suspect, .leaving]) && !suspects.isFull
    }

    /// Takes a suspicion in; one of this node is refuted at once.
    private mutating func doubt(_ slot: Int, at now: Instant, into effects: inout [Effect]) {
        let accused = members.slots[slot].id
        suspects.doubt(accused, at: now)
        if accused == id {
            own.schedule(at: now)
        } else {
            members.setFlags(members.said[slot].flags.union(.suspect), of: slot)
            effects.append(.changed(accused))
        }
    }

    /// Counts those as offline who did not refute.
    mutating func giveUpSuspects(at now: Instant, into effects: inout [Effect]) {
        for gone in suspects.takeDue(at: now) where gone != id {
            guard let slot = members.find(gone) else { continue }
            let flags = members.said[slot].flags
            guard flags.contains(.suspect), !flags.contains(.offline) else { continue }
            members.setOffline(slot)
            offlineCount += 1
            went(slot)
            rank(slot)
            effects.append(.changed(gone))
        }
    }
}
