// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

// The overlay of members, and what is told to all of them.
extension NodeMachine {
    /// Tells the overlay what happened, and does what it asks for.
    mutating func overlay(
        _ event: GossipEvent,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        var asked: [GossipEffect] = []
        gossip.handle(event, at: now, into: &asked)
        for effect in asked { carryOut(effect, at: now, into: &effects) }
    }

    private mutating func carryOut(
        _ effect: GossipEffect,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        switch effect {
        case .connect(let id, let endpoints):
            connect(id, endpoints, at: now, into: &effects)
        case .keep(let id): keep(id, true, at: now, into: &effects)
        case .release(let id):
            if !anchors.contains(id) { keep(id, false, at: now, into: &effects) }
        case .send(let message, let id):
            post(.gossip(message), to: id, into: &effects)
        case .deliver(let rumor, let payload, let teller):
            let verdict = judge(payload, from: teller, at: now, into: &effects)
            overlay(.judged(rumor, verdict), at: now, into: &effects)
        case .probe(let id): effects.append(.probe(id))
        case .neighbourUp(let id):
            register(.neighbourUp(id), at: now, into: &effects)
            keepLedger(.neighbourUp(id), at: now, into: &effects)
            keepTrust(.neighbourUp(id), at: now, into: &effects)
            refreshPresence(at: now, into: &effects)
            // What was said while nobody listened is said again, so that all know of us at once.
            if gossip.active.count == 1 { register(.again, at: now, into: &effects) }
        case .neighbourDown(let id):
            register(.neighbourDown(id), at: now, into: &effects)
            keepLedger(.neighbourDown(id), at: now, into: &effects)
            keepTrust(.neighbourDown(id), at: now, into: &effects)
            refreshPresence(at: now, into: &effects)
        case .unreachable(let id): register(.unreachable(id), at: now, into: &effects)
        // Discovery goes by sessions, of which there is none then.
        case .isolated: break
        case .wake(let instant):
            overlayDue = instant
            wake(at: instant)
        }
    }

    private mutating func connect(
        _ id: NodeID,
        _ endpoints: [Endpoint],
        at now: Instant,
        into effects: inout [Effect]
    ) {
        if let member = members[id] {
            let endpoint = told(member.endpoint, of: id)
            return overlay(.sessionUp(id, endpoint), at: now, into: &effects)
        }
        let known = directory.record(of: id)?.endpoints ?? []
        let all = endpoints + known.filter { !endpoints.contains($0) }
        if !seek(id, at: all, .overlay, at: now) {
            overlay(.connectFailed(id), at: now, into: &effects)
        }
    }

    /// Takes in what a neighbour tells, after the hints in it were made to fit this host.
    mutating func gossiped(
        _ message: GossipMessage,
        by teller: NodeID,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        let source = members[teller]?.endpoint
        let understood = message.mapHints { hint in
            Hint(
                hint.id,
                at: hint.endpoints.filter { endpoint in
                    source.map { endpoint.meansSomething(at: $0) } ?? false
                }
            )
        }
        overlay(.received(understood, from: teller), at: now, into: &effects)
    }
}

extension GossipMessage {
    /// The message with each hint changed; those without an endpoint stay, as their ids count.
    fileprivate func mapHints(_ change: (Hint) -> Hint) -> Self {
        switch self {
        case .join(let hint): .join(change(hint))
        case .forwardJoin(let hint, let ttl): .forwardJoin(change(hint), ttl: ttl)
        case .shuffle(let number, let ttl, let hints):
            .shuffle(number: number, ttl: ttl, hints.map(change))
        case .shuffleReply(let number, let hints):
            .shuffleReply(number: number, hints.map(change))
        case .probeRequest(let number, let hint): .probeRequest(number: number, change(hint))
        case .lift(let hint, let ttl): .lift(change(hint), ttl: ttl)
        case .neighbour, .answer, .disconnect, .gossip, .ihave, .graft, .prune, .probeAnswer,
            .route:
            self
        }
    }
}

extension Endpoint {
    /// Whether a host that heard of this endpoint from somebody at `other` can use it: a loopback
    /// address means something on the same host only, and a link-local one nothing at all, since
    /// its link is not told.
    func meansSomething(at other: Endpoint) -> Bool {
        (!address.isLoopback || other.address.isLoopback) && !address.isLinkLocal
    }
}
