// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// What members say: the state of each, and which record counts for a key.
///
/// A pure machine: events and the time on two clocks go in, effects come out, and states lie in the
/// storage that it is given. Who is a member, and the root of its state, is the matter of their
/// statements, which come as events and are read through `heads`; so a state needs no signature of
/// its own, and can be taken of anybody.
///
/// How states are asked for is in LedgerWants.swift, what others are given in LedgerAnswers.swift,
/// what this node writes in LedgerOwn.swift, whose a key is in LedgerContests.swift and
/// LedgerHolders.swift, what members said before in LedgerHistory.swift, what can be
/// read in LedgerQueries.swift, and how all is kept in LedgerShelf.swift.
package struct Ledger {
    package typealias Event = LedgerEvent
    package typealias Effect = LedgerEffect
    /// The newest statement of a member that is here; nil for who left or whose lease ended.
    package typealias Heads = (NodeID) -> Presence?

    let id: NodeID
    let cryptography: Cryptography
    let limits: LedgerStateLimits
    var random: any RandomNumberGenerator
    var shelf: LedgerShelf
    var coverage: LedgerCoverage

    var own = OwnLedger()
    var contests = LedgerContests()
    var holders = LedgerHolders()

    var neighbours: [NodeID] = []
    var wants = LedgerWants()
    var transfer: Transfer
    var transferDue = Instant.never
    var server: ChunkServer
    var askers = PeerBudgets(
        perSecond: LedgerLimits.messagesPerSecond,
        burst: LedgerLimits.messagesBurst,
        peersMax: LedgerLimits.peersMax
    )
    /// Who is not heard.
    var distrusted = Recent<NodeID>(
        for: LedgerLimits.distrustFor,
        atMost: LedgerLimits.distrustedMax
    )
    /// Statements whose changes were passed on though the statement was known, the last ones.
    var passed: [PassedBlock] = []
    /// States that their authors may not have, the last ones.
    var refused: [LedgerMessage.Want] = []

    var flushDue = Instant.never
    var sweepDue = Instant.never
    var compactDue = Instant.never
    /// Where the sweep goes on.
    var sweepCursor: NodeID?
    private var isStopped = false
    /// What the shell was told, or nil when its timer ran out.
    private var wake: Instant? = .never

    package internal(set) var counters = LedgerCounters()

    /// Makes the ledger of a node that says nothing yet.
    ///
    /// Of large states so many bytes a second are pulled, and served; so many statements of each
    /// member are kept that newer ones replaced, and the newest with them if there are any.
    package init(
        of id: NodeID,
        in storage: any LedgerStorage,
        limits: LedgerStateLimits = .standard,
        syncBytesPerSecond: Int = TransferLimits.bytesPerSecond,
        history: Int = 0,
        cryptography: Cryptography,
        random: any RandomNumberGenerator
    ) {
        self.id = id
        self.cryptography = cryptography
        self.limits = limits
        self.random = random
        shelf = LedgerShelf(storage, with: cryptography, history: history)
        coverage = LedgerCoverage(around: id, with: cryptography)
        transfer = Transfer(cryptography: cryptography, bytesPerSecond: syncBytesPerSecond)
        server = ChunkServer(bytesPerSecond: syncBytesPerSecond)
    }

    /// Takes the storage, before anything is kept; throws if what this node wrote cannot be read.
    mutating func keep(in storage: any LedgerStorage) throws(StoreError) {
        shelf = LedgerShelf(storage, with: cryptography, history: shelf.history.count)
        _ = try shelf.state(of: id)
        _ = try shelf.ownHead
        if shelf.history.count == 0 { try shelf.dropHistory(upTo: .max) }
    }

    /// Forgets the storage, so that another node can have it.
    mutating func close() { shelf = LedgerShelf(MemoryStore(), with: cryptography) }

    /// Takes in what happened, and appends what is to be done to `effects`, in order.
    package mutating func handle(
        _ event: Event,
        at now: Instant,
        wall: UInt64,
        heads: Heads,
        into effects: inout [Effect]
    ) {
        guard !isStopped else { return }
        let moment = Moment(instant: now, wall: wall)
        switch event {
        case .head(let presence, let teller):
            take(head: presence, from: teller, at: moment, into: &effects)
        case .gone(let author): remove(author, at: moment, into: &effects)
        case .guest(let author, let isKept):
            guest(author, isKept: isKept, at: moment, heads, into: &effects)
        case .said(let presence): said(presence, at: moment, into: &effects)
        case .neighbourUp(let id):
            if !neighbours.contains(id) { neighbours.append(id) }
        case .neighbourDown(let id): neighbourDown(id, at: moment)
        case .received(let message, let peer):
            receive(message, from: peer, at: moment, heads, into: &effects)
        case .timeout: wake = nil
        case .stopping:
            flush(at: moment, into: &effects)
            isStopped = true
            return
        }
        settle(at: moment, heads, into: &effects)
    }

    /// Takes in what a member broadcast with its statement, which is known to be its own.
    ///
    /// True if it is to be passed on; `isNews` says whether the statement is.
    package mutating func judge(
        _ changes: LedgerChanges,
        of presence: Presence,
        from teller: NodeID,
        isNews: Bool,
        at now: Instant,
        wall: UInt64,
        heads: Heads,
        into effects: inout [Effect]
    ) -> Bool {
        guard !isStopped, presence.author != id else { return false }
        let moment = Moment(instant: now, wall: wall)
        let isKept = take(changes, of: presence, from: teller, at: moment, into: &effects)
        settle(at: moment, heads, into: &effects)
        if isNews { return true }
        // Anybody can put other changes to a statement that is known; one is passed on.
        let block = PassedBlock(author: presence.author, order: presence.order)
        guard isKept, !passed.contains(block) else { return false }
        if passed.count >= LedgerLimits.passedMax { passed.removeFirst() }
        passed.append(block)
        return true
    }

    /// Does all that is due, and says when there will be more.
    mutating func settle(at moment: Moment, _ heads: Heads, into effects: inout [Effect]) {
        if transferDue <= moment.instant {
            transferDue = .never
            run(.timeout, at: moment, heads, into: &effects)
        }
        askAgain(at: moment, into: &effects)
        askMore(at: moment, heads, into: &effects)
        if contests.due <= moment.instant { review(at: moment, heads, into: &effects) }
        noteHolders(at: moment, heads)
        if holders.due <= moment.instant { reviewHolders(at: moment, heads, into: &effects) }
        if flushDue <= moment.instant { flush(at: moment, into: &effects) }
        if sweepDue <= moment.instant { sweep(at: moment, heads, into: &effects) }
        let deadline = min(
            min(wants.due, wants.tellDue, wants.askDue, transferDue),
            min(contests.due, holders.due, flushDue, sweepDue)
        )
        guard deadline != wake else { return }
        wake = deadline
        effects.append(.wake(at: deadline))
    }
}

