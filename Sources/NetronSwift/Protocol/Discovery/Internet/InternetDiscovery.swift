// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// Decides when a node shows itself to the other members over the Internet, and when it looks for
/// them.
///
/// A pure machine. A node without a session announces and looks at once, and again after 1, 2, 4,
/// 8 s, up to a minute. Once it has a session it stops: only the eight announcers of the epoch go
/// on, so that what a network costs the public DHT does not depend on how many its members are.
/// What they find and do not know is tried; if it is a member that the own overlay does not know,
/// the network was split, and both join the other's part.
package struct InternetDiscovery {
    let settings: InternetSettings
    let rendezvous: Rendezvous
    var random: any RandomNumberGenerator

    // Time and place.
    var clock: WallClock?
    var places: [MeetingPlace] = []
    var nextChange = Instant.never
    private var toldEpoch: UInt64?

    // Who is there.
    var sessions: [NodeID: Endpoint] = [:]
    var isAnnouncer = false
    /// Whether we have had sessions for a while.
    var isSettled = false
    private var settles = Instant.never
    private var aloneSince = Instant(nanoseconds: 0)
    private var startedOver: Instant?
    private var splits = SplitWatch()

    // Looking.
    var pause = InternetLimits.searchPauseFirst
    var nextRound = Instant.never
    var roundBegan: Instant?
    /// Whether a round came while the one before was still under way.
    var isRoundOwed = false
    var tried = TriedEndpoints()

    var reach: Reachability

    // What was told.
    private var isResting = false
    private var isServing = false
    private var toldReachable: Bool?
    private var toldEndpoint: Endpoint?
    private var wake = Instant.never
    private var isStarted = false

    package init(
        _ settings: InternetSettings,
        cryptography: Cryptography,
        random: any RandomNumberGenerator
    ) {
        self.settings = settings
        self.random = random
        rendezvous = Rendezvous(epochSeconds: settings.epochSeconds, cryptography: cryptography)
        reach = Reachability(isClosed: settings.isBootstrapNamed)
    }

    /// Whether the node shows itself in the DHT now, be it for itself or as one of the announcers.
    package var isAnnouncing: Bool {
        isStarted && settings.usesDHT && clock != nil && announces
    }

    /// Whether strangers can reach us; nil if nobody knows.
    package func isReachable(at now: Instant) -> Bool? { reach.isReachable(at: now) }

    /// Takes in what happened, and appends what is to be done to `effects`, in order.
    package mutating func handle(
        _ event: InternetEvent,
        at now: Instant,
        into effects: inout [InternetEffect]
    ) {
        guard isStarted || event == .started else { return }
        switch event {
        case .started:
            isStarted = true
            aloneSince = now
        case .time(let wall, let isTrusted): set(wall, isTrusted: isTrusted, at: now)
        case .sessionUp(let id, let endpoint, let isKnown):
            meet(id, at: endpoint, isKnown: isKnown, now: now)
        case .sessionDown(let id): lose(id, at: now)
        case .learned(let id):
            // By far the most frequent event, and seldom of interest.
            guard !splits.isEmpty else { return }
            splits.clear(id)
        case .announcers(let ids): isAnnouncer = ids.contains(settings.id)
        case .found(let key, let endpoints): find(endpoints, under: key, at: now, into: &effects)
        case .finished(let key, let count): finish(key, announced: count, at: now)
        case .timeout: wake = .never
        case .stopped:
            isStarted = false
            return
        default: change(event, at: now)
        }
        advance(at: now, into: &effects)
    }

    /// What concerns the host and its network.
    private mutating func change(_ event: InternetEvent, at now: Instant) {
        switch event {
        case .addresses(let addresses):
            if reach.change(to: addresses) { startOver(isUrgent: false, at: now) }
        case .publicEndpoint(let endpoint): reach.learn(endpoint)
        case .observed(let endpoint, let observer): reach.observe(endpoint, by: observer)
        case .forwarded(let byUser, let byRouter):
            reach.forward(byUser, byRouter)
            // What was announced before leads nowhere, or not as well.
            expireAnnouncements(at: now)
        case .contactedByStranger(let endpoint): reach.admit(endpoint, at: now)
        case .networkChanged: startOver(isUrgent: false, at: now)
        case .resumed: startOver(isUrgent: true, at: now)
        default: preconditionFailure("an event that nobody takes")
        }
    }

    // MARK: Who is there

    var isAlone: Bool { sessions.isEmpty }

    var announces: Bool { isAlone || isAnnouncer }

    var looks: Bool { isAlone || !isSettled || isAnnouncer }

    private mutating func meet(
        _ id: NodeID,
        at endpoint: Endpoint,
        isKnown: Bool,
        now: Instant
    ) {
        if isAlone {
            settles = now + InternetLimits.settlingTime
        } else if !isKnown, sessions[id] == nil {
            splits.suspect(id, at: now)
        }
        sessions[id] = endpoint
        // One that is still unknown is to be found again, should joining it fail.
        if isKnown { tried.met(at: endpoint, now: now) }
    }

    private mutating func lose(_ id: NodeID, at now: Instant) {
        guard sessions.removeValue(forKey: id) != nil else { return }
        splits.clear(id)
        guard isAlone else { return }
        splits.clear()
        tried.startOver()
        aloneSince = now
        settles = .never
        // One that comes and goes within seconds shall not bring the search back to its start.
        guard isSettled else { return }
        isSettled = false
        search(at: now)
    }

    /// Looks anew, as if the node had just started.
    private mutating func search(at now: Instant) {
        pause = InternetLimits.searchPauseFirst
        nextRound = max(now, roundBegan.map { $0 + InternetLimits.searchPauseFirst } ?? now)
        expireAnnouncements(at: nextRound)
    }

    private mutating func expireAnnouncements(at end: Instant) {
        for index in places.indices {
            places[index].announceDue = min(places[index].announceDue, end)
            places[index].busyUntil = min(places[index].busyUntil, end)
        }
    }

    private mutating func startOver(isUrgent: Bool, at now: Instant) {
        reach.startOver()
        tried.startOver()
        guard !isAlone else {
            search(at: now)
            return
        }
        // A host whose addresses come and go shall not burden the DHT.
        if let startedOver, !isUrgent, now < startedOver + InternetLimits.startOverPause {
            expireAnnouncements(at: startedOver + InternetLimits.startOverPause)
            return
        }
        startedOver = now
        isSettled = false
        settles = now + InternetLimits.settlingTime
        search(at: now)
    }

    // MARK: Time

    private mutating func set(_ wall: UInt64, isTrusted: Bool, at now: Instant) {
        let isFirst = clock == nil
        clock = WallClock(wall, isTrusted: isTrusted, at: now)
        let before = places.map(\.epoch)
        choosePlaces(at: now)
        // With another time we looked in the wrong places.
        if isFirst || isAlone && places.contains(where: { !before.contains($0.epoch) }) {
            search(at: now)
        }
    }

    private mutating func choosePlaces(at now: Instant) {
        guard let clock else { return }
        let wall = clock.wall(at: now)
        let announced = rendezvous.announced(at: wall)
        let before = places
        places = rendezvous.sought(at: wall, isTrusted: clock.isTrusted).map { epoch in
            var place =
                before.first { $0.epoch == epoch }
                ?? MeetingPlace(epoch: epoch, key: rendezvous.key(of: epoch), at: now)
            place.isAnnounced = announced.contains(epoch)
            return place
        }
        let milliseconds = rendezvous.change(after: wall) - wall
        nextChange = now + .milliseconds(Int64(clamping: milliseconds))
    }

    // MARK: What is due

    private mutating func advance(at now: Instant, into effects: inout [InternetEffect]) {
        if nextChange <= now { choosePlaces(at: now) }
        if let clock {
            let epoch = rendezvous.epoch(at: clock.wall(at: now))
            if epoch != toldEpoch { effects.append(.epoch(epoch)) }
            toldEpoch = epoch
        }
        if settles <= now {
            settles = .never
            isSettled = true
        }
        while let id = splits.next(at: now) { effects.append(.priorityJoin(id)) }
        if settings.usesDHT { advanceRounds(at: now, into: &effects) }
        tell(at: now, into: &effects)
        var deadline = min(nextChange, settles, splits.deadline)
        if now < reach.openUntil { deadline = min(deadline, reach.openUntil) }
        if settings.usesDHT { deadline = min(deadline, roundDeadline) }
        guard deadline != wake else { return }
        wake = deadline
        effects.append(.wake(at: deadline))
    }

    private mutating func tell(at now: Instant, into effects: inout [InternetEffect]) {
        let isReachable = reach.isReachable(at: now)
        let endpoint = reach.publicEndpoint
        if isReachable != toldReachable || endpoint != toldEndpoint {
            toldReachable = isReachable
            toldEndpoint = endpoint
            effects.append(.reachability(isReachable, endpoint))
        }
        guard settings.usesDHT else { return }
        // The first node of a closed DHT has nobody to ask where it is, and must serve it all the
        // same.
        let serves = settings.isBootstrapNamed || announces && isReachable != false
        if serves != isServing {
            isServing = serves
            effects.append(.serve(serves))
        }
        if looks == isResting {
            isResting = !looks
            effects.append(.rest(isResting))
        }
    }

    /// How long a node waits between two rounds when it waits longest.
    func pauseMax(at now: Instant) -> Duration {
        let isReachable = reach.isReachable(at: now) == true
        if isAnnouncer, isSettled, !isAlone {
            let interval = settings.interval
            return isReachable ? interval : min(interval, InternetLimits.hiddenInterval)
        }
        let isLonely = isAlone && isReachable && now >= aloneSince + InternetLimits.lonelyAfter
        return isLonely ? InternetLimits.lonelyPauseMax : InternetLimits.searchPauseMax
    }
}
