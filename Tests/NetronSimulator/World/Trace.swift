// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol

/// The last events of the world, and a hash of all of them.
struct Trace {
    /// What happened, in a word.
    enum Deed: UInt8 {
        case started, stopped, crashed, frozen, thawed, moved
        case resolved, discovered, peerUp, peerDown, dialFailed, received, movedPeer, datagram
        case unrouted, wanted, probed, clockHeard, clock, hostChanged, timeout, stopping
        case dial, send, sendDatagram, circuitEnded, sentToAll, silent
    }

    private struct Entry {
        let time: UInt64
        let node: UInt32
        /// The other node, if there is one.
        let other: UInt32
        let deed: Deed
        /// Bytes, or what else there is to say.
        let amount: UInt32
    }

    static let nobody = Int(UInt32.max)

    /// Two runs with one hash went the same way.
    private(set) var hash: UInt64 = 0
    private var ring: [Entry] = []
    private var next = 0
    private let countMax: Int

    init(countMax: Int) {
        self.countMax = countMax
        ring.reserveCapacity(countMax)
    }

    mutating func add(
        _ deed: Deed,
        of node: Int,
        _ other: Int = nobody,
        _ amount: Int = 0,
        at time: UInt64
    ) {
        let word = UInt64(node) << 40 ^ UInt64(other) << 16 ^ UInt64(deed.rawValue) << 56
        hash = SeededRandom.mix(hash &+ time) ^ SeededRandom.mix(word ^ UInt64(amount))
        guard countMax > 0 else { return }
        let entry = Entry(
            time: time,
            node: UInt32(node),
            other: UInt32(other),
            deed: deed,
            amount: UInt32(truncatingIfNeeded: amount)
        )
        if ring.count < countMax {
            ring.append(entry)
        } else {
            ring[next] = entry
            next = next + 1 == countMax ? 0 : next + 1
        }
    }

    /// The last events, a line each, the oldest first.
    var lines: [String] {
        (ring[next...] + ring[..<next]).map { entry in
            let other = Int(entry.other) == Self.nobody ? "" : " \(entry.other)"
            let amount = entry.amount == 0 ? "" : " (\(entry.amount))"
            let time = WorldFailure.seconds(entry.time)
            return "\(time) node \(entry.node): \(entry.deed)\(other)\(amount)"
        }
    }
}

extension NodeEvent {
    /// The event's word, for the trace.
    var deed: Trace.Deed {
        switch self {
        case .started: .started
        case .resolved: .resolved
        case .discovered: .discovered
        case .peerUp: .peerUp
        case .peerDown: .peerDown
        case .dialFailed: .dialFailed
        case .received: .received
        case .moved: .movedPeer
        case .silent, .silenceEnded: .silent
        case .datagram: .datagram
        case .unrouted: .unrouted
        case .sentToAll: .sentToAll
        case .wanted, .ledgerWanted: .wanted
        case .probed: .probed
        case .clockHeard: .clockHeard
        case .clock: .clock
        case .hostChanged, .gatewayChanged, .mapped: .hostChanged
        case .circuitEnded: .circuitEnded
        case .timeout: .timeout
        case .stopping: .stopping
        }
    }

    /// How many bytes came.
    var byteCount: Int {
        switch self {
        case .received(from: _, let bytes), .datagram(let bytes, from: _): bytes.count
        default: 0
        }
    }
}
