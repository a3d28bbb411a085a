// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronSimulator
import NetronWire

/// One who pulls, some who serve, and the links between them.
struct TransferWorld {
    struct Link {
        var delay = Duration.milliseconds(25)
        /// Bits a second; nil for no limit.
        var rate: Int? = 10_000_000
        /// What waits longer than that is dropped.
        var queue = Duration.milliseconds(100)
        /// In thousandths.
        var loss = 0
        var doubled = 0
        /// How much later than others a message may come.
        var jitter = Duration.zero
    }

    private struct Parcel {
        let due: Instant
        let number: Int
        let isRequest: Bool
        let message: ChunkMessage
        let server: NodeID
    }

    static let headerBytes = 62

    let me = many(0)
    var transfer: Transfer
    var link: Link
    /// What each server has; nil for one that is silent.
    var objects: [NodeID: [ChunkObject: [UInt8]]] = [:]
    var servers: [NodeID: ChunkServer] = [:]
    let servedPerSecond: Int
    private(set) var now = Instant(nanoseconds: 1_000_000_000)
    private(set) var finished: [ChunkObject: [UInt8]] = [:]
    private(set) var failures: [TransferFailure] = []
    private(set) var stalls = 0
    private(set) var requests = 0
    private(set) var chunks = 0
    private var parcels: [Parcel] = []
    private var random: SeededRandom
    private var busyUntil = Instant(nanoseconds: 0)
    private var sent = 0
    private var deadline = Instant.never

    init(link: Link, perSecond: Int = 8 << 20, seed: UInt64 = 3) {
        transfer = Transfer(cryptography: .cheap(many(0)), bytesPerSecond: perSecond)
        self.link = link
        servedPerSecond = perSecond
        random = SeededRandom(seed: seed)
    }

    mutating func after(_ event: TransferEvent) {
        var effects: [TransferEffect] = []
        transfer.handle(event, at: now, into: &effects)
        for effect in effects {
            switch effect {
            case .send(let message, let server):
                requests += 1
                carry(message, isRequest: true, server: server)
            case .finished(let object, let bytes, _): finished[object] = bytes
            case .failed(_, let failure, _): failures.append(failure)
            case .stalled: stalls += 1
            case .wake(let instant): deadline = instant
            }
        }
    }

    /// Lets the world go on until all is pulled that was wanted.
    mutating func run(for duration: Duration, until isDone: (Self) -> Bool) {
        let end = now + duration
        while !isDone(self) {
            let next = parcels.indices.min {
                (parcels[$0].due, parcels[$0].number) < (parcels[$1].due, parcels[$1].number)
            }
            let due = min(next.map { parcels[$0].due } ?? .never, deadline)
            guard due <= end else { break }
            now = max(now, due)
            if let next, parcels[next].due <= now {
                deliver(parcels.remove(at: next))
            } else {
                after(.timeout)
            }
        }
    }

    private mutating func deliver(_ parcel: Parcel) {
        guard parcel.isRequest else {
            after(.received(parcel.message, from: parcel.server))
            return
        }
        guard case .request(let request) = parcel.message,
            let objects = objects[parcel.server]
        else { return }
        guard let object = objects[request.object] else {
            carry(.refused(handle: request.handle), isRequest: false, server: parcel.server)
            return
        }
        var server = servers[parcel.server] ?? ChunkServer(bytesPerSecond: servedPerSecond)
        let admitted = server.admit(request, from: me, at: now)
        servers[parcel.server] = server
        let content = (object, tag(object))
        let answers = ChunkServer.answers(to: request, chunks: admitted, with: content)
        for answer in answers { carry(answer, isRequest: false, server: parcel.server) }
    }

    /// A name of the content; these tests' contents begin differently or differ in size.
    private func tag(_ object: [UInt8]) -> UInt64 {
        object.prefix(8).reduce(UInt64(object.count) + 1) { $0 &* 31 &+ UInt64($1) } | 1
    }

    private mutating func carry(_ message: ChunkMessage, isRequest: Bool, server: NodeID) {
        if !isRequest { chunks += 1 }
        if Int.random(in: 0..<1_000, using: &random) < link.loss { return }
        var leaves = now
        // The way of the requests is wide; that of the answers is the narrow one.
        if let rate = link.rate, !isRequest {
            let start = max(now, busyUntil)
            guard start - now <= link.queue else { return }
            let bits = (message.byteCount + Self.headerBytes) * 8
            leaves = start + .nanoseconds(Int64(bits) * 1_000_000_000 / Int64(rate))
            busyUntil = leaves
        }
        let copies = Int.random(in: 0..<1_000, using: &random) < link.doubled ? 2 : 1
        for _ in 0..<copies {
            let jitter = Int64(link.jitter / .microseconds(1))
            let late = Duration.microseconds(Int64.random(in: 0...jitter, using: &random))
            sent += 1
            let parcel = Parcel(
                due: leaves + link.delay + late,
                number: sent,
                isRequest: isRequest,
                message: message,
                server: server
            )
            parcels.append(parcel)
        }
    }
}

extension ChunkMessage {
    fileprivate var byteCount: Int {
        var writer = ByteWriter()
        write(to: &writer)
        return writer.bytes.count
    }
}
