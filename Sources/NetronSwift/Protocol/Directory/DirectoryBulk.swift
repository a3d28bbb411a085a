// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// The pulling of all statements that another has, page by page.
///
/// A page is all statements of one range, by place: for each its length (2 bytes) and its bytes. It
/// is the same at all members that hold the same statements, and its tag is the range's
/// fingerprint; so it is served without keeping anything, and can be pulled of one member and then
/// of another.
struct DirectoryBulk: Sendable {
    /// Who is asked.
    var peer: NodeID
    /// What is not asked for yet.
    var ranges: [DirectoryRange]
    /// How many bytes may still come, as much as what was promised can have.
    var bytesLeft: Int
    /// How many statements were news.
    var gain = 0
    /// Pages of which parts came from somebody else; for their content nobody is to blame.
    var mixed: [ChunkObject] = []
}

/// A page that came, and what is not read of it.
struct DirectoryPage: Sendable {
    var rest: ByteReader
    let peer: NodeID
    /// Whether all of it came from `peer`, who is to blame then for what is in it.
    let isPure: Bool
}

extension Directory {
    mutating func beginBulk(
        count: Int,
        at moment: Moment,
        into effects: inout [Effect]
    ) {
        guard let peer = round?.peer else { return }
        let count = min(count, DirectoryLimits.membersMax + 1)
        var bits = 0
        while count * DirectoryLimits.recordBytes > DirectoryLimits.pageBytes << bits {
            bits += 1
        }
        let pages =
            bits == 0
            ? [DirectoryRange.all]
            : (0..<(1 << bits)).reversed().map { DirectoryRange.all.part($0, bits: bits) }
        bulk = DirectoryBulk(
            peer: peer,
            ranges: pages,
            bytesLeft: count * DirectoryLimits.recordBytesMax
        )
        endRound(at: moment.instant, isWhole: false)
        pullPages(at: moment, into: &effects)
    }

    /// Begins to pull further pages, as many as are kept at a time; ends the bulk when there are
    /// none.
    private mutating func pullPages(at moment: Moment, into effects: inout [Effect]) {
        while transfer.objects.count + pages.count < TransferLimits.pullsMax,
            let range = bulk?.ranges.popLast()
        {
            let page = ChunkObject(kind: DirectoryLimits.pageKind, key: range.encoded)
            pull(page, at: moment, into: &effects)
        }
        guard let bulk, transfer.objects.isEmpty, pages.isEmpty else { return }
        self.bulk = nil
        // Who promised much and had nothing is not asked again.
        if bulk.gain == 0 { distrust(bulk.peer, at: moment.instant) }
        roundDue = moment.instant
    }

    private mutating func pull(
        _ page: ChunkObject,
        at moment: Moment,
        into effects: inout [Effect]
    ) {
        guard let peer = bulk?.peer else { return }
        let most = DirectoryLimits.pageBytesMax
        let event = TransferEvent.wanted(page, from: peer, bytesMax: most, digest: nil)
        run(event, at: moment, into: &effects)
    }

    /// Gives up who was pulled from, and goes on with another neighbour if there is one.
    mutating func moveBulk(at moment: Moment, into effects: inout [Effect]) {
        guard let old = bulk?.peer else { return }
        guard let peer = someNeighbour(except: old, at: moment.instant) else {
            endBulk(at: moment, into: &effects)
            return
        }
        bulk?.peer = peer
        let isForger = isDistrusted(old, at: moment.instant)
        for object in transfer.objects {
            guard isForger else {
                bulk?.mixed.append(object)
                run(.moved(object, to: peer), at: moment, into: &effects)
                continue
            }
            // Nothing of what a forger sent is kept.
            run(.cancelled(object), at: moment, into: &effects)
            pull(object, at: moment, into: &effects)
        }
    }

    private mutating func endBulk(at moment: Moment, into effects: inout [Effect]) {
        bulk = nil
        for object in transfer.objects { run(.cancelled(object), at: moment, into: &effects) }
        let pause = DirectoryLimits.roundIntervalShort
        roundDue = neighbours.isEmpty ? .never : moment.instant + pause
    }

