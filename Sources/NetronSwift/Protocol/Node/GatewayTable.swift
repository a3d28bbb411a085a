// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Which member carries the traffic for which range.
///
/// Of several members that say so of one range the one goes first that has said it for longest, by
/// (since, id) of its record; when it is gone, the next. Of several ranges around an address the
/// longest counts, whoever said so first.
package struct GatewayTable: Sendable {
    /// A member that carries traffic for a range.
    private struct Claimant: Hashable, Comparable {
        let id: NodeID
        let since: UInt64

        static func < (left: Self, right: Self) -> Bool {
            (left.since, left.id) < (right.since, right.id)
        }
    }

    /// A range that went from one member to another.
    struct Change: Hashable {
        let prefix: Prefix
        let from: NodeID?
        let to: NodeID?
    }

    /// In ascending order; none is empty.
    private var claimants: [Prefix: [Claimant]] = [:]
    private var prefixes: [NodeID: [Prefix]] = [:]

    /// Who carries the traffic for a range.
    func gateway(of prefix: Prefix) -> NodeID? { claimants[prefix]?.first?.id }

    /// The ranges that a member carries the traffic for, in ascending order.
    func carried(by id: NodeID) -> [Prefix] {
        (prefixes[id] ?? []).filter { gateway(of: $0) == id }
    }

    /// Who is known to carry traffic, or wants to, by id.
    var members: [NodeID] { prefixes.keys.sorted() }

    /// Whether a member is known to carry traffic, or wants to.
    func contains(_ id: NodeID) -> Bool { prefixes[id] != nil }

    /// All that is carried, in ascending order.
    var routes: [(prefix: Prefix, gateway: NodeID)] {
        claimants.compactMap { prefix, all in all.first.map { (prefix, $0.id) } }
            .sorted { $0.0 < $1.0 }
    }

    /// Who carries what is for an address: the longest range counts.
    func gateway(for address: IPAddress) -> NodeID? {
        guard !claimants.isEmpty else { return nil }
        for length in (0...address.family.bitCount).reversed() {
            if let prefix = Prefix(address, length: length), let id = gateway(of: prefix) {
                return id
            }
        }
        return nil
    }

    /// Replaces what a member carries; nothing if it is gone.
    ///
    /// Of more than `NodeLimits.gatewaysMax` members the ones that came later are left out.
    mutating func set(_ new: [Prefix], of id: NodeID, since: UInt64) -> [Change] {
        let old = prefixes[id] ?? []
        guard !new.isEmpty, !old.isEmpty || prefixes.count < NodeLimits.gatewaysMax else {
            return replace(old, by: [], of: id, since: since)
        }
        return replace(old, by: new, of: id, since: since)
    }

    private mutating func replace(
        _ old: [Prefix],
        by new: [Prefix],
        of id: NodeID,
        since: UInt64
    ) -> [Change] {
        let touched = Set(old).union(new).sorted()
        let before = touched.map { gateway(of: $0) }
        for prefix in old {
            claimants[prefix]?.removeAll { $0.id == id }
            if claimants[prefix]?.isEmpty == true { claimants[prefix] = nil }
        }
        for prefix in new {
            claimants[prefix, default: []].append(Claimant(id: id, since: since))
            claimants[prefix]?.sort()
        }
        prefixes[id] = new.isEmpty ? nil : new.sorted()
        return zip(touched, before).compactMap { prefix, from in
            let to = gateway(of: prefix)
            return from == to ? nil : Change(prefix: prefix, from: from, to: to)
        }
    }
}
