// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Which states are missing, and whom they are asked of.
struct LedgerWants: Sendable {
    struct Want: Sendable {
        var summary: StateSummary
        /// Who told of it, and is asked first.
        var teller: NodeID?
        var tries = 0
        /// Who is asked now.
        var asked: NodeID?
        var due = Instant.never

        var stamp: UInt64 { summary.root.stamp }
    }

    private var all: [NodeID: Want] = [:]
    /// Who is to be asked for next.
    private var queue: [NodeID] = []
    private(set) var askedCount = 0
    /// When something was asked for last, and when further ones are that wait for company.
    private var askedAt: Instant?
    private(set) var askDue = Instant.never
    /// Whether as many were asked for as may be, and a message is not full yet of those that may be
    /// asked for again.
    private var isPaused = false
    /// No answer is due before.
    private(set) var due = Instant.never
    /// Whether there are more than have a place, or were lost, and when they are looked for.
    private(set) var isIncomplete = false
    private(set) var tellDue = Instant.never
    private var tellPause = LedgerLimits.wantPause

    subscript(author: NodeID) -> Want? { all[author] }

    var count: Int { all.count }

    mutating func add(_ author: NodeID, _ summary: StateSummary, from teller: NodeID?) {
        if let known = all[author] {
            guard known.summary != summary else { return }
            remove(author)
        }
        guard all.count < LedgerLimits.wantsMax else {
            isIncomplete = true
            return
        }
        all[author] = Want(summary: summary, teller: teller)
        // Some in there may be wanted no more.
        if queue.count >= 2 * LedgerLimits.wantsMax { queue = all.keys.sorted() }
        queue.append(author)
    }

    /// What was had was lost: it is looked for after a pause, which is longer each time.
    mutating func lost(at now: Instant) {
        isIncomplete = true
        tellDue = now + tellPause
        tellPause = min(tellPause * 2, LedgerLimits.lostPauseMax)
    }

    /// Nothing is lost any more.
    mutating func keptAll() { tellPause = LedgerLimits.wantPause }

    /// Whether it is to be looked for more now; then it is done.
    mutating func takeLook(at now: Instant) -> Bool {
        guard isIncomplete, count < LedgerLimits.wantsMax / 2,
            tellDue == .never || tellDue <= now
        else { return false }
        isIncomplete = false
        tellDue = .never
        return true
    }

    mutating func remove(_ author: NodeID) {
        guard let want = all.removeValue(forKey: author) else { return }
        if want.asked != nil { askedCount -= 1 }
    }

    /// Forgets those that are not to be had any more.
    mutating func keep(where isWanted: (NodeID) -> Bool) {
        for author in all.keys.sorted() where !isWanted(author) { remove(author) }
    }

    /// The next one to be asked for; it is asked for, or put back by `again`.
    mutating func next() -> NodeID? {
        while let author = queue.popLast() {
            if let want = all[author], want.asked == nil, want.due == .never { return author }
        }
        return nil
    }

    /// Whether further ones may be asked for: not one for each that comes, but when a message can
    /// be full of them.
    mutating func mayAsk() -> Bool {
        if askedCount >= LedgerLimits.askedMax { isPaused = true }
        if askedCount + LedgerMessage.countMax <= LedgerLimits.askedMax { isPaused = false }
        return !isPaused
    }

    /// Whether it is time to ask: at once after a pause, else when there is enough for a message.
    mutating func isTimeToAsk(at now: Instant) -> Bool {
        guard !queue.isEmpty else {
            askDue = .never
            return false
        }
        guard queue.count >= LedgerMessage.countMax || askedAt.map({ now >= $0 + pause }) ?? true
        else {
            askDue = askedAt.map { $0 + pause } ?? now
            return false
        }
        askDue = .never
        return true
    }

    private var pause: Duration { LedgerLimits.askPause }

    mutating func ask(
        _ author: NodeID,
        of peer: NodeID,
        at now: Instant,
        until instant: Instant
    ) {
        askedAt = now
        all[author]?.asked = peer
        all[author]?.due = instant
        askedCount += 1
        due = min(due, instant)
    }