/// A member's statement, of which the changes were passed on.
struct PassedBlock: Hashable, Sendable {
    let author: NodeID
    let order: Presence.Order
}

// What is kept of others.
extension Ledger {
    /// Keeps a state that has the root that its author signed.
    mutating func install(
        _ state: LedgerState,
        _ summary: StateSummary,
        of author: NodeID,
        at moment: Moment,
        _ heads: Heads,
        into effects: inout [Effect]
    ) {
        wants.remove(author)
        guard coverage.contains(author), let head = heads(author), head.ledger == summary else {
            return
        }
        do {
            let old = try shelf.state(of: author) ?? .empty
            let changes = LedgerChanges(from: old, to: state)
            keep(state, in: old, by: changes, as: head, summary, at: moment, into: &effects)
        } catch {
            effects.append(.failed(error))
        }
    }

    /// Keeps a state in the place of another one, from which the changes lead to it, if its author
    /// may have it.
    mutating func keep(
        _ state: LedgerState,
        in old: LedgerState,
        by changes: LedgerChanges,
        as head: Presence,
        _ summary: StateSummary,
        at moment: Moment,
        into effects: inout [Effect]
    ) {
        let author = head.author
        wants.remove(author)
        if isAllowed(state, head) {
            shelf.set(state, summary.root, of: author, by: changes)
            tell(changes, at: moment, into: &effects)
            if coverage.guests.contains(author) { effects.append(.stated(author)) }
        } else {
            refuse(author, summary)
            let changes = LedgerChanges(from: old, to: .empty)
            shelf.remove(author, by: changes)
            tell(changes, at: moment, into: &effects)
        }
        flushDue = min(flushDue, moment.instant + LedgerLimits.flushPause)
        if shelf.pendingCount >= LedgerLimits.pendingMax { flush(at: moment, into: &effects) }
    }

