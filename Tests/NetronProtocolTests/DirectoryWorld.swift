// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronSimulator
import NetronWire

/// Directories that are neighbours of each other, and the links between them.
struct DirectoryWorld {
    /// What a link does to messages; each direction is a queue of its own.
    struct Link {
        var delay = Duration.milliseconds(10)
        /// Bits a second; nil for no limit.
        var rate: Int?
        /// What waits longer than that is dropped.
        var queue = Duration.milliseconds(100)
        /// In thousandths.
        var loss = 0
    }

    /// With UDP, IPv4 and the header and tag of a session's packet.
    static let headerBytes = 28 + 32

    private struct Parcel {
        let due: Instant
        let number: Int
        let from: Int
        let to: Int
        let message: DirectoryMessage
    }

    var nodes: [DirectoryScript]
    var link: Link
    private var random: SeededRandom
    private var parcels = Heap()
    private var busy: [Int: Instant] = [:]
    private var sent = 0
    private(set) var now = Instant(nanoseconds: 1_000_000_000)

    /// How many bytes were sent by each node, with all headers, and how many messages.
    private(set) var bytes: [Int]
    private(set) var messages = 0
    /// What was broadcast, which goes nowhere.
    private(set) var broadcasts = 0
    /// What a hostile node makes of what it sends.
    var forge: ((Int, DirectoryMessage) -> DirectoryMessage?)?

    init(_ nodes: [DirectoryScript], link: Link = Link(), seed: UInt64 = 5) {
        self.nodes = nodes
        self.link = link
        random = SeededRandom(seed: seed)
        bytes = [Int](repeating: 0, count: nodes.count)
    }

    mutating func connect(_ left: Int, _ right: Int) {
        carry(nodes[left].after(.neighbourUp(nodes[right].id)), from: left)
        carry(nodes[right].after(.neighbourUp(nodes[left].id)), from: right)
    }

    mutating func disconnect(_ left: Int, _ right: Int) {
        carry(nodes[left].after(.neighbourDown(nodes[right].id)), from: left)
        carry(nodes[right].after(.neighbourDown(nodes[left].id)), from: right)
    }

    mutating func after(_ event: DirectoryEvent, at node: Int) {
        carry(nodes[node].after(event), from: node)
    }

    /// Lets the world go on, until `isDone` or for that long.
    mutating func run(for duration: Duration, until isDone: (Self) -> Bool = { _ in false }) {
        let end = now + duration
        while !isDone(self) {
            let deadline = nodes.indices.min { nodes[$0].deadline < nodes[$1].deadline } ?? 0
            let next = min(parcels.first?.due ?? .never, nodes[deadline].deadline)
            guard next <= end else { break }
            advance(to: max(now, next))
            if let parcel = parcels.first, parcel.due <= now {
                parcels.removeFirst()
                let event = DirectoryEvent.received(parcel.message, from: nodes[parcel.from].id)
                carry(nodes[parcel.to].after(event), from: parcel.to)
            } else {
                carry(nodes[deadline].after(.timeout), from: deadline)
            }
        }
        if !isDone(self) { advance(to: end) }
    }

    private mutating func advance(to instant: Instant) {
        now = instant
        for index in nodes.indices {
            nodes[index].now = instant
            nodes[index].wall = labEpoch + instant.nanoseconds / 1_000_000 - 1_000
        }
    }

    private mutating func carry(_ effects: [DirectoryEffect], from: Int) {
        for effect in effects {
            switch effect {
            case .broadcast: broadcasts += 1
            case .send(let message, let id):
                guard let to = nodes.firstIndex(where: { $0.id == id }) else { continue }
                if let message = forge.map({ $0(from, message) }) ?? message {
                    send(message, from: from, to: to)
                }
            case .changed, .renewed, .twin, .wake: break
            }
        }
    }

    private mutating func send(_ message: DirectoryMessage, from: Int, to: Int) {
        let count = message.byteCount
        precondition(count <= Message.bytesMax, "\(count) bytes in a message")
        bytes[from] += count + Self.headerBytes
        messages += 1
        if Int.random(in: 0..<1_000, using: &random) < link.loss { return }
        var leaves = now
        if let rate = link.rate {
            let direction = from * nodes.count + to
            let start = max(now, busy[direction] ?? now)
            guard start - now <= link.queue else { return }
            let bits = (count + Self.headerBytes) * 8
            leaves = start + .nanoseconds(Int64(bits) * 1_000_000_000 / Int64(rate))
            busy[direction] = leaves
        }
        sent += 1
        let due = leaves + link.delay
        parcels.insert(Parcel(due: due, number: sent, from: from, to: to, message: message))
    }

    /// Parcels by when they are due, then as they were sent.
    private struct Heap {
        private var parcels: [Parcel] = []

        var first: Parcel? { parcels.first }

        private func isBefore(_ left: Int, _ right: Int) -> Bool {
            (parcels[left].due, parcels[left].number) < (parcels[right].due, parcels[right].number)
        }

        mutating func insert(_ parcel: Parcel) {
            parcels.append(parcel)
            var index = parcels.count - 1
            while index > 0, isBefore(index, (index - 1) / 2) {
                parcels.swapAt(index, (index - 1) / 2)
                index = (index - 1) / 2
            }
        }

        mutating func removeFirst() {
            parcels.swapAt(0, parcels.count - 1)
            parcels.removeLast()
            var index = 0
            while 2 * index + 1 < parcels.count {
                var child = 2 * index + 1
                if child + 1 < parcels.count, isBefore(child + 1, child) { child += 1 }
                guard isBefore(child, index) else { return }
                parcels.swapAt(child, index)
                index = child
            }
        }
    }
}
