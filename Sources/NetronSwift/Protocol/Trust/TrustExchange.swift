// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// An object that is awaited: its head is here, and what it says is not.
struct TrustWant: Sendable {
    let head: TrustHead
    let order: TrustOrder
    /// Who told of it last.
    var teller: NodeID
    /// Who is asked for it now.
    var asked: NodeID?
    var tries = 0
    /// When it is asked for, or asked for again.
    var due: Instant

    /// The name of what is pulled: the same for the same bytes.
    var object: ChunkObject { Self.object(of: head) }

    static func object(of head: TrustHead) -> ChunkObject {
        ChunkObject(
            kind: TrustLimits.contentKind,
            key: head.authority.bytes + head.digest.prefix(8)
        )
    }
}

// Who has newer ones.
extension Trust {
    mutating func neighbourUp(_ id: NodeID, at now: Instant, into effects: inout [Effect]) {
        if !neighbours.contains(id) { neighbours.append(id) }
        effects.append(.send(.have(held), to: id))
        if roundDue == .never { scheduleRound(at: now) }
        for authority in wants.keys.sorted() where wants[authority]?.asked == nil {
            wants[authority]?.due = now
        }
    }

    mutating func neighbourDown(_ id: NodeID, at now: Instant, into effects: inout [Effect]) {
        neighbours.removeAll { $0 == id }
        if neighbours.isEmpty { roundDue = .never }
        for authority in wants.keys.sorted() where wants[authority]?.asked == id {
            giveUp(authority, at: now, into: &effects)
        }
    }

    /// Compares with a neighbour by chance.
    mutating func beginRound(at now: Instant, into effects: inout [Effect]) {
        let peers = neighbours.filter { !distrusted.contains($0, at: now) }
        if let peer = peers.randomElement(using: &random) {
            effects.append(.send(.have(held), to: peer))
        }
        scheduleRound(at: now)
    }

    private mutating func scheduleRound(at now: Instant) {
        let quarter = Int64(TrustLimits.roundInterval / .milliseconds(4))
        let jitter = Int64.random(in: -quarter...quarter, using: &random)
        roundDue = now + TrustLimits.roundInterval + .milliseconds(jitter)
    }

    /// What is here, by authority.
    private var held: [TrustMessage.Held] {
        shelf.authorities.compactMap { authority in
            shelf.order(of: authority).map { .init(authority, $0) }
        }
    }

    mutating func receive(
        _ message: TrustMessage,
        from peer: NodeID,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard !distrusted.contains(peer, at: now) else {
            counters.unheard += 1
            return
        }
        if case .chunks(let message) = message {
            return receive(message, from: peer, at: now, into: &effects)
        }
        guard askers.spend(1, of: peer, at: now) else {
            counters.unheard += 1
            return
        }
        switch message {
        case .have(let list): compare(list, with: peer, into: &effects)
        case .want(let authorities): give(authorities, to: peer, into: &effects)
        case .heads(let heads):
            for head in heads { _ = learn(head, from: peer, at: now, into: &effects) }
        case .chunks: break
        }
    }

    /// Gives what is newer here, and asks for what is newer there.
    private func compare(
        _ theirs: [TrustMessage.Held],
        with peer: NodeID,
        into effects: inout [Effect]
    ) {
        var orders: [NodeID: TrustOrder] = [:]
        for one in theirs { orders[one.authority] = one.order }
        give(
            shelf.authorities.filter { authority in
                guard let own = shelf.order(of: authority) else { return false }
                return orders[authority].map { $0 < own } ?? true
            },
            to: peer,
            into: &effects
        )
        let newer = theirs.filter { one in
            shelf.standing(one.order, of: one.authority) == .newer
                && !isAwaited(one.order, of: one.authority)
        }
        if !newer.isEmpty { effects.append(.send(.want(newer.map(\.authority)), to: peer)) }
    }

    private func give(_ authorities: [NodeID], to peer: NodeID, into effects: inout [Effect]) {
        let heads = authorities.compactMap { shelf[$0]?.head }
        if !heads.isEmpty { effects.append(.send(.heads(heads), to: peer)) }
    }

    /// Whether an object is being pulled that is as new, or cannot be had.
    private func isAwaited(_ order: TrustOrder, of authority: NodeID) -> Bool {
        if broken[authority] == order { return true }
        return wants[authority].map { $0.asked != nil && $0.order >= order } ?? false
    }
}

// What is awaited.
extension Trust {
    /// Takes in that there is an object; true if that may be passed on.
    mutating func learn(
        _ head: TrustHead,
        from teller: NodeID,
        at now: Instant,
        into effects: inout [Effect]
    ) -> Bool {
        switch look(at: head, into: &effects) {
        case .same: return true
        case .strange, .older: return false
        case nil:
            // Who only passes on what it heard would have looked, too.
            distrusted.note(teller, at: now)
            return false
        case .newer: break
        }
        let order = order(of: head)
        guard broken[head.authority] != order else { return false }
        if let want = wants[head.authority] {
            guard want.order <= order else {
                counters.older += 1
                return false
            }
            if want.order == order {
                if want.asked == nil { askSoon(head.authority, of: teller, at: now) }
                return true
            }
            drop(head.authority, at: now, into: &effects)
        }
        wants[head.authority] = TrustWant(head: head, order: order, teller: teller, due: now)
        return true
    }

