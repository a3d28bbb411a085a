// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

// Whom to dial, and when again.
extension NodeMachine {
    mutating func discovered(
        _ endpoint: Endpoint,
        _ id: NodeID?,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard let id else {
            guard !dials.failedOfLate(endpoint, at: now) else { return }
            return dial(endpoint, nil, at: now, into: &effects)
        }
        seek(id, at: [endpoint], .discovered, at: now)
    }

    mutating func seekLost(_ member: Member, at now: Instant) {
        seek(member.id, at: member.endpoints, .lost, at: now)
    }

    /// Wants a session with a member, unless there is one; false if nothing can be done for it.
    @discardableResult
    mutating func seek(
        _ id: NodeID,
        at endpoints: [Endpoint],
        _ reason: Sought.Reason,
        at now: Instant
    ) -> Bool {
        let usable = endpoints.filter(canDial)
        let record = statement(of: id)
        let isLedTo = record?.introducers.isEmpty == false
        guard id != own?.id, members[id] == nil, !usable.isEmpty || isLedTo else { return false }
        if let seeking = sought[id] {
            // Whoever waits for it does not wait for the end of a long pause.
            if reason != seeking.reason, seeking.due > now, !dials.isDialling(id) {
                sought[id]?.due = now
                wake(at: now)
            }
            if reason == .overlay { sought[id]?.isForOverlay = true }
            if reason == .wanted, seeking.circuitDue == .never {
                sought[id]?.circuitDue = now + NodeLimits.circuitAfter
                wake(at: now + NodeLimits.circuitAfter)
            }
            for endpoint in usable.reversed() {
                sought[id]?.endpoints.putFirst(endpoint, most: NodeLimits.soughtEndpointsMax)
            }
            return true
        }
        guard sought.count < NodeLimits.soughtMax else { return false }
        // Who was lost did not answer just now; all others are dialled at once.
        let due = reason == .lost ? now + NodeLimits.retryFirst : now
        sought[id] = Sought(
            reason: reason,
            isForOverlay: reason == .overlay,
            endpoints: Array(usable.prefix(NodeLimits.soughtEndpointsMax)),
            failures: reason == .lost ? 1 : 0,
            due: due,
            until: now + NodeLimits.lostForgottenAfter,
            circuitDue: now
                + (record?.isReachable == true
                    ? NodeLimits.circuitAfter : NodeLimits.circuitAfterHidden)
        )
        wakeSought()
        return true
    }

    mutating func dialFailed(
        _ endpoint: Endpoint,
        _ id: NodeID?,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        dials.failed(endpoint, id, at: now)
        if let circuit = endpoint.circuit {
            route(.ended(circuit), at: now, into: &effects)
            if let id { sought[id]?.circuitDue = now + NodeLimits.circuitPause }
            return wakeSought()
        }
        wakeSought()
        guard let id, !dials.isDialling(id) else { return }
        failed(to: id, at: now, into: &effects)
    }

    /// A member did not answer anywhere.
    private mutating func failed(to id: NodeID, at now: Instant, into effects: inout [Effect]) {
        guard let seeking = sought[id] else { return }
        let failures = seeking.failures + 1
        let pause = NodeLimits.backoff(
            failures,
            first: NodeLimits.retryFirst,
            most: NodeLimits.retryMax
        )
        let isOver =
            seeking.reason == .lost
            ? seeking.until <= now + pause : failures >= NodeLimits.triesMax
        if seeking.isForOverlay {
            // The overlay has others to try, and does not wait for a second round.
            sought[id]?.isForOverlay = false
            overlay(.connectFailed(id), at: now, into: &effects)
        }
        if isOver || seeking.reason == .overlay || seeking.reason == .asked {
            sought[id] = nil
            dropParcel(of: id, at: now, into: &effects)
        } else {
            sought[id]?.failures = failures
            sought[id]?.due = now + pause
            wake(at: now + pause)
        }
    }

    /// Looks after those who wait for a free place among the dials.
    mutating func wakeSought() {
        wake(at: sought.values.lazy.map { min($0.due, $0.circuitDue) }.min() ?? .never)
    }

    mutating func runDials(at now: Instant, into effects: inout [Effect]) {
        while let dial = dials.forgotten(at: now) {
            dialFailed(dial.endpoint, dial.id, at: now, into: &effects)
        }
        while let (endpoint, id) = dials.takeTCPDue(at: now) {
            dial(endpoint, id, at: now, into: &effects)
        }
        let due = sought.filter { $0.value.due <= now }
            .sorted { ($0.value.due, $0.key) < ($1.value.due, $1.key) }
        for (id, seeking) in due {
            if dials.isFull { break }
            for endpoint in seeking.endpoints { dial(endpoint, id, at: now, into: &effects) }
            if seeking.endpoints.isEmpty {
                failed(to: id, at: now, into: &effects)
                continue
            }
            // The end of its dials says when it is tried again; where none could begin, a pause.
            sought[id]?.due = dials.isDialling(id) ? .never : now + NodeLimits.failurePause
        }
        for id in sought.filter({ $0.value.circuitDue <= now }).keys.sorted() {
            sought[id]?.circuitDue = .never
            sought[id]?.isWayAsked = true
            seekCircuit(to: id, at: now, into: &effects)
        }
        wake(at: dials.deadline)
        // While all places are taken, the end of a dial wakes those who wait.
        let waiting = sought.values.lazy.map(\.due).filter { $0 > now }.min() ?? .never
        wake(at: min(waiting, sought.values.lazy.map(\.circuitDue).min() ?? .never))
    }

    /// Dials unless that is under way, of no use, or too much at once.
    ///
    /// A member that is known or was named is there, so that it may be UDP that does not pass.
    mutating func dial(
        _ endpoint: Endpoint,
        _ id: NodeID?,
        isNamed: Bool = false,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard canDial(endpoint), !dials.isFull, !dials.isDialling(endpoint) else { return }
        guard id != nil || !isReached(endpoint) else { return }
        let triesTCP = own?.dialsTCP == true && !endpoint.isTCP && (id != nil || isNamed)
        let tcpDue = triesTCP ? now + NodeLimits.tcpAfter : .never
        dials.begin(endpoint, id, at: now, tcpDue: tcpDue)
        wake(at: dials.deadline)
        effects.append(.dial(endpoint, id))
    }

    /// Whether a member is, or was in this session, at the endpoint.
    private func isReached(_ endpoint: Endpoint) -> Bool {
        members.values.contains { $0.endpoints.contains(endpoint) }
    }

    /// Whether something can be there: an outer address of one host.
    ///
    /// An inner address would be reached through the very session that is to be made.
    func canDial(_ endpoint: Endpoint) -> Bool {
        let address = endpoint.address
        guard !endpoint.isTCP || endpoint.transport == .tcp && own?.dialsTCP == true else {
            return false
        }
        guard endpoint.port != 0, address.isHost || address.isLoopback else { return false }
        guard let own, addresses.holder(of: address) == nil else { return false }
        return Prefix(own.ula, length: ulaPrefixLength)?.contains(address) == false
    }
}

/// How many bits the made addresses of a network share (RFC 4193).
let ulaPrefixLength = 48
