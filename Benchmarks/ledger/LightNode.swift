// SPDX-License-Identifier: Apache-2.0

import NetronEngine
import NetronProtocol
import NetronSimulator
import NetronStore
import NetronWire

/// The file of a node, of which it is known how large it ever was.
final class MeasuredStorage: LedgerStorage {
    private let disk: DiskStore
    private(set) var fileBytesMost = 0
    /// The file and the one that takes its place, while it is made dense.
    private(set) var bothBytesMost = 0
    private(set) var commitCount = 0
    /// How often there was no room for what was to be written.
    private(set) var fullCount = 0

    init(_ disk: DiskStore) { self.disk = disk }

    func withValue<Result>(
        of key: [UInt8],
        in table: LedgerTable,
        _ body: (Span<UInt8>) -> Result
    ) throws(StoreError) -> Result? {
        try disk.withValue(of: key, in: table, body)
    }

    func scan(
        _ range: LedgerRange,
        _ visit: (_ key: Span<UInt8>, _ value: Span<UInt8>) -> Bool
    ) throws(StoreError) {
        try disk.scan(range, visit)
    }

    func count(of table: LedgerTable) throws(StoreError) -> Int { try disk.count(of: table) }

    func apply(_ batch: LedgerBatch) throws(StoreError) {
        do throws(StoreError) {
            try disk.apply(batch)
        } catch {
            fullCount += 1
            try measure(beside: 0)
            throw error
        }
        commitCount += 1
        try measure(beside: 0)
    }

    func statistics() throws(StoreError) -> StorageStatistics { try disk.statistics() }

    func verify() throws(StoreError) { try disk.verify() }

    func compact() throws(StoreError) {
        let before = try disk.statistics().fileBytes
        try disk.compact()
        try measure(beside: before)
    }

    func compactIfWorth() throws(StoreError) -> Bool {
        let before = try disk.statistics().fileBytes
        let isDone = try disk.compactIfWorth()
        try measure(beside: isDone ? before : 0)
        return isDone
    }

    private func measure(beside other: Int) throws(StoreError) {
        let bytes = try disk.statistics().fileBytes
        fileBytesMost = max(fileBytesMost, bytes, other)
        bothBytesMost = max(bothBytesMost, bytes + other)
    }
}

/// A whole node with a small budget, one member that tells it what all say, and a clock that jumps.
struct LightNode {
    private(set) var machine: NodeMachine
    let storage: MeasuredStorage
    let id: NodeID
    private let cryptography: Cryptography
    private let teller: NodeID
    private var now = Instant(nanoseconds: 1_000_000_000)
    private var due = Instant.never
    private let start: UInt64
    private(set) var failures: [StoreError] = []

    init(
        in folder: String,
        budget: Int,
        at wall: UInt64,
        _ cryptography: Cryptography,
        asking answer: (LedgerMessage) -> [LedgerMessage]
    ) throws {
        start = wall - 1_000
        var random = SeededRandom(seed: 0)
        id = try Identity.id(of: Author.seed(using: &random))
        self.cryptography = cryptography
        teller = try Identity.id(of: Author.seed(using: &random))
        let options = StoreOptions(
            network: Author.network,
            fileBytesMax: budget,
            isDurable: false
        )
        storage = MeasuredStorage(DiskStore(try Store.open("\(folder)/ledger.mdb", options)))
        var seed: UInt64 = 0
        machine = NodeMachine(id: id, cryptography: cryptography, keepingIn: storage) {
            seed += 1
            return SeededRandom(seed: seed)
        }
        let ula = cryptography.networkAddress(id)
        give(.started(Introduction(id: id, ula: ula, name: "light", mapsPort: false)), answer)
        give(.clock(wallMilliseconds: wall, isTrusted: true), answer)
        meet(teller, answer)
        tell(.gossip(.neighbour(.high)), by: teller, answer)
    }

    /// Lets time go on, and does what is due meanwhile.
    mutating func pass(to wall: UInt64, asking answer: (LedgerMessage) -> [LedgerMessage]) {
        let end = Instant(nanoseconds: (wall - start) * 1_000_000)
        while due <= end {
            now = max(now, due)
            due = .never
            give(.timeout, answer)
        }
        now = max(now, end)
    }

    /// Hears what was broadcast.
    mutating func hear(_ payload: [UInt8], asking answer: (LedgerMessage) -> [LedgerMessage]) {
        tell(.gossip(.gossip(Rumor(payload, hops: 1))), by: teller, answer)
    }

    /// A member comes by, and leaves its statement at these places.
    mutating func keep(
        _ presence: Presence,
        at places: [DirectoryPlace],
        asking answer: (LedgerMessage) -> [LedgerMessage]
    ) {
        meet(presence.author, answer)
        let message = PlacementMessage.store(number: 1, places.sorted(), presence.bytes)
        tell(.placement(message), by: presence.author, answer)
        give(.peerDown(presence.author, .idle), answer)
    }

    private mutating func meet(_ id: NodeID, _ answer: (LedgerMessage) -> [LedgerMessage]) {
        let outer = Endpoint(IPAddress(.v4, number: 0x5000_0000), port: 7_000)
        let ula = cryptography.networkAddress(id)
        give(.peerUp(id, outer, rtt: .milliseconds(20), ula: ula), answer)
    }

    private mutating func tell(
        _ message: Message,
        by id: NodeID,
        _ answer: (LedgerMessage) -> [LedgerMessage]
    ) {
        give(.received(from: id, message.encoded()), answer)
    }

    /// Lets the node take in what happened, and answers what it asks.
    private mutating func give(
        _ event: NodeEvent,
        _ answer: (LedgerMessage) -> [LedgerMessage]
    ) {
        var events = [event]
        while !events.isEmpty {
            var effects: [NodeEffect] = []
            machine.handle(events.removeFirst(), at: now, into: &effects)
            for effect in effects {
                switch effect {
                case .wake(let instant): due = instant
                case .probe(let id): events.append(.probed(id, isAlive: true))
                case .tell(.ledgerFailed(let error)): failures.append(error)
                case .send(let bytes, let id):
                    for message in answers(to: bytes, of: id, answer) {
                        events.append(.received(from: id, message.encoded()))
                    }
                default: break
                }
            }
        }
    }

    /// What a member says to what the node sends it: the teller is its neighbour.
    private func answers(
        to bytes: [UInt8],
        of id: NodeID,
        _ answer: (LedgerMessage) -> [LedgerMessage]
    ) -> [Message] {
        switch try? Message.decode(bytes) {
        case .ledger(let question): answer(question).map { .ledger($0) }
        case .gossip(.join) where id == teller: [.gossip(.answer(isAccepted: true))]
        case .gossip(.neighbour) where id == teller: [.gossip(.answer(isAccepted: true))]
        case .gossip(.disconnect) where id == teller: [.gossip(.neighbour(.high))]
        default: []
        }
    }
}
