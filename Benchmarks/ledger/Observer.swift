// SPDX-License-Identifier: Apache-2.0

import NetronEngine
import NetronProtocol
import NetronSimulator
import NetronStore
import NetronWire

/// A node that hears all: the rules of directory and ledger, and the file of a node.
struct Observer {
    private(set) var directory: Directory
    private(set) var ledger: Ledger
    let disk: DiskStore
    private var directoryDue = Instant.never
    private var ledgerDue = Instant.never
    private var now = Instant(nanoseconds: 0)
    /// Milliseconds since 1970 in network time.
    private(set) var wall: UInt64
    private let start: UInt64

    /// Makes an observer whose file is in `folder`, and whose network began at `wall`.
    init(in folder: String, at wall: UInt64, signed: Bool, isDurable: Bool) throws {
        self.wall = wall
        start = wall
        var random = SeededRandom(seed: 0)
        let seed = try Author.seed(using: &random)
        let id = try Identity.id(of: seed)
        let real = try SystemCryptography.make(seed: seed, networkSecret: Author.secret)
        let cryptography = signed ? real : real.unsigned
        directory = Directory(
            of: id,
            network: Author.network,
            cryptography: cryptography,
            random: SeededRandom(seed: 1)
        )
        let options = StoreOptions(
            network: Author.network,
            fileBytesMax: 64 << 20,
            isDurable: isDurable
        )
        disk = DiskStore(try Store.open("\(folder)/ledger.mdb", options))
        ledger = Ledger(
            of: id,
            in: disk,
            cryptography: cryptography,
            random: SeededRandom(seed: 2)
        )
        var effects: [LedgerEffect] = []
        _ = ledger.begin(at: now, wall: wall, into: &effects)
        note(effects)
    }

    /// Lets time go on, and does what is due meanwhile.
    mutating func pass(to wall: UInt64) {
        while min(directoryDue, ledgerDue) <= instant(wall) {
            advance(to: min(directoryDue, ledgerDue))
            if directoryDue <= now {
                directoryDue = .never
                var effects: [DirectoryEffect] = []
                directory.handle(.timeout, at: now, wall: self.wall, into: &effects)
                carryOut(effects)
            }
            if ledgerDue <= now {
                ledgerDue = .never
                give(.timeout)
            }
        }
        advance(to: instant(wall))
    }

    /// Takes in what was broadcast; false if it was refused.
    mutating func hear(_ payload: [UInt8]) -> Bool {
        let block = try? LedgerBlock(bytes: payload)
        var effects: [DirectoryEffect] = []
        let head = block?.head ?? payload
        let verdict = directory.judge(head, at: now, wall: wall, into: &effects)
        guard verdict == .accept else { return false }
        guard let block, let presence = try? Presence(bytes: head) else {
            carryOut(effects)
            return true
        }
        for case .wake(let instant) in effects { directoryDue = instant }
        var asked: [LedgerEffect] = []
        let directory = directory
        _ = ledger.judge(
            block.changes,
            of: presence,
            from: presence.author,
            isNews: true,
            at: now,
            wall: wall,
            heads: directory.head,
            into: &asked
        )
        note(asked)
        return true
    }

    /// What counts for a key.
    func read(_ key: LedgerKey) throws -> LedgerRecord? {
        try ledger.record(of: key, wall: wall, heads: directory.head)
    }

    private mutating func carryOut(_ effects: [DirectoryEffect]) {
        for effect in effects {
            switch effect {
            case .wake(let instant): directoryDue = instant
            case .changed(let id), .renewed(let id):
                if let head = directory.head(of: id), head.hasLedger {
                    give(.head(head, from: nil))
                } else {
                    give(.gone(id))
                }
            case .broadcast, .send, .twin: break
            }
        }
    }

    private mutating func give(_ event: LedgerEvent) {
        var effects: [LedgerEffect] = []
        let directory = directory
        ledger.handle(event, at: now, wall: wall, heads: directory.head, into: &effects)
        note(effects)
    }

    private mutating func note(_ effects: [LedgerEffect]) {
        for effect in effects {
            switch effect {
            case .wake(let instant): ledgerDue = instant
            case .failed(let error): preconditionFailure(error.message)
            default: break
            }
        }
    }

    private func instant(_ wall: UInt64) -> Instant {
        Instant(nanoseconds: (wall - start) * 1_000_000)
    }

    private mutating func advance(to instant: Instant) {
        now = max(now, instant)
        wall = max(wall, start + now.nanoseconds / 1_000_000)
    }
}
