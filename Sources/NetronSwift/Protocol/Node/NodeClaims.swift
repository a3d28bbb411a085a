// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// An address that the user gave this node, or that it took by itself.
struct OwnClaim {
    let address: IPAddress
    let since: UInt64
    /// Whether it gives it up for another one, should somebody else have it (see `AddressLease`).
    var isLeased = false

    /// Who has it instead, and whether that one was seen to claim it.
    var holder: NodeID?
    var isHolderSeen = false
    /// When it is claimed again though nobody gave it free.
    var reclaimDue = Instant.never
    /// Who had it until it was claimed again, as long as that may be refused.
    var formerHolder: NodeID?

    /// Another that is said to have it too, while neither gives way.
    var rival: NodeID?
    var rivalUntil = Instant.never

    /// What others are told.
    var announced: Hello.Claim {
        Hello.Claim(address, since: holder == nil ? since : AddressTable.yielded)
    }
}

// Who has which inner address. The rules between claimants are AddressTable's.
extension NodeMachine {
    var announcedClaims: [Hello.Claim] { ownClaims.map(\.announced) }

    mutating func claimOwn(
        _ introduction: Introduction,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        ownClaims = introduction.claims.sorted { $0.address < $1.address }.map {
            OwnClaim(address: $0.address, since: min($0.since, AddressTable.yielded - 1))
        }
        changeClaims(of: introduction.id, to: announcedClaims, at: now, into: &effects)
    }

    /// Takes in what a member claims for itself, leaves out what nobody can claim.
    mutating func claimed(
        _ claims: [Hello.Claim],
        by member: Member,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        let possible = claims.filter { isClaimable($0.address) }
        for claim in claims where !isClaimable(claim.address) && claim.address != member.ula {
            effects.append(.tell(.addressRefused(claim.address, claimedBy: member.id)))
        }
        let room = Hello.claimsMax - 1
        changeClaims(of: member.id, to: Array(possible.prefix(room)), at: now, into: &effects)
        // For who is here with a session; others hear of it when they are.
        for claim in possible.prefix(room) where claim.since != AddressTable.yielded {
            guard let holder = addresses.holder(of: claim.address), holder != member.id else {
                continue
            }
            tell(member.id, that: claim.address, isHeldBy: holder, into: &effects)
        }
    }

    /// Takes in what a member without a session claims, as the directory has it.
    mutating func register(
        claims: [Hello.Claim],
        of id: NodeID,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        let possible = claims.filter { isClaimable($0.address) }.prefix(Hello.claimsMax - 1)
        guard Array(possible) != addresses.claims(of: id) else { return }
        changeClaims(of: id, to: Array(possible), at: now, into: &effects)
    }

    /// Not what is made of an id, which nobody else can have, and not what is no host's.
    private func isClaimable(_ address: IPAddress) -> Bool {
        guard let own, address.isHost, !address.isLinkLocal else { return false }
        return Prefix(own.ula, length: ulaPrefixLength)?.contains(address) == false
    }

    /// A member says that an address of ours is held by another.
    mutating func contested(
        _ address: IPAddress,
        holder: NodeID,
        by teller: NodeID,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard let index = ownClaims.firstIndex(where: { $0.address == address }),
            ownClaims[index].holder == nil, let own, holder != own.id
        else { return }
        let isLeased = ownClaims[index].isLeased
        if addresses.isSettled(address, at: now) {
            // We had it before that one came here; the user is told, and keeps it.
            ownClaims[index].rival = holder
            ownClaims[index].rivalUntil = now + NodeLimits.rivalForgottenAfter
            wake(at: ownClaims[index].rivalUntil)
        } else {
            giveWay(index, to: holder, at: now)
            announceClaims(at: now, into: &effects)
        }
        reviewConflicts(at: now, into: &effects)
        // Who tells knows more than this node did when it took the address.
        if isLeased { register(.reconcile(teller), at: now, into: &effects) }
    }

    /// Replaces what a member claims, or this node, with all that follows.
    mutating func changeClaims(
        of id: NodeID,
        to claims: [Hello.Claim],
        at now: Instant,
        into effects: inout [Effect]
    ) {
        carryOut(addresses.set(claims, of: id, at: now), into: &effects)
        if reviewOwnClaims(at: now) { announceClaims(at: now, into: &effects) }
        reviewConflicts(at: now, into: &effects)
    }

    /// Tells the table and all members what this node now claims.
    mutating func announceClaims(at now: Instant, into effects: inout [Effect]) {
        guard let own else { return }
        carryOut(addresses.set(announcedClaims, of: own.id, at: now), into: &effects)
        greetAll(at: now, into: &effects)
        // Those without a session hear of it from all.
        refreshPresence(at: now, into: &effects)
    }

    private mutating func carryOut(_ changes: [AddressTable.Change], into effects: inout [Effect]) {
        var touched: Set<NodeID> = []
        for change in changes {
            for id in [change.from, change.to] {
                if let id, id != own?.id { touched.insert(id) }
            }
            if let from = change.from, let to = change.to,
                addresses.isInsisting(from, on: change.address)
            {
                tell(from, that: change.address, isHeldBy: to, into: &effects)
            }
        }
        for id in touched.sorted() { setPrefixes(of: id, into: &effects) }
    }

