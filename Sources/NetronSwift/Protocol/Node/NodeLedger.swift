// SPDX-License-Identifier: Apache-2.0

package import NetronWire

// What members say in the ledger. A member's statement, which is the directory's matter, names the
// root of its state; so whatever the directory takes in is told to the ledger.
extension NodeMachine {
    /// Tells the ledger what happened, and does what it asks for.
    mutating func keepLedger(
        _ event: LedgerEvent,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        withLedger(at: now, into: &effects) { ledger, wall, heads, asked in
            ledger.handle(event, at: now, wall: wall, heads: heads, into: &asked)
        }
    }

    /// The newest statement of a member that is here, wherever it is kept.
    private var heads: Ledger.Heads {
        let (directory, placement) = (directory, placement)
        return { id in
            directory.standing(of: id) == nil ? placement.statement(of: id) : directory.head(of: id)
        }
    }

    /// Has the ledger do something with what the directory knows, and does what it asks for; nil
    /// before the time is known.
    @discardableResult
    private mutating func withLedger<Result>(
        at now: Instant,
        into effects: inout [Effect],
        _ body: (
            inout Ledger, _ wall: UInt64, _ heads: Ledger.Heads, inout [LedgerEffect]
        ) -> Result
    ) -> Result? {
        guard let wall = time.wall(at: now) else { return nil }
        var asked: [LedgerEffect] = []
        let result: Result
        do {
            // Gone before anything changes, or all would be copied.
            let heads = heads
            result = body(&ledger, wall, heads, &asked)
        }
        for effect in asked { carryOut(effect, at: now, into: &effects) }
        return result
    }

    mutating func carryOut(
        _ effect: LedgerEffect,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        switch effect {
        case .send(let message, let id): post(.ledger(message), to: id, into: &effects)
        case .own(let summary):
            guard ledgerSummary != summary else { return }
            ledgerSummary = summary
            refreshPresence(at: now, into: &effects)
        case .sayAgain: register(.again, at: now, into: &effects)
        case .changed(let keys):
            reviewGateways(keys, at: now, into: &effects)
            effects.append(.ledgerChanged(keys))
        case .stated(let author): stated(author, at: now, into: &effects)
        case .taken(let key, let id): effects.append(.tell(.keyTaken(key, by: id)))
        case .tellHeads: tellHeads(at: now, into: &effects)
        case .failed(let error): effects.append(.tell(.ledgerFailed(error)))
        case .wake(let instant):
            ledgerDue = instant
            wake(at: instant)
        }
    }

    /// Takes up what an earlier life said, as soon as the time is known.
    mutating func beginLedger(
        at now: Instant,
        wall: UInt64,
        into effects: inout [Effect]
    ) {
        var asked: [LedgerEffect] = []
        let resumption = ledger.begin(at: now, wall: wall, into: &asked)
        let event = DirectoryEvent.begin(resumption.first, after: resumption.previous)
        register(event, at: now, into: &effects)
        for effect in asked { carryOut(effect, at: now, into: &effects) }
    }

    /// Takes in what the directory now has of a member.
    mutating func keepLedger(
        of id: NodeID,
        _ record: Presence?,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        if let record, record.hasLedger {
            // With its changes the state may be made here, and need not be asked for.
            guard id != blockAuthor else { return }
            keepLedger(.head(record, from: informant), at: now, into: &effects)
        } else if !ledger.isEmpty {
            keepLedger(.gone(id), at: now, into: &effects)
        }
    }

    /// Takes in what a member broadcast when it wrote.
    mutating func judgeBlock(
        _ payload: [UInt8],
        from teller: NodeID,
        at now: Instant,
        into effects: inout [Effect]
    ) -> GossipEvent.Verdict {
        guard let block = try? LedgerBlock(bytes: payload), let wall = time.wall(at: now) else {
            return .refuse
        }
        lookForEvidence(block.head, at: now, wall: wall, into: &effects)
        var asked: [DirectoryEffect] = []
        let verdict = directory.judge(block.head, at: now, wall: wall, into: &asked)
        let presence = isNewest(block.head) ? try? Presence(bytes: block.head) : nil
        blockAuthor = presence?.author
        for effect in asked { carryOut(effect, at: now, into: &effects) }
        blockAuthor = nil
        switch verdict {
        case .refuse: return .refuse
        // There is no place for its author here, unless something of it is kept for others.
        case .relay:
            heard(block.head, at: now, into: &effects)
            return .accept
        case .accept: heard(block.head, at: now, into: &effects)
        case .known: break
        }
        guard let presence else { return .refuse }
        let isPassed = withLedger(at: now, into: &effects) { ledger, wall, heads, asked in
            ledger.judge(
                block.changes,
                of: presence,
                from: teller,
                isNews: verdict == .accept,
                at: now,
                wall: wall,
                heads: heads,
                into: &asked
            )
        }
        return isPassed == true ? .accept : .refuse
    }

    /// What is broadcast for a statement of this node: with the changes that led to it.
    mutating func withChanges(
        _ payload: [UInt8],
        at now: Instant,
        into effects: inout [Effect]
    ) -> [UInt8] {
        guard DirectoryPayload(of: payload) == .presence,
            let presence = try? Presence(bytes: payload)
        else { return payload }
        keepLedger(.said(presence), at: now, into: &effects)
        return ledger.payload(of: presence)
    }

