// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// An address that this node takes by itself in a range, with nobody to ask.
struct AddressLease {
    let range: Prefix
    /// The one that it had in its last life, which is tried first.
    var last: IPAddress?
    var held: IPAddress?
    /// Those that others had before us, the last ones; they are not tried again.
    var lost: [IPAddress] = []
}

// Addresses that nobody gave the node: it takes one that is free as far as it knows, claims it like
// one that the user gave, and takes another one should it lose the contest.
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
        // Without the time no claim can say since when it is; it is looked again when it is known.
        guard leases.contains(where: { $0.held == nil }), time.wall(at: now) != nil else { return }
        guard leasesDue <= now || leasesDue == .never else { return wake(at: leasesDue) }
        leasesDue = .never
        for index in leases.indices where leases[index].held == nil {
            takeLease(index, at: now, into: &effects)
        }
        guard leases.contains(where: { $0.held == nil }) else { return }
        leasesDue = now + NodeLimits.leaseLookPause
        wake(at: leasesDue)
    }

    private mutating func takeLease(
        _ index: Int,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard let own, let wall = time.wall(at: now) else { return }
        let lease = leases[index]
        let remembered = lease.last.flatMap { isTaken($0, for: lease) ? nil : $0 }
        guard let address = remembered ?? freeAddress(for: lease, of: own.id, at: now) else {
            return
        }
        leases[index].held = address
        leases[index].last = address
        ownClaims.append(OwnClaim(address: address, since: wall, isLeased: true))
        effects.append(.lease(address, length: lease.range.length, isHeld: true))
        announceClaims(at: now, into: &effects)
    }

    /// A free address, once it is known which are; nil before, and if there is none.
    private func freeAddress(
        for lease: AddressLease,
        of id: NodeID,
        at now: Instant
    ) -> IPAddress? {
        let waited = now - leasesBegan
        let isInformed = directory.isReconciled && !gossip.active.isEmpty
        let isAlone = members.isEmpty && waited >= NodeLimits.leaseAloneAfter
        guard isInformed || isAlone || waited >= NodeLimits.leasePatience else { return nil }
        let network = cryptography.derive("addresses", 0)
        let choice = AddressChoice(of: id, in: network, lease.range, with: cryptography)
        return choice.address { isTaken($0, for: lease) }
    }

    private func isTaken(_ address: IPAddress, for lease: AddressLease) -> Bool {
        addresses.holder(of: address) != nil || !directory.holders(of: address).isEmpty
            || lease.lost.contains(address) || ownClaims.contains { $0.address == address }
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
            leases[index].lost.append(claim.address)
            if leases[index].lost.count > NodeLimits.leasesLostMax {
                leases[index].lost.removeFirst()
            }
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

    /// The ranges in which this node wants an address and has none.
    package var unleasedRanges: [Prefix] { leases.filter { $0.held == nil }.map(\.range) }

    /// What this node has by lease: each with the length of its range.
    package var leasedAddresses: [InterfaceAddress] {
        leases.compactMap { lease in
            lease.held.flatMap { InterfaceAddress($0, length: lease.range.length) }
        }
    }
}
