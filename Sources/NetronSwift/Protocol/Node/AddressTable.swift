// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// Which member has which inner address.
///
/// The first claimant holds an address, and as long as it is here a later one waits. Only while the
/// holder is new (`NodeLimits.settledAfter`), an earlier claim goes before a later one, then the
/// smaller id: two that come up at once are put in one order by everybody. A claim since
/// `yielded` stands behind all others.
package struct AddressTable {
    /// What a member that gave way says instead of when its claim began.
    package static let yielded = UInt64.max

    /// A member that wants an address.
    package struct Claimant: Hashable, Comparable, Sendable {
        package let id: NodeID
        package let since: UInt64

        package static func < (left: Self, right: Self) -> Bool {
            (left.since, left.id) < (right.since, right.id)
        }
    }

    /// An address that went from one member to another.
    struct Change: Hashable {
        let address: IPAddress
        let from: NodeID?
        let to: NodeID?
    }

    private struct Entry {
        var holder: Claimant
        var heldSince: Instant
        /// In ascending order.
        var waiting: [Claimant] = []
    }

    private var entries: [IPAddress: Entry] = [:]
    private var claims: [NodeID: [Hello.Claim]] = [:]

    /// Who has the address.
    package func holder(of address: IPAddress) -> NodeID? { entries[address]?.holder.id }

    /// Who wants it and does not have it, the next in turn first.
    package func waiting(for address: IPAddress) -> [Claimant] { entries[address]?.waiting ?? [] }

    /// The addresses that a member has, in ascending order.
    package func held(by id: NodeID) -> [IPAddress] {
        (claims[id] ?? []).map(\.address).filter { holder(of: $0) == id }
    }

    /// What a member claims now.
    func claims(of id: NodeID) -> [Hello.Claim] { claims[id] ?? [] }

    /// Whether the address has been held for so long that nobody can displace its holder.
    func isSettled(_ address: IPAddress, at now: Instant) -> Bool {
        settledAt(address).map { $0 <= now } ?? false
    }

    /// When that is so.
    func settledAt(_ address: IPAddress) -> Instant? {
        entries[address].map { $0.heldSince + NodeLimits.settledAfter }
    }

    /// Whether the member still wants an address and has not given way.
    func isInsisting(_ id: NodeID, on address: IPAddress) -> Bool {
        claims[id]?.contains { $0.address == address && $0.since != Self.yielded } ?? false
    }

    /// Replaces all claims of a member; none if it is gone.
    mutating func set(_ new: [Hello.Claim], of id: NodeID, at now: Instant) -> [Change] {
        var touched: [IPAddress: NodeID?] = [:]
        for claim in claims[id] ?? [] {
            touched[claim.address] = .some(holder(of: claim.address))
        }
        for claim in new { touched[claim.address] = .some(holder(of: claim.address)) }
        claims[id] = new.isEmpty ? nil : new
        for address in touched.keys where !new.contains(where: { $0.address == address }) {
            remove(id, from: address, at: now)
        }
        for claim in new { add(Claimant(id: id, since: claim.since), to: claim.address, at: now) }
        return touched.sorted { $0.key < $1.key }.compactMap { address, before in
            let after = holder(of: address)
            return before == after ? nil : Change(address: address, from: before, to: after)
        }
    }

    private mutating func add(_ claimant: Claimant, to address: IPAddress, at now: Instant) {
        guard var entry = entries[address] else {
            entries[address] = Entry(holder: claimant, heldSince: now)
            return
        }
        if entry.holder.id == claimant.id {
            // Who takes a claim up again is as new as one that comes.
            if entry.holder.since == Self.yielded, claimant.since != Self.yielded {
                entry.heldSince = now
            }
            entry.holder = claimant
        } else {
            entry.waiting.removeAll { $0.id == claimant.id }
            let place = entry.waiting.firstIndex { claimant < $0 } ?? entry.waiting.endIndex
            entry.waiting.insert(claimant, at: place)
        }
        let isNew = now < entry.heldSince + NodeLimits.settledAfter
        if let first = entry.waiting.first, first < entry.holder,
            isNew || entry.holder.since == Self.yielded
        {
            entry.waiting[0] = entry.holder
            entry.waiting.sort()
            entry.holder = first
            entry.heldSince = now
        }
        entries[address] = entry
    }

    private mutating func remove(_ id: NodeID, from address: IPAddress, at now: Instant) {
        guard var entry = entries[address] else { return }
        if entry.holder.id != id {
            entry.waiting.removeAll { $0.id == id }
        } else if entry.waiting.isEmpty {
            entries[address] = nil
            return
        } else {
            entry.holder = entry.waiting.removeFirst()
            entry.heldSince = now
        }
        entries[address] = entry
    }
}
