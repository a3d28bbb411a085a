// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronWire

/// Repeatable chance: SplitMix64, after Steele, Lea and Flood (2014).
struct GossipRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }

    mutating func isOne(in thousand: Int) -> Bool { next(upperBound: UInt64(1_000)) < thousand }
}

/// Gossip machines on a network with delay, loss, duplication and reordering, in virtual time.
///
/// A link has a delay of 10 to 150 ms one way, and each message up to a tenth more. A connection
/// takes two round trips, or fails after 20 s where nobody is. A session that nobody keeps ends
/// 180 s after its last message; one whose other end is dead after the next probes.
final class GossipWorld {
    struct Node {
        let id: NodeID
        var machine: GossipMachine
        var isAlive = true
        var wake = Instant.never
        var epoch = 0
        var isIsolated = false
    }

    struct Broadcast {
        let sender: Int
        let begun: Instant
        var reached: Set<Int> = []
        var hopsMax = 0
        var payloads = 0
        var last: Instant
    }

    private struct Session {
        let serial: UInt64
        var used: Instant
        /// Kept by the lower and by the higher number.
        var isKept: (Bool, Bool) = (false, false)
    }

    private enum Happening {
        case event(GossipEvent)
        case timer
        case established(with: Int)
        case silence(of: Int, serial: UInt64)
        case unanswered(by: Int)
        case idle(with: Int, serial: UInt64)
    }

    private struct Entry {
        let at: Instant
        let number: UInt64
        let node: Int
        let epoch: Int
        let happening: Happening

        func isBefore(_ other: Entry) -> Bool { (at, number) < (other.at, other.number) }
    }

    private(set) var now = Instant(nanoseconds: 1_000_000_000)
    private(set) var nodes: [Node] = []
    private(set) var broadcasts: [Broadcast] = []
    private(set) var events: UInt64 = 0
    /// A digest of all that happened, in its order.
    private(set) var trace: UInt64 = 0xCBF2_9CE4_8422_2325
    private(set) var datagramBytes = 0
    private(set) var connects = 0
    private(set) var accused: [Int] = []
    var lossPerThousand = 0
    var twicePerThousand = 0
    var payloadBytes = 200

    private var heap: [Entry] = []
    private var count: UInt64 = 0
    private var sessions: [UInt64: Session] = [:]
    private var numbers: [NodeID: Int] = [:]
    private var rumors: [RumorID: Int] = [:]
    private var random: GossipRandom
    private let seed: UInt64

    init(seed: UInt64) {
        self.seed = seed
        random = GossipRandom(seed: seed &* 31 &+ 7)
    }

    // MARK: Nodes

    static func id(_ number: Int) -> NodeID {
        var random = GossipRandom(seed: UInt64(number))
        var bytes: [UInt8] = []
        for _ in 0..<4 { bytes.append(bigEndian: random.next()) }
        bytes[31] &= 0x7F
        guard let id = NodeID(bytes: bytes) else { preconditionFailure("no id") }
        return id
    }

    static func endpoint(_ number: Int) -> Endpoint {
        Endpoint(IPAddress(.v4, number: 0x0A00_0000 + UInt128(number)), port: 7_000)
    }

    static func hint(_ number: Int) -> Hint { Hint(id(number), at: [endpoint(number)]) }

    private static func digest(_ payload: [UInt8]) -> [UInt8] {
        let word = payload.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        var random = GossipRandom(seed: word)
        var bytes: [UInt8] = []
        bytes.append(bigEndian: random.next())
        return bytes
    }

    private func makeMachine(_ number: Int, epoch: Int) -> GossipMachine {
        let start = seed &* 0x1_0001 &+ UInt64(number) &* 977 &+ UInt64(epoch) << 32
        var random = GossipRandom(seed: start)
        return GossipMachine(random: &random, digest: Self.digest)
    }

    /// Starts a node that knows some others, and says its number.
    @discardableResult
    func start(knowing contacts: [Int] = []) -> Int {
        let number = nodes.count
        nodes.append(Node(id: Self.id(number), machine: makeMachine(number, epoch: 0)))
        numbers[Self.id(number)] = number
        give(.started(own: Self.hint(number)), to: number)
        for contact in contacts { give(.learned(Self.hint(contact)), to: number) }
        return number
    }

    /// A node is gone without a word.
    func vanish(_ number: Int) {
        nodes[number].isAlive = false
        nodes[number].wake = .never
        for other in nodes.indices where nodes[other].isAlive {
            guard let session = sessions[key(number, other)] else { continue }
            let kept = number < other ? session.isKept.1 : session.isKept.0
            let least = kept ? 12_000 : 180_000
            let after = Int.random(in: least...(least + 25_000), using: &random)
            let end = Happening.silence(of: number, serial: session.serial)
            push(.milliseconds(after), other, end)
        }
    }

    /// A node says goodbye.
    func leave(_ number: Int) {
        nodes[number].isAlive = false
        nodes[number].wake = .never
        for other in nodes.indices where nodes[other].isAlive {
            guard sessions.removeValue(forKey: key(number, other)) != nil else { continue }
            let goodbye = GossipEvent.sessionDown(Self.id(number), .goodbye)
            push(delay(number, other), other, .event(goodbye))
        }
    }

