// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Keys of ours that others say to have too.
struct LedgerContests: Sendable {
    /// Who has the key as far as all agree; nil for those that are ours all the same.
    var keys: [LedgerKey: NodeID?] = [:]
    var due = Instant.never
}

extension Ledger {
    /// Looks who has the keys that are ours: answers those who want them, and tells the user of
    /// those that others have.
    mutating func review(
        at moment: Moment,
        _ heads: Heads,
        into effects: inout [Effect]
    ) {
        contests.due = .never
        var found: [LedgerKey: NodeID?] = [:]
        var wantsAnswer = false
        for entry in own.state.entries where entry.key.hasOwner {
            guard let all = try? shelf.claims(on: entry.key), all.count > 1 else { continue }
            let decision = decide(all, at: moment.wall, heads)
            guard !decision.others.isEmpty else { continue }
            // What a statement would keep, or bring back, is as good as ours.
            let answered = decide(all, at: moment.wall, ownTime: moment.wall, heads)
            let isOurs = answered.holder == id
            found[entry.key] = .some(isOurs ? nil : decision.holder)
            if isOurs, decision.holder != id || decision.changesAt != nil { wantsAnswer = true }
            // Who has it, or when, may be different soon without any word.
            if decision.changesAt != nil {
                contests.due = moment.instant + LedgerLimits.reviewPause
            }
        }
        for (key, holder) in found.sorted(by: { $0.key < $1.key }) {
            let before = contests.keys[key] ?? nil
            if holder != before { effects.append(.taken(key, by: holder)) }
        }
        for key in contests.keys.keys.sorted()
        where found[key] == nil && contests.keys[key] != .some(nil) {
            effects.append(.taken(key, by: nil))
        }
        contests.keys = found
        if wantsAnswer { effects.append(.sayAgain) }
    }

    /// Who has a key of several claims on it; with `ownTime`, if this node made a statement then.
    func decide(
        _ claims: [LedgerShelf.Claim],
        at wall: UInt64,
        ownTime: UInt64? = nil,
        _ heads: Heads
    ) -> LedgerClaims {
        LedgerClaims(
            claims.map { claim in
                let head = claim.author == id ? own.head : heads(claim.author)
                return LedgerClaims.Claim(
                    by: claim.author,
                    since: claim.since,
                    // What was written just now is told in the next statement.
                    headTime: (claim.author == id ? ownTime : nil) ?? head?.time ?? claim.since,
                    isLive: head != nil || claim.author == id
                )
            },
            at: wall
        )
    }
}
