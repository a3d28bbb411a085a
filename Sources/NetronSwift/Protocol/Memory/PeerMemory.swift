// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// What happened; the input of the memory of peers.
package enum PeerMemoryEvent: Hashable, Sendable {
    /// What network time is: told when it is first known, and when it was corrected.
    case time(wallMilliseconds: UInt64, isTrusted: Bool)
    /// There is a session, at this endpoint; told again when the endpoint moves.
    case sessionUp(NodeID, Endpoint, isReachable: Bool)
    /// The session ended; the member may well be online.
    case sessionDown(NodeID)
    /// The directory took up a member of our overlay, which says that it is there.
    case online(NodeID, [Endpoint], isReachable: Bool)
    /// A member is no longer in our overlay, where it was at these endpoints; `hasLeft` if it said
    /// so.
    case vanished(NodeID, [Endpoint], isReachable: Bool, hasLeft: Bool)
    /// The host has other addresses, or was asleep: a node that is alone begins anew.
    case networkChanged
    /// The moment of the last `wake(at:)` has come.
    case timeout
}

/// What the memory of peers wants done.
package enum PeerMemoryEffect: Hashable, Sendable {
    /// The member may answer there.
    case attempt(NodeID, Endpoint)
    /// `timeout` is due then, and not at what was said before.
    case wake(at: Instant)
}

