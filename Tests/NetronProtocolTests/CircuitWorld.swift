// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronWire

/// Circuit machines that have sessions with each other as a test says, and a network that carries
/// each message in 10 ms, or loses it.
struct CircuitWorld {
    private struct Entry {
        let at: Instant
        let from: UInt8
        let to: UInt8
        let message: PathMessage
    }

    private(set) var now = Instant(nanoseconds: 1_000_000_000)
    private var machines: [UInt8: CircuitMachine] = [:]
    private var deadlines: [UInt8: Instant] = [:]
    private var sessions: Set<Set<UInt8>> = []
    /// Members that lead to a member.
    var introducers: [UInt8: [UInt8]] = [:]
    private var queue: [Entry] = []
    /// How many of the next messages are lost.
    var losses = 0
    private(set) var messageCount = 0

    /// What a datagram on a circuit meets at a node.
    private enum Place: Equatable {
        case end
        case relay(next: UInt8, out: CircuitID)
    }

    private var places: [UInt8: [CircuitID: Place]] = [:]
    private var outs: [UInt8: [CircuitID: (UInt8, CircuitID)]] = [:]
    private(set) var opened: [UInt8: [CircuitID]] = [:]
    private(set) var failed: [UInt8: [UInt8]] = [:]
    private(set) var lost: [UInt8: [CircuitID]] = [:]

    init(
        _ count: UInt8,
        unwilling: Set<UInt8> = [],
        relayedMax: Int = CircuitLimits.relayedMax
    ) {
        for number in 1...count {
            machines[number] = CircuitMachine(
                of: node(number),
                relayedMax: unwilling.contains(number) ? 0 : relayedMax,
                lanes: 3,
                random: GossipRandom(seed: UInt64(number))
            )
        }
    }

    mutating func connect(_ pairs: (UInt8, UInt8)...) {
        for (one, other) in pairs { sessions.insert([one, other]) }
    }

    mutating func cut(_ one: UInt8, _ other: UInt8) {
        sessions.remove([one, other])
        give(.sessionDown(node(other)), to: one)
        give(.sessionDown(node(one)), to: other)
    }

    func machine(_ number: UInt8) -> CircuitMachine? { machines[number] }

    mutating func give(_ event: CircuitEvent, to number: UInt8) {
        var effects: [CircuitEffect] = []
        let ways = event.wayWanted.map { target in
            let last = target.bytes[0]
            return ([last] + (introducers[last] ?? []))
                .filter { sessions.contains([$0, number]) }.map { node($0) }
        }
        machines[number]?.handle(event, at: now, ways: ways ?? [], into: &effects)
        for effect in effects { carryOut(effect, of: number) }
    }

    private mutating func carryOut(_ effect: CircuitEffect, of number: UInt8) {
        switch effect {
        case .send(let message, let id):
            messageCount += 1
            guard sessions.contains([number, id.bytes[0]]) else { return }
            guard losses == 0 else {
                losses -= 1
                return
            }
            queue.append(
                Entry(at: now + .milliseconds(10), from: number, to: id.bytes[0], message: message)
            )
        case .end(let side):
            places[number, default: [:]][side.into] = .end
            outs[number, default: [:]][side.into] = (side.neighbour.bytes[0], side.out)
        case .forward(let one, let other):
            places[number, default: [:]][one.into] =
                .relay(next: other.neighbour.bytes[0], out: other.out)
            places[number, default: [:]][other.into] =
                .relay(next: one.neighbour.bytes[0], out: one.out)
        case .close(let circuit): places[number]?[circuit] = nil
        case .opened(let circuit, _): opened[number, default: []].append(circuit)
        case .failed(let id): failed[number, default: []].append(id.bytes[0])
        case .lost(let circuit, _): lost[number, default: []].append(circuit)
        case .wake(let instant): deadlines[number] = instant
        }
    }

    mutating func run(for duration: Duration) {
        let end = now + duration
        while true {
            let message = queue.indices.min { queue[$0].at < queue[$1].at }
            let wake = deadlines.min { ($0.value, $0.key) < ($1.value, $1.key) }
            if let message, queue[message].at <= min(end, wake?.value ?? .never) {
                let entry = queue.remove(at: message)
                now = max(now, entry.at)
                give(.received(entry.message, from: node(entry.from)), to: entry.to)
            } else if let wake, wake.value <= end {
                now = max(now, wake.value)
                deadlines[wake.key] = .never
                give(.timeout, to: wake.key)
            } else {
                now = end
                return
            }
        }
    }

    /// Follows a datagram that a node sends on a circuit: through whom it comes, and where it ends.
    func follow(_ circuit: CircuitID, from number: UInt8) -> [UInt8]? {
        guard let (first, name) = outs[number]?[circuit] else { return nil }
        var (path, node, name2) = ([first], first, name)
        for _ in 0..<4 {
            switch places[node]?[name2] {
            case .end: return path
            case .relay(let next, let out):
                (node, name2) = (next, out)
                path.append(next)
            case nil: return nil
            }
        }
        return nil
    }
}