    /// Has another one asked, after a pause from the second on.
    mutating func again(_ author: NodeID, at now: Instant) {
        guard var want = all[author] else { return }
        if want.asked != nil { askedCount -= 1 }
        want.asked = nil
        want.tries += 1
        want.due = .never
        if want.tries >= LedgerLimits.triesInRow {
            let (times, most) = (want.tries - LedgerLimits.triesInRow, LedgerLimits.wantPause)
            want.due = now + LedgerLimits.againFirst.doubled(times, atMost: most)
            due = min(due, want.due)
        } else {
            queue.insert(author, at: 0)
            // It waited long enough.
            askedAt = nil
        }
        all[author] = want
    }

    /// Puts one back that nobody could be asked for.
    mutating func putBack(_ author: NodeID) { queue.append(author) }

    /// Those whose answer is overdue, and those whose pause is over, which are asked for again.
    mutating func takeOverdue(at now: Instant) -> [NodeID] {
        guard due <= now else { return [] }
        due = .never
        var overdue: [NodeID] = []
        // In an order that is the same in each run.
        for (author, want) in all.sorted(by: { $0.key < $1.key }) {
            if want.due > now {
                due = min(due, want.due)
            } else if want.asked != nil {
                overdue.append(author)
            } else {
                all[author]?.due = .never
                queue.append(author)
            }
        }
        return overdue
    }

    /// Those that a member was asked for.
    func asked(of peer: NodeID) -> [NodeID] {
        all.compactMap { $0.value.asked == peer ? $0.key : nil }.sorted()
    }
}

extension Ledger {
    /// Takes in what a member's statement says of its state.
    mutating func take(
        head presence: Presence,
        from teller: NodeID?,
        at moment: Moment,
        into effects: inout [Effect]
    ) {
        holders.said(presence.author, at: moment.instant)
        guard presence.author != id, let summary = presence.ledger,
            coverage.contains(presence.author),
            !refused.contains(LedgerMessage.Want(presence.author, summary.root))
        else { return }
        keepHistory(presence, at: moment)
        // It may be the answer of who wants a key that is ours, or has it.
        if !contests.keys.isEmpty { contests.due = moment.instant }
        do {
            guard try shelf.root(of: presence.author) != summary.root else {
                if coverage.guests.contains(presence.author) {
                    effects.append(.stated(presence.author))
                }
                return wants.remove(presence.author)
            }
            wants.add(presence.author, summary, from: teller)
        } catch {
            effects.append(.failed(error))
        }
    }

    /// Takes in changes; true if what is kept is then the author's state.
    mutating func take(
        _ changes: LedgerChanges,
        of presence: Presence,
        from teller: NodeID,
        at moment: Moment,
        into effects: inout [Effect]
    ) -> Bool {
        holders.said(presence.author, at: moment.instant)
        guard let summary = presence.ledger, coverage.contains(presence.author) else {
            return false
        }
        do {
            let kept = try shelf.rooted(of: presence.author)
            let old = kept?.state ?? .empty
            if let kept, kept.root == summary.root { return changes.fit(old) }
            if let new = try? changes.applied(to: old), new.isWithinMost,
                StateSummary(of: new, with: cryptography) == summary
            {
                keepHistory(presence, at: moment)
                keep(new, in: old, by: changes, as: presence, summary, at: moment, into: &effects)
                return true
            }
        } catch {
            effects.append(.failed(error))
        }
        take(head: presence, from: teller, at: moment, into: &effects)
        return false
    }

    mutating func neighbourDown(_ id: NodeID, at moment: Moment) {
        neighbours.removeAll { $0 == id }
        for author in wants.asked(of: id) { wants.again(author, at: moment.instant) }
    }

    // MARK: Questions

