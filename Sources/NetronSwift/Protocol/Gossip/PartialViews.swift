// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Who our neighbours are, and who may become one.
///
/// HyParView (Leitao, Pereira and Rodrigues, 2007) over sessions that others establish. That A is a
/// neighbour of B and B one of A comes about by messages that may be lost: requests are repeated,
/// and who is treated as a neighbour and is none says so. Joining is in JoiningViews.swift, asking
/// in AskingViews.swift, shuffles in ShufflingViews.swift.
struct PartialViews {
    struct Neighbour {
        let id: NodeID
        let since: Instant
        /// Steps of walks that it may ask for.
        var walks: Allowance
    }

    /// A member that is asked to be a neighbour.
    struct Attempt {
        enum Purpose {
            /// There is room.
            case fill
            /// A walk that began where it joined ended here; one of ours gives way.
            case walk
            /// It was learned elsewhere, and may belong to an overlay that is not ours.
            case bridge
            /// It needs a place nearer to the root; one of ours gives way.
            case lift
            /// It is a neighbour, and may have begun anew.
            case confirm
        }

        let hint: Hint
        var purpose: Purpose
        let begun: Instant
        var isConnected: Bool
        var asks = 0
        var due: Instant
    }

    /// Where a shuffle came from and went to, so that its answer finds back.
    struct Path {
        let number: UInt32
        /// Nil for one of ours.
        let before: NodeID?
        let after: NodeID
        let at: Instant
    }

    var own: Hint
    var active: [Neighbour] = []
    var passive = PassiveView()
    var attempts: [Attempt] = []
    var sessions: [NodeID: Endpoint] = [:]
    var paths: [Path] = []
    /// Of our neighbours, who gives way first; set by the owner before a message is handled.
    var spare: [NodeID] = []

    var fillDue = Instant.never
    var shuffleDue = Instant.never
    var shuffleInterval = GossipLimits.shuffleIntervalMin
    var bridgeAllowed: Instant
    /// Refusals in a row, of anybody.
    var refusals = 0
    var isIsolatedTold = false
    var evictions: Allowance
    var strays: Allowance

    init(own: Hint, at now: Instant) {
        self.own = own
        bridgeAllowed = now
        evictions = Allowance(
            perSecond: GossipLimits.evictionsPerSecond,
            burst: GossipLimits.evictionsBurst,
            at: now
        )
        strays = Allowance(
            perSecond: GossipLimits.straysPerSecond,
            burst: GossipLimits.straysBurst,
            at: now
        )
    }

    func isActive(_ id: NodeID) -> Bool { active.contains { $0.id == id } }

    var isFull: Bool { active.count >= GossipLimits.activeMax }

    /// When something is due.
    var deadline: Instant {
        attempts.reduce(min(fillDue, shuffleDue)) { min($0, $1.due) }
    }

    mutating func timeout(_ turn: inout GossipTurn) {
        if attempts.contains(where: { $0.due <= turn.time }) { runAttempts(&turn) }
        if fillDue <= turn.time { fill(&turn) }
        if shuffleDue <= turn.time { shuffle(&turn) }
    }

    /// What is known of where a member is, the endpoint of a session first.
    func hint(of id: NodeID) -> Hint {
        if let endpoint = sessions[id] { return Hint(id, at: [endpoint]) }
        if let index = passive.index(of: id) { return passive.candidates[index].hint }
        return Hint(id, at: [])
    }

    /// A hint by its own subject, with the endpoint that we see it at in front.
    func seen(_ hint: Hint) -> Hint {
        guard let endpoint = sessions[hint.id] else { return hint }
        return Hint(hint.id, at: [endpoint] + hint.endpoints)
    }
}

// Sessions that come and go.
extension PartialViews {
    mutating func sessionUp(
        _ id: NodeID,
        _ endpoint: Endpoint,
        _ turn: inout GossipTurn
    ) {
        guard id != own.id else { return }
        if sessions[id] == nil, sessions.count >= GossipLimits.sessionsMax { return }
        sessions[id] = endpoint
        if let index = attempts.firstIndex(where: { $0.hint.id == id }) {
            attempts[index].isConnected = true
            attempts[index].asks = 0
            return ask(index, &turn)
        }
        if isActive(id) {
            turn.effects.append(.keep(id))
            return begin(.confirm, with: hint(of: id), &turn)
        }
        add(hint(of: id), toldBy: nil, &turn)
        fill(&turn)
    }

