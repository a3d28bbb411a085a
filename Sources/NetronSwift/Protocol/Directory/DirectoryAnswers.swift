// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

// What members say about their directories.
extension Directory {
    mutating func receive(
        _ message: DirectoryMessage,
        from peer: NodeID,
        at moment: Moment,
        into effects: inout [Effect]
    ) {
        guard !isDistrusted(peer, at: moment.instant) else {
            counters.unheard += 1
            return
        }
        if case .chunks(let message) = message {
            receive(message, from: peer, at: moment, into: &effects)
            return
        }
        guard askers.spend(1, of: peer, at: moment.instant) else {
            counters.unheard += 1
            return
        }
        switch message {
        case .ask(let range, let summary):
            answer(range, summary, from: peer, into: &effects)
        case .want(let places): give(places, to: peer, into: &effects)
        case .records(let records):
            take(records, from: peer, at: moment, into: &effects)
        case .same(let range):
            guard isAnswer(about: range, from: peer) else { return }
            askMore(at: moment.instant, into: &effects)
        case .parts(let range, let parts):
            guard isAnswer(about: range, from: peer) else { return }
            descend(range, parts, at: moment, into: &effects)
        case .list(let range, let entries):
            guard isAnswer(about: range, from: peer) else { return }
            compare(range, entries, at: moment, into: &effects)
        case .keeps(let range, let bits):
            guard isAnswer(about: range, from: peer) else { return }
            heardOfPart(range, bits: bits, at: moment.instant, into: &effects)
        case .chunks: break
        }
    }

    private mutating func isAnswer(about range: DirectoryRange, from peer: NodeID) -> Bool {
        let isAsked = round?.peer == peer && round?.takeQuestion(about: range) == true
        if !isAsked { counters.unasked += 1 }
        return isAsked
    }

    // MARK: Answers of ours

    private func answer(
        _ range: DirectoryRange,
        _ theirs: DirectoryMessage.Summary,
        from peer: NodeID,
        into effects: inout [Effect]
    ) {
        guard coverage.contains(range) else {
            effects.append(.send(.keeps(range, bits: coverage.bits), to: peer))
            return
        }
        let ours = members.summary(of: range)
        guard ours != theirs else {
            effects.append(.send(.same(range), to: peer))
            return
        }
        let most = max(ours.count, theirs.count)
        let isLowest = range.bits + DirectoryMessage.partBits > DirectoryRange.bitsMax
        if most <= DirectoryMessage.entriesMax || isLowest {
            effects.append(.send(.list(range, entries(in: range)), to: peer))
        } else {
            let parts = (0..<(1 << DirectoryMessage.partBits)).map {
                members.summary(of: range.part($0, bits: DirectoryMessage.partBits))
            }
            effects.append(.send(.parts(range, parts), to: peer))
        }
    }

    /// The statements in a range; of two at one place one, of too many the first.
    private func entries(in range: DirectoryRange) -> [DirectoryMessage.Entry] {
        var entries: [DirectoryMessage.Entry] = []
        for slot in members.slots(in: range) where entries.last?.place != members.slots[slot].place
        {
            guard entries.count < DirectoryMessage.entriesMax else { break }
            entries.append(entry(slot))
        }
        return entries
    }

    private func entry(_ slot: Int) -> DirectoryMessage.Entry {
        let said = members.said[slot]
        return DirectoryMessage.Entry(
            members.slots[slot].place,
            Presence.order(of: said.bytes),
            stamp: Self.stamp(of: said.shown)
        )
    }

    private static func stamp(of fingerprint: UInt64) -> UInt32 { UInt32(fingerprint >> 32) }

    private func give(
        _ places: [DirectoryPlace],
        to peer: NodeID,
        into effects: inout [Effect]
    ) {
        give(places.compactMap(members.find), to: peer, into: &effects)
    }

    /// Sends a member the statement that is kept of it: it knows whether that is its own.
    func remind(_ id: NodeID, into effects: inout [Effect]) {
        guard let slot = members.find(id) else { return }
        give([slot], to: id, into: &effects)
    }

    /// Sends statements, as many in one message as fit.
    private func give(_ slots: [Int], to peer: NodeID, into effects: inout [Effect]) {
        var records: [[UInt8]] = []
        var size = 0
        for slot in slots {
            let record = members.said[slot].bytes
            if records.count == DirectoryMessage.recordsMax
                || size + record.count + 2 > DirectoryMessage.recordBytesMax
            {
                effects.append(.send(.records(records), to: peer))
                records = []
                size = 0
            }
            records.append(record)
            size += record.count + 2
        }
        if !records.isEmpty { effects.append(.send(.records(records), to: peer)) }
    }

