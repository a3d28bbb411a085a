// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Keys of owners that several members say to have, so that time alone, or a statement without a
/// change, can make another one the holder.
struct LedgerHolders: Sendable {
    private struct Contest: Sendable {
        let holder: NodeID?
        let claimants: [NodeID]
    }

    private var contests: [LedgerKey: Contest] = [:]
    /// Keys that were written just now, of which it is not known whether several have them.
    private var fresh: [LedgerKey] = []
    /// When the holders are to be looked at.
    private(set) var due = Instant.never
    private var lastReview: Instant?

    var keys: [LedgerKey] { contests.keys.sorted() }

    /// Takes note of a key that was written; its watchers are told of that anyhow.
    ///
    /// There is a limit (`contestsMax`): of keys beyond it nobody is told what time does.
    mutating func wrote(_ key: LedgerKey) {
        let count = contests.count + fresh.count
        if contests[key] != nil || count < LedgerLimits.contestsMax { fresh.append(key) }
    }

    mutating func takeFresh() -> [LedgerKey] {
        defer { fresh = [] }
        return fresh
    }

    /// A member made a statement, by which it may keep a key or have it again.
    mutating func said(_ author: NodeID, at now: Instant) {
        guard contests.values.contains(where: { $0.claimants.contains(author) }) else { return }
        due = min(due, lastReview.map { max(now, $0 + LedgerLimits.reviewPause) } ?? now)
    }

    mutating func beginReview(at now: Instant) {
        due = .never
        lastReview = now
    }

    /// Keeps what was decided; true if the holder is another one than before.
    mutating func note(
        _ key: LedgerKey,
        _ decision: LedgerClaims,
        at moment: Moment
    ) -> Bool {
        let before = contests[key]
        let claimants = decision.others.map(\.author) + [decision.holder].compactMap(\.self)
        contests[key] =
            claimants.count > 1
            ? Contest(holder: decision.holder, claimants: claimants) : nil
        if let end = decision.changesAt {
            let wait = Duration.milliseconds(Int64(clamping: end - min(end, moment.wall)))
            due = min(due, moment.instant + max(wait, LedgerLimits.reviewPause))
        }
        return before.map { $0.holder != decision.holder } ?? false
    }
}

extension Ledger {
    /// Looks which of the keys that were written just now several members have.
    mutating func noteHolders(at moment: Moment, _ heads: Heads) {
        for key in holders.takeFresh() {
            guard let claims = try? shelf.claims(on: key) else { continue }
            _ = holders.note(key, decide(claims, at: moment.wall, heads), at: moment)
        }
    }

    /// Says which keys have another holder though nobody wrote them.
    mutating func reviewHolders(
        at moment: Moment,
        _ heads: Heads,
        into effects: inout [Effect]
    ) {
        holders.beginReview(at: moment.instant)
        var changed: [LedgerKey] = []
        for key in holders.keys {
            guard let claims = try? shelf.claims(on: key) else { continue }
            let decision = decide(claims, at: moment.wall, heads)
            if holders.note(key, decision, at: moment) { changed.append(key) }
        }
        if !changed.isEmpty { effects.append(.changed(changed)) }
    }
}