    mutating func sessionDown(
        _ id: NodeID,
        _ departure: Departure,
        _ turn: inout GossipTurn
    ) {
        let endpoint = sessions.removeValue(forKey: id)
        if let index = attempts.firstIndex(where: { $0.hint.id == id && $0.isConnected }) {
            attempts.remove(at: index)
        }
        switch departure {
        case .goodbye, .silent: passive.remove(id)
        case .local, .idle:
            if let endpoint, isActive(id) {
                add(Hint(id, at: [endpoint]), toldBy: nil, &turn)
            }
        }
        if isActive(id) { remove(id, &turn) }
        fill(&turn)
    }

    mutating func connectFailed(_ id: NodeID, _ turn: inout GossipTurn) {
        guard sessions[id] == nil else { return }
        passive.remove(id)
        attempts.removeAll { $0.hint.id == id }
        fill(&turn)
    }

    /// Somebody may be dialled who was found elsewhere.
    mutating func learned(_ hint: Hint, _ turn: inout GossipTurn) {
        guard hint.id != own.id, !isActive(hint.id) else { return }
        // Who has a session is a candidate already, but is not asked while enough are here.
        add(hint, toldBy: nil, &turn)
        if isFull || passive.candidates.count > 1, turn.time >= bridgeAllowed {
            bridgeAllowed = turn.time + GossipLimits.bridgePause
            return begin(.bridge, with: hint, &turn)
        }
        fill(&turn)
    }
}

extension PartialViews {
    /// Others hear a former neighbour; it is asked again in a while.
    mutating func heard(_ hint: Hint, _ turn: inout GossipTurn) {
        add(hint, toldBy: nil, &turn)
        passive.leaveAlone(hint.id, until: turn.time + GossipLimits.heardPause)
        if !isFull, fillDue == .never { fill(&turn) }
    }
}

// The active view.
extension PartialViews {
    /// Makes a member a neighbour, and another give way if there is no room.
    mutating func accept(_ id: NodeID, _ turn: inout GossipTurn) {
        guard !isActive(id) else { return }
        if isFull { evict(&turn) }
        let walks = Allowance(
            perSecond: GossipLimits.walksPerSecond,
            burst: GossipLimits.walksBurst,
            at: turn.time
        )
        active.append(Neighbour(id: id, since: turn.time, walks: walks))
        passive.remove(id)
        turn.effects.append(.keep(id))
        turn.effects.append(.neighbourUp(id))
        changed(&turn)
        if isFull { fillDue = .never }
    }

    /// The neighbours changed: what is known of others grows old faster now.
    private mutating func changed(_ turn: inout GossipTurn) {
        isIsolatedTold = false
        refusals = 0
        shuffleInterval = GossipLimits.shuffleIntervalMin
        let soon = GossipLimits.shuffleFirst
        let due = turn.time + turn.random.duration(soon, soon * 2)
        if active.isEmpty { shuffleDue = .never } else { shuffleDue = min(shuffleDue, due) }
    }

    /// A neighbour is one no longer, and is not told.
    mutating func remove(_ id: NodeID, _ turn: inout GossipTurn) {
        active.removeAll { $0.id == id }
        attempts.removeAll { $0.hint.id == id && $0.purpose == .confirm }
        if sessions[id] != nil { turn.effects.append(.release(id)) }
        turn.effects.append(.neighbourDown(id))
        changed(&turn)
    }

    /// Somebody gives way, of those first that the tree does not need.
    private mutating func evict(_ turn: inout GossipTurn) {
        let spares = active.filter { spare.contains($0.id) }
        guard let victim = (spares.isEmpty ? active : spares).randomElement(using: &turn.random)
        else { return }
        turn.send(.disconnect, to: victim.id)
        remove(victim.id, &turn)
        addFormer(victim.id, &turn)
    }

    mutating func addFormer(_ id: NodeID, _ turn: inout GossipTurn) {
        guard sessions[id] != nil else { return }
        add(hint(of: id), toldBy: nil, &turn)
        passive.leaveAlone(id, until: turn.time + GossipLimits.formerPause)
    }

    mutating func add(
        _ hint: Hint,
        toldBy teller: NodeID?,
        _ turn: inout GossipTurn
    ) {
        guard hint.id != own.id, !isActive(hint.id) else { return }
        guard !hint.endpoints.isEmpty || sessions[hint.id] != nil else { return }
        let candidate = PassiveView.Candidate(hint: hint, teller: teller, notBefore: turn.time)
        passive.insert(candidate, random: &turn.random)
    }

    /// Somebody treats us as a neighbour who is none.
    mutating func stray(_ id: NodeID, _ turn: inout GossipTurn) {
        // The answer that makes it one may be on its way, and come later than what was sent later.
        guard !attempts.contains(where: { $0.hint.id == id }), strays.take(at: turn.time) else {
            return
        }
        turn.send(.disconnect, to: id)
    }
}
