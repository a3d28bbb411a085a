// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// What this node says, and with whom it leaves that.
struct OwnPlaces: Sendable {
    /// Places that some keepers are told of.
    struct Telling: Sendable {
        let number: UInt32
        let place: DirectoryPlace
        /// Those that did not say yet that they keep it.
        var open: [PlacementContact]
        var kept = 0
        var tries = 1
        var due: Instant
    }

    /// The last statement of this node; nil as long as nothing is to be placed.
    var presence: Presence?
    /// Where it is to be found, in ascending order.
    var places: [DirectoryPlace] = []
    /// Where it is to be told, the next last.
    var queue: [DirectoryPlace] = []
    /// Places whose keepers are looked for.
    var looking: [DirectoryPlace] = []
    var tasks: [Telling] = []
    var due = Instant.never
    /// When the next one may be looked for at the earliest.
    var pausedUntil = Instant(nanoseconds: 0)
    /// Places that too few keep, and when they are tried again, after how many failures.
    var again: [DirectoryPlace] = []
    var againDue = Instant.never
    var failures = 0

    /// Sees to it that the next place is told of.
    mutating func goOn(at now: Instant) {
        due = queue.isEmpty ? .never : max(now, pausedUntil)
    }

    var deadline: Instant { tasks.reduce(min(due, againDue)) { min($0, $1.due) } }

    mutating func kept(
        _ places: [DirectoryPlace],
        by peer: NodeID,
        number: UInt32,
        at now: Instant
    ) {
        guard let index = tasks.firstIndex(where: { $0.number == number }),
            let keeper = tasks[index].open.firstIndex(where: { $0.id == peer })
        else { return }
        tasks[index].open.remove(at: keeper)
        if places.contains(tasks[index].place) { tasks[index].kept += 1 }
        if tasks[index].open.isEmpty { tasks[index].due = now }
    }
}

// How this node leaves with others what it says.
extension Placement {
    /// Takes in what this node says now: at each of its places it is to be told anew.
    ///
    /// So it is told whenever something is new, and at each renewal, by when some keepers went and
    /// others came.
    mutating func said(_ presence: Presence, _ keys: [LedgerKey], at now: Instant) {
        guard !presence.isLeaving else {
            own = OwnPlaces()
            return
        }
        let all = claimPlaces(of: presence).map(\.place) + keys.map { placeKey.place(of: $0) }
        own.presence = presence
        own.places = Array(Set(all)).sorted().suffix(PlacementLimits.placesMax)
        own.queue = own.places.filter { !own.looking.contains($0) }
        own.again = []
        own.againDue = .never
        own.failures = 0
        own.goOn(at: now)
    }

    /// Looks for keepers of what is to be told, tells some again, and ends what is done.
    mutating func storeMore(
        at now: Instant,
        _ contacts: some PlacementContacts,
        into effects: inout [Effect]
    ) {
        endTasks(at: now, into: &effects)
        if own.againDue <= now {
            own.againDue = .never
            own.queue += own.again
            own.again = []
            own.goOn(at: now)
        }
        guard own.due <= now else { return }
        // The end of one that is under way lets it go on.
        own.due = .never
        guard own.looking.count + own.tasks.count < PlacementLimits.storesMax,
            let next = own.queue.popLast()
        else { return }
        own.looking.append(next)
        begin(nil, at: next, now, contacts)
        own.pausedUntil = now + PlacementLimits.storePause
        own.goOn(at: now)
    }

    /// Tells those who were found to be nearest.
    mutating func store(
        at place: DirectoryPlace,
        with keepers: [PlacementContact],
        at now: Instant,
        into effects: inout [Effect]
    ) {
        own.looking.removeAll { $0 == place }
        own.goOn(at: now)
        guard own.places.contains(place) else { return }
        number &+= 1
        let task = OwnPlaces.Telling(
            number: number,
            place: place,
            open: keepers,
            due: keepers.isEmpty ? now : now + PlacementLimits.keptAfter
        )
        own.tasks.append(task)
        tell(task, into: &effects)
    }

    private func tell(_ task: OwnPlaces.Telling, into effects: inout [Effect]) {
        guard let presence = own.presence else { return }
        for keeper in task.open {
            let message = PlacementMessage.store(
                number: task.number,
                [task.place],
                presence.bytes
            )
            effects.append(.send(message, to: keeper.id, at: keeper.endpoints))
        }
    }

    private mutating func endTasks(at now: Instant, into effects: inout [Effect]) {
        for index in own.tasks.indices.reversed() where own.tasks[index].due <= now {
            if !own.tasks[index].open.isEmpty, own.tasks[index].tries < PlacementLimits.triesMax {
                own.tasks[index].tries += 1
                own.tasks[index].due = now + PlacementLimits.keptAfter
                tell(own.tasks[index], into: &effects)
                continue
            }
            let task = own.tasks.remove(at: index)
            own.goOn(at: now)
            guard task.kept < PlacementLimits.keptMin, own.places.contains(task.place) else {
                continue
            }
            own.again.append(task.place)
            guard own.againDue == .never else { continue }
            let (pause, most) = (PlacementLimits.againFirst, PlacementLimits.againMax)
            own.againDue = now + pause.doubled(own.failures, atMost: most)
            own.failures += 1
        }
    }
}
