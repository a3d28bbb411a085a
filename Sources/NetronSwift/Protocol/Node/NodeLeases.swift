// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// An address that this node takes by itself in a range, with nobody to ask.
struct AddressLease {
    let range: Prefix
    /// The one that it had in its last life, which is tried first.
    var last: IPAddress?
    var held: IPAddress?
    /// Those that others had, as they said or as was found out; they are let be for a while.
    var taken = Recent<IPAddress>(
        for: NodeLimits.leaseTakenFor,
        atMost: NodeLimits.leaseTakenMax
    )
    /// Those of which others are asked who has them.
    var asked: [IPAddress] = []
    /// Since when one is looked for among those that others may have.
    var askingSince: Instant?
    /// Whether none was free when all was looked at.
    var isFull = false
    /// How many were lost in a row, and until when none is taken therefore.
    var lostCount = 0
    var pausedUntil = Instant(nanoseconds: 0)
    /// When it is looked whether another one has it too, and how long it was waited for that.
    var checkDue = Instant.never
    var checkPause = NodeLimits.leaseCheckFirst
}

// Addresses that nobody gave the node: it takes one that is free as far as it knows, claims it like
// one that the user gave, and takes another one should it lose the contest.
//
// Where a directory does not keep all members, others are asked before an address is claimed, and
// again afterwards: two may have asked at once.
extension NodeMachine {
    /// Takes the addresses of the last life at once, and the others when it is known who has which.
    mutating func beginLeases(at now: Instant, into effects: inout [Effect]) {
        guard let own, !own.ranges.isEmpty else { return }
        leases = own.ranges.map { wish in
            AddressLease(
                range: wish.range,
                last: wish.last.flatMap { wish.range.contains($0) ? $0 : nil }
            )
        }
        leasesBegan = now
        runLeases(at: now, into: &effects)
    }

    mutating func runLeases(at now: Instant, into effects: inout [Effect]) {
        checkLeases(at: now, into: &effects)
        // Without the time no claim can say since when it is; it is looked again when it is known.
        guard leases.contains(where: { $0.held == nil }), time.wall(at: now) != nil else { return }
        guard leasesDue <= now || leasesDue == .never else { return wake(at: leasesDue) }
        leasesDue = .never
        for index in leases.indices where leases[index].held == nil {
            takeLease(index, at: now, into: &effects)
        }
        let open = leases.filter { $0.held == nil }
        guard !open.isEmpty else { return }
        let isFull = open.allSatisfy(\.isFull)
        let pause = isFull ? NodeLimits.leaseFullPause : NodeLimits.leaseLookPause
        // What was asked may have been answered meanwhile.
        leasesDue = min(leasesDue, now + pause)
        wake(at: leasesDue)
    }

    private mutating func takeLease(
        _ index: Int,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        let lease = leases[index]
        guard lease.pausedUntil <= now else { return }
        if let last = lease.last, !isTaken(last, for: lease, at: now) {
            return hold(last, for: index, at: now, into: &effects)
        }
        guard isInformed(at: now) else { return }
        guard directory.keepsAll else {
            return askForLease(index, at: now, into: &effects)
        }
        let address = freeAddress(for: lease, at: now)
        leases[index].isFull = address == nil
        if let address { hold(address, for: index, at: now, into: &effects) }
    }

    private mutating func hold(
        _ address: IPAddress,
        for index: Int,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard let wall = time.wall(at: now) else { return }
        leases[index].held = address
        leases[index].last = address
        leases[index].asked = []
        leases[index].askingSince = nil
        leases[index].isFull = false
        leases[index].checkPause = NodeLimits.leaseCheckFirst
        leases[index].checkDue = now + leases[index].checkPause
        wake(at: leases[index].checkDue)
        ownClaims.append(OwnClaim(address: address, since: wall, isLeased: true))
        effects.append(.lease(address, length: leases[index].range.length, isHeld: true))
        announceClaims(at: now, into: &effects)
    }

    /// Whether enough is known of who has which address, or nobody tells more.
    private func isInformed(at now: Instant) -> Bool {
        let waited = now - leasesBegan
        return directory.isReconciled && !gossip.active.isEmpty
            || members.isEmpty && waited >= NodeLimits.leaseAloneAfter
            || waited >= NodeLimits.leasePatience
    }

    /// The next address that is free, as far as is known here; nil if there is none.
    private func freeAddress(for lease: AddressLease, at now: Instant) -> IPAddress? {
        guard let own else { return nil }
        let network = cryptography.derive("addresses", 0)
        let choice = AddressChoice(of: own.id, in: network, lease.range, with: cryptography)
        return choice.address { isTaken($0, for: lease, at: now) }
    }