    /// Lets the transfer take in what happened, and does what it says.
    mutating func run(
        _ event: TransferEvent,
        at moment: Moment,
        into effects: inout [Effect]
    ) {
        var orders: [TransferEffect] = []
        transfer.handle(event, at: moment.instant, into: &orders)
        for order in orders {
            switch order {
            case .send(let message, let peer): effects.append(.send(.chunks(message), to: peer))
            case .finished(let object, let page, let peer):
                keep(page, of: object, from: peer, at: moment.instant)
            case .failed(_, .tooLarge, let peer): distrust(peer, at: moment.instant)
            // A page less: the next round finds what is missing.
            case .failed: break
            case .stalled: moveBulk(at: moment, into: &effects)
            case .wake(let instant): transferDue = instant
            }
        }
    }

    mutating func receive(
        _ message: ChunkMessage,
        from peer: NodeID,
        at moment: Moment,
        into effects: inout [Effect]
    ) {
        if case .request(let request) = message {
            serve(request, to: peer, at: moment.instant, into: &effects)
            return
        }
        guard bulk != nil else {
            counters.unasked += 1
            return
        }
        run(.received(message, from: peer), at: moment, into: &effects)
        goOn(at: moment, into: &effects)
    }

    /// Leaves who lied, and begins to pull further pages.
    private mutating func goOn(at moment: Moment, into effects: inout [Effect]) {
        if let peer = bulk?.peer, isDistrusted(peer, at: moment.instant) {
            moveBulk(at: moment, into: &effects)
        }
        pullPages(at: moment, into: &effects)
    }

    // MARK: Reading

    /// Keeps a page until it is read, unless it is more than was promised.
    private mutating func keep(
        _ page: [UInt8],
        of object: ChunkObject,
        from peer: NodeID,
        at now: Instant
    ) {
        let isPure = bulk?.mixed.contains(object) == false
        bulk?.bytesLeft -= page.count
        guard let left = bulk?.bytesLeft, left >= 0 else {
            if isPure { distrust(peer, at: now) }
            return
        }
        guard !page.isEmpty else { return }
        if pages.isEmpty { pagesDue = now }
        pages.append(DirectoryPage(rest: ByteReader(page), peer: peer, isPure: isPure))
    }

    /// Takes in the next statements of the pages, as many as one event may.
    mutating func readPages(at moment: Moment, into effects: inout [Effect]) {
        for _ in 0..<DirectoryLimits.recordsPerTurn where !pages.isEmpty {
            readRecord(at: moment, into: &effects)
        }
        pagesDue = pages.isEmpty ? .never : moment.instant + DirectoryLimits.turnPause
        goOn(at: moment, into: &effects)
    }

    /// Takes in the next statement of the first page, which goes when it was the last one, or none.
    private mutating func readRecord(at moment: Moment, into effects: inout [Effect]) {
        let page = pages[0]
        guard let count = try? pages[0].rest.read(UInt16.self),
            let record = try? pages[0].rest.read(bytes: Int(count)),
            takePulled(Array(record), from: page.peer, at: moment, into: &effects)
        else {
            pages.removeFirst()
            if page.isPure { distrust(page.peer, at: moment.instant) }
            return
        }
        if pages[0].rest.count == 0 { pages.removeFirst() }
    }

    // MARK: Serving

    private mutating func serve(
        _ request: ChunkMessage.Request,
        to peer: NodeID,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        let admitted = server.admit(request, from: peer, at: now)
        guard !admitted.isEmpty else {
            counters.unheard += 1
            return
        }
        let page = page(request.object)
        for answer in ChunkServer.answers(to: request, chunks: admitted, with: page) {
            effects.append(.send(.chunks(answer), to: peer))
        }
    }

    /// A page as it is now, and the name of that content; nil for what is no page of ours.
    private func page(_ object: ChunkObject) -> (bytes: [UInt8], tag: UInt64)? {
        var reader = ByteReader(object.key)
        guard object.kind == DirectoryLimits.pageKind,
            let range = try? DirectoryRange(from: &reader), reader.count == 0
        else { return nil }
        let summary = members.summary(of: range)
        guard summary.count <= DirectoryLimits.pageRecordsMax else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(summary.count) * DirectoryLimits.recordBytes)
        for slot in members.slots(in: range) {
            let record = members.said[slot].bytes
            bytes.append(UInt8(record.count >> 8))
            bytes.append(UInt8(record.count & 0xFF))
            bytes.append(contentsOf: record)
        }
        return (bytes, summary.fingerprint)
    }
}
