// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// A search that comes closer to a place from answer to answer (Kademlia, Maymounkov and Mazieres,
/// 2002).
struct PlacementLookup: Sendable {
    struct Candidate: Sendable {
        enum State: Sendable {
            case fresh
            case asked
            /// It was asked a while ago, and may still answer.
            case slow
            case answered
            case failed
        }

        let contact: PlacementContact
        var state = State.fresh
        var askedAt = Instant(nanoseconds: 0)
        /// When its silence means more than it does now.
        var due = Instant.never
    }

    let number: UInt32
    let place: DirectoryPlace
    /// What is looked for; nil where it is who keeps what this node says.
    let target: PlacementTarget?
    let until: Instant
    /// The nearest to the place first.
    private(set) var candidates: [Candidate] = []
    private(set) var questionCount = 0
    private(set) var inFlight = 0
    private var answerCount = 0
    /// After how long another one is asked instead: a few times as long as answers take.
    private var patience = PlacementLimits.slowAfter
    /// The statements of those who have it, one an author.
    private(set) var findings: [Presence] = []
    /// How many told of one.
    private(set) var tellerCount = 0

    init(_ number: UInt32, for target: PlacementTarget?, at place: DirectoryPlace, until: Instant) {
        (self.number, self.target, self.place, self.until) = (number, target, place, until)
    }

    var deadline: Instant {
        candidates.reduce(until) { min($0, $1.due) }
    }

    func distance(of contact: PlacementContact) -> UInt64 { contact.place.number ^ place.number }

    /// Takes up members that are new; of too many the farthest go.
    mutating func add(_ contacts: [PlacementContact]) {
        for contact in contacts {
            let distance = distance(of: contact)
            var index = candidates.count
            while index > 0, self.distance(of: candidates[index - 1].contact) > distance {
                index -= 1
            }
            let isKnown = candidates[..<index].reversed()
                .prefix { self.distance(of: $0.contact) == distance }
                .contains { $0.contact.id == contact.id }
            guard !isKnown, index < PlacementLimits.candidatesMax else { continue }
            candidates.insert(Candidate(contact: contact), at: index)
            if candidates.count > PlacementLimits.candidatesMax { dropFarthest() }
        }
    }

    private mutating func dropFarthest() {
        let last = candidates.removeLast()
        if last.state == .asked { inFlight -= 1 }
    }

    /// The members whose answers end it: the nearest of those that do not keep silent.
    private var nearest: [Int] {
        var indices: [Int] = []
        for (index, candidate) in candidates.enumerated() {
            switch candidate.state {
            case .failed, .slow: continue
            case .fresh, .asked, .answered: indices.append(index)
            }
            if indices.count == PlacementLimits.keepersMax { break }
        }
        return indices
    }

    /// The next to be asked, if another one may be.
    ///
    /// At first the nearest one that is known; then, of the nearest, who a hash with `salt` puts
    /// first, so that not all askers ask the same one.
    func next(salt: UInt64) -> Int? {
        guard inFlight < PlacementLimits.parallelMax,
            questionCount < PlacementLimits.questionsMax
        else { return nil }
        let fresh = nearest.filter { candidates[$0].state == .fresh }
        guard answerCount > 0 else { return fresh.first }
        return fresh.min {
            (candidates[$0].contact.place.number ^ salt).scrambled
                < (candidates[$1].contact.place.number ^ salt).scrambled
        }
    }

    mutating func ask(_ index: Int, at now: Instant) {
        candidates[index].state = .asked
        candidates[index].askedAt = now
        candidates[index].due = now + patience
        inFlight += 1
        questionCount += 1
    }

    /// Takes in that a member answered; false if it was not asked.
    mutating func answered(_ id: NodeID, at now: Instant) -> Bool {
        guard let index = settle(id, .answered) else { return false }
        answerCount += 1
        let usual = (now - candidates[index].askedAt) * PlacementLimits.patienceFactor
        let longest = answerCount == 1 ? usual : max(patience, usual)
        patience = min(max(longest, PlacementLimits.patienceMin), PlacementLimits.slowAfter)
        for index in candidates.indices where candidates[index].state == .asked {
            let due = candidates[index].askedAt + patience
            candidates[index].due = min(candidates[index].due, due)
        }
        return true
    }

    mutating func failed(_ id: NodeID) { _ = settle(id, .failed) }

    private mutating func settle(_ id: NodeID, _ state: Candidate.State) -> Int? {
        guard
            let index = candidates.firstIndex(where: {
                $0.contact.id == id && ($0.state == .asked || $0.state == .slow)
            })
        else { return nil }
        if candidates[index].state == .asked { inFlight -= 1 }
        candidates[index].state = state
        candidates[index].due = .never
        return index
    }

    /// Takes in that some were silent for too long.
    mutating func passed(to now: Instant) {
        for index in candidates.indices where candidates[index].due <= now {
            if candidates[index].state == .asked {
                candidates[index].state = .slow
                candidates[index].due = now + PlacementLimits.failedAfter
                inFlight -= 1
            } else {
                candidates[index].state = .failed
                candidates[index].due = .never
            }
        }
    }

    /// Takes up what one member told of, of each author the newest.
    mutating func found(_ presences: [Presence]) {
        guard !presences.isEmpty else { return }
        tellerCount += 1
        for presence in presences {
            if let index = findings.firstIndex(where: { $0.author == presence.author }) {
                if presence.replaces(findings[index]) { findings[index] = presence }
            } else if findings.count < PlacementLimits.findingsMax {
                findings.append(presence)
            }
        }
    }

    /// Whether there is nothing more to ask or wait for.
    func isDone(at now: Instant) -> Bool {
        if until <= now { return true }
        switch target {
        // Who it is follows from the statement alone.
        case .member, .networkAddress: if !findings.isEmpty { return true }
        case .address, .key: if tellerCount >= PlacementLimits.tellersWanted { return true }
        case .near, nil: break
        }
        let nearest = nearest
        let isAnswered = nearest.allSatisfy { candidates[$0].state == .answered }
        if isAnswered, nearest.count == PlacementLimits.keepersMax { return true }
        let isOut = questionCount >= PlacementLimits.questionsMax
        return candidates.allSatisfy {
            $0.state == .answered || $0.state == .failed || (isOut && $0.state == .fresh)
        }
    }

    /// The nearest members that answered.
    var keepers: [PlacementContact] {
        candidates.lazy.filter { $0.state == .answered }.prefix(PlacementLimits.keepersMax)
            .map(\.contact)
    }

    var outcome: PlacementOutcome {
        if !findings.isEmpty { return .found(findings.sorted { $0.author < $1.author }) }
        return keepers.count >= PlacementLimits.absentMin ? .absent : .unknown
    }
}
