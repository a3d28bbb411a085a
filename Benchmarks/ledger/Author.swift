// SPDX-License-Identifier: Apache-2.0

import NetronEngine
import NetronSimulator
import NetronWire

/// A synthetic member: it says what a real one would, and when.
struct Author {
    let id: NodeID
    let cryptography: Cryptography
    private let number: Int
    private let claim: Hello.Claim
    private(set) var order: Presence.Order
    private(set) var state = LedgerState.empty
    private var last: Presence?

    /// When the network of the benchmark begins: milliseconds since 1970.
    static let epoch: UInt64 = 1_800_000_000_000
    /// Its name and its secret.
    static let network = [UInt8](repeating: 7, count: DirectoryPayload.networkByteCount)
    static let secret = [UInt8](repeating: 8, count: 32)

    /// Makes the author with that number, which starts at `wall`.
    ///
    /// Without `signs` its signatures are worth nothing; then a year takes minutes.
    init(_ number: Int, at wall: UInt64, signs: Bool) throws {
        self.number = number
        var random = SeededRandom(seed: UInt64(number) &+ 1)
        let seed = try Self.seed(using: &random)
        id = try Identity.id(of: seed)
        let real = try SystemCryptography.make(seed: seed, networkSecret: Self.secret)
        cryptography = signs ? real : real.unsigned
        order = .init(incarnation: wall, version: 0)
        let address = IPAddress(.v4, number: UInt128(0x0A00_0000 + number % 0xFF_FFFF))
        claim = Hello.Claim(address, since: wall)
    }

    /// About half of all seeds make an id; others have the sign bit.
    static func seed(using random: inout SeededRandom) throws -> [UInt8] {
        while true {
            var seed: [UInt8] = []
            for _ in 0..<4 { seed.append(bigEndian: random.next()) }
            if (try? Identity.id(of: seed)) != nil { return seed }
        }
    }

    /// Says again what it said, which is what a renewal does.
    mutating func renew(at wall: UInt64) -> [UInt8] { statement(at: wall).bytes }

    /// Writes one of `count` records, and says so.
    mutating func write(
        _ bucket: String,
        _ text: String,
        _ value: [UInt8],
        at wall: UInt64
    ) -> [UInt8] {
        guard let name = LedgerName(bucket), let key = LedgerKey(name, text),
            let entry = LedgerEntry(
                key,
                since: state[key]?.since ?? wall,
                time: HybridTime(milliseconds: wall),
                value: value
            )
        else { preconditionFailure("\(bucket)/\(text) is a record") }
        let before = state
        state.set(entry)
        let head = statement(at: wall)
        let changes = LedgerChanges(from: before, to: state)
        return LedgerBlock(head: head.bytes, changes: changes).encoded() ?? head.bytes
    }

    mutating func leave(at wall: UInt64) -> [UInt8] {
        state = .empty
        return statement(at: wall, isLeaving: true).bytes
    }

    private mutating func statement(at wall: UInt64, isLeaving: Bool = false) -> Presence {
        let summary = StateSummary(of: state, with: cryptography)
        let fields = Presence.Fields(
            name: "host-\(number)",
            claims: isLeaving ? [] : [claim],
            ledger: summary
        )
        let presence = Presence.Draft(
            by: id,
            order,
            time: wall,
            lease: 4_200,
            isLeaving: isLeaving,
            saying: fields,
            after: last?.digest(with: cryptography)
        ).signed(by: cryptography, network: Self.network)
        order = order.next
        last = presence
        return presence
    }
}

extension Cryptography {
    /// The same, but that every signature is good; those that it makes differ as the messages do.
    var unsigned: Self {
        let digest = digest
        return Self(
            sign: { digest($0, [1]) + digest($0, [2]) },
            verify: { _, _, _ in true },
            digest: digest,
            derive: derive,
            networkAddress: networkAddress
        )
    }
}
