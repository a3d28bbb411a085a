// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// The way to one member that is pulled from: how much may be under way, and what is lost.
///
/// A window of bytes that doubles with every round trip until the first loss, and then grows by one
/// chunk (RFC 5681). After a loss, once a round trip, it is halved if the path has a queue, else
/// cut by a fifth: loss without a queue is chance and not congestion (TCP Veno, Fu and Liew 2003,
/// whose estimate of the queue is the window's share that the least round trip does not explain).
/// After a silence it begins anew.
struct TransferPath: Sendable {
    /// A chunk that was asked for.
    struct Asked: Sendable {
        let sequence: UInt64
        let handle: UInt32
        let number: UInt16
        let at: Instant
        /// Its round trip says nothing, since two answers may come (Karn).
        let isAgain: Bool
    }

    let peer: NodeID
    private var window = TransferLimits.windowChunksFirst * ChunkMessage.chunkBytes
    private var threshold = TransferLimits.inFlightBytesMax
    /// What grew the window by less than a chunk so far.
    private var growth = 0

    private var smoothed: Duration?
    private var variation = Duration.zero
    private var least = Duration.seconds(3_600)
    private var latest = Duration.zero

    private(set) var asked: [Asked] = []
    private var nextSequence: UInt64 = 0
    /// The highest sequence that was answered.
    private var answered: UInt64?
    /// Losses of what was asked for before do not count again.
    private var recovery: UInt64 = 0
    /// When anything came last.
    private var heard = Instant(nanoseconds: 0)
    /// Silences in a row.
    private(set) var silences = 0

    init(to peer: NodeID) { self.peer = peer }

    private var inFlight: Int { asked.count * ChunkMessage.chunkBytes }

    /// How many more chunks may be asked for.
    var room: Int { max(0, window - inFlight) / ChunkMessage.chunkBytes }

    /// How many chunks fit the window.
    var windowChunks: Int { window / ChunkMessage.chunkBytes }

    mutating func ask(_ number: UInt16, of handle: UInt32, isAgain: Bool, at now: Instant) {
        asked.append(
            Asked(
                sequence: nextSequence,
                handle: handle,
                number: number,
                at: now,
                isAgain: isAgain
            )
        )
        nextSequence += 1
    }

    /// Takes in that a chunk came, whether or not it was still awaited.
    mutating func came(_ number: UInt16, of handle: UInt32, at now: Instant) {
        silences = 0
        heard = now
        guard let index = asked.firstIndex(where: { $0.handle == handle && $0.number == number })
        else { return }
        let chunk = asked.remove(at: index)
        answered = max(answered ?? 0, chunk.sequence)
        if !chunk.isAgain { measure(now - chunk.at) }
        grow()
    }

    /// What is lost by now: asked for well before what came, and long enough ago.
    mutating func takeLost(at now: Instant) -> [Asked] {
        guard let answered, let overdue = lossDelay else { return [] }
        var lost: [Asked] = []
        asked.removeAll { chunk in
            let isPassed = chunk.sequence + UInt64(TransferLimits.reorderedChunksMax) <= answered
            guard isPassed, chunk.at + overdue <= now else { return false }
            lost.append(chunk)
            return true
        }
        if let last = lost.last, last.sequence >= recovery { shrink() }
        return lost
    }

    /// Takes in that no answer came in time: all is lost.
    mutating func takeSilence() -> [Asked] {
        silences += 1
        threshold = max(window / 2, TransferLimits.windowChunksFirst * ChunkMessage.chunkBytes)
        window = TransferLimits.windowChunksFirst * ChunkMessage.chunkBytes
        growth = 0
        recovery = nextSequence
        defer { asked = [] }
        return asked
    }

    /// Forgets what was asked for of a pull that is over.
    mutating func forget(_ handle: UInt32) { asked.removeAll { $0.handle == handle } }

    /// When the silence is too long.
    var silenceDue: Instant { asked.first.map { max($0.at, heard) + timeout } ?? .never }

    /// When something is lost, or too long not answered.
    var deadline: Instant {
        guard let first = asked.first, let answered, let overdue = lossDelay,
            first.sequence + UInt64(TransferLimits.reorderedChunksMax) <= answered
        else { return silenceDue }
        return min(silenceDue, first.at + overdue)
    }

    // MARK: Round trips

    /// After that long a chunk is lost that was passed by others: 9/8 of a round trip (RFC 9002).
    private var lossDelay: Duration? { smoothed.map { max($0, latest) * 9 / 8 } }

    private var timeout: Duration {
        let base = smoothed.map { $0 + variation * 4 } ?? TransferLimits.timeoutFirst
        let bounded = max(base, TransferLimits.timeoutMin) * (1 << min(silences, 8))
        return min(bounded, TransferLimits.timeoutMax)
    }

    private mutating func measure(_ sample: Duration) {
        latest = sample
        least = min(least, sample)
        guard let smoothed else {
            self.smoothed = sample
            variation = sample / 2
            return
        }
        let difference = sample < smoothed ? smoothed - sample : sample - smoothed
        variation = (variation * 3 + difference) / 4
        self.smoothed = (smoothed * 7 + sample) / 8
    }

    // MARK: The window

    private mutating func grow() {
        growth += window < threshold ? window : ChunkMessage.chunkBytes
        guard growth >= window else { return }
        growth -= window
        window = min(window + ChunkMessage.chunkBytes, TransferLimits.inFlightBytesMax)
    }

    private mutating func shrink() {
        let cut = hasQueue ? window / 2 : window * 4 / 5
        window = max(cut, TransferLimits.windowChunksFirst * ChunkMessage.chunkBytes)
        threshold = window
        growth = 0
        recovery = nextSequence
    }

    /// Whether chunks of ours wait in the path's queues.
    private var hasQueue: Bool {
        guard let smoothed, smoothed > .zero else { return false }
        let waiting = max(.zero, smoothed - least)
        let queued = Double(windowChunks) * (waiting / smoothed)
        return queued >= Double(TransferLimits.queuedChunksMax)
    }
}
