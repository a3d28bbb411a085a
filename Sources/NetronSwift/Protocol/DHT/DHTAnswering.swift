// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

// How queries of others are answered.
//
// No reply amplifies: it has at most three times the bytes of its query, and lists are cut to fit.
// Only an item may exceed that, within a budget of its own for all who ask.
extension DHTMachine {
    mutating func receive(
        _ query: KRPCQuery,
        _ message: KRPCMessage,
        size: Int,
        from source: Endpoint,
        at now: Instant,
        into effects: inout [DHTEffect]
    ) {
        let node = DHTNode(query.id, source)
        let family = source.address.family
        if !message.isReadOnly { self[family].table.asked(node, at: now) }
        guard isServing else {
            counters.dropped.notServing += 1
            return
        }
        guard limiter.admit(source.address, at: now) else {
            counters.dropped.sourceRate += 1
            return
        }
        guard replyBudget.isOpen(at: now) else {
            counters.dropped.replyBudget += 1
            return
        }
        let room = min(DHTLimits.amplificationMax * size, KRPCLimits.sentBytesMax)
        var reply = KRPCMessage(
            body(for: query, from: source, at: now),
            transaction: message.transaction,
            requester: source
        )
        fill(&reply, for: query, from: source, room: room, at: now)
        let bytes = reply.encoded
        replyBudget.charge(bytes.count)
        counters.repliesSent += 1
        send(bytes, to: source, into: &effects)
        guard !message.isReadOnly, query.id != self[family].table.own else { return }
        introduce(node, at: now, into: &effects)
    }

    /// The answer but for its lists, or an error.
    private mutating func body(
        for query: KRPCQuery,
        from source: Endpoint,
        at now: Instant
    ) -> KRPCBody {
        var response = KRPCResponse(self[source.address.family].table.own)
        switch query.method {
        case .ping: break
        case .findNode(_, let want): response.tellsNodes = want.told(to: source)
        case .getPeers(_, let want):
            response.tellsNodes = want.told(to: source)
            response.token = token(for: source, at: now)
        case .get(let target, let sequence, let want):
            response.tellsNodes = want.told(to: source)
            response.token = token(for: source, at: now)
            tell(items.item(target, at: now), newerThan: sequence, in: &response)
        case .announcePeer(let announcement):
            let port = announcement.isImplied ? source.port : announcement.port
            guard accepts(announcement.token, from: source, at: now) else {
                return .error(.badToken)
            }
            peers.add(
                Endpoint(source.address, port: port),
                to: announcement.key,
                near: response.id,
                at: now
            )
        case .put(let item, let token, let replaced):
            guard accepts(token, from: source, at: now) else { return .error(.badToken) }
            let failure = items.put(
                item,
                replacing: replaced,
                near: response.id,
                at: now,
                with: cryptography
            )
            if let failure { return .error(failure) }
        case .unknown: return .error(.unknownMethod)
        case .malformed: return .error(.malformed)
        }
        return .response(response)
    }

    private func tell(
        _ item: DHTItem?,
        newerThan sequence: Int64?,
        in response: inout KRPCResponse
    ) {
        guard let item else { return }
        response.sequence = item.author?.sequence
        if let sequence, let own = item.author?.sequence, own <= sequence { return }
        response.value = item.value
        response.key = item.author?.key
        response.signature = item.author?.signature
    }

    // MARK: Tokens

    private mutating func token(for source: Endpoint, at now: Instant) -> [UInt8] {
        tokens.rotate(at: now, using: &random)
        return tokens.token(for: source.address, with: cryptography)
    }

    private mutating func accepts(
        _ token: [UInt8],
        from source: Endpoint,
        at now: Instant
    ) -> Bool {
        tokens.rotate(at: now, using: &random)
        return tokens.accepts(token, from: source.address, with: cryptography)
    }

    // MARK: Lists

    /// Fills the lists of a reply as far as there is room.
    private mutating func fill(
        _ reply: inout KRPCMessage,
        for query: KRPCQuery,
        from source: Endpoint,
        room: Int,
        at now: Instant
    ) {
        guard case .response(var response) = reply.body,
            let key = query.method.key
        else { return }
        let family = source.address.family
        var rest = room - reply.encoded.count
        if rest < 0, response.value != nil {
            let isPaid =
                reply.encoded.count <= KRPCLimits.sentBytesMax
                && excessBudget.take(-rest, at: now)
            if isPaid {
                rest = 0
            } else {
                (response.value, response.key, response.signature) = (nil, nil, nil)
                reply.body = .response(response)
                rest = room - reply.encoded.count
            }
        }
        if case .getPeers = query.method {
            // A string of 6 or 18 bytes with its length, in a list under its key.
            let size = family.compactEndpointBytes + (family == .v4 ? 2 : 3)
            let share = response.tellsNodes.isEmpty ? rest : rest / 2
            let most = min((share - listBytes) / size, KRPCLimits.peersMax)
            response.peers = peers.peers(of: key, family, upTo: most, at: now, using: &random)
            if !response.peers.isEmpty { rest -= listBytes + response.peers.count * size }
        }
        let isBoth = response.tellsNodes == [.v4, .v6]
        for family in [IPAddress.Family.v4, .v6]
        where response.tellsNodes.contains(KRPCWant(family)) {
            let share = isBoth && family == .v4 ? rest / 2 : rest
            // The length of the string grows by two digits.
            let most = min((share - 2) / family.compactNodeBytes, DHTLimits.bucketSize)
            guard most > 0 else { continue }
            let nodes = nodes(family, near: key, for: query.id, upTo: most, at: now)
            rest -= 2 + nodes.count * family.compactNodeBytes
            if family == .v4 { response.nodes = nodes } else { response.nodes6 = nodes }
        }
        reply.body = .response(response)
    }

    /// How many bytes `values` takes without any: its key, and the list's ends.
    private var listBytes: Int { 10 }

    private func nodes(
        _ family: IPAddress.Family,
        near key: DHTID,
        for asker: DHTID,
        upTo most: Int,
        at now: Instant
    ) -> [DHTNode] {
        let contacts = self[family].table.closestGood(to: key, upTo: most + 1, at: now)
        // A link-local address means nothing elsewhere.
        let nodes = contacts.map(\.node).filter {
            $0.id != asker && !($0.endpoint.address.isLinkLocal && family == .v6)
        }
        return [DHTNode](nodes.prefix(most))
    }
}

extension KRPCWant {
    /// The families that a reply tells of; without a wish, the one that the query came over.
    fileprivate func told(to source: Endpoint) -> Self {
        isEmpty ? KRPCWant(source.address.family) : self
    }
}

extension KRPCMethod {
    /// What the lists of the answer are near to.
    fileprivate var key: DHTID? {
        switch self {
        case .findNode(let key, _), .getPeers(let key, _), .get(let key, _, _): key
        default: nil
        }
    }
}
