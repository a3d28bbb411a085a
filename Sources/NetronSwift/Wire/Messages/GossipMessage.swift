// SPDX-License-Identifier: Apache-2.0

/// What members tell each other to be one overlay and to pass on what all shall know.
///
///     kind 1   join          hint of the sender
///     kind 2   forwardJoin   ttl (1 byte), hint
///     kind 3   neighbour     priority (1 byte: 0 low, 1 high)
///     kind 4   answer        1 byte: 0 refused, 1 accepted
///     kind 5   disconnect
///     kind 6   shuffle       number (4 bytes), ttl (1 byte), hints: the first is of who began
///     kind 7   shuffleReply  number (4 bytes), hints
///     kind 8   gossip        see Rumor
///     kind 9   ihave         count (1 byte, 1 to 120), then as many ids of rumors
///     kind 10  graft         count (1 byte, 1 to 120), then as many ids of rumors
///     kind 11  prune
///     kind 12  probeRequest  number (4 bytes), hint of whom to probe
///     kind 13  probeAnswer   number (4 bytes), 1 byte: 0 silent, 1 alive
///     kind 14  route         see TreeRoute, then 1 byte: 0 not through the receiver, 1 through it
///     kind 15  lift          ttl (1 byte), hint
///
/// A hint is written as a list of one (see Hint). The first seven are of HyParView, the next four
/// of Plumtree (both Leitao, Pereira and Rodrigues, 2007), two of SWIM (Das, Gupta and
/// Motivala, 2002), the others are our own.
package enum GossipMessage: Hashable, Sendable {
    case join(Hint)
    /// Somebody joined; the one where `ttl` ends becomes its neighbour.
    case forwardJoin(Hint, ttl: UInt8)
    /// Asks the receiver to be a neighbour.
    case neighbour(Priority)
    /// Answers `join` and `neighbour`.
    case answer(isAccepted: Bool)
    /// The sender is no neighbour of the receiver, or no longer.
    case disconnect
    case shuffle(number: UInt32, ttl: UInt8, [Hint])
    /// Goes back the way that the shuffle came.
    case shuffleReply(number: UInt32, [Hint])
    case gossip(Rumor)
    /// The sender has these; at least one, at most `idsMax`.
    case ihave([RumorID])
    /// Asks for rumors; at least one, at most `idsMax`.
    case graft([RumorID])
    /// Makes the link none of the tree.
    case prune
    case probeRequest(number: UInt32, Hint)
    case probeAnswer(number: UInt32, isAlive: Bool)
    /// Where the sender sees the root of the tree, and whether its way there is by the receiver.
    case route(TreeRoute, isParent: Bool)
    /// Somebody at the end of the tree asks its ancestors for a place nearer to the root.
    case lift(Hint, ttl: UInt8)

    package enum Priority: UInt8, Sendable {
        /// Accepted where there is room.
        case low = 0
        /// Accepted always: the sender has few neighbours.
        case high = 1
    }

    /// Which message, and the byte that it begins with.
    package enum Kind: UInt8, CaseIterable, Sendable {
        case join = 1
        case forwardJoin = 2
        case neighbour = 3
        case answer = 4
        case disconnect = 5
        case shuffle = 6
        case shuffleReply = 7
        case gossip = 8
        case ihave = 9
        case graft = 10
        case prune = 11
        case probeRequest = 12
        case probeAnswer = 13
        case route = 14
        case lift = 15
    }

    /// How many steps a walk has, whatever it is for.
    package static let ttlMax: UInt8 = 8

    /// How many ids of rumors one message carries.
    package static let idsMax = 120

    /// How many hints a message carries; with the longest endpoints they fit.
    package static let hintsMax = 10
}

extension GossipMessage {
    package var kind: Kind {
        switch self {
        case .join: .join
        case .forwardJoin: .forwardJoin
        case .neighbour: .neighbour
        case .answer: .answer
        case .disconnect: .disconnect
        case .shuffle: .shuffle
        case .shuffleReply: .shuffleReply
        case .gossip: .gossip
        case .ihave: .ihave
        case .graft: .graft
        case .prune: .prune
        case .probeRequest: .probeRequest
        case .probeAnswer: .probeAnswer
        case .route: .route
        case .lift: .lift
        }
    }

    /// How many bytes `write(to:)` writes.
    package var byteCount: Int {
        switch self {
        case .disconnect, .prune: 1
        case .neighbour, .answer: 2
        case .probeAnswer: 6
        case .gossip(let rumor): 3 + rumor.payload.count
        case .route: 15
        case .ihave(let ids), .graft(let ids): 2 + 8 * ids.count
        case .join(let hint): 2 + hint.byteCount
        case .forwardJoin(let hint, _), .lift(let hint, _): 3 + hint.byteCount
        case .probeRequest(_, let hint): 6 + hint.byteCount
        case .shuffleReply(_, let hints): hints.reduce(6) { $0 + $1.byteCount }
        case .shuffle(_, _, let hints): hints.reduce(7) { $0 + $1.byteCount }
        }
    }
}