    // MARK: Answers of theirs

    /// Goes on with the parts that differ, or with the bulk if much is missing here.
    private mutating func descend(
        _ range: DirectoryRange,
        _ parts: [DirectoryMessage.Summary],
        at moment: Moment,
        into effects: inout [Effect]
    ) {
        if range == .all {
            let theirs = parts.reduce(0) { $0 + Int($1.count) }
            guard theirs <= membersMax else {
                // There is no room for all that, if it is true.
                let part = DirectoryCoverage(around: coverage.place, bits: bits(for: theirs))
                round?.ranges = part.ranges.reversed()
                round?.partBits = part.bits
                askMore(at: moment.instant, into: &effects)
                return
            }
            let surplus = max(DirectoryLimits.bulkSurplusMin, members.count / 4)
            if theirs > members.count + surplus {
                beginBulk(count: theirs, at: moment, into: &effects)
                return
            }
            // The other way round it is the other's to pull all.
            if members.count > theirs + max(DirectoryLimits.bulkSurplusMin, theirs / 4) {
                endRound(at: moment.instant, isWhole: true)
                return
            }
        }
        for (number, theirs) in parts.enumerated()
        where range.bits + DirectoryMessage.partBits <= DirectoryRange.bitsMax {
            let part = range.part(number, bits: DirectoryMessage.partBits)
            if members.summary(of: part) != theirs { round?.ranges.append(part) }
        }
        askMore(at: moment.instant, into: &effects)
    }

    /// Sends what the other lacks of a small part, and asks for what is missing here.
    private mutating func compare(
        _ range: DirectoryRange,
        _ theirs: [DirectoryMessage.Entry],
        at moment: Moment,
        into effects: inout [Effect]
    ) {
        guard var round else { return }
        var given: [Int] = []
        var offline: [Int] = []
        var wanted: [DirectoryPlace] = []
        var next = 0
        for slot in members.slots(in: range).prefix(DirectoryLimits.recordsPerAnswerMax) {
            let ours = entry(slot)
            while next < theirs.count, theirs[next].place < ours.place {
                wanted.append(theirs[next].place)
                next += 1
            }
            guard next < theirs.count, theirs[next].place == ours.place else {
                given.append(slot)
                continue
            }
            let isSame = theirs[next].order == ours.order
            // One of us counts its author as offline, and the other does not.
            let opposite = Self.stamp(of: members.said[slot].opposite)
            let isDoubted = isSame && theirs[next].stamp == opposite
            if isDoubted, !members.said[slot].flags.contains(.offline) { offline.append(slot) }
            // Of two statements in one order the bytes decide, which only one who has both can say.
            let isOther = isSame && theirs[next].stamp != ours.stamp && !isDoubted
            if theirs[next].order < ours.order || isOther { given.append(slot) }
            if theirs[next].order > ours.order || isOther { wanted.append(ours.place) }
            next += 1
        }
        wanted += theirs.suffix(from: next).map(\.place)
        give(given, to: round.peer, into: &effects)
        round.gain += given.count
        if !wanted.isEmpty { ask(.want(wanted), in: &round, at: moment.instant, into: &effects) }
        self.round = round
        for slot in offline { hearOffline(slot, at: moment, into: &effects) }
        askMore(at: moment.instant, into: &effects)
    }

    /// Takes statements in that a member sent, asked or not; they are not broadcast again.
    private mutating func take(
        _ records: [[UInt8]],
        from peer: NodeID,
        at moment: Moment,
        into effects: inout [Effect]
    ) {
        let before = counters.pulled
        for record in records {
            guard takePulled(record, from: peer, at: moment, into: &effects) else {
                return distrust(peer, at: moment.instant)
            }
        }
        let isMuch = counters.pulled - before >= muchNews
        if isMuch { goOnSoon(at: moment.instant) }
        askMore(at: moment.instant, into: &effects)
    }

    /// Takes in one statement that was pulled; false if whoever made the bytes lied.
    mutating func takePulled(
        _ record: [UInt8],
        from peer: NodeID,
        at moment: Moment,
        into effects: inout [Effect]
    ) -> Bool {
        let verdict = take(record, at: moment, into: &effects)
        switch verdict {
        case .refuse(.malformed), .refuse(.forged):
            counters.refused += 1
            return false
        case .refuse: counters.refused += 1
        case .accept:
            counters.pulled += 1
            if round?.peer == peer { round?.gain += 1 }
            bulk?.gain += 1
        case .known, .relay: break
        }
        guard round?.peer == peer, let header = try? PresenceHeader(record) else { return true }
        // Whatever became of it, the question is answered.
        let place = place(of: header.author)
        round?.came(place)
        return true
    }
}