    /// A node begins anew with its old id, before anybody noticed that it was gone.
    func restart(_ number: Int, knowing contacts: [Int]) {
        for other in nodes.indices {
            guard sessions.removeValue(forKey: key(number, other)) != nil else { continue }
            let after = Int.random(in: 12_000...37_000, using: &random)
            push(.milliseconds(after), other, .unanswered(by: number))
        }
        nodes[number].epoch += 1
        nodes[number].machine = makeMachine(number, epoch: nodes[number].epoch)
        nodes[number].isAlive = true
        nodes[number].wake = .never
        give(.started(own: Self.hint(number)), to: number)
        for contact in contacts { give(.learned(Self.hint(contact)), to: number) }
    }

    func learn(_ number: Int, at other: Int) { give(.learned(Self.hint(number)), to: other) }

    func hear(_ message: GossipMessage, from other: Int, at number: Int) {
        give(.received(message, from: Self.id(other)), to: number)
    }

    /// Sends a new payload, and says which broadcast it is.
    @discardableResult
    func broadcast(from sender: Int) -> Int {
        var payload: [UInt8] = []
        payload.append(bigEndian: UInt64(broadcasts.count))
        payload += [UInt8](repeating: 7, count: payloadBytes - 8)
        let id = RumorID(number: Self.digest(payload).reduce(0) { $0 << 8 | UInt64($1) })
        rumors[id] = broadcasts.count
        let new = Broadcast(sender: sender, begun: now, reached: [sender], last: now)
        broadcasts.append(new)
        give(.broadcast(payload), to: sender)
        return broadcasts.count - 1
    }

    // MARK: Time

    func pass(_ duration: Duration) {
        let end = now + duration
        while let first = heap.first, first.at <= end {
            removeFirst()
            now = first.at
            happen(first)
        }
        now = end
    }

    private func happen(_ entry: Entry) {
        let number = entry.node
        guard nodes[number].isAlive, nodes[number].epoch == entry.epoch else { return }
        switch entry.happening {
        case .event(let event): give(event, to: number)
        case .timer:
            guard nodes[number].wake == entry.at else { return }
            nodes[number].wake = .never
            give(.timeout, to: number)
        case .established(let other): establish(number, other)
        case .silence(let other, let serial):
            guard sessions[key(number, other)]?.serial == serial else { return }
            sessions[key(number, other)] = nil
            give(.sessionDown(nodes[other].id, .silent), to: number)
        case .unanswered(let other):
            guard sessions[key(number, other)] == nil else { return }
            give(.sessionDown(nodes[other].id, .silent), to: number)
        case .idle(let other, let serial): checkIdle(number, other, serial)
        }
    }

    private func checkIdle(_ number: Int, _ other: Int, _ serial: UInt64) {
        guard let session = sessions[key(number, other)], session.serial == serial else { return }
        let isKept = session.isKept.0 || session.isKept.1
        let end = session.used + .seconds(180)
        if isKept || end > now {
            let again = isKept ? Duration.seconds(180) : end - now
            return push(again, number, .idle(with: other, serial: serial))
        }
        sessions[key(number, other)] = nil
        give(.sessionDown(nodes[other].id, .idle), to: number)
        if nodes[other].isAlive { give(.sessionDown(nodes[number].id, .idle), to: other) }
    }

    private func give(_ event: GossipEvent, to number: Int) {
        events += 1
        var hops = 0
        if case .received(.gossip(let rumor), _) = event { hops = Int(rumor.hops) }
        var effects: [GossipEffect] = []
        nodes[number].machine.handle(event, at: now, into: &effects)
        mix(UInt64(number) << 32 | UInt64(effects.count))
        mix(now.nanoseconds)
        var index = 0
        while index < effects.count {
            if case .deliver(let id, _, _) = effects[index] {
                reach(id, number, hops: hops)
                nodes[number].machine.handle(.judged(id, .accept), at: now, into: &effects)
            }
            index += 1
        }
        for effect in effects { carryOut(effect, of: number) }
    }

    private func reach(_ id: RumorID, _ number: Int, hops: Int) {
        guard let index = rumors[id] else { return }
        broadcasts[index].reached.insert(number)
        broadcasts[index].hopsMax = max(broadcasts[index].hopsMax, hops)
        broadcasts[index].last = now
    }

    private func carryOut(_ effect: GossipEffect, of number: Int) {
        switch effect {
        case .wake(let at):
            nodes[number].wake = at
            if at != .never { push(at - now, number, .timer) }
        case .send(let message, let id): send(message, from: number, to: id)
        case .connect(let id, _): connect(number, id)
        case .keep(let id): keep(number, id, true)
        case .release(let id): keep(number, id, false)
        case .isolated: nodes[number].isIsolated = true
        case .neighbourUp: nodes[number].isIsolated = false
        case .unreachable(let id): if let other = numbers[id] { accused.append(other) }
        case .probe(let id):
            guard let other = numbers[id] else { return }
            let event = GossipEvent.probed(id, isAlive: nodes[other].isAlive)
            push(nodes[other].isAlive ? delay(number, other) : .seconds(12), number, .event(event))
        case .deliver, .neighbourDown: break
        }
    }