// The bytes.
extension GossipMessage {
    package func write(to writer: inout ByteWriter) {
        writer.write(kind.rawValue)
        switch self {
        case .disconnect, .prune: break
        case .join(let hint):
            Hint.write([hint], to: &writer)
        case .forwardJoin(let hint, let ttl), .lift(let hint, let ttl):
            writer.write(ttl)
            Hint.write([hint], to: &writer)
        case .neighbour(let priority):
            writer.write(priority.rawValue)
        case .answer(let isAccepted):
            writer.write(isAccepted)
        case .shuffle(let number, let ttl, let hints):
            writer.write(number)
            writer.write(ttl)
            Hint.write(hints, to: &writer)
        case .shuffleReply(let number, let hints):
            writer.write(number)
            Hint.write(hints, to: &writer)
        case .gossip(let rumor):
            rumor.write(to: &writer)
        case .ihave(let ids), .graft(let ids):
            writer.write(count: ids.count)
            for id in ids { writer.write(id.number) }
        case .probeRequest(let number, let hint):
            writer.write(number)
            Hint.write([hint], to: &writer)
        case .probeAnswer(let number, let isAlive):
            writer.write(number)
            writer.write(isAlive)
        case .route(let route, let isParent):
            route.write(to: &writer)
            writer.write(isParent)
        }
    }

    /// Takes a message, or nil for a kind that this node does not know; what follows is then left.
    package init?(from reader: inout ByteReader) throws(WireError) {
        guard let kind = Kind(rawValue: try reader.read(UInt8.self)) else { return nil }
        self = try Self.read(kind, from: &reader)
    }

    private static func read(
        _ kind: Kind,
        from reader: inout ByteReader
    ) throws(WireError) -> Self {
        switch kind {
        case .join: .join(try reader.readHint())
        case .forwardJoin, .lift: try walk(kind, from: &reader)
        case .neighbour: .neighbour(try reader.readPriority())
        case .answer: .answer(isAccepted: try reader.readBool())
        case .disconnect: .disconnect
        case .shuffle: try shuffle(from: &reader)
        case .shuffleReply:
            .shuffleReply(number: try reader.read(UInt32.self), try reader.readHints())
        case .gossip: .gossip(try Rumor(from: &reader))
        case .ihave: .ihave(try reader.readRumorIDs())
        case .graft: .graft(try reader.readRumorIDs())
        case .prune: .prune
        case .probeRequest:
            .probeRequest(number: try reader.read(UInt32.self), try reader.readHint())
        case .probeAnswer:
            .probeAnswer(number: try reader.read(UInt32.self), isAlive: try reader.readBool())
        case .route:
            .route(try TreeRoute(from: &reader), isParent: try reader.readBool())
        }
    }

    private static func walk(
        _ kind: Kind,
        from reader: inout ByteReader
    ) throws(WireError) -> Self {
        let ttl = try reader.readTTL()
        let hint = try reader.readHint()
        return kind == .lift ? .lift(hint, ttl: ttl) : .forwardJoin(hint, ttl: ttl)
    }

    private static func shuffle(from reader: inout ByteReader) throws(WireError) -> Self {
        let number = try reader.read(UInt32.self)
        let ttl = try reader.readTTL()
        let hints = try reader.readHints()
        guard !hints.isEmpty else { throw .notCanonical }
        return .shuffle(number: number, ttl: ttl, hints)
    }
}

extension Hint {
    /// How many bytes it has inside a list.
    var byteCount: Int {
        endpoints.reduce(NodeID.byteCount + 1) { $0 + ($1.address.family == .v4 ? 7 : 19) }
    }
}

extension ByteWriter {
    fileprivate mutating func write(_ flag: Bool) { write(UInt8(flag ? 1 : 0)) }
}

extension ByteReader {
    fileprivate mutating func readBool() throws(WireError) -> Bool {
        let byte = try read(UInt8.self)
        guard byte <= 1 else { throw .notCanonical }
        return byte == 1
    }

    fileprivate mutating func readPriority() throws(WireError) -> GossipMessage.Priority {
        guard let priority = GossipMessage.Priority(rawValue: try read(UInt8.self)) else {
            throw .notCanonical
        }
        return priority
    }

    fileprivate mutating func readTTL() throws(WireError) -> UInt8 {
        let ttl = try read(UInt8.self)
        guard ttl <= GossipMessage.ttlMax else { throw .tooMany }
        return ttl
    }

    fileprivate mutating func readHints() throws(WireError) -> [Hint] {
        let hints = try Hint.readList(from: &self)
        guard hints.count <= GossipMessage.hintsMax else { throw .tooMany }
        return hints
    }

    fileprivate mutating func readHint() throws(WireError) -> Hint {
        let hints = try Hint.readList(from: &self)
        guard hints.count == 1, let hint = hints.first else { throw .notCanonical }
        return hint
    }

    fileprivate mutating func readRumorIDs() throws(WireError) -> [RumorID] {
        let count = try read(countUpTo: GossipMessage.idsMax)
        guard count > 0 else { throw .notCanonical }
        var ids: [RumorID] = []
        ids.reserveCapacity(count)
        for _ in 0..<count { ids.append(RumorID(number: try read(UInt64.self))) }
        return ids
    }
}