    /// Asks for further states, as many as may be asked for.
    mutating func askMore(
        at moment: Moment,
        _ heads: Heads,
        into effects: inout [Effect]
    ) {
        var questions: [NodeID: [LedgerMessage.Want]] = [:]
        var helper: NodeID?
        let isTime = wants.isTimeToAsk(at: moment.instant)
        while isTime, wants.mayAsk(), let author = wants.next() {
            if let peer = helper, questions[peer].map({ $0.count % LedgerMessage.countMax }) == 0 {
                helper = nil
            }
            guard let want = wants[author],
                let peer = insider(of: want, by: author, at: moment) ?? helper
                    ?? neighbour(at: moment)
            else {
                wants.putBack(author)
                break
            }
            if peer != want.teller, peer != author { helper = peer }
            if want.summary.byteCount > LedgerLimits.messageStateBytesMax {
                guard transfer.objects.count < TransferLimits.pullsMax else {
                    wants.putBack(author)
                    break
                }
                pull(author, want.summary, of: peer, at: moment, heads, into: &effects)
                continue
            }
            wants.ask(
                author,
                of: peer,
                at: moment.instant,
                until: moment.instant + LedgerLimits.answerTimeout
            )
            questions[peer, default: []].append(LedgerMessage.Want(author, want.summary.root))
        }
        for (peer, list) in questions.sorted(by: { $0.key < $1.key }) {
            for start in stride(from: 0, to: list.count, by: LedgerMessage.countMax) {
                let part = list[start..<min(start + LedgerMessage.countMax, list.count)]
                effects.append(.send(.want(Array(part)), to: peer))
            }
        }
        // When most that had a place came, those that had none are looked for.
        if wants.takeLook(at: moment.instant) { effects.append(.tellHeads) }
    }

    /// Who should have it, and is asked before others: first who told of it, then the author, if
    /// they are neighbours.
    private func insider(
        of want: LedgerWants.Want,
        by author: NodeID,
        at moment: Moment
    ) -> NodeID? {
        let first = want.tries == 0 ? want.teller : want.tries == 1 ? author : nil
        var insider = first.flatMap { neighbours.contains($0) ? $0 : nil }
        // Neighbours may not have what others keep here.
        if coverage.guests.contains(author) {
            insider = want.tries % LedgerLimits.guestTries == 0 ? want.teller : nil
        }
        return insider.flatMap { distrusted.contains($0, at: moment.instant) ? nil : $0 }
    }

    /// Who is asked then, by chance.
    private mutating func neighbour(at moment: Moment) -> NodeID? {
        neighbours.filter { !distrusted.contains($0, at: moment.instant) }
            .randomElement(using: &random)
    }

    /// Asks others for what was not answered.
    mutating func askAgain(at moment: Moment, into effects: inout [Effect]) {
        for author in wants.takeOverdue(at: moment.instant) {
            wants.again(author, at: moment.instant)
        }
    }

    // MARK: Large states

    private mutating func pull(
        _ author: NodeID,
        _ summary: StateSummary,
        of peer: NodeID,
        at moment: Moment,
        _ heads: Heads,
        into effects: inout [Effect]
    ) {
        wants.ask(
            author,
            of: peer,
            at: moment.instant,
            until: moment.instant + LedgerLimits.pullTimeout
        )
        let event = TransferEvent.wanted(
            Self.object(.init(author, summary.root)),
            from: peer,
            bytesMax: summary.byteCount,
            digest: nil
        )
        run(event, at: moment, heads, into: &effects)
    }

    private static func object(_ name: LedgerMessage.Want) -> ChunkObject {
        var writer = ByteWriter()
        name.write(to: &writer)
        return ChunkObject(kind: LedgerLimits.stateKind, key: writer.bytes)
    }

    /// Which state an object is; nil for what is no state.
    static func name(of object: ChunkObject) -> LedgerMessage.Want? {
        var reader = ByteReader(object.key)
        guard object.kind == LedgerLimits.stateKind,
            let name = try? LedgerMessage.Want(from: &reader), reader.count == 0
        else { return nil }
        return name
    }

    private mutating func pullFailed(_ object: ChunkObject, at moment: Moment) {
        guard let name = Self.name(of: object), wants[name.author]?.stamp == name.stamp else {
            return
        }
        wants.again(name.author, at: moment.instant)
    }

    /// Lets the transfer take in what happened, and does what it says.
    mutating func run(
        _ event: TransferEvent,
        at moment: Moment,
        _ heads: Heads,
        into effects: inout [Effect]
    ) {
        var orders: [TransferEffect] = []
        transfer.handle(event, at: moment.instant, into: &orders)
        for order in orders {
            switch order {
            case .send(let message, let peer): effects.append(.send(.chunks(message), to: peer))
            case .finished(let object, let bytes, let peer):
                guard let name = Self.name(of: object) else { continue }
                take(.init(name, bytes), from: peer, at: moment, heads, into: &effects)
            case .failed(let object, _, _): pullFailed(object, at: moment)
            case .stalled(let object, _):
                run(.cancelled(object), at: moment, heads, into: &effects)
                pullFailed(object, at: moment)
            case .wake(let instant): transferDue = instant
            }
        }
    }
}
