// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// What this node says in the ledger.
struct OwnLedger: Sendable {
    /// All that was written here and is kept.
    var state = LedgerState.empty
    /// The state that the last statement spoke of.
    var said = LedgerState.empty
    var saidStamp: UInt64?
    /// The last statement.
    var head: Presence?
    /// When this life began, or will have begun with the first statement.
    var incarnation: UInt64 = 0
    /// Whether an own statement is kept: only one that speaks of a state needs to go on.
    var isHeadKept = false
}

/// How a node goes on after an earlier life.
package struct LedgerResumption: Hashable, Sendable {
    /// The order of the first statement of this life.
    package let first: Presence.Order
    /// The hash of the last statement of the earlier life, if there was one.
    package let previous: [UInt8]?
}

extension Ledger {
    /// Takes up what an earlier life left, before anything is said.
    ///
    /// A lease that runs goes on: the node kept what it had. Else others may have had its keys
    /// meanwhile, so it begins anew, and has each of its keys from now on.
    package mutating func begin(
        at now: Instant,
        wall: UInt64,
        into effects: inout [Effect]
    ) -> LedgerResumption {
        sweepDue = now + LedgerLimits.sweepFirst
        compactDue = now + LedgerLimits.compactInterval
        var first = Presence.Order(incarnation: wall, version: 0)
        var last: Presence?
        do {
            own.state = try shelf.state(of: id) ?? .empty
            last = try shelf.ownHead.flatMap { try? Presence(bytes: $0) }
            own.isHeadKept = last != nil
        } catch {
            effects.append(.failed(error))
        }
        if let last, last.author == id {
            let isLive = !last.isLeaving && wall < last.end
            let next = last.order.next
            first = isLive ? next : max(first, .init(incarnation: next.incarnation + 1, version: 0))
        }
        rebase(to: first.incarnation, into: &effects)
        effects.append(.own(StateSummary(of: own.state, with: cryptography)))
        return LedgerResumption(first: first, previous: last?.digest(with: cryptography))
    }

    /// Begins an incarnation: no key is had from before it, as no member may say that.
    private mutating func rebase(to incarnation: UInt64, into effects: inout [Effect]) {
        own.incarnation = incarnation
        var state = own.state
        for entry in own.state.entries where entry.since < incarnation {
            let raised = LedgerEntry(
                entry.key,
                since: incarnation,
                time: entry.time,
                value: entry.value
            )
            if let raised { state.set(raised) }
        }
        guard state != own.state else { return }
        do {
            try commit(state, into: &effects)
        } catch {
            effects.append(.failed(error))
        }
    }

    /// Writes the own state, with all that waits; it is as it was if that fails.
    ///
    /// Others make room for it.
    private mutating func commit(
        _ state: LedgerState,
        into effects: inout [Effect]
    ) throws(StoreError) {
        while true {
            do throws(StoreError) {
                try keep(state)
                break
            } catch {
                guard error.kind == .full, makeRoom(into: &effects) else { throw error }
            }
        }
        own.state = state
    }

    private mutating func keep(_ state: LedgerState) throws(StoreError) {
        let changes = LedgerChanges(from: own.state, to: state)
        if let summary = StateSummary(of: state, with: cryptography) {
            shelf.set(state, summary.root, of: id, by: changes)
        } else {
            shelf.remove(id, by: changes)
        }
        try shelf.flush()
    }

    /// Takes in that a statement was made: it is kept before anybody is told.
    mutating func said(
        _ presence: Presence,
        at moment: Moment,
        into effects: inout [Effect]
    ) {
        own.head = presence
        holders.said(id, at: moment.instant)
        keepHistory(presence, at: moment)
        if presence.hasLedger || own.isHeadKept {
            do {
                try shelf.keep(ownHead: presence.hasLedger ? presence.bytes : nil)
                own.isHeadKept = presence.hasLedger
            } catch {
                effects.append(.failed(error))
            }
        }
        if !contests.keys.isEmpty { contests.due = moment.instant }
        let before = own.state
        rebase(to: presence.order.incarnation, into: &effects)
        if own.state != before {
            effects.append(.own(StateSummary(of: own.state, with: cryptography)))
        }
    }

    /// What is broadcast when a statement was made: with what is new, if that fits.
    package mutating func payload(of presence: Presence) -> [UInt8] {
        let before = own.said
        own.said = .empty
        own.saidStamp = nil
        guard let summary = presence.ledger,
            StateSummary(of: own.state, with: cryptography) == summary
        else { return presence.bytes }
        own.said = own.state
        own.saidStamp = summary.root.stamp
        let changes = LedgerChanges(from: before, to: own.state)
        guard !changes.list.isEmpty else { return presence.bytes }
        let block = LedgerBlock(head: presence.bytes, changes: changes)
        return block.encoded() ?? presence.bytes
    }
}