    /// Tells the packet core what is a member's, if that is new: its inner addresses, and what it
    /// carries.
    mutating func setPrefixes(of id: NodeID, into effects: inout [Effect]) {
        guard let member = members[id] else { return }
        let hosts = ([member.ula] + addresses.held(by: id)).map { Prefix(host: $0) }
        let prefixes = Array((hosts + ranges(of: id)).prefix(NodeLimits.prefixesMax))
        guard prefixes != member.prefixes else { return }
        members[id]?.prefixes = prefixes
        effects.append(.setPrefixes(id, prefixes))
    }

    private func tell(
        _ id: NodeID,
        that address: IPAddress,
        isHeldBy holder: NodeID,
        into effects: inout [Effect]
    ) {
        guard members[id] != nil else { return }
        effects.append(.send(Message.contested(address, holder: holder).encoded(), to: id))
    }

    /// Says again who waits for what, as the first time may have been lost.
    func tellContestsAgain(into effects: inout [Effect]) {
        var told = 0
        for member in allMembers {
            for claim in member.hello?.claims ?? [] {
                guard addresses.isInsisting(member.id, on: claim.address),
                    let holder = addresses.holder(of: claim.address), holder != member.id
                else { continue }
                if told == NodeLimits.contestsPerRoundMax { return }
                tell(member.id, that: claim.address, isHeldBy: holder, into: &effects)
                told += 1
            }
        }
    }
}

// The addresses of this node.
extension NodeMachine {
    /// Gives way to others or takes an address back, as the table says; true if that changed.
    private mutating func reviewOwnClaims(at now: Instant) -> Bool {
        guard let own else { return false }
        var isChanged = false
        for index in ownClaims.indices {
            let claim = ownClaims[index]
            let holder = addresses.holder(of: claim.address)
            if let holder, holder != own.id {
                isChanged = isChanged || claim.holder == nil
                giveWay(index, to: holder, at: now)
                ownClaims[index].isHolderSeen = true
                ownClaims[index].reclaimDue = .never
            } else if claim.holder != nil, claim.isHolderSeen {
                takeBack(index, at: now)
                isChanged = true
            }
        }
        return isChanged
    }

    private mutating func giveWay(_ index: Int, to holder: NodeID, at now: Instant) {
        ownClaims[index].holder = holder
        ownClaims[index].formerHolder = nil
        ownClaims[index].isHolderSeen = false
        ownClaims[index].reclaimDue = now + NodeLimits.reclaimAfter
        wake(at: ownClaims[index].reclaimDue)
    }

    private mutating func takeBack(_ index: Int, at now: Instant) {
        // Who was seen to go is no former holder: the address is free.
        ownClaims[index].formerHolder =
            ownClaims[index].isHolderSeen ? nil : ownClaims[index].holder
        ownClaims[index].holder = nil
        ownClaims[index].isHolderSeen = false
        ownClaims[index].reclaimDue = .never
    }

    mutating func runClaims(at now: Instant, into effects: inout [Effect]) {
        var isChanged = false
        for index in ownClaims.indices {
            let claim = ownClaims[index]
            if claim.reclaimDue <= now {
                takeBack(index, at: now)
                isChanged = true
            } else if claim.formerHolder != nil, addresses.isSettled(claim.address, at: now) {
                ownClaims[index].formerHolder = nil
            }
            if claim.rivalUntil <= now {
                ownClaims[index].rival = nil
                ownClaims[index].rivalUntil = .never
            }
        }
        if isChanged { announceClaims(at: now, into: &effects) }
        reviewConflicts(at: now, into: &effects)
        for claim in ownClaims {
            wake(at: min(claim.reclaimDue, claim.rivalUntil))
            if claim.formerHolder != nil { wake(at: addresses.settledAt(claim.address) ?? .never) }
        }
    }

    /// Tells the user which contests are new, and which are over.
    private mutating func reviewConflicts(at now: Instant, into effects: inout [Effect]) {
        // Nobody asked for a leased address, so that there is nothing to contest.
        if loseLeases(at: now, into: &effects) { announceClaims(at: now, into: &effects) }
        for claim in ownClaims where !claim.isLeased {
            let conflict = conflict(about: claim)
            guard conflict != conflicts[claim.address] else { continue }
            conflicts[claim.address] = conflict
            switch conflict {
            case .taken(let id): effects.append(.tell(.addressTaken(claim.address, by: id)))
            case .claimed(let id): effects.append(.tell(.addressClaimed(claim.address, by: id)))
            case nil: effects.append(.tell(.addressFree(claim.address)))
            }
        }
    }

    private func conflict(about claim: OwnClaim) -> Conflict? {
        if let holder = claim.holder ?? claim.formerHolder { return .taken(by: holder) }
        if let next = addresses.waiting(for: claim.address).first { return .claimed(by: next.id) }
        return claim.rival.map { .claimed(by: $0) }
    }
}
