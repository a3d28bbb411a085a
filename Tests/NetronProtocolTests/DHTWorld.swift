// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronSimulator
import NetronWire

/// Many nodes of a DHT in one thread, with one clock: datagrams take a while, and some get lost.
///
/// Everything happens in the order of (time, number of the event).
struct DHTWorld {
    /// What a node does instead of its duty.
    enum Malice {
        /// It answers nothing.
        case silent
        /// It tells of nodes near every key that are not there, and of peers that are none.
        case lying
        /// It tells of its like as if they were near every key.
        case conspiring
        /// It gives tokens and takes announcements, but keeps and tells nothing.
        case forgetful
    }

    private struct Entry {
        let at: Instant
        let number: UInt64
        let node: Int
        let event: DHTEvent
    }

    private(set) var now = Instant(nanoseconds: 1_000_000_000)
    private(set) var machines: [DHTMachine?] = []
    private(set) var endpoints: [Endpoint] = []
    private(set) var malices: [Malice?] = []
    /// Peers that a node was told of, by key and in time.
    private(set) var found: [Int: [DHTID: [Endpoint]]] = [:]
    /// When a node was told of a first peer.
    private(set) var foundAt: [Int: Instant] = [:]
    private(set) var finished: [Int: [DHTID: Int]] = [:]
    /// Items that a node was told of, in time.
    private(set) var items: [Int: [DHTItem]] = [:]
    private(set) var publicEndpoints: [Int: Endpoint] = [:]
    private(set) var eventCount = 0
    /// Bytes that a node sent, with headers.
    private(set) var bytes: [Int] = []

    var lossPercent = 0
    var delayMilliseconds = 10...60
    var names: [HostPort: [Endpoint]] = [:]

    private var places: [Endpoint: Int] = [:]
    private var heap: [Entry] = []
    private var count: UInt64 = 0
    private var deadlines: [Instant] = []
    private var random: SeededRandom

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    mutating func add(_ settings: DHTSettings, at endpoint: Endpoint, _ malice: Malice? = nil) {
        let node = machines.count
        let seed = random.next() as UInt64
        machines.append(
            DHTMachine(random: SeededRandom(seed: seed), cryptography: cheapCryptography())
        )
        endpoints.append(endpoint)
        malices.append(malice)
        deadlines.append(.never)
        bytes.append(0)
        places[endpoint] = node
        give(.started(settings), to: node)
    }

    mutating func stop(_ node: Int) {
        machines[node] = nil
        deadlines[node] = .never
    }

    mutating func give(_ event: DHTEvent, to node: Int) {
        eventCount += 1
        var effects: [DHTEffect] = []
        machines[node]?.handle(event, at: now, into: &effects)
        for effect in effects { perform(effect, of: node) }
    }

    mutating func run(for duration: Duration) {
        let end = now + duration
        var atOnce = 0
        while let entry = heap.first, entry.at <= end {
            pop()
            atOnce = entry.at == now ? atOnce + 1 : 0
            precondition(atOnce < 10_000, "a machine wakes for nothing")
            now = entry.at
            deliver(entry)
        }
        now = end
    }

    private mutating func deliver(_ entry: Entry) {
        if case .timeout = entry.event {
            guard deadlines[entry.node] == entry.at else { return }
            deadlines[entry.node] = .never
        }
        if let malice = malices[entry.node],
            case .received(let datagram, let source) = entry.event
        {
            guard malice != .silent else { return }
            if let message = try? KRPCMessage(datagram), case .query(let query) = message.body,
                deceive(query, message, as: entry.node, from: source, malice)
            {
                return
            }
        }
        give(entry.event, to: entry.node)
    }

    private mutating func perform(_ effect: DHTEffect, of node: Int) {
        switch effect {
        case .send(let datagram, let endpoint): send(datagram, from: node, to: endpoint)
        case .resolve(let host):
            later(.milliseconds(20), .resolved(host, names[host] ?? []), to: node)
        case .found(let key, let peers):
            found[node, default: [:]][key, default: []] += peers
            if foundAt[node] == nil { foundAt[node] = now }
        case .finished(let key, let announced): finished[node, default: [:]][key] = announced
        case .publicEndpoint(let endpoint): publicEndpoints[node] = endpoint
        case .seen: break
        case .item(_, let item): items[node, default: []].append(item)
        case .wake(let instant):
            deadlines[node] = instant
            guard instant != .never else { return }
            push(instant, .timeout, to: node)
        }
    }

