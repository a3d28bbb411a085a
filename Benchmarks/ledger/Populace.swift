// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronWire

/// The members of a network that is too large to be kept: what each says follows from its number
/// and the time.
///
/// Each has an address, and says so once a round. A tenth of them is replaced by others each day;
/// half of those that go say so.
struct Populace {
    /// What members have in the ledger.
    enum Wealth: String {
        /// One in ten has a service and a name.
        case usual = "one in ten a service and a name"
        /// Each has a record that fills a message.
        case rich = "each 1,000 bytes of records"
    }

    static let roundMilliseconds: UInt64 = 3_100_000
    /// After so many another one has the number: a tenth of all in a day.
    private static let lifeRounds = 279
    /// In so many rounds each of those who have records changes one.
    private static let rewriteRounds = 20

    let count: Int
    let wealth: Wealth
    let cryptography: Cryptography
    private let begin: UInt64
    /// Who wrote what is kept here, as ids do not lead back to numbers.
    private var writers: [NodeID: (state: LedgerState, summary: StateSummary)] = [:]

    init(_ count: Int, _ wealth: Wealth, from begin: UInt64, _ cryptography: Cryptography) {
        (self.count, self.wealth, self.begin) = (count, wealth, begin)
        self.cryptography = cryptography
    }

    /// One that has a number from a round on.
    private struct Life {
        let id: NodeID
        let began: UInt64
    }

    /// Who has a number in a round, and who had it in the round before if that was another one.
    private func life(_ number: Int, in round: Int) -> (now: Life, before: Life?) {
        let age = (number + round) % Self.lifeRounds
        let now = life(number, from: round - age)
        let isNew = age == 0 && round > 0
        return (now, isNew ? life(number, from: round - Self.lifeRounds) : nil)
    }

    private func life(_ number: Int, from round: Int) -> Life {
        let first = max(round, 0)
        let text = "\(number) \(first)"
        var bytes = cryptography.digest(Array(text.utf8), [3])
        // An id has no sign (RFC 8032).
        bytes[NodeID.byteCount - 1] &= 0x7F
        guard let id = NodeID(bytes: bytes) else { preconditionFailure("\(text) is a member") }
        return Life(id: id, began: begin + UInt64(first) * Self.roundMilliseconds)
    }

    // MARK: What they say

    /// What one says in a round: the goodbye of who had its number before, and its own words.
    mutating func words(of number: Int, in round: Int, at wall: UInt64) -> [Words] {
        let (now, before) = life(number, in: round)
        var words: [Words] = []
        if let before, number % 2 == 0 {
            words.append(Words(presence: goodbye(before, at: wall), changes: nil, keys: []))
        }
        if let before { writers[before.id] = nil }
        return words + [said(by: now, number, in: round, at: wall)]
    }

    /// A statement, the changes that it comes with, and the keys of its author.
    struct Words {
        let presence: Presence
        let changes: LedgerChanges?
        let keys: [LedgerKey]

        /// What is broadcast.
        var payload: [UInt8] {
            changes.flatMap { LedgerBlock(head: presence.bytes, changes: $0).encoded() }
                ?? presence.bytes
        }
    }

    private mutating func said(
        by life: Life,
        _ number: Int,
        in round: Int,
        at wall: UInt64
    ) -> Words {
        let isReachable = number % 2 == 0
        var changes: LedgerChanges?
        var written = writers[life.id]
        let isWriter = wealth == .rich || number % 10 == 0
        let isDue = written == nil || (round + number) % Self.rewriteRounds == 0
        if isWriter, isDue {
            let state = state(of: life, number, in: round, at: wall)
            changes = LedgerChanges(from: written?.state ?? .empty, to: state)
            written = StateSummary(of: state, with: cryptography).map { (state, $0) }
            writers[life.id] = written
        }
        let address = IPAddress(.v4, number: UInt128(0x0A00_0001 + number))
        let outer = IPAddress(.v4, number: UInt128(0x5000_0000 + number))
        let fields = Presence.Fields(
            name: "host-\(number)",
            claims: [Hello.Claim(address, since: life.began)],
            endpoints: [Endpoint(outer, port: 7_000)],
            isReachable: isReachable,
            ledger: written?.summary
        )
        let presence = Presence.Draft(
            by: life.id,
            .init(incarnation: life.began, version: UInt32(round + 1)),
            time: wall,
            lease: 7_000,
            saying: fields
        ).signed(by: cryptography, network: Author.network)
        let keys = written?.state.entries.map(\.key) ?? []
        return Words(presence: presence, changes: changes, keys: keys)
    }

    private func goodbye(_ life: Life, at wall: UInt64) -> Presence {
        Presence.Draft(
            by: life.id,
            .init(incarnation: life.began, version: .max),
            time: wall,
            lease: 7_000,
            isLeaving: true,
            saying: .init(name: "")
        ).signed(by: cryptography, network: Author.network)
    }

    private func state(
        of life: Life,
        _ number: Int,
        in round: Int,
        at wall: UInt64
    ) -> LedgerState {
        let texts =
            wealth == .rich
            ? [("services", String(repeating: "x", count: 960))]
            : [("services", "tcp 10.0.0.1:8080, one as others have"), ("dns", "A 10.0.0.1")]
        var state = LedgerState.empty
        for (bucket, text) in texts {
            guard let name = LedgerName(bucket),
                let key = LedgerKey(name, "\(bucket)-\(number)-\(life.id.prefix())"),
                let entry = LedgerEntry(
                    key,
                    since: life.began,
                    time: HybridTime(milliseconds: wall),
                    value: Array("\(round) \(text)".utf8)
                )
            else { preconditionFailure("\(bucket) is a bucket") }
            state.set(entry)
        }
        return state
    }

    // MARK: What they answer

    /// What anybody who has all states answers.
    func answer(_ message: LedgerMessage) -> [LedgerMessage] {
        guard case .want(let wants) = message else { return [] }
        return wants.map { want in
            guard let written = writers[want.author], written.summary.root.stamp == want.stamp
            else { return .lack([want.author]) }
            return .states([.init(want, written.state.encoded())])
        }
    }
}