    private mutating func askSoon(_ authority: NodeID, of teller: NodeID, at now: Instant) {
        wants[authority]?.teller = teller
        wants[authority]?.due = now
        // The teller is asked first, whoever was asked before.
        if let tries = wants[authority]?.tries { wants[authority]?.tries = tries & ~1 }
    }

    /// Does not wait for an authority's object any more.
    mutating func drop(_ authority: NodeID, at now: Instant, into effects: inout [Effect]) {
        guard let want = wants.removeValue(forKey: authority), want.asked != nil else { return }
        run(.cancelled(want.object), at: now, into: &effects)
    }

    /// Asks another member, soon.
    private mutating func giveUp(
        _ authority: NodeID,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard var want = wants[authority] else { return }
        let wasAsked = want.asked != nil
        want.asked = nil
        want.tries += 1
        let isTired = want.tries >= TrustLimits.triesMax
        want.due = now + (isTired ? TrustLimits.retryPauseLong : TrustLimits.retryPause)
        wants[authority] = want
        if wasAsked { run(.cancelled(want.object), at: now, into: &effects) }
    }

    /// Asks for what is due: who told of it and neighbours by chance, in turn.
    mutating func askForMore(at now: Instant, into effects: inout [Effect]) {
        for authority in wants.keys.sorted() {
            guard let due = wants[authority], due.due <= now else { continue }
            // Whoever was asked takes too long.
            if due.asked != nil { giveUp(authority, at: now, into: &effects) }
            guard let want = wants[authority] else { continue }
            guard want.head.count > 0 else {
                finish(authority, [], from: want.teller, at: now, into: &effects)
                continue
            }
            guard let peer = peer(for: want, at: now) else {
                wants[authority]?.due = neighbours.isEmpty ? .never : now + TrustLimits.retryPause
                continue
            }
            wants[authority]?.asked = peer
            wants[authority]?.due = now + TrustLimits.pullTimeout
            let event = TransferEvent.wanted(
                want.object,
                from: peer,
                bytesMax: want.head.contentByteCount,
                digest: want.head.digest
            )
            run(event, at: now, into: &effects)
        }
    }

    private mutating func peer(for want: TrustWant, at now: Instant) -> NodeID? {
        let peers = neighbours.filter { !distrusted.contains($0, at: now) }
        if want.tries % 2 == 0, peers.contains(want.teller) { return want.teller }
        return peers.randomElement(using: &random)
    }

    /// Lets the transfer take in what happened, and does what it says.
    mutating func run(
        _ event: TransferEvent,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        var orders: [TransferEffect] = []
        transfer.handle(event, at: now, into: &orders)
        for order in orders {
            switch order {
            case .send(let message, let peer): effects.append(.send(.chunks(message), to: peer))
            case .finished(let object, let bytes, let peer):
                guard let authority = authority(awaitedAs: object) else { continue }
                wants[authority]?.asked = nil
                finish(authority, bytes, from: peer, at: now, into: &effects)
            case .failed(let object, let failure, let peer):
                if failure == .corrupt || failure == .tooLarge {
                    counters.forged += 1
                    distrusted.note(peer, at: now)
                }
                guard let authority = authority(awaitedAs: object) else { continue }
                wants[authority]?.asked = nil
                giveUp(authority, at: now, into: &effects)
            case .stalled(let object, _):
                guard let authority = authority(awaitedAs: object) else {
                    run(.cancelled(object), at: now, into: &effects)
                    continue
                }
                giveUp(authority, at: now, into: &effects)
            case .wake(let instant): transferDue = instant
            }
        }
    }

    private func authority(awaitedAs object: ChunkObject) -> NodeID? {
        wants.first { $0.value.object == object }?.key
    }

    /// Takes what the awaited head has the digest of, and tells the neighbours: who heard of it by
    /// broadcast may wait for it, and others may not have heard of it.
    private mutating func finish(
        _ authority: NodeID,
        _ bytes: [UInt8],
        from peer: NodeID,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard let want = wants.removeValue(forKey: authority) else { return }
        guard let list = try? TrustObject.revocations(of: bytes),
            let object = TrustObject(want.head, list, with: cryptography)
        else {
            // Its authority signed what is no list. Nobody else can be blamed.
            broken[authority] = want.order
            counters.forged += 1
            return
        }
        take(object, at: now, into: &effects)
        for neighbour in neighbours where neighbour != peer {
            effects.append(.send(.heads([want.head]), to: neighbour))
        }
    }
}

// Chunks.
extension Trust {
    fileprivate mutating func receive(
        _ message: ChunkMessage,
        from peer: NodeID,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        if case .request(let request) = message {
            serve(request, to: peer, at: now, into: &effects)
        } else if transfer.objects.isEmpty {
            counters.unasked += 1
        } else {
            run(.received(message, from: peer), at: now, into: &effects)
        }
    }

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
        let object = shelf.objects.first { TrustWant.object(of: $0.head) == request.object }
        let content = object.map { object in
            (
                bytes: object.content,
                tag: object.head.digest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
            )
        }
        for answer in ChunkServer.answers(to: request, chunks: admitted, with: content) {
            effects.append(.send(.chunks(answer), to: peer))
        }
    }
}
