// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// Two different statements of one author with one number: its key runs twice, or it lies.
///
/// Both are signed, so whoever has them can show them to anybody. The greater one counts
/// (`Presence.replaces`), and nothing of the other is merged into it.
package struct Evidence: Hashable, Sendable {
    /// The statement that was here.
    package let first: Presence
    /// The one that came.
    package let second: Presence

    package var author: NodeID { first.author }
    package var order: Presence.Order { first.order }

    /// When both have ended, in milliseconds since 1970.
    package var end: UInt64 { max(first.end, second.end) + Presence.skewMilliseconds }
}

/// What authors were found to have said twice, of each one pair for as long as it holds.
struct EvidenceBook: Sendable {
    private var pairs: [NodeID: Evidence] = [:]
    /// So many signatures are looked at: anybody can send what only seems to be evidence.
    private var looks: ByteBudget?

    /// Those that hold, by author.
    func all(at wall: UInt64) -> [Evidence] {
        pairs.values.filter { $0.end > wall }.sorted { $0.author < $1.author }
    }

    func has(_ author: NodeID, at wall: UInt64) -> Bool {
        pairs[author].map { $0.end > wall } ?? false
    }

    mutating func mayLook(at now: Instant) -> Bool {
        var budget =
            looks
            ?? ByteBudget(
                perSecond: LedgerLimits.evidenceLooksPerSecond,
                burst: LedgerLimits.evidenceLooksBurst,
                at: now
            )
        defer { looks = budget }
        return budget.spend(1, at: now)
    }

    /// Keeps a pair; when there are too many the one that ends first goes.
    mutating func keep(_ evidence: Evidence, at wall: UInt64) {
        pairs[evidence.author] = evidence
        pairs = pairs.filter { $0.value.end > wall }
        guard pairs.count > LedgerLimits.evidenceMax else { return }
        let first = pairs.values.min { ($0.end, $0.author) < ($1.end, $1.author) }
        if let first { pairs[first.author] = nil }
    }
}

extension NodeMachine {
    /// Looks whether a statement that comes is another one than the one that is here, with the same
    /// number; told before the directory decides which of them counts.
    mutating func lookForEvidence(
        _ payload: [UInt8],
        at now: Instant,
        wall: UInt64,
        into effects: inout [Effect]
    ) {
        guard let header = try? PresenceHeader(payload), header.author != directory.id,
            let held = directory.statement(of: header.author), held != payload,
            Presence.order(of: held) == header.order, wall < header.end,
            !evidence.has(header.author, at: wall), evidence.mayLook(at: now),
            let first = try? Presence(bytes: held), let second = try? Presence(bytes: payload),
            second.isSigned(by: cryptography, network: directory.network)
        else { return }
        evidence.keep(Evidence(first: first, second: second), at: wall)
        effects.append(.tell(.equivocation(header.author)))
    }

    /// Who said two things with one number, as long as either holds.
    package func allEvidence(at now: Instant) -> [Evidence] {
        time.wall(at: now).map { evidence.all(at: $0) } ?? []
    }
}

extension Directory {
    /// The bytes of a member's statement.
    fileprivate func statement(of id: NodeID) -> [UInt8]? {
        members.find(id).map { members.said[$0].bytes }
    }
}