    /// Tells the ledger all statements again, as it had no place for all that is missing.
    private mutating func tellHeads(at now: Instant, into effects: inout [Effect]) {
        var cursor: Int? = 0
        while let start = cursor {
            let (ids, next) = directory.members(from: start, count: NodeLimits.headsPerTurn)
            for id in ids {
                guard let head = directory.head(of: id), head.hasLedger else { continue }
                keepLedger(.head(head, from: nil), at: now, into: &effects)
            }
            cursor = next
        }
    }
}

// Writing and reading.
extension NodeMachine {
    /// What the members' signatures name the network by.
    package var networkName: [UInt8] { directory.network }

    /// Takes the storage of the ledger, before the node starts.
    ///
    /// Throws if what this node wrote in an earlier life, or what authorities said, cannot be read.
    package mutating func keepLedger(in storage: any LedgerStorage) throws(StoreError) {
        precondition(own == nil, "a node keeps its ledger in one place")
        try ledger.keep(in: storage)
        _ = try ledger.trustRecords()
        takeRoom(in: storage)
    }

    /// Has members and what is kept for others take their part of the storage's budget.
    mutating func takeRoom(in storage: any LedgerStorage) {
        if let statistics = try? storage.statistics() { takeRoom(bytes: statistics.budgetBytes) }
    }

    /// Has members and what is kept for others take their part of a budget, before the node starts.
    package mutating func takeRoom(bytes budget: Int) {
        let most = budget / DirectoryLimits.budgetPerMember
        directory.setRoom(members: max(most, DirectoryLimits.membersMin))
        placement.setRoom(
            bytes: min(budget / PlacementLimits.budgetPart, PlacementLimits.bytesMax)
        )
    }

    /// Gives the storage back, when the node has come to its end.
    package mutating func closeLedger() {
        precondition(own == nil, "a node keeps its ledger as long as it runs")
        ledger.close()
    }

    /// Makes all writes that can be made, see `Ledger.write`; nil before the time is known.
    package mutating func write(
        _ writes: [LedgerWrite],
        at now: Instant,
        into effects: inout [Effect]
    ) -> [LedgerRefusal?]? {
        guard own != nil else { return nil }
        if isDoubled { return writes.map { _ in .storage(Self.doubledFailure) } }
        let results = say(writes, at: now, into: &effects)
        finish(at: now, into: &effects)
        return results
    }

    /// Makes writes of the node itself.
    @discardableResult
    mutating func say(
        _ writes: [LedgerWrite],
        at now: Instant,
        into effects: inout [Effect]
    ) -> [LedgerRefusal?]? {
        withLedger(at: now, into: &effects) { ledger, wall, heads, asked in
            ledger.write(writes, at: now, wall: wall, heads: heads, into: &asked)
        }
    }

    /// What counts for a key; nil if nothing does, as far as is known here.
    package func ledgerRecord(
        of key: LedgerKey,
        at now: Instant
    ) throws(StoreError) -> LedgerRecord? {
        guard let wall = time.wall(at: now) else { return nil }
        return try ledger.record(of: key, wall: wall, heads: heads)
    }

    /// Some records of a bucket, see `Ledger.records`.
    package mutating func ledgerRecords(
        in bucket: LedgerName,
        from cursor: [UInt8]?,
        limit: Int,
        at now: Instant
    ) throws(StoreError) -> LedgerPage {
        guard let wall = time.wall(at: now) else { return LedgerPage(records: [], next: nil) }
        let heads = heads
        return try ledger.records(
            in: bucket,
            from: cursor,
            limit: limit,
            wall: wall,
            heads: heads
        )
    }

    /// Some of the buckets that members wrote in, see `Ledger.buckets`.
    package mutating func ledgerBuckets(
        from cursor: [UInt8]?,
        limit: Int
    ) throws(StoreError) -> LedgerBucketPage {
        try ledger.buckets(from: cursor, limit: limit)
    }

    /// The kept statements of a member, the newest first; that one is among them in any case.
    package mutating func ledgerHistory(of id: NodeID) throws(StoreError) -> [Presence] {
        let kept = try ledger.history(of: id)
        guard let head = directory.head(of: id), kept.first != head else { return kept }
        return [head] + kept.filter { $0 != head }
    }

    /// Where the kept statements of members do not follow each other, see `Ledger.brokenLinks`.
    package mutating func brokenLinks() throws(StoreError) -> [Ledger.BrokenLink] {
        try ledger.brokenLinks()
    }

    package mutating func ledgerStatistics() throws(StoreError) -> Ledger.Statistics {
        try ledger.statistics()
    }

    /// Of how many bits the places of members begin alike of whom all is known here, and of whom
    /// the states are kept; 0 where these are all members.
    package var coverageBits: (members: Int, states: Int) {
        (directory.coverageBits, ledger.coverageBits)
    }

    /// Where the ledger is kept.
    package var ledgerStorage: any LedgerStorage { ledger.storage }

    /// The newest statement of each member that did not leave, this node's included.
    package var statements: [Presence] {
        var statements: [Presence] = []
        var cursor: Int? = 0
        while let start = cursor {
            let (ids, next) = directory.members(from: start, count: NodeLimits.headsPerTurn)
            statements += ids.compactMap { directory.head(of: $0) }
            cursor = next
        }
        return statements
    }

    /// Whether all that members say in the ledger is here, as far as is known.
    package var isLedgerComplete: Bool {
        // Who has no neighbour knows of nothing that it lacks.
        directory.keepsAll && (directory.isReconciled || gossip.active.isEmpty) && ledger.isComplete
    }
}
