// SPDX-License-Identifier: Apache-2.0

import NetronEngine
import NetronProtocol
import NetronSimulator
import NetronWire

/// Rules of a member, without sessions: directory and ledger, as a node has them.
struct Member {
    let id: NodeID
    var directory: Directory
    var ledger: Ledger
    var directoryDue = Instant.never
    var ledgerDue = Instant.never

    init(_ id: NodeID, _ cryptography: Cryptography, seed: UInt64, members: Int, sync: Int) {
        self.id = id
        directory = Directory(
            of: id,
            network: Author.network,
            cryptography: cryptography,
            syncBytesPerSecond: sync,
            membersMax: members,
            random: SeededRandom(seed: seed)
        )
        ledger = Ledger(
            of: id,
            in: MemoryStore(),
            syncBytesPerSecond: sync,
            cryptography: cryptography,
            random: SeededRandom(seed: seed + 1)
        )
    }
}

/// What a member sends another.
struct Letter {
    let at: Instant
    let number: Int
    let message: Message
    let from: Int
    let to: Int
}

/// A few members with links of one rate and delay between them, and a clock that jumps.
///
/// What a member's rules take of the processor is added to the time at which they answer.
struct Links {
    /// IP and UDP headers, and what a sealed packet and its message have (docs/protocol.md).
    static let headerBytes = 20 + 8 + 16 + 16

    var members: [Member]
    /// Bits a second of each member's link, each way.
    let rate: Double
    /// One way.
    let delay: Duration
    let countsWork: Bool
    private(set) var now = Instant(nanoseconds: 1_000_000_000)
    private(set) var byteCount = 0
    private(set) var messageCount = 0
    /// When the first message was sent.
    private(set) var began: Instant?
    private var queue: [Letter] = []
    private var number = 0
    private var busy: [Instant]
    private var sending: [Instant]
    private var wall: UInt64 { Author.epoch + now.nanoseconds / 1_000_000 }

    init(_ members: [Member], bitsPerSecond rate: Double, delay: Duration, countsWork: Bool) {
        self.members = members
        self.rate = rate
        self.delay = delay
        self.countsWork = countsWork
        busy = members.map { _ in Instant(nanoseconds: 0) }
        sending = busy
    }

    /// Lets two members be neighbours.
    mutating func join(_ left: Int, _ right: Int) {
        for (one, other) in [(left, right), (right, left)] {
            let id = members[other].id
            perform(on: one) { directory, ledger in
                directory.append(.neighbourUp(id))
                ledger.append(.neighbourUp(id))
            }
        }
    }

    /// Lets a member compare what it has with another.
    mutating func reconcile(_ member: Int, with other: Int) {
        let id = members[other].id
        perform(on: member) { directory, _ in directory.append(.reconcile(id)) }
    }

    /// Lets time go by until `isDone`, or until the end.
    mutating func run(until end: Instant, isDone: (Links) -> Bool) {
        while !isDone(self) {
            let due = members.indices.min { self.due(of: $0) < self.due(of: $1) } ?? 0
            let isLetter = (queue.first?.at ?? .never) <= self.due(of: due)
            let next = isLetter ? queue[0].at : self.due(of: due)
            guard next <= end else { return }
            now = max(now, next)
            if isLetter {
                deliver(queue.removeFirst())
            } else {
                members[due].directoryDue =
                    members[due].directoryDue <= now ? .never : members[due].directoryDue
                members[due].ledgerDue =
                    members[due].ledgerDue <= now ? .never : members[due].ledgerDue
                perform(on: due) { directory, ledger in
                    directory.append(.timeout)
                    ledger.append(.timeout)
                }
            }
        }
    }

    private func due(of member: Int) -> Instant {
        max(min(members[member].directoryDue, members[member].ledgerDue), busy[member])
    }

    private mutating func deliver(_ letter: Letter) {
        // Who is at work takes it afterwards.
        guard busy[letter.to] <= letter.at else {
            let later = Letter(
                at: busy[letter.to],
                number: letter.number,
                message: letter.message,
                from: letter.from,
                to: letter.to
            )
            insert(later)
            return
        }
        let id = members[letter.from].id
        perform(on: letter.to) { directory, ledger in
            switch letter.message {
            case .directory(let message): directory.append(.received(message, from: id))
            case .ledger(let message): ledger.append(.received(message, from: id))
            default: break
            }
        }
    }

    private mutating func perform(
        on number: Int,
        _ events: (inout [DirectoryEvent], inout [LedgerEvent]) -> Void
    ) {
        var (first, second): ([DirectoryEvent], [LedgerEvent]) = ([], [])
        events(&first, &second)
        let begin = Processor.nanoseconds
        var effects: [DirectoryEffect] = []
        for event in first {
            members[number].directory.handle(event, at: now, wall: wall, into: &effects)
        }
        var messages: [(Message, NodeID)] = []
        for effect in effects {
            switch effect {
            case .send(let message, let id): messages.append((.directory(message), id))
            case .wake(let instant): members[number].directoryDue = instant
            case .changed(let id), .renewed(let id):
                if let head = members[number].directory.head(of: id), head.hasLedger {
                    second.append(.head(head, from: nil))
                }
            case .broadcast, .twin: break
            }
        }
        for message in keepLedger(second, of: number) {
            messages.append((.ledger(message.0), message.1))
        }
        let used = countsWork ? Int64(Processor.nanoseconds - begin) : 0
        busy[number] = now + .nanoseconds(used)
        for (message, id) in messages { send(message, from: number, to: id) }
    }

    /// Lets the ledger take in what happened; what it sends, and to whom.
    private mutating func keepLedger(
        _ events: [LedgerEvent],
        of number: Int
    ) -> [(LedgerMessage, NodeID)] {
        var effects: [LedgerEffect] = []
        let directory = members[number].directory
        for event in events {
            members[number].ledger.handle(
                event,
                at: now,
                wall: wall,
                heads: directory.head,
                into: &effects
            )
        }
        var messages: [(LedgerMessage, NodeID)] = []
        for effect in effects {
            switch effect {
            case .send(let message, let id): messages.append((message, id))
            case .wake(let instant): members[number].ledgerDue = instant
            case .tellHeads:
                let (ids, _) = directory.members(from: 0, count: .max)
                let heads = ids.compactMap { directory.head(of: $0) }.filter(\.hasLedger)
                messages += keepLedger(heads.map { .head($0, from: nil) }, of: number)
            default: break
            }
        }
        return messages
    }

    private mutating func send(_ message: Message, from: Int, to id: NodeID) {
        guard let to = members.firstIndex(where: { $0.id == id }) else { return }
        let bytes = message.encoded().count + Self.headerBytes
        byteCount += bytes
        messageCount += 1
        began = began ?? now
        let start = max(sending[from], busy[from], now)
        sending[from] = start + .nanoseconds(Int64(Double(bytes) * 8e9 / rate))
        number += 1
        let letter = Letter(
            at: sending[from] + delay,
            number: number,
            message: message,
            from: from,
            to: to
        )
        insert(letter)
    }

    private mutating func insert(_ letter: Letter) {
        var (low, high) = (0, queue.count)
        while low < high {
            let middle = (low + high) / 2
            let isLater = (queue[middle].at, queue[middle].number) > (letter.at, letter.number)
            if isLater { high = middle } else { low = middle + 1 }
        }
        queue.insert(letter, at: low)
    }
}