/// Where members were, so that a node needs nobody's help to come back.
///
/// At the start, and whenever it has no session, a node tries what it remembers, the best first:
/// eight at once, the next eight a second later, and all again after 5 s, 10 s, up to 5 min. With a
/// session it tries one member that vanished a minute. So two halves of a network that were apart
/// for weeks meet again though nobody else can tell them of each other.
///
/// When a place is needed, first the further endpoints of members that have several go, then who
/// left by itself, then who could not be reached by strangers, then who only others told of, and
/// among equals the one that was seen longest ago.
package struct PeerMemory: Sendable {
    /// Of one member the one that was heard of last comes last.
    private(set) var entries: [RememberedPeer] = []
    private var time = WallClock()
    private var sessions: Set<NodeID> = []

    private var roundPause = PeerMemoryLimits.roundPauseFirst
    private var nextBatch: Instant
    private var nextTry = Instant.never
    private var settles = Instant.never
    private var wake = Instant.never

    /// Makes the memory of a node that starts now, with what the last run wrote down.
    package init(_ text: String, at now: Instant) {
        nextBatch = now
        entries = Self.parse(text)
        shrink()
    }

    package mutating func handle(
        _ event: PeerMemoryEvent,
        at now: Instant,
        into effects: inout [PeerMemoryEffect]
    ) {
        switch event {
        case .time(let wall, let isTrusted):
            time = WallClock(wall, isTrusted: isTrusted, at: now)
            forget(at: now)
        case .sessionUp(let id, let endpoint, let isReachable):
            if sessions.isEmpty { comeIn(at: now) }
            sessions.insert(id)
            note(id, [endpoint], isReachable: isReachable, wasMet: true, at: now)
        case .sessionDown(let id): lose(id, at: now)
        case .online(let id, let endpoints, let isReachable):
            note(id, endpoints, isReachable: isReachable, wasMet: false, at: now)
        case .vanished(let id, let endpoints, let isReachable, let hasLeft):
            for endpoint in usable(endpoints) {
                put(id, endpoint, isReachable: isReachable, wasMet: false, at: now)
            }
            vanish(id, hasLeft: hasLeft, at: now)
        case .networkChanged where sessions.isEmpty:
            roundPause = PeerMemoryLimits.roundPauseFirst
            startRound(at: now)
        case .networkChanged: break
        case .timeout: wake = .never
        }
        advance(at: now, into: &effects)
    }

    // MARK: Who is where

    private mutating func note(
        _ id: NodeID,
        _ endpoints: [Endpoint],
        isReachable: Bool,
        wasMet: Bool,
        at now: Instant
    ) {
        var count = 0
        for index in entries.indices where entries[index].id == id {
            entries[index].state = .online
            entries[index].hasLeft = false
            count += 1
        }
        // Others' word of one more member displaces nothing that is as good.
        guard
            count > 0 || wasMet || liveCount < PeerMemoryLimits.liveMax
                || entries.contains(where: { $0.givesWay(toReachable: isReachable) })
        else { return }
        for endpoint in usable(endpoints) {
            put(id, endpoint, isReachable: isReachable, wasMet: wasMet, at: now)
        }
        shrink()
    }

    private func usable(_ endpoints: [Endpoint]) -> some Sequence<Endpoint> {
        endpoints.prefix(PeerMemoryLimits.endpointsPerMemberMax)
            .filter { $0.port != 0 && $0.address.isHost }
    }

    private mutating func put(
        _ id: NodeID,
        _ endpoint: Endpoint,
        isReachable: Bool,
        wasMet: Bool,
        at now: Instant
    ) {
        var entry = RememberedPeer(id: id, endpoint: endpoint, seen: .moment(now))
        if let index = entries.firstIndex(where: { $0.id == id && $0.endpoint == endpoint }) {
            entry = entries.remove(at: index)
        } else {
            let ours = entries.indices.filter { entries[$0].id == id }
            if let oldest = ours.first, ours.count >= PeerMemoryLimits.endpointsPerMemberMax {
                entries.remove(at: oldest)
            }
        }
        entry.seen = .moment(now)
        entry.state = .online
        entry.isReachable = isReachable
        if wasMet { entry.wasMet = true }
        entries.append(entry)
    }

    private mutating func lose(_ id: NodeID, at now: Instant) {
        guard sessions.remove(id) != nil else { return }
        if let last = entries.lastIndex(where: { $0.id == id }) {
            entries[last].seen = .moment(now)
        }
        guard sessions.isEmpty else { return }
        nextTry = .never
        settles = .never
        startRound(at: now)
    }

    private mutating func vanish(_ id: NodeID, hasLeft: Bool, at now: Instant) {
        for index in entries.indices where entries[index].id == id {
            entries[index].state = .vanished
            entries[index].hasLeft = hasLeft
        }
        guard let last = entries.lastIndex(where: { $0.id == id }) else { return }
        entries[last].seen = .moment(now)
        shrink()
    }

    private var liveCount: Int { entries.count { $0.state != .vanished } }

    private mutating func comeIn(at now: Instant) {
        nextBatch = .never
        roundPause = PeerMemoryLimits.roundPauseFirst
        nextTry = now + PeerMemoryLimits.tryInterval
        settles = now + PeerMemoryLimits.settledAfter
    }

    /// Drops who has been away too long, if the time is known well enough to say so.
    private mutating func forget(at now: Instant) {
        guard time.isTrusted else { return }
        let most = UInt64(PeerMemoryLimits.forgottenAfter / .milliseconds(1))
        let wall = time.wall(at: now)
        for index in entries.indices {
            let seen = time.wall(of: entries[index].seen)
            // Nobody knows when, or the clock was wrong: the time begins now.
            if seen == 0 || seen > wall { entries[index].seen = .wall(wall) }
        }
        entries.removeAll { entry in
            entry.state != .online && wall - time.wall(of: entry.seen) >= most
        }
    }

    /// Drops the least worth of each half until both fit.
    private mutating func shrink() {
        if entries.count <= min(PeerMemoryLimits.liveMax, PeerMemoryLimits.vanishedMax) { return }
        shrink(to: PeerMemoryLimits.liveMax) { $0.state != .vanished }
        shrink(to: PeerMemoryLimits.vanishedMax) { $0.state == .vanished }
    }

    private mutating func shrink(to most: Int, _ isCounted: (RememberedPeer) -> Bool) {
        while entries.count(where: isCounted) > most {
            let counted = entries.indices.filter { isCounted(entries[$0]) }
            var counts: [NodeID: Int] = [:]
            for index in counted { counts[entries[index].id, default: 0] += 1 }
            let victim = counted.min { left, right in
                rank(left, counts) < rank(right, counts)
            }
            guard let victim else { return }
            entries.remove(at: victim)
        }
    }

    private func rank(_ index: Int, _ counts: [NodeID: Int] = [:]) -> PeerRank {
        PeerRank(
            isOnlyOne: counts[entries[index].id, default: 0] <= 1,
            entry: entries[index],
            seen: time.wall(of: entries[index].seen),
            order: index
        )
    }

    // MARK: Trying

    private mutating func startRound(at now: Instant) {
        for index in entries.indices { entries[index].isTried = false }
        nextBatch = now
    }

    private mutating func advance(at now: Instant, into effects: inout [PeerMemoryEffect]) {
        if nextBatch <= now { tryBatch(at: now, into: &effects) }
        if settles <= now {
            settles = .never
            for index in entries.indices where entries[index].state == .former {
                entries[index].state = .vanished
            }
            forget(at: now)
            shrink()
        }
        if nextTry <= now {
            nextTry = now + PeerMemoryLimits.tryInterval
            forget(at: now)
            tryOne(at: now, into: &effects)
        }
        let deadline = min(nextBatch, nextTry, settles)
        guard deadline != wake else { return }
        wake = deadline
        effects.append(.wake(at: deadline))
    }

    /// Tries the next few of all, since nobody is there.
    private mutating func tryBatch(at now: Instant, into effects: inout [PeerMemoryEffect]) {
        let untried = entries.indices.filter { !entries[$0].isTried }
        guard !untried.isEmpty else {
            // The next round is under way, or there is nothing to try.
            startRound(at: now)
            nextBatch = entries.isEmpty ? .never : now + roundPause
            roundPause = min(roundPause * 2, PeerMemoryLimits.roundPauseMax)
            return
        }
        let sorted = untried.map { rank($0) }.sorted { $1 < $0 }
        for rank in sorted.prefix(PeerMemoryLimits.batch) {
            attempt(rank.order, at: now, into: &effects)
        }
        nextBatch = now + PeerMemoryLimits.batchPause
    }

    /// Tries the vanished member whose turn it is.
    private mutating func tryOne(at now: Instant, into effects: inout [PeerMemoryEffect]) {
        let candidates = entries.indices.filter {
            entries[$0].state != .online && !sessions.contains(entries[$0].id)
        }
        let next = candidates.min { left, right in
            let (first, second) = (entries[left].tried, entries[right].tried)
            return first != second ? first < second : rank(right) < rank(left)
        }
        if let next { attempt(next, at: now, into: &effects) }
    }

    private mutating func attempt(
        _ index: Int,
        at now: Instant,
        into effects: inout [PeerMemoryEffect]
    ) {
        entries[index].isTried = true
        entries[index].tried = now
        effects.append(.attempt(entries[index].id, entries[index].endpoint))
    }
}

