// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// One comparison with one neighbour, from the whole down to the parts that differ.
struct DirectoryRound: Sendable {
    /// What waits for an answer.
    struct Question: Sendable {
        var content: Content
        var due: Instant
        var tries = 1

        enum Content: Sendable {
            case ask(DirectoryRange)
            case want([DirectoryPlace])
        }
    }

    let peer: NodeID
    /// Parts to be asked about; the deepest last, so that there are never many.
    var ranges: [DirectoryRange]
    /// Whether it began with all places.
    let isOfAll: Bool
    /// Of how many bits the ranges are that the peer keeps whole, if it said that these are less
    /// than what it was asked about.
    var partBits = 0
    var open: [Question] = []
    var questionCount = 0
    /// How many statements were exchanged.
    var gain = 0

    init(with peer: NodeID, about ranges: [DirectoryRange]) {
        self.peer = peer
        self.ranges = ranges
        isOfAll = ranges == [.all]
    }

    var deadline: Instant { open.lazy.map(\.due).min() ?? .never }

    /// Takes the question about a range, if it was asked.
    mutating func takeQuestion(about range: DirectoryRange) -> Bool {
        let index = open.firstIndex {
            if case .ask(range) = $0.content { true } else { false }
        }
        guard let index else { return false }
        open.remove(at: index)
        return true
    }

    /// Takes in that the statement of a place came.
    mutating func came(_ place: DirectoryPlace) {
        for index in open.indices {
            guard case .want(var places) = open[index].content else { continue }
            places.removeAll { $0 == place }
            open[index].content = .want(places)
        }
        open.removeAll {
            if case .want(let places) = $0.content { places.isEmpty } else { false }
        }
    }
}

// Neighbours, and when they are compared with.
extension Directory {
    mutating func neighbourUp(_ id: NodeID, at now: Instant) {
        guard id != self.id, !neighbours.contains(id),
            neighbours.count < DirectoryLimits.neighboursMax
        else { return }
        neighbours.append(id)
        fresh.append(id)
        guard round == nil, bulk == nil else { return }
        roundDue = min(roundDue, max(now, freshAllowed))
    }

    mutating func neighbourDown(
        _ id: NodeID,
        at moment: Moment,
        into effects: inout [Effect]
    ) {
        neighbours.removeAll { $0 == id }
        fresh.removeAll { $0 == id }
        if round?.peer == id { endRound(at: moment.instant, isWhole: false) }
        if bulk?.peer == id { moveBulk(at: moment, into: &effects) }
        if neighbours.isEmpty, round == nil, bulk == nil { roundDue = .never }
    }

    func isDistrusted(_ id: NodeID, at now: Instant) -> Bool {
        distrusted.contains(id, at: now)
    }

    /// Does not hear a member for some time.
    mutating func distrust(_ id: NodeID, at now: Instant) {
        distrusted.note(id, at: now)
        if round?.peer == id { endRound(at: now, isWhole: false) }
    }

    /// A neighbour by chance that may be asked.
    mutating func someNeighbour(except other: NodeID? = nil, at now: Instant) -> NodeID? {
        neighbours.filter { $0 != other && !isDistrusted($0, at: now) }
            .randomElement(using: &random)
    }

    /// A neighbour that was not compared with yet, or else one by chance.
    private mutating func nextNeighbour(at now: Instant) -> NodeID? {
        while let first = fresh.first {
            fresh.removeFirst()
            if !isDistrusted(first, at: now) { return first }
        }
        return someNeighbour(at: now)
    }

    /// Begins the round that is due.
    mutating func beginRound(at now: Instant, into effects: inout [Effect]) {
        guard round == nil, bulk == nil else {
            roundDue = .never
            return
        }
        guard let peer = nextNeighbour(at: now) else {
            roundDue = neighbours.isEmpty ? .never : now + DirectoryLimits.roundInterval
            return
        }
        beginRound(with: peer, at: now, into: &effects)
    }

    mutating func beginRound(with peer: NodeID, at now: Instant, into effects: inout [Effect]) {
        guard round == nil, bulk == nil, peer != id, !isDistrusted(peer, at: now) else { return }
        roundDue = .never
        fresh.removeAll { $0 == peer }
        round = DirectoryRound(with: peer, about: coverage.ranges.reversed())
        askMore(at: now, into: &effects)
    }

