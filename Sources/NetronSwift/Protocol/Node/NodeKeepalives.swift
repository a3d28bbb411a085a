// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

// How long sessions that are kept may be silent.
extension NodeMachine {
    /// Tells the keepalives what happened, and does what they ask for.
    mutating func mind(
        _ event: KeepaliveEvent,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        var asked: [KeepaliveEffect] = []
        keepalives.handle(event, at: now, into: &asked)
        for effect in asked {
            switch effect {
            case .tell(let id, let keepalive):
                post(.path(.keepalive(keepalive)), to: id, into: &effects)
            case .set(let id, let setting): effects.append(.keepalive(id, setting))
            case .wake(let instant):
                keepalivesDue = instant
                wake(at: instant)
            }
        }
    }

    /// Keeps a session while it is idle, or no longer.
    mutating func keep(
        _ id: NodeID,
        _ isKept: Bool,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        effects.append(.keep(id, isKept))
        guard isKept || keepalives.minds(id) else { return }
        mind(.kept(id, isKept), at: now, into: &effects)
        mindWay(to: id, at: now, into: &effects)
    }

    /// Takes in how long a member wants silence to be at most.
    mutating func minded(
        _ keepalive: PathMessage.Keepalive,
        by id: NodeID,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard let member = members[id] else { return }
        let way = silentWay(to: member, at: now)
        mind(.received(keepalive, from: id, by: way), at: now, into: &effects)
    }

    /// Takes note of how a member is reached, if it matters to anybody.
    mutating func mindWay(to id: NodeID, at now: Instant, into effects: inout [Effect]) {
        guard keepalives.minds(id), let member = members[id] else { return }
        mind(.way(id, silentWay(to: member, at: now)), at: now, into: &effects)
    }

    /// The same for all, as something changed before this node.
    mutating func mindWays(at now: Instant, into effects: inout [Effect]) {
        for id in keepalives.members { mindWay(to: id, at: now, into: &effects) }
    }

    /// What stands before this node on the way to a member, by which address it sees us.
    private func silentWay(to member: Member, at now: Instant) -> KeepaliveWay {
        guard !member.endpoint.isRelayed else { return .unknown }
        // What stands before us remembers a connection for far longer (RFC 5382, REQ-5).
        guard member.endpoint.isUDP else { return .open }
        guard let seen = member.observed?.unscoped, seen.port != 0 else { return .unknown }
        if !hostAddresses.contains(seen.address) {
            let isForwarded = seen == mappedEndpoint || announcedEndpoints.contains(seen)
            return isForwarded ? .open : .gated(seen.address)
        }
        guard internet.reach.isPublic(seen.address) else { return .unknown }
        let family = seen.address.family
        let letsIn =
            family == .v4 || internet.isReachable(at: now) == true
            || nat.filtering(family, at: now) == .open
        return letsIn ? .open : .gated(seen.address)
    }
}
