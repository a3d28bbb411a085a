// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// What happened; the input of `HolePuncher`.
package enum PunchEvent: Hashable, Sendable {
    /// A member is reached through a relay now, or by TCP.
    case relayed(NodeID)
    /// A member is reached by UDP now, or not at all.
    case settled(NodeID)
    /// A member says where it may be reached, and whether it has heard that of us.
    case received([Endpoint], from: NodeID, hasHeard: Bool)
    /// Where this node may be reached.
    case own([Endpoint])
    case timeout
}

/// What is to be done; the output of `HolePuncher`.
package enum PunchEffect: Hashable, Sendable {
    /// Tells a member where this node may be reached, and whether it has said that of itself.
    case tell(NodeID, [Endpoint], hasHeard: Bool)
    /// Sends a sealed challenge of the session with a member to an endpoint of it.
    case attempt(NodeID, Endpoint)
    /// A member that no direct way was found to is still reached through a relay; told with each
    /// slow try.
    case remains(NodeID)
    /// The deadline; the last one told counts.
    case wake(at: Instant)
}

/// Direct ways to members that are reached through relays, or by TCP.
///
/// A pure machine. Two members tell each other inside their session where they may be reached, and
/// both send there at the same time: so each opens the gates before itself to the other
/// (simultaneous open; Ford, Srisuresh and Kegel, 2005). Nobody can be made to send to a third
/// host but by a member, and then 44 bytes of a kind that host drops. What is sent are challenges
/// of the session, so that an answer proves the way, and the packet core takes it.
///
/// Ways are tried often at first and seldom later, for as long as the relay is needed.
package struct HolePuncher {
    package typealias Event = PunchEvent
    package typealias Effect = PunchEffect

    private struct Search: Hashable, Sendable {
        /// Where the member may be reached; nil until it told.
        var candidates: [Endpoint]?
        var tells = 0
        var tellDue: Instant
        var rounds = 0
        var roundDue = Instant.never
    }

    private var own: [Endpoint] = []
    private var searches: [NodeID: Search] = [:]
    private var wake = Instant.never

    package init() {}

    /// Members to whom a direct way is sought.
    package var soughtCount: Int { searches.count }

    /// Takes in what happened, and appends what is to be done to `effects`, in order.
    package mutating func handle(
        _ event: Event,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        switch event {
        case .relayed(let id):
            if searches[id] == nil, searches.count < PunchLimits.membersMax {
                searches[id] = Search(tellDue: now)
            }
        case .settled(let id): searches[id] = nil
        case .received(let candidates, let id, let hasHeard):
            received(candidates, from: id, hasHeard: hasHeard, at: now)
        case .own(let endpoints): change(to: endpoints, at: now)
        case .timeout: wake = .never
        }
        runDue(at: now, into: &effects)
        let deadline =
            searches.values.lazy.map { min($0.tellDue, $0.roundDue) }.min() ?? .never
        guard deadline != wake else { return }
        wake = deadline
        effects.append(.wake(at: deadline))
    }

    private mutating func received(
        _ candidates: [Endpoint],
        from id: NodeID,
        hasHeard: Bool,
        at now: Instant
    ) {
        guard var search = searches[id] else { return }
        search.tellDue = hasHeard ? .never : now
        if search.candidates != candidates {
            search.candidates = candidates
            (search.rounds, search.roundDue) = (0, now)
        }
        searches[id] = search
    }

    private mutating func change(to endpoints: [Endpoint], at now: Instant) {
        guard endpoints != own else { return }
        own = endpoints
        for id in searches.keys {
            searches[id]?.tells = 0
            searches[id]?.tellDue = now
            // A gate of ours may be another one now.
            if searches[id]?.candidates != nil {
                searches[id]?.rounds = 0
                searches[id]?.roundDue = now
            }
        }
    }

    private mutating func runDue(at now: Instant, into effects: inout [Effect]) {
        let due = searches.filter { min($0.value.tellDue, $0.value.roundDue) <= now }
        for id in due.keys.sorted() {
            guard var search = searches[id] else { continue }
            if search.tellDue <= now {
                search.tells += 1
                let hasHeard = search.candidates != nil
                // Who told us asks for ours again if they are lost.
                let isLast = hasHeard || search.tells >= PunchLimits.tellsMax
                search.tellDue =
                    isLast ? .never : now + PunchLimits.tellFirst * (1 << (search.tells - 1))
                effects.append(.tell(id, own, hasHeard: hasHeard))
            }
            if search.roundDue <= now {
                for endpoint in search.candidates ?? [] {
                    effects.append(.attempt(id, endpoint))
                }
                search.rounds += 1
                if search.rounds > PunchLimits.roundsFast { effects.append(.remains(id)) }
                search.roundDue = now + Self.pause(after: search.rounds)
            }
            searches[id] = search
        }
    }

    private static func pause(after rounds: Int) -> Duration {
        let doublings = max(0, rounds - PunchLimits.roundsFast)
        return min(PunchLimits.roundMax, PunchLimits.roundFirst * (1 << min(doublings, 16)))
    }
}