    private func isTaken(_ address: IPAddress, for lease: AddressLease, at now: Instant) -> Bool {
        addresses.holder(of: address) != nil || !directory.holders(of: address).isEmpty
            || lease.asked.contains(address) || lease.taken.contains(address, at: now)
            || ownClaims.contains { $0.address == address }
    }

    /// Gives up the leased addresses that others turned out to have; true if there were any.
    mutating func loseLeases(at now: Instant, into effects: inout [Effect]) -> Bool {
        var lost: [OwnClaim] = []
        for claim in ownClaims where claim.isLeased && isLost(claim) { lost.append(claim) }
        guard !lost.isEmpty else { return false }
        for claim in lost {
            guard let index = leases.firstIndex(where: { $0.held == claim.address }) else {
                continue
            }
            leases[index].held = nil
            leases[index].last = nil
            leases[index].checkDue = .never
            leases[index].taken.note(claim.address, at: now)
            // Somebody knew more than we did: there is time to learn it.
            leases[index].lostCount += 1
            let pause = NodeLimits.backoff(
                leases[index].lostCount,
                first: NodeLimits.leaseLostFirst,
                most: NodeLimits.leaseLostMax
            )
            leases[index].pausedUntil = now + pause
            let length = leases[index].range.length
            effects.append(.lease(claim.address, length: length, isHeld: false))
        }
        ownClaims.removeAll { claim in lost.contains { $0.address == claim.address } }
        leasesDue = now
        wake(at: now)
        return true
    }

    /// Whether somebody else has a leased address, or took it before us while we were apart: then
    /// a user's address would stay where it is, but this one is easily given up.
    private func isLost(_ claim: OwnClaim) -> Bool {
        guard let own else { return false }
        let ours = AddressTable.Claimant(id: own.id, since: claim.since)
        return claim.holder != nil
            || addresses.waiting(for: claim.address).contains { $0 < ours }
    }

    /// The ranges in which this node wants an address and found none that is free.
    package var fullRanges: [Prefix] {
        leases.filter { $0.held == nil && $0.isFull }.map(\.range)
    }

    /// What this node has by lease: each with the length of its range.
    package var leasedAddresses: [InterfaceAddress] {
        leases.compactMap { lease in
            lease.held.flatMap { InterfaceAddress($0, length: lease.range.length) }
        }
    }
}

// What others know of who has an address.
extension NodeMachine {
    /// Asks who has the next addresses that may be free, some at a time.
    private mutating func askForLease(
        _ index: Int,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        leases[index].askingSince = leases[index].askingSince ?? now
        for _ in leases[index].asked.count..<NodeLimits.leaseLooksMax {
            let lease = leases[index]
            guard lease.held == nil else { return }
            // So many that are taken, one after the other, are all of a range.
            guard !lease.taken.isFull(at: now), let address = freeAddress(for: lease, at: now)
            else {
                if lease.asked.isEmpty { leases[index].isFull = true }
                return
            }
            leases[index].asked.append(address)
            place(.lookUp(.address(address)), at: now, into: &effects)
        }
    }

    /// Takes in who has an address; false if that was not asked for a lease.
    mutating func lookedUpLease(
        _ address: IPAddress,
        _ outcome: PlacementOutcome,
        at now: Instant,
        into effects: inout [Effect]
    ) -> Bool {
        // Who has one of ours too was told to the table of addresses.
        var isAsked = leases.contains { $0.held == address }
        for index in leases.indices where leases[index].asked.contains(address) {
            isAsked = true
            leases[index].asked.removeAll { $0 == address }
            let asked = now - (leases[index].askingSince ?? now)
            switch outcome {
            case .found(let presences) where presences.contains { $0.author != own?.id }:
                leases[index].taken.note(address, at: now)
            // There may be too few to be asked; else it is asked again.
            case .unknown where asked < NodeLimits.leasePatience: continue
            // What is found otherwise is what we said in an earlier life.
            case .found, .absent, .unknown:
                if !isTaken(address, for: leases[index], at: now) {
                    hold(address, for: index, at: now, into: &effects)
                }
            }
            leasesDue = now
            wake(at: now)
        }
        return isAsked
    }

    /// Looks whether others have a leased address too.
    private mutating func checkLeases(at now: Instant, into effects: inout [Effect]) {
        for index in leases.indices {
            if leases[index].checkDue <= now, let address = leases[index].held {
                leases[index].lostCount = 0
                let pause = leases[index].checkPause * NodeLimits.leaseCheckFactor
                leases[index].checkPause = min(pause, NodeLimits.leaseCheckMax)
                leases[index].checkDue = now + leases[index].checkPause
                if !directory.keepsAll {
                    place(.lookUp(.address(address)), at: now, into: &effects)
                }
            }
            wake(at: leases[index].checkDue)
        }
    }
}