// MARK: Written down

extension PeerMemory {
    /// What is to be written down, the members that are online first: a line for each endpoint.
    package func encoded(at now: Instant) -> String {
        let sorted = entries.indices.map { rank($0) }.sorted { left, right in
            let isLeftLive = left.entry.state != .vanished
            guard isLeftLive == (right.entry.state != .vanished) else { return isLeftLive }
            return right < left
        }
        return sorted.map { $0.entry.line(seen: seen($0.entry, at: now)) }.joined()
    }

    /// The endpoints of those who are online, and of those who vanished.
    package var counts: (live: Int, vanished: Int) {
        let vanished = entries.count { $0.state == .vanished }
        return (entries.count - vanished, vanished)
    }

    /// When the member was seen, in milliseconds since 1970; 0 if nobody knows.
    private func seen(_ entry: RememberedPeer, at now: Instant) -> UInt64 {
        guard time.isKnown else {
            if case .wall(let milliseconds) = entry.seen { return milliseconds }
            return 0
        }
        return entry.state == .online ? time.wall(at: now) : time.wall(of: entry.seen)
    }

    private static func parse(_ text: String) -> [RememberedPeer] {
        let read = text.utf8.prefix(PeerMemoryLimits.bytesMax)
        var entries: [RememberedPeer] = []
        // A line that was cut could name another endpoint than was written.
        let isCut = read.count < text.utf8.count
        var lines = read.split(separator: UInt8(ascii: "\n"))
        if isCut { _ = lines.popLast() }
        for line in lines {
            guard let entry = RememberedPeer(line: String(decoding: line, as: UTF8.self)),
                !entries.contains(where: { $0.id == entry.id && $0.endpoint == entry.endpoint })
            else { continue }
            entries.append(entry)
        }
        // The first are the best, and what is noted later counts as better.
        return entries.reversed()
    }
}
