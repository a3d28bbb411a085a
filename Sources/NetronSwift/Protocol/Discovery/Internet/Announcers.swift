// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// Who of a network announces it in an epoch: the eight members with the lowest H(epoch, id), those
/// first that strangers can reach.
///
/// All who know the same members choose the same, without a word; each epoch it is others. H is
/// keyed with the network's secret, so that nobody outside can tell who will be next.
package struct Announcers: Sendable {
    private struct Candidate {
        let isHidden: Bool
        let number: UInt64
        let id: NodeID

        func comesBefore(_ other: Self) -> Bool {
            if isHidden != other.isHidden { return !isHidden }
            if number != other.number { return number < other.number }
            return id < other.id
        }
    }

    package let epoch: UInt64

    private let key: [UInt8]
    private let digest: @Sendable (_ message: [UInt8], _ key: [UInt8]) -> [UInt8]
    /// In order.
    private var best: [Candidate] = []

    /// Begins the choice for an epoch.
    package init(of epoch: UInt64, cryptography: Cryptography) {
        self.epoch = epoch
        key = cryptography.derive("announcers", epoch)
        digest = cryptography.digest
    }

    /// Those chosen, in order.
    package var ids: [NodeID] { best.map(\.id) }

    /// Whether the choice has to be made anew when the member goes, or can no longer be reached.
    package func contains(_ id: NodeID) -> Bool { best.contains { $0.id == id } }

    /// Takes a member into account, in any order; true if this changed the choice.
    ///
    /// One digest each. One that is chosen already is left as it was.
    package mutating func insert(_ id: NodeID, isReachable: Bool) -> Bool {
        guard !contains(id) else { return false }
        let number = digest(id.bytes, key).prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let candidate = Candidate(isHidden: !isReachable, number: number, id: id)
        let place = best.firstIndex { candidate.comesBefore($0) } ?? best.count
        guard place < InternetLimits.announcersMax else { return false }
        best.insert(candidate, at: place)
        if best.count > InternetLimits.announcersMax { best.removeLast() }
        return true
    }
}
