// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronSimulator
import NetronWire

/// One ledger with its clocks and its disk, and what is known of members, for tests that are
/// scripts.
struct LedgerScript: TwoClockScript {
    var ledger: Ledger
    let disk: Disk
    let id: NodeID
    /// The newest statements.
    var heads: [NodeID: Presence] = [:]
    var now = Instant(nanoseconds: 1_000_000_000)
    var wall = labEpoch
    private(set) var deadline = Instant.never

    init(_ id: NodeID = many(0), bytesMax: Int = .max, history: Int = 0, seed: UInt64 = 1) {
        self.id = id
        disk = Disk(bytesMax: bytesMax)
        ledger = Ledger(
            of: id,
            in: disk,
            history: history,
            cryptography: .cheap(id),
            random: SeededRandom(seed: seed)
        )
    }

    @discardableResult
    mutating func after(_ event: LedgerEvent) -> [LedgerEffect] {
        var effects: [LedgerEffect] = []
        let heads = heads
        ledger.handle(event, at: now, wall: wall, heads: { heads[$0] }, into: &effects)
        return noted(effects)
    }

    mutating func write(
        _ write: LedgerWrite
    ) -> (refusal: LedgerRefusal?, effects: [LedgerEffect]) {
        var effects: [LedgerEffect] = []
        let heads = heads
        let results = ledger.write(
            [write],
            at: now,
            wall: wall,
            heads: { heads[$0] },
            into: &effects
        )
        return (results[0], noted(effects))
    }

    /// Takes in a block; true if it is to be passed on.
    mutating func judge(
        _ changes: LedgerChanges,
        of presence: Presence,
        from teller: NodeID,
        isNews: Bool
    ) -> (isPassed: Bool, effects: [LedgerEffect]) {
        var effects: [LedgerEffect] = []
        heads[presence.author] = presence
        let heads = heads
        let isPassed = ledger.judge(
            changes,
            of: presence,
            from: teller,
            isNews: isNews,
            at: now,
            wall: wall,
            heads: { heads[$0] },
            into: &effects
        )
        return (isPassed, noted(effects))
    }

    /// Takes in that a member says to have a state.
    @discardableResult
    mutating func hear(_ presence: Presence, from teller: NodeID? = nil) -> [LedgerEffect] {
        heads[presence.author] = presence
        return after(.head(presence, from: teller))
    }

    func read(_ key: LedgerKey) -> LedgerRecord? {
        let heads = heads
        return try? ledger.record(of: key, wall: wall, heads: { heads[$0] })
    }

    private mutating func noted(_ effects: [LedgerEffect]) -> [LedgerEffect] {
        for case .wake(let instant) in effects { deadline = instant }
        return effects.filter { if case .wake = $0 { false } else { true } }
    }

    mutating func timeOut() -> [LedgerEffect] { after(.timeout) }
}

extension [LedgerEffect] {
    /// What is asked, and whom.
    var questions: [(wants: [LedgerMessage.Want], peer: NodeID)] {
        compactMap { if case .send(.want(let wants), let peer) = $0 { (wants, peer) } else { nil } }
    }

    var answers: [LedgerMessage] {
        compactMap { if case .send(let message, _) = $0 { message } else { nil } }
    }

    var changed: [LedgerKey] {
        flatMap { if case .changed(let keys) = $0 { keys } else { [] as [LedgerKey] } }
    }
}

/// A state with records of an open bucket, each with a text.
func state(_ records: [String: String], time: UInt64 = labEpoch) -> LedgerState {
    var state = LedgerState.empty
    for (text, value) in records {
        let entry = LedgerEntry(
            key("notes", text),
            since: time,
            time: HybridTime(milliseconds: time),
            value: Array(value.utf8)
        )
        guard let entry else { preconditionFailure("\(text) is a record") }
        state.set(entry)
    }
    return state
}

/// The statement of a member with that state.
func presence(
    of id: NodeID,
    with state: LedgerState,
    version: UInt32 = 0,
    incarnation: UInt64 = labEpoch - 1_000,
    time: UInt64 = labEpoch
) -> Presence {
    let summary = StateSummary(of: state, with: .cheap(id))
    return presence(
        of: id,
        version: version,
        incarnation: incarnation,
        time: time,
        saying: .init(name: "host", ledger: summary)
    )
}

extension LedgerMessage {
    /// A state as its author's statement names it.
    static func answer(_ state: LedgerState, of presence: Presence) -> Self {
        guard let root = presence.ledger?.root else { preconditionFailure("there is a state") }
        return .states([.init(.init(presence.author, root), state.encoded())])
    }
}