    private func isAllowed(_ state: LedgerState, _ head: Presence) -> Bool {
        do {
            try state.check(
                by: head.author,
                incarnation: head.order.incarnation,
                time: head.time,
                within: limits
            )
            return true
        } catch {
            return false
        }
    }

    private mutating func refuse(_ author: NodeID, _ summary: StateSummary) {
        counters.refused += 1
        if refused.count >= LedgerLimits.refusedMax { refused.removeFirst() }
        refused.append(LedgerMessage.Want(author, summary.root))
    }

    /// Forgets what a member said.
    mutating func remove(
        _ author: NodeID,
        at moment: Moment,
        into effects: inout [Effect]
    ) {
        wants.remove(author)
        guard author != id else { return }
        forgetHistory(of: author, at: moment)
        do {
            guard let old = try shelf.state(of: author) else { return }
            let changes = LedgerChanges(from: old, to: .empty)
            shelf.remove(author, by: changes)
            flushDue = min(flushDue, moment.instant + LedgerLimits.flushPause)
            tell(changes, at: moment, into: &effects)
        } catch {
            effects.append(.failed(error))
        }
    }

    /// Says which keys are to be read anew, and looks at those of ours among them.
    mutating func tell(
        _ changes: LedgerChanges,
        at moment: Moment,
        into effects: inout [Effect]
    ) {
        guard !changes.list.isEmpty else { return }
        let keys = changes.list.map(\.key)
        effects.append(.changed(keys))
        for key in keys where key.hasOwner { holders.wrote(key) }
        let isContested = keys.contains { own.state[$0] != nil && $0.hasOwner }
        if isContested { contests.due = moment.instant }
    }

    /// Writes what waits; what the storage does not take is asked for again later.
    mutating func flush(at moment: Moment, into effects: inout [Effect]) {
        flushDue = .never
        guard shelf.pendingCount > 0 else { return }
        do {
            try shelf.flush()
            wants.keptAll()
        } catch {
            if error.kind == .full, makeRoom(into: &effects) { return }
            effects.append(.failed(error))
            wants.lost(at: moment.instant)
        }
    }

    /// Looks for states whose authors are gone, some at a time.
    private mutating func sweep(
        at moment: Moment,
        _ heads: Heads,
        into effects: inout [Effect]
    ) {
        sweepDue = moment.instant + LedgerLimits.sweepInterval
        forgetDeleted(at: moment, heads, into: &effects)
        do {
            let some = try shelf.authors(after: sweepCursor, limit: LedgerLimits.sweepCount)
            sweepCursor = some.count < LedgerLimits.sweepCount ? nil : some.last
            for author in some where author != id && heads(author)?.hasLedger != true {
                remove(author, at: moment, into: &effects)
            }
            try widen(into: &effects)
            if compactDue <= moment.instant {
                compactDue = moment.instant + LedgerLimits.compactInterval
                try shelf.compact()
            }
        } catch {
            effects.append(.failed(error))
        }
    }
}

extension LedgerKey {
    /// Whether one member has it and no other.
    var hasOwner: Bool {
        if case .owned = LedgerBucket(bucket) { true } else { false }
    }

    /// Whether members' states hold such records.
    var isWritable: Bool {
        switch LedgerBucket(bucket) {
        case .owned, .open: true
        case .computed, .trust: false
        }
    }
}