    private mutating func send(_ datagram: [UInt8], from node: Int, to endpoint: Endpoint) {
        precondition(datagram.count <= KRPCLimits.sentBytesMax, "a datagram is too long")
        bytes[node] += datagram.count + 28
        let isLost = Int.random(in: 0..<100, using: &random) < lossPercent
        let delay = Int.random(in: delayMilliseconds, using: &random)
        guard !isLost, let other = places[endpoint], machines[other] != nil else { return }
        later(.milliseconds(delay), .received(datagram, from: endpoints[node]), to: other)
    }

    // MARK: Malice

    /// Answers with a lie; false if the machine may answer for itself.
    private mutating func deceive(
        _ query: KRPCQuery,
        _ message: KRPCMessage,
        as node: Int,
        from source: Endpoint,
        _ malice: Malice
    ) -> Bool {
        let own = machines[node]?.id(.v4) ?? .zero
        var response = KRPCResponse(own)
        let key: DHTID
        switch query.method {
        case .findNode(let target, _): key = target
        case .getPeers(let target, _): key = target
        case .announcePeer: return answer(response, message, as: node, to: source)
        default: return false
        }
        response.tellsNodes = .v4
        response.token = [1, 2, 3]
        switch malice {
        case .silent: return true
        case .forgetful: return false
        case .lying:
            for _ in 0..<30 {
                let word = random.next() as UInt32
                response.nodes.append(
                    DHTNode(
                        key.neighbour(sharing: 40, exactly: false, else: .random(using: &random)),
                        Endpoint(IPAddress(.v4, number: UInt128(word)), port: 6_881)
                    )
                )
            }
            for _ in 0..<40 {
                let word = random.next() as UInt32
                response.peers.append(Endpoint(IPAddress(.v4, number: UInt128(word)), port: 1))
            }
        case .conspiring:
            let like = malices.indices.filter { malices[$0] == .conspiring }
            for _ in 0..<8 {
                let other = like[Int.random(in: like.indices, using: &random)]
                // Their ids do not fit their addresses: those that do cannot be chosen.
                response.nodes.append(
                    DHTNode(
                        key.neighbour(sharing: 40, exactly: false, else: .random(using: &random)),
                        endpoints[other]
                    )
                )
            }
            // It answers as whoever was asked for.
            response.id = key.neighbour(sharing: 40, exactly: false, else: own)
        }
        return answer(response, message, as: node, to: source)
    }

    private mutating func answer(
        _ response: KRPCResponse,
        _ message: KRPCMessage,
        as node: Int,
        to source: Endpoint
    ) -> Bool {
        // It lies about where it sees others, too.
        let reply = KRPCMessage(
            .response(response),
            transaction: message.transaction,
            requester: publicEndpoint(9_999)
        )
        let datagram = reply.encoded
        guard let other = places[source] else { return true }
        later(.milliseconds(20), .received(datagram, from: endpoints[node]), to: other)
        return true
    }

    // MARK: The queue

    private mutating func later(_ delay: Duration, _ event: DHTEvent, to node: Int) {
        push(now + delay, event, to: node)
    }

    private mutating func push(_ at: Instant, _ event: DHTEvent, to node: Int) {
        heap.append(Entry(at: max(at, now), number: count, node: node, event: event))
        count += 1
        var child = heap.count - 1
        while child > 0, isBefore(child, (child - 1) / 2) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    private mutating func pop() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            var first = parent
            for child in [2 * parent + 1, 2 * parent + 2]
            where child < heap.count && isBefore(child, first) { first = child }
            guard first != parent else { return }
            heap.swapAt(parent, first)
            parent = first
        }
    }

    private func isBefore(_ left: Int, _ right: Int) -> Bool {
        (heap[left].at, heap[left].number) < (heap[right].at, heap[right].number)
    }
}
