// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

// Sessions with members: how they come, move and end, and who of the smaller machines is told.
extension NodeMachine {
    /// There is a session with somebody, or a dial led to somebody who has one.
    mutating func peerUp(_ new: Member, into effects: inout [Effect]) {
        let now = new.since
        guard new.id != own?.id else { return }
        // Datagrams of ours went there, so that a gate may have let it in.
        let isNoStranger =
            !new.endpoint.isUDP || dials.wasTried(new.id, new.endpoint, at: now)
            || table.hasAsked(new.endpoint.address, at: now)
        dials.answered(new.id, at: new.endpoint)
        contactAnswered(new.id, at: new.endpoint)
        let wasSought = sought.removeValue(forKey: new.id)
        // A slot is free again for whoever waits.
        if wasSought == nil || !sought.isEmpty { wakeSought() }
        if members[new.id] != nil {
            return ledToMember(new, into: &effects)
        }
        // The packet core has the same limit, so that nobody is ever left over here.
        guard members.count < NodeLimits.membersMax else { return }
        members[new.id] = new
        setPrefixes(of: new.id, into: &effects)
        effects.append(.tell(.memberUp(new.id, new.endpoint)))
        greet(new.id, at: now, into: &effects)
        if contestsDue == .never { scheduleContests(at: now) }
        if !isNoStranger {
            nat.admit(new.endpoint, at: now)
            search(.contactedByStranger(new.endpoint), at: now, into: &effects)
        }
        let wasLost = wasSought?.reason == .lost
        reached(new.id, new.endpoint, wasLost: wasLost, at: now, into: &effects)
        overlay(.sessionUp(new.id, told(new.endpoint, of: new.id)), at: now, into: &effects)
        sendParcel(to: new.id, at: now, into: &effects)
        settleWay(to: new.id, by: new.endpoint, at: now, into: &effects)
        if !new.endpoint.isRelayed { routeThrough(new.id, at: now, into: &effects) }
        if anchorsDue != .never { scheduleAnchors(at: now) }
    }

    /// A dial of ours led to somebody who is here already.
    ///
    /// The packet core takes a way of a better kind on its own, and tells of that. Of two by UDP,
    /// that in the LAN is shorter, and does not end with the Internet.
    private mutating func ledToMember(_ new: Member, into effects: inout [Effect]) {
        reached(new.id, new.endpoint, at: new.since, into: &effects)
        guard let old = members[new.id]?.endpoint, old.isUDP, new.endpoint.isUDP,
            new.endpoint.address.reach < old.address.reach
        else { return }
        effects.append(.usePath(new.id, new.endpoint))
    }

    /// Where others are told that a member is, who is reached here.
    func told(_ endpoint: Endpoint, of id: NodeID) -> Endpoint {
        if endpoint.transport == .tcp { return endpoint.by(.udp) }
        if endpoint.isUDP { return endpoint }
        return directory.record(of: id)?.endpoints.first ?? .nowhere
    }

    /// Tells those who look for members where one is.
    ///
    /// Who was lost for seconds may be of another part since then, whatever the directory says.
    private mutating func reached(
        _ id: NodeID,
        _ endpoint: Endpoint,
        wasLost: Bool = false,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        // Where not all are known, that somebody is not means nothing.
        let isKnown =
            directory.standing(of: id) == .online && !wasLost
            || directory.isHeld || !directory.keepsAll
        search(.sessionUp(id, endpoint, isKnown: isKnown), at: now, into: &effects)
        let isReachable = directory.record(of: id)?.isReachable ?? false
        // What a connection came from is no place to find anybody.
        guard !endpoint.isRelayed, endpoint.transport != .tcpIn else { return }
        let place = endpoint.by(.udp)
        remember(.sessionUp(id, place, isReachable: isReachable), at: now, into: &effects)
    }

    /// There is no session any more.
    mutating func peerDown(
        _ id: NodeID,
        _ departure: Departure,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard let member = members.removeValue(forKey: id) else { return }
        effects.append(.tell(.memberDown(id, departure)))
        // A gate may let it in for as long as it remembers what we sent: it is no stranger then.
        for endpoint in member.endpoints where endpoint.isUDP {
            dials.tried(endpoint.address, at: now)
        }
        // Who went, or no longer answers us, has no address until it speaks again.
        let isStillThere = departure == .idle && isHere(id)
        let record = isStillThere ? statement(of: id) : nil
        register(claims: record?.claims ?? [], of: id, at: now, into: &effects)
        if departure == .silent { seekLost(member, at: now) }
        contactsLost(id, at: now)
        search(.sessionDown(id), at: now, into: &effects)
        remember(.sessionDown(id), at: now, into: &effects)
        // Its goodbye may outrun its statement that it leaves, which nobody may hear then.
        if departure == .goodbye, gossip.active.contains(id) {
            register(.unreachable(id), at: now, into: &effects)
        }
        overlay(.sessionDown(id, departure), at: now, into: &effects)
        punch(.settled(id), at: now, into: &effects)
        route(.sessionDown(id), at: now, into: &effects)
        mind(.gone(id), at: now, into: &effects)
        release(id, at: now, into: &effects)
        if anchorsDue != .never { scheduleAnchors(at: now) }
    }

    /// A member is reached elsewhere.
    mutating func moved(
        _ id: NodeID,
        _ endpoint: Endpoint,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        let wasRelayed = members[id]?.endpoint.isRelayed
        guard members[id]?.reach(at: endpoint) == true else { return }
        mindWay(to: id, at: now, into: &effects)
        effects.append(.tell(.memberChanged(id)))
        members[id]?.isSilent = false
        greetSoon(id, at: now)
        // Two nodes with one key look like one that moves to and fro.
        register(.remind(id), at: now, into: &effects)
        // From one circuit to another nothing is new for anybody.
        if wasRelayed == true, endpoint.isRelayed { return }
        // Maybe a dial of ours led there.
        dials.answered(id, at: endpoint)
        contactAnswered(id, at: endpoint)
        // It may have seen us there before we knew that way to it.
        if endpoint.isUDP, let seen = members[id]?.observed {
            nat.hear(seen, by: endpoint, at: now)
        }
        // It may not know that others see it elsewhere now.
        let observed = Message.observed(endpoint.isUDP ? endpoint : .nowhere)
        effects.append(.send(observed.encoded(), to: id))
        reached(id, endpoint, at: now, into: &effects)
        overlay(.sessionUp(id, told(endpoint, of: id)), at: now, into: &effects)
        settleWay(to: id, by: endpoint, at: now, into: &effects)
    }
}
