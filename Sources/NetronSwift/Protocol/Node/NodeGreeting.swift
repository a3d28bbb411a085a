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
        guard greetingsDue <= now else { return wake(at: greetingsDue) }
        greetingsDue = .never
        let due = members.values.filter { $0.helloDue <= now }.sorted { $0.id < $1.id }
        for member in due {
            // What was sent so long ago is lost, and so is its answer.
            members[member.id]?.unanswered = 0
            greet(member.id, at: now, into: &effects)
            members[member.id]?.helloTries = member.helloTries + 1
            scheduleHello(member.id, at: now)
        }
        greetingsDue = members.values.lazy.map(\.helloDue).min() ?? .never
        wake(at: greetingsDue)
    }

    /// What was said by the way before may be lost.
    mutating func greetSoon(_ id: NodeID, at now: Instant) {
        guard let member = members[id], member.helloDue != .never else { return }
        members[id]?.helloDue = now
        greetingsDue = now
        wake(at: now)
    }

    private mutating func scheduleHello(_ id: NodeID, at now: Instant) {
        let pause = NodeLimits.backoff(
            members[id]?.helloTries ?? 0,
            first: NodeLimits.helloRetryFirst,
            most: NodeLimits.helloRetryMax
        )
        members[id]?.helloDue = now + pause
        greetingsDue = min(greetingsDue, now + pause)
        wake(at: now + pause)
    }

    mutating func received(
        _ bytes: [UInt8],
        from id: NodeID,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        // Not here any more, or not yet: it will say it again.
        guard members.index(forKey: id) != nil else { return }
        let message: Message?
        do throws(WireError) {
            message = try Message.decode(bytes)
        } catch {
            counters.malformed += 1
            let isTold = members[id]?.isMalformedTold == true
            if !isTold { effects.append(.tell(.malformed(from: id, error))) }
            members[id]?.isMalformedTold = true
            return
        }
        switch message {
        case .hello(let hello): greeted(by: id, hello, at: now, into: &effects)
        case .observed(let endpoint): answered(by: id, endpoint, at: now, into: &effects)
        case .gossip(let message): gossiped(message, by: id, at: now, into: &effects)
        case .directory(let message):
            register(.received(message, from: id), at: now, into: &effects)
        case .ledger(let message):
            keepLedger(.received(message, from: id), at: now, into: &effects)
        case .path(let message): takeIn(message, from: id, at: now, into: &effects)
        case .contested(let address, let holder):
            contested(address, holder: holder, by: id, at: now, into: &effects)
        case .placement(let message): placed(message, by: id, at: now, into: &effects)
        case .trust(let message):
            keepTrust(.received(message, from: id), at: now, into: &effects)
        case nil: counters.unknown += 1
        }
    }

    private mutating func greeted(
        by id: NodeID,
        _ hello: Hello,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard let member = members[id] else { return }
        if member.unanswered == 0 {
            greet(member.id, at: now, into: &effects)
            register(.remind(member.id), at: now, into: &effects)
        }
        // Through others, or by TCP, nothing is seen of it that would help anybody, but it is to
        // know that its greeting came.
        let seen = member.endpoint.isUDP ? member.endpoint : .nowhere
        effects.append(.send(Message.observed(seen).encoded(), to: member.id))
        if hello != member.hello {
            members[member.id]?.hello = hello
            effects.append(.tell(.memberChanged(member.id)))
        }
        claimed(hello.claims, by: member, at: now, into: &effects)
    }

    private mutating func answered(
        by id: NodeID,
        _ endpoint: Endpoint,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard var member = members[id] else { return }
        member.unanswered = max(0, member.unanswered - 1)
        // It may only say where it sees us. Who does not know it yet greets on, and is greeted.
        if member.unanswered == 0, member.hello != nil { member.helloDue = .never }
        nat.hear(endpoint, by: member.endpoint, at: now)
        let isNew = member.observed != endpoint
        member.observed = endpoint
        members[id] = member
        guard isNew else { return }
        search(.observed(endpoint, by: id), at: now, into: &effects)
        mindWay(to: id, at: now, into: &effects)
        refreshPresence(at: now, into: &effects)
    }
}

extension NodeMachine {
    /// Sends what one of the smaller machines has to say, if there is still a session for it.
    func post(_ message: Message, to id: NodeID, into effects: inout [Effect]) {
        guard members.index(forKey: id) != nil else { return }
        effects.append(.send(message.encoded(), to: id))
    }
}

// Contests about addresses are told again and again, since messages may be lost.
extension NodeMachine {
    mutating func scheduleContests(at now: Instant) {
        let seconds = Int64.random(
            in: 0...NodeLimits.contestInterval.components.seconds / 2,
            using: &random
        )
        contestsDue = now + NodeLimits.contestInterval + .seconds(seconds)
        wake(at: contestsDue)
    }

    mutating func runContests(at now: Instant, into effects: inout [Effect]) {
        guard contestsDue <= now else { return wake(at: contestsDue) }
        tellContestsAgain(into: &effects)
        scheduleContests(at: now)
    }
}