// Writes.
extension Ledger {
    /// Makes all writes that can be made: those are kept when this returns, and the others have
    /// their reason at their place.
    package mutating func write(
        _ writes: [LedgerWrite],
        at now: Instant,
        wall: UInt64,
        heads: Heads,
        into effects: inout [Effect]
    ) -> [LedgerRefusal?] {
        let moment = Moment(instant: now, wall: wall)
        var state = own.state
        var results: [LedgerRefusal?] = []
        for write in writes {
            do throws(LedgerRefusal) {
                state = try apply(write, to: state, at: wall, heads)
                results.append(nil)
            } catch {
                results.append(error)
            }
        }
        guard state != own.state else { return results }
        let changes = LedgerChanges(from: own.state, to: state)
        do {
            try commit(state, into: &effects)
        } catch {
            effects.append(.failed(error))
            return results.map { $0 ?? .storage(error) }
        }
        tell(changes, at: moment, into: &effects)
        effects.append(.own(StateSummary(of: state, with: cryptography)))
        settle(at: moment, heads, into: &effects)
        return results
    }

    private func apply(
        _ write: LedgerWrite,
        to state: LedgerState,
        at wall: UInt64,
        _ heads: Heads
    ) throws(LedgerRefusal) -> LedgerState {
        let key = write.key
        guard key.isWritable else { throw .fault(.notWritable(key)) }
        let others = try others(on: key, heads)
        var state = state
        if key.hasOwner, let holder = holder(of: others, and: state[key]) {
            throw .held(by: holder)
        }
        switch write {
        case .delete:
            guard isThere(key, in: state, and: others) else { throw .absent }
            if key.hasOwner || others.isEmpty {
                state.remove(key)
            } else {
                state.set(try entry(key, nil, in: state, after: others, at: wall))
            }
        case .put(_, let value):
            state.set(try entry(key, value, in: state, after: others, at: wall))
        }
        do throws(LedgerFault) {
            try state.check(by: id, incarnation: own.incarnation, time: wall, within: limits)
        } catch {
            throw .fault(error)
        }
        return state
    }

    /// Whether anything counts for a key that this node may delete.
    private func isThere(
        _ key: LedgerKey,
        in state: LedgerState,
        and others: [LedgerShelf.Claim]
    ) -> Bool {
        let ours = state[key].map { LedgerShelf.Claim(of: id, $0) }
        guard !key.hasOwner else { return ours != nil }
        return OpenBucket.last(of: others + [ours].compactMap(\.self)).map { !$0.isDeleted }
            ?? false
    }

    private func entry(
        _ key: LedgerKey,
        _ value: [UInt8]?,
        in state: LedgerState,
        after others: [LedgerShelf.Claim],
        at wall: UInt64
    ) throws(LedgerRefusal) -> LedgerEntry {
        let before = state[key]
        // What others write of a key with an owner does not count against the owner's.
        let times = (key.hasOwner ? [] : others.map(\.time)) + [before?.time].compactMap(\.self)
        guard let time = HybridTime.next(after: times.max(), at: wall) else { throw .clock }
        let since = before?.since ?? max(wall, own.incarnation)
        guard let entry = LedgerEntry(key, since: since, time: time, value: value) else {
            throw .tooLong
        }
        do throws(LedgerFault) { try entry.check(by: id) } catch { throw .fault(error) }
        return entry
    }

    /// What live members but this one have of a key.
    func others(
        on key: LedgerKey,
        _ heads: Heads
    ) throws(LedgerRefusal) -> [LedgerShelf.Claim] {
        do {
            return try shelf.claims(on: key).filter { $0.author != id && heads($0.author) != nil }
        } catch {
            throw .storage(error)
        }
    }

    /// Who has a key instead of this node; nil if it is free, or ours.
    private func holder(
        of others: [LedgerShelf.Claim],
        and entry: LedgerEntry?
    ) -> NodeID? {
        // Who claims it now waits behind all who claimed it before.
        guard entry == nil else { return nil }
        return others.min { ($0.since, $0.author) < ($1.since, $1.author) }?.author
    }

    /// Forgets deleted keys of open buckets that nobody else wrote for long.
    mutating func forgetDeleted(
        at moment: Moment,
        _ heads: Heads,
        into effects: inout [Effect]
    ) {
        var state = own.state
        // As long as statements of others may hold that nobody here has heard of.
        let lease = UInt64(own.head?.lease ?? 0) * 1_000
        let kept = max(LedgerLimits.deletedMilliseconds, lease)
        for entry in own.state.entries where entry.value == nil {
            let age = moment.wall - min(moment.wall, entry.time.milliseconds)
            guard age > kept,
                let others = try? others(on: entry.key, heads), others.isEmpty
            else { continue }
            state.remove(entry.key)
        }
        guard state != own.state else { return }
        do {
            try commit(state, into: &effects)
            effects.append(.own(StateSummary(of: state, with: cryptography)))
        } catch {
            effects.append(.failed(error))
        }
    }
}
