// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// Who has a key of a bucket of owners, when several members say that it is theirs.
///
/// A pure function of what is in the members' heads and of network time, so that all who have the
/// same heads agree, without a word between them. Of the claims of live members:
///
/// 1. The earlier claim, by (since, author), goes before the later one.
/// 2. But who claims wants an answer: a member that signed no block since a later claim began
///    **falls silent** behind the claims after it, 30 s after the first of these began. Until then
///    the later one waits.
/// 3. The first who did not fall silent is the **holder**.
///
/// Who signs a block in time keeps the key, by that block. Who signs one later has it again: it
/// does not matter when a head came, only what is in it. A member that fell silent is treated as
/// if it were gone, so that the end of its lease changes nothing.
package struct LedgerClaims: Hashable, Sendable {
    /// How long a claim on a key waits for an answer of who has it, in milliseconds.
    package static let contestMilliseconds: UInt64 = 30_000

    /// When a member falls silent that answered all claims: later than every time.
    private static let never = UInt64.max

    /// A member's word that a key is its own.
    package struct Claim: Hashable, Sendable {
        package let author: NodeID

        /// From when on it says to have the key, in milliseconds since 1970.
        package let since: UInt64

        /// When its newest head was signed, in milliseconds since 1970.
        package let headTime: UInt64

        /// Whether its lease goes on.
        package let isLive: Bool

        /// Makes a claim as the author's newest head has it.
        ///
        /// A head is no older than what it says (`LedgerFault.sinceTooLate`), so an older
        /// `headTime` is taken as `since`; and no time is after `Presence.timeMax`.
        package init(by author: NodeID, since: UInt64, headTime: UInt64, isLive: Bool) {
            self.author = author
            self.since = min(since, Presence.timeMax)
            self.headTime = max(headTime, self.since)
            self.isLive = isLive
        }
    }

    /// What a member may hope for that claims and does not hold.
    package enum Standing: Hashable, Sendable {
        /// It has the key from that time on, in milliseconds since 1970, if no head changes.
        case pending(until: UInt64)
        /// It does not get the key as long as the heads are these; the holder is named.
        case refused(by: NodeID)
    }

    /// A member that claims and does not hold.
    package struct Claimant: Hashable, Sendable {
        package let author: NodeID
        package let standing: Standing
    }

    /// Who has the key; nil if no live member claims it.
    package let holder: NodeID?

    /// The other live members that claim it, in the order of their claims.
    package let others: [Claimant]

    /// When this will be different if no head changes, in milliseconds since 1970; nil if never.
    ///
    /// So a holder has claims to answer as long as this is not nil. Its block must not be older
    /// than they are: their authors' clocks may be ahead of its own.
    package let changesAt: UInt64?

    /// Decides between claims, in whatever order they come.
    ///
    /// Of two claims of one author the earlier counts.
    ///
    /// - Parameters:
    ///   - claims: Those that the newest heads of all members hold.
    ///   - now: Network time in milliseconds since 1970.
    package init(_ claims: some Sequence<Claim>, at now: UInt64) {
        let ordered = Self.ordered(claims)
        let silences = Self.silences(of: ordered)
        guard let place = silences.firstIndex(where: { now < $0 }) else {
            (holder, others, changesAt) = (nil, [], nil)
            return
        }
        let holder = ordered[place].author
        var others = ordered[..<place].map {
            Claimant(author: $0.author, standing: .refused(by: holder))
        }
        // When all who go before will have fallen silent.
        var turn = silences[place]
        for (claim, silence) in zip(ordered, silences).dropFirst(place + 1) {
            let isNext = turn < silence
            others.append(
                Claimant(
                    author: claim.author,
                    standing: isNext ? .pending(until: turn) : .refused(by: holder)
                )
            )
            turn = max(turn, silence)
        }
        self.holder = holder
        self.others = others
        changesAt = silences[place] == Self.never ? nil : silences[place]
    }

    /// What a live member that claims and does not hold may hope for; nil for all others.
    package func standing(of author: NodeID) -> Standing? {
        others.first { $0.author == author }?.standing
    }

    /// The claims of live members by (since, author), of each member the first.
    private static func ordered(_ claims: some Sequence<Claim>) -> [Claim] {
        let sorted = claims.filter(\.isLive).sorted {
            // Of two heads that say the same the newer one counts.
            ($0.since, $0.author, $1.headTime) < ($1.since, $1.author, $0.headTime)
        }
        var seen: Set<NodeID> = []
        return sorted.filter { seen.insert($0.author).inserted }
    }

    /// When each of the ordered claims falls silent, or `never`.
    private static func silences(of ordered: [Claim]) -> [UInt64] {
        ordered.map { claim in
            // The first claim that the head is older than; only a later claim can be that.
            var places = 0..<ordered.count
            while !places.isEmpty {
                let middle = places.lowerBound + places.count / 2
                if ordered[middle].since > claim.headTime {
                    places = places.lowerBound..<middle
                } else {
                    places = (middle + 1)..<places.upperBound
                }
            }
            guard places.lowerBound < ordered.count else { return never }
            return ordered[places.lowerBound].since + contestMilliseconds
        }
    }
}
