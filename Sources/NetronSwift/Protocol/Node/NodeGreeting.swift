// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

// What members tell each other.
//
// A greeting is answered with `observed`, and repeated until it is: messages may be lost. A member
// that greets though nothing of ours was unanswered has forgotten us, or is new; so it is greeted
// too, before its answer, and then takes our greeting for an answer.
extension NodeMachine {
    /// Says who we are.
    mutating func greet(_ id: NodeID, at now: Instant, into effects: inout [Effect]) {
        guard let own, members[id] != nil else { return }
        let hello = Hello(
            name: own.name,
            version: own.version,
            platform: own.platform,
            claims: announcedClaims
        )
        members[id]?.unanswered += 1
        members[id]?.helloTries = 1
        scheduleHello(id, at: now)
        effects.append(.send(Message.hello(hello).encoded(), to: id))
    }

    /// Says it to all, since it changed.
    mutating func greetAll(at now: Instant, into effects: inout [Effect]) {
        for id in members.keys.sorted() { greet(id, at: now, into: &effects) }
    }

    /// Repeats what was not answered.
    mutating func greetAgain(at now: Instant, into effects: inout [Effect]) {
        let due = members.values.filter { $0.helloDue <= now }.sorted { $0.id < $1.id }
        for member in due {
            // What was sent so long ago is lost, and so is its answer.
            members[member.id]?.unanswered = 0
            greet(member.id, at: now, into: &effects)
            members[member.id]?.helloTries = member.helloTries + 1
            scheduleHello(member.id, at: now)
        }
        wake(at: members.values.lazy.map(\.helloDue).min() ?? .never)
    }

    private mutating func scheduleHello(_ id: NodeID, at now: Instant) {
        let pause = NodeLimits.backoff(
            members[id]?.helloTries ?? 0,
            first: NodeLimits.helloRetryFirst,
            most: NodeLimits.helloRetryMax
        )
        members[id]?.helloDue = now + pause
        wake(at: now + pause)
    }

    mutating func received(
        _ bytes: [UInt8],
        from id: NodeID,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        // Not here any more, or not yet: it will say it again.
        guard let member = members[id] else { return }
        let message: Message?
        do throws(WireError) {
            message = try Message.decode(bytes)
        } catch {
            if !member.isMalformedTold { effects.append(.tell(.malformed(from: id, error))) }
            members[id]?.isMalformedTold = true
            return
        }
        switch message {
        case .hello(let hello): greeted(by: member, hello, at: now, into: &effects)
        case .observed(let endpoint): answered(by: id, endpoint, into: &effects)
        case .hints(let hints): hinted(hints, by: member, at: now, into: &effects)
        case .contested(let address, let holder):
            contested(address, holder: holder, at: now, into: &effects)
        case nil: break
        }
    }

    private mutating func greeted(
        by member: Member,
        _ hello: Hello,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        if member.unanswered == 0 {
            greet(member.id, at: now, into: &effects)
            tell(member.id, of: sample(Hint.countMax, without: member.id), into: &effects)
            // Not at once and not often, or one greeting would cost a message to many.
            scheduleHint(of: member.id, at: now)
        }
        effects.append(.send(Message.observed(member.endpoint).encoded(), to: member.id))
        if hello != member.hello {
            members[member.id]?.hello = hello
            effects.append(.tell(.memberChanged(member.id)))
        }
        claimed(hello.claims, by: member, at: now, into: &effects)
    }

    private mutating func answered(
        by id: NodeID,
        _ endpoint: Endpoint,
        into effects: inout [Effect]
    ) {
        guard var member = members[id] else { return }
        member.unanswered = max(0, member.unanswered - 1)
        if member.unanswered == 0 { member.helloDue = .never }
        member.observed = endpoint
        members[id] = member
    }
}

// Hints: where other members may be found.
extension NodeMachine {
    /// Tells a newcomer of others, and others of it.
    ///
    /// A stranger is told of all, as we may be the only one whom it knows. Who came by a hint was
    /// told by others too; a few more are enough then, or each that joins would cost a message for
    /// every pair of members.
    mutating func introduce(_ id: NodeID, isStranger: Bool, into effects: inout [Effect]) {
        let count = isStranger ? NodeLimits.introducedMax : NodeLimits.hintedIntroducedMax
        let others = sample(count, without: id)
        tell(id, of: others, into: &effects)
        for other in others { tell(other, of: [id], into: &effects) }
    }

    /// Sees to it that others hear of a member soon, but not too often.
    mutating func scheduleHint(of id: NodeID, at now: Instant) {
        guard let member = members[id] else { return }
        let due = max(now, member.hinted + NodeLimits.movedPause)
        members[id]?.hintDue = min(member.hintDue, due)
        wake(at: due)
    }

    /// Tells some others of members whose endpoint changed.
    mutating func tellOfMoved(at now: Instant, into effects: inout [Effect]) {
        let due = members.values.filter { $0.hintDue <= now }.map(\.id).sorted()
        for id in due {
            members[id]?.hintDue = .never
            members[id]?.hinted = now
            let others = sample(NodeLimits.introducedMax, without: id)
            for other in others { tell(other, of: [id], into: &effects) }
        }
        wake(at: members.values.lazy.map(\.hintDue).min() ?? .never)
    }

    mutating func scheduleGossip(at now: Instant) {
        let seconds = Int64.random(
            in: 0...NodeLimits.gossipInterval.components.seconds / 2,
            using: &random
        )
        gossipDue = now + NodeLimits.gossipInterval + .seconds(seconds)
        wake(at: gossipDue)
    }

    /// Tells one member of some others, so that who missed a hint still finds everybody; and says
    /// again which addresses are contested.
    mutating func gossip(at now: Instant, into effects: inout [Effect]) {
        guard gossipDue <= now else { return wake(at: gossipDue) }
        if let id = sample(1, without: nil).first {
            tell(id, of: sample(Hint.countMax, without: id), into: &effects)
        }
        tellContestsAgain(into: &effects)
        scheduleGossip(at: now)
    }

    private func tell(_ id: NodeID, of others: [NodeID], into effects: inout [Effect]) {
        guard let receiver = members[id] else { return }
        let hints = others.compactMap { members[$0] }
            .filter { $0.endpoint.meansSomething(at: receiver.endpoint) }
            .map { Hint($0.id, at: [$0.endpoint]) }
        for start in stride(from: 0, to: hints.count, by: Hint.countMax) {
            let some = hints[start..<min(start + Hint.countMax, hints.count)]
            effects.append(.send(Message.hints(Array(some)).encoded(), to: id))
        }
    }

    /// Up to `count` members by chance, in the order of their ids; all if there are no more.
    private mutating func sample(_ count: Int, without left: NodeID?) -> [NodeID] {
        var ids = members.keys.filter { $0 != left }.sorted()
        guard ids.count > count else { return ids }
        for place in 0..<count {
            ids.swapAt(place, Int.random(in: place..<ids.count, using: &random))
        }
        return ids.prefix(count).sorted()
    }
}

extension Endpoint {
    /// Whether a host that is reached at `other` can reach this endpoint as well: a loopback
    /// address means something on the same host only, a link-local one on the same link.
    func meansSomething(at other: Endpoint) -> Bool {
        (!address.isLoopback || other.address.isLoopback)
            && (!address.isLinkLocal || other.address.isLinkLocal)
    }
}
