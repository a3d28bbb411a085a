// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

// The rounds in which a node asks the DHT, and what comes of them.
extension InternetDiscovery {
    /// When the next round or announcement is due.
    var roundDeadline: Instant {
        guard clock != nil else { return .never }
        var deadline = looks ? nextRound : .never
        guard announces else { return deadline }
        for place in places where place.isAnnounced {
            deadline = min(deadline, max(place.announceDue, place.busyUntil))
        }
        return deadline
    }

    mutating func advanceRounds(at now: Instant, into effects: inout [InternetEffect]) {
        guard clock != nil else { return }
        if looks {
            scheduleRound(at: now)
            if nextRound <= now { lookAround(at: now, into: &effects) }
        } else {
            nextRound = .never
        }
        guard announces else { return }
        for index in places.indices where isAnnouncementDue(index, at: now) {
            announce(index, at: now, into: &effects)
        }
    }

    /// Sees to it that a round is due within the pause that is the longest now.
    ///
    /// A member that becomes an announcer announces, which tells it who else is there; so its first
    /// round can wait.
    private mutating func scheduleRound(at now: Instant) {
        let most = pauseMax(at: now)
        if nextRound == .never { pause = most }
        pause = min(pause, most)
        if nextRound > now + most { nextRound = now + spread(pause) }
    }

    private mutating func lookAround(at now: Instant, into effects: inout [InternetEffect]) {
        roundBegan = now
        nextRound = now + spread(pause)
        pause = min(pause * 2, pauseMax(at: now))
        isRoundOwed = false
        for index in places.indices {
            if now < places[index].busyUntil {
                isRoundOwed = true
            } else if announces, isAnnouncementDue(index, at: now) {
                announce(index, at: now, into: &effects)
            } else {
                places[index].begin(isAnnouncing: false, at: now)
                effects.append(.lookUp(key: places[index].key))
            }
        }
    }

    private func isAnnouncementDue(_ index: Int, at now: Instant) -> Bool {
        places[index].isAnnounced && places[index].announceDue <= now
            && places[index].busyUntil <= now
    }

    private mutating func announce(
        _ index: Int,
        at now: Instant,
        into effects: inout [InternetEffect]
    ) {
        places[index].announceDue = now + spread(InternetLimits.announceInterval)
        places[index].begin(isAnnouncing: true, at: now)
        effects.append(.announce(key: places[index].key))
    }

    /// Nine tenths of a duration or a little more, so that nodes do not ask in step.
    private mutating func spread(_ duration: Duration) -> Duration {
        random.duration(duration * 9 / 10, duration)
    }

    // MARK: What the DHT says

    mutating func finish(_ key: [UInt8], announced: Int, at now: Instant) {
        guard let index = places.firstIndex(where: { $0.key == key }) else { return }
        places[index].busyUntil = now
        if places[index].isAnnouncing {
            places[index].isAnnouncing = false
            if announced <= 0 {
                places[index].announceDue = now + min(pause, InternetLimits.announceRetryMax)
            } else if announced < InternetLimits.announcedEnough {
                places[index].announceDue = now + InternetLimits.announceFewRetry
            }
        }
        if isRoundOwed, places.allSatisfy({ $0.busyUntil <= now }) { nextRound = now }
    }

    mutating func find(
        _ endpoints: [Endpoint],
        under key: [UInt8],
        at now: Instant,
        into effects: inout [InternetEffect]
    ) {
        guard let place = places.firstIndex(where: { $0.key == key }) else { return }
        // Anybody can store rubbish under a key that it was asked for, so none comes first.
        let isMany = endpoints.count > places[place].triesLeft
        for endpoint in isMany ? endpoints.shuffled(using: &random) : endpoints {
            guard places[place].triesLeft > 0 else { return }
            guard isWorthATry(endpoint), tried.take(endpoint, at: now) else { continue }
            places[place].triesLeft -= 1
            effects.append(.discovered(endpoint))
        }
    }

    private func isWorthATry(_ endpoint: Endpoint) -> Bool {
        endpoint.port != 0 && reach.isPublic(endpoint.address)
            && !reach.isOwn(endpoint, port: settings.port)
            && !sessions.values.contains(endpoint)
    }
}
