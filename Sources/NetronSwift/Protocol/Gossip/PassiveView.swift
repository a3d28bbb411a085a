// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Members that may become neighbours.
///
/// No single neighbour fills it: what one tells takes a third of the places, and what was found
/// elsewhere (discovery, sessions of our own) keeps another third.
struct PassiveView {
    struct Candidate {
        var hint: Hint
        /// The neighbour that told of it; nil for what was found elsewhere.
        var teller: NodeID?
        /// It is not asked before.
        var notBefore: Instant
        var refusals = 0
    }

    private(set) var candidates: [Candidate] = []

    var isEmpty: Bool { candidates.isEmpty }

    func index(of id: NodeID) -> Int? { candidates.firstIndex { $0.hint.id == id } }

    mutating func remove(_ id: NodeID) {
        if let index = index(of: id) { candidates.remove(at: index) }
    }

    /// Takes a member in; where it is known already, what was found elsewhere counts.
    mutating func insert(
        _ candidate: Candidate,
        random: inout GossipChance
    ) {
        if let index = index(of: candidate.hint.id) {
            if candidate.teller == nil || candidates[index].hint.endpoints.isEmpty {
                if !candidate.hint.endpoints.isEmpty { candidates[index].hint = candidate.hint }
                candidates[index].teller = candidate.teller
            }
            candidates[index].notBefore = max(candidates[index].notBefore, candidate.notBefore)
            return
        }
        if let index = replaceable(by: candidate, random: &random) {
            candidates[index] = candidate
        } else if candidates.count < GossipLimits.passiveMax {
            candidates.append(candidate)
        }
    }

    /// Who gives way; nil if nobody has to, or if nobody may.
    private func replaceable(
        by candidate: Candidate,
        random: inout GossipChance
    ) -> Int? {
        let same = candidates.indices.filter { candidates[$0].teller == candidate.teller }
        let sameMax =
            candidate.teller == nil
            ? GossipLimits.passiveMax : GossipLimits.passivePerTellerMax
        if same.count >= sameMax { return same.randomElement(using: &random) }
        guard candidates.count >= GossipLimits.passiveMax else { return nil }
        let learned = candidates.indices.filter { candidates[$0].teller == nil }
        let isLearnedSafe = learned.count <= GossipLimits.passiveLearnedMax
        if candidate.teller == nil {
            return candidates.indices.randomElement(using: &random)
        }
        let others = candidates.indices.filter { candidates[$0].teller != nil || !isLearnedSafe }
        return others.randomElement(using: &random)
    }

    /// Leaves a member alone for a time that grows from refusal to refusal.
    mutating func refused(_ id: NodeID, at now: Instant) {
        guard let index = index(of: id) else { return }
        let (pause, most) = (GossipLimits.refusedPause, GossipLimits.refusedPauseMax)
        candidates[index].notBefore = now + pause.doubled(candidates[index].refusals, atMost: most)
        candidates[index].refusals += 1
    }

    mutating func leaveAlone(_ id: NodeID, until instant: Instant) {
        guard let index = index(of: id) else { return }
        candidates[index].notBefore = max(candidates[index].notBefore, instant)
    }

    /// Makes all askable at once.
    mutating func forgive() {
        for index in candidates.indices {
            candidates[index].notBefore = Instant(nanoseconds: 0)
            candidates[index].refusals = 0
        }
    }

    /// The hints of some, at most `count`.
    func sample(
        _ count: Int,
        without excluded: NodeID,
        random: inout GossipChance
    ) -> [Hint] {
        var indices = candidates.indices.filter { candidates[$0].hint.id != excluded }
        var hints: [Hint] = []
        while hints.count < count, !indices.isEmpty {
            let place = Int.random(in: 0..<indices.count, using: &random)
            hints.append(candidates[indices.remove(at: place)].hint)
        }
        return hints
    }
}