    /// Ends the round, and sees to the next one.
    mutating func endRound(at now: Instant, isWhole: Bool) {
        guard let ended = round else { return }
        round = nil
        if isWhole {
            isSynced = true
            learnSize(from: ended)
        }
        freshAllowed = now + DirectoryLimits.freshPause
        guard bulk == nil else { return }
        let isCut = ended.questionCount >= DirectoryLimits.questionsPerRoundMax
        let isMuch = ended.gain >= (isCut || isNew(at: now) ? 1 : muchNews)
        let isShort = isWhole ? isMuch : !isSynced
        let interval =
            isShort ? DirectoryLimits.roundIntervalShort : DirectoryLimits.roundInterval
        roundDue = neighbours.isEmpty ? .never : now + spread(interval)
        if !fresh.isEmpty { roundDue = min(roundDue, freshAllowed) }
    }

    /// An interval, a quarter more or less.
    private mutating func spread(_ interval: Duration) -> Duration {
        let quarter = Int64(interval / .milliseconds(4))
        return interval + .milliseconds(Int64.random(in: -quarter...quarter, using: &random))
    }

    /// So many statements that others lacked are more than what was under way to all just then.
    var muchNews: Int { max(1, members.count / DirectoryLimits.newsPart) }

    /// Whether this node began a short time ago, so that it may have missed what was said.
    func isNew(at now: Instant) -> Bool {
        began.map { now < $0 + DirectoryLimits.newFor } ?? true
    }

    /// Compares soon, as others may lack what came just now.
    mutating func goOnSoon(at now: Instant) {
        guard round == nil, bulk == nil, !neighbours.isEmpty else { return }
        roundDue = min(roundDue, now + spread(DirectoryLimits.roundIntervalShort))
    }
}

// Members that do not keep all.
extension Directory {
    /// Asks about no more than what the other keeps whole, as the rest would always differ.
    mutating func heardOfPart(
        _ range: DirectoryRange,
        bits: Int,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard let peer = round?.peer else { return }
        let theirs = DirectoryCoverage(around: place(of: peer), bits: bits)
        for part in theirs.ranges where part.bits > range.bits && range.contains(part.first) {
            round?.ranges.append(part)
        }
        round?.partBits = bits
        askMore(at: now, into: &effects)
    }

    /// Takes in how many members there seem to be, after what the other keeps whole was compared.
    private mutating func learnSize(from ended: DirectoryRound) {
        guard ended.partBits > 0 else {
            if ended.isOfAll { countOfPart = 0 }
            return
        }
        guard ended.partBits <= DirectoryLimits.coverageBitsMax else { return }
        let common = DirectoryRange(bits: ended.partBits, around: DirectoryPlace(0))
        let count = count(in: common) << ended.partBits
        if ended.isOfAll { countOfPart = min(count, DirectoryLimits.estimateMax) }
        narrow(to: count)
    }
}

// Questions of ours.
extension Directory {
    /// Asks about further parts, as many as may be open; ends the round when there are none.
    mutating func askMore(at now: Instant, into effects: inout [Effect]) {
        guard var round else { return }
        while round.open.count < DirectoryLimits.questionsOpenMax,
            round.questionCount < DirectoryLimits.questionsPerRoundMax,
            let range = round.ranges.popLast()
        {
            round.questionCount += 1
            ask(.ask(range), in: &round, at: now, into: &effects)
        }
        self.round = round
        if round.open.isEmpty { endRound(at: now, isWhole: true) }
    }

    func ask(
        _ content: DirectoryRound.Question.Content,
        in round: inout DirectoryRound,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        let due = now + DirectoryLimits.answerTimeout
        round.open.append(DirectoryRound.Question(content: content, due: due))
        send(content, to: round.peer, into: &effects)
    }

    private func send(
        _ content: DirectoryRound.Question.Content,
        to peer: NodeID,
        into effects: inout [Effect]
    ) {
        switch content {
        case .ask(let range):
            effects.append(.send(.ask(range, members.summary(of: range)), to: peer))
        case .want(let places): effects.append(.send(.want(places), to: peer))
        }
    }

    /// Asks once more what was not answered; who never answers is left alone.
    mutating func askAgain(at now: Instant, into effects: inout [Effect]) {
        guard var round, round.deadline <= now else { return }
        for index in round.open.indices where round.open[index].due <= now {
            guard round.open[index].tries < DirectoryLimits.triesMax else {
                endRound(at: now, isWhole: false)
                return
            }
            round.open[index].tries += 1
            round.open[index].due = now + DirectoryLimits.answerTimeout
            send(round.open[index].content, to: round.peer, into: &effects)
        }
        self.round = round
    }
}
