// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Tells a neighbour that is gone from one that only we do not hear.
///
/// SWIM (Das, Gupta and Motivala, 2002) without its own probes, since the packet core probes all
/// kept sessions: when one goes silent, three other neighbours are asked to probe the member. The
/// local health is Lifeguard's (Dadgar, Phillips and Currey, 2018): who hears from nobody is
/// probably the one that is cut off, accuses nobody, and becomes more patient.
struct FailureDetector {
    struct Prober {
        let id: NodeID
        var isAlive: Bool?
    }

    struct Suspect {
        let hint: Hint
        let number: UInt32
        var probers: [Prober]
        /// How many have to find it silent.
        let witnesses: Int
        var isAskedAgain = false
        var due: Instant
        let ends: Instant
    }

    /// A probe for somebody else.
    struct Probe {
        let target: NodeID
        let asker: NodeID
        let number: UInt32
        let ends: Instant
    }

    private struct Asker {
        let id: NodeID
        var allowance: Allowance
    }

    private(set) var suspects: [Suspect] = []
    private(set) var probes: [Probe] = []
    /// 0 is well.
    private(set) var illHealth = 0
    private var silences: [Instant] = []
    private var askers: [Asker] = []

    /// When something is due.
    var deadline: Instant {
        let due = suspects.reduce(Instant.never) { min($0, $1.due) }
        return probes.reduce(due) { min($0, $1.ends) }
    }

    mutating func neighbourUp(_ id: NodeID, at now: Instant) {
        guard !askers.contains(where: { $0.id == id }) else { return }
        let allowance = Allowance(
            perSecond: GossipLimits.probesPerSecond,
            burst: GossipLimits.probesBurst,
            at: now
        )
        askers.append(Asker(id: id, allowance: allowance))
    }

    mutating func neighbourDown(_ id: NodeID) { askers.removeAll { $0.id == id } }
}

// Our own suspicion.
extension FailureDetector {
    /// A neighbour went silent; `askers` are those that are left.
    mutating func silent(_ hint: Hint, _ turn: inout GossipTurn) {
        silences.removeAll { $0 + GossipLimits.silenceWindow < turn.time }
        if silences.count < GossipLimits.suspectsMax { silences.append(turn.time) }
        let isCutOff = silences.count > 1 && silences.count > askers.count
        if isCutOff { changeHealth(by: 1) }
        guard suspects.count < GossipLimits.suspectsMax,
            !suspects.contains(where: { $0.hint.id == hint.id })
        else { return }
        var others = askers.map(\.id)
        var probers: [Prober] = []
        while probers.count < GossipLimits.probersMax, !others.isEmpty {
            let place = Int.random(in: 0..<others.count, using: &turn.random)
            probers.append(Prober(id: others.remove(at: place), isAlive: nil))
        }
        // With nobody left to ask there is nobody to tell either.
        guard !probers.isEmpty else { return }
        let suspect = Suspect(
            hint: hint,
            number: UInt32.random(in: 0...UInt32.max, using: &turn.random),
            probers: probers,
            witnesses: isCutOff ? 2 : 1,
            due: turn.time + GossipLimits.probeAgainAfter,
            ends: turn.time + GossipLimits.probeTimeout * (1 + illHealth)
        )
        suspects.append(suspect)
        ask(suspect, &turn)
    }

    private func ask(_ suspect: Suspect, _ turn: inout GossipTurn) {
        for prober in suspect.probers where prober.isAlive == nil {
            turn.send(.probeRequest(number: suspect.number, suspect.hint), to: prober.id)
        }
    }

    /// A prober answered; says whom it heard, who then is dialled again.
    mutating func answered(
        _ number: UInt32,
        isAlive: Bool,
        from id: NodeID,
        _ turn: inout GossipTurn
    ) -> Hint? {
        guard let index = suspects.firstIndex(where: { $0.number == number }),
            let place = suspects[index].probers.firstIndex(where: { $0.id == id }),
            suspects[index].probers[place].isAlive == nil
        else { return nil }
        changeHealth(by: -1)
        suspects[index].probers[place].isAlive = isAlive
        if isAlive { return suspects.remove(at: index).hint }
        if suspects[index].probers.allSatisfy({ $0.isAlive != nil }) {
            conclude(suspects.remove(at: index), &turn)
        }
        return nil
    }

    /// The member came back by itself.
    mutating func heard(_ id: NodeID) { suspects.removeAll { $0.hint.id == id } }

    private mutating func conclude(
        _ suspect: Suspect,
        _ turn: inout GossipTurn
    ) {
        let answers = suspect.probers.count { $0.isAlive != nil }
        if answers == 0 { changeHealth(by: 1) }
        guard answers > 0, answers >= suspect.witnesses else { return }
        turn.effects.append(.unreachable(suspect.hint.id))
    }

    private mutating func changeHealth(by points: Int) {
        illHealth = min(max(0, illHealth + points), GossipLimits.illHealthMax)
    }

    mutating func timeout(_ turn: inout GossipTurn) {
        var index = 0
        while index < suspects.count {
            guard suspects[index].due <= turn.time else {
                index += 1
                continue
            }
            if suspects[index].isAskedAgain {
                conclude(suspects.remove(at: index), &turn)
                continue
            }
            suspects[index].isAskedAgain = true
            suspects[index].due = suspects[index].ends
            ask(suspects[index], &turn)
            index += 1
        }
        for probe in probes where probe.ends <= turn.time { answer(probe, isAlive: false, &turn) }
        probes.removeAll { $0.ends <= turn.time }
    }
}

// Probing for others.
extension FailureDetector {
    /// A neighbour does not hear somebody.
    mutating func asked(
        _ number: UInt32,
        _ hint: Hint,
        by id: NodeID,
        hasSession: Bool,
        _ turn: inout GossipTurn
    ) {
        guard let place = askers.firstIndex(where: { $0.id == id }), hint.id != id,
            !probes.contains(where: { $0.number == number && $0.asker == id }),
            probes.count < GossipLimits.probesMax, askers[place].allowance.take(at: turn.time)
        else { return }
        guard hasSession || !hint.endpoints.isEmpty else { return }
        let ends = turn.time + GossipLimits.probeAnsweredAfter
        let isUnderWay = probes.contains { $0.target == hint.id }
        probes.append(Probe(target: hint.id, asker: id, number: number, ends: ends))
        guard !isUnderWay else { return }
        turn.effects.append(hasSession ? .probe(hint.id) : .connect(hint.id, hint.endpoints))
    }

    /// What became of a probe, or of a dial that stands for one.
    mutating func probed(
        _ id: NodeID,
        isAlive: Bool,
        _ turn: inout GossipTurn
    ) {
        guard !probes.isEmpty else { return }
        for probe in probes where probe.target == id { answer(probe, isAlive: isAlive, &turn) }
        probes.removeAll { $0.target == id }
    }

    private func answer(
        _ probe: Probe,
        isAlive: Bool,
        _ turn: inout GossipTurn
    ) {
        turn.send(.probeAnswer(number: probe.number, isAlive: isAlive), to: probe.asker)
    }
}