    private func keep(_ number: Int, _ id: NodeID, _ isKept: Bool) {
        guard let other = numbers[id] else { return }
        let pair = key(number, other)
        if number < other {
            sessions[pair]?.isKept.0 = isKept
        } else {
            sessions[pair]?.isKept.1 = isKept
        }
    }

    private func send(_ message: GossipMessage, from number: Int, to id: NodeID) {
        guard let other = numbers[id], let session = sessions[key(number, other)] else { return }
        sessions[key(number, other)]?.used = now
        datagramBytes += message.byteCount + 62
        if case .gossip(let rumor) = message {
            let word = Self.digest(rumor.payload).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            if let index = rumors[RumorID(number: word)] { broadcasts[index].payloads += 1 }
        }
        guard nodes[other].isAlive else {
            let end = Happening.silence(of: other, serial: session.serial)
            return push(.seconds(12), number, end)
        }
        guard !random.isOne(in: lossPerThousand) else { return }
        let event = Happening.event(.received(message, from: nodes[number].id))
        let travel = delay(number, other)
        let more = Int.random(in: 0...100, using: &random)
        push(travel + travel * more / 1_000, other, event)
        if random.isOne(in: twicePerThousand) { push(travel * 2, other, event) }
    }

    private func connect(_ number: Int, _ id: NodeID) {
        connects += 1
        guard let other = numbers[id], other != number, nodes[other].isAlive else {
            return push(.seconds(20), number, .event(.connectFailed(id)))
        }
        if sessions[key(number, other)] != nil {
            let up = GossipEvent.sessionUp(id, Self.endpoint(other))
            return push(.milliseconds(1), number, .event(up))
        }
        push(delay(number, other) * 4, number, .established(with: other))
    }

    private func establish(_ number: Int, _ other: Int) {
        guard nodes[other].isAlive else {
            return push(.seconds(18), number, .event(.connectFailed(nodes[other].id)))
        }
        if sessions[key(number, other)] == nil {
            count += 1
            sessions[key(number, other)] = Session(serial: count, used: now)
            push(.seconds(180), min(number, other), .idle(with: max(number, other), serial: count))
            give(.sessionUp(nodes[number].id, Self.endpoint(number)), to: other)
        }
        give(.sessionUp(nodes[other].id, Self.endpoint(other)), to: number)
    }

    private func delay(_ left: Int, _ right: Int) -> Duration {
        var mixer = GossipRandom(seed: key(left, right) ^ seed)
        return .microseconds(10_000 + Int64(mixer.next() % 140_000))
    }

    private func key(_ left: Int, _ right: Int) -> UInt64 {
        UInt64(min(left, right)) << 32 | UInt64(max(left, right))
    }

    private func mix(_ word: UInt64) { trace = (trace ^ word) &* 0x100_0000_01B3 }

    // MARK: The queue, a binary heap

    private func push(_ after: Duration, _ node: Int, _ happening: Happening) {
        count += 1
        let entry = Entry(
            at: now + max(after, .zero),
            number: count,
            node: node,
            epoch: nodes[node].epoch,
            happening: happening
        )
        heap.append(entry)
        var child = heap.count - 1
        while child > 0, heap[child].isBefore(heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private func removeFirst() {
        let last = heap.removeLast()
        guard !heap.isEmpty else { return }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < heap.count && heap[child].isBefore(heap[least]) {
                least = child
            }
            guard least != parent else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}

// What can be seen from outside.
extension GossipWorld {
    var alive: [Int] { nodes.indices.filter { nodes[$0].isAlive } }

    /// The living neighbours of a node that say the same of it.
    func neighbours(of number: Int) -> [Int] {
        nodes[number].machine.active.compactMap { numbers[$0] }.filter {
            nodes[$0].isAlive && nodes[$0].machine.active.contains(nodes[number].id)
        }
    }

    /// How many of the living nodes reach each other in the largest part of the overlay.
    var largestPart: Int {
        var seen: Set<Int> = []
        var largest = 0
        for start in alive where !seen.contains(start) {
            var part = 0
            var next = [start]
            seen.insert(start)
            while let number = next.popLast() {
                part += 1
                for other in neighbours(of: number) where seen.insert(other).inserted {
                    next.append(other)
                }
            }
            largest = max(largest, part)
        }
        return largest
    }

    var isOne: Bool { largestPart == alive.count }

    /// How many of the living were not reached.
    func missed(by broadcast: Int) -> Int {
        alive.count { !broadcasts[broadcast].reached.contains($0) }
    }

    /// Starts nodes one after the other, each knowing one that was there before.
    func grow(to count: Int, every interval: Duration = .milliseconds(100)) {
        while nodes.count < count {
            let contact = nodes.isEmpty ? [] : [Int.random(in: 0..<nodes.count, using: &random)]
            start(knowing: contact)
            pass(interval)
        }
    }

    func anyone() -> Int {
        let alive = alive
        return alive[Int.random(in: 0..<alive.count, using: &random)]
    }
}
