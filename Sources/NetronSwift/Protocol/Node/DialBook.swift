// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Which handshakes are under way, and which endpoints did not answer of late.
struct DialBook {
    private struct Dial {
        let endpoint: Endpoint
        let id: NodeID?
        let forgottenAt: Instant
        /// When the same place is dialled by TCP.
        var tcpDue: Instant
    }

    private struct Failure {
        let endpoint: Endpoint
        let until: Instant
    }

    // Both in the order of time; so the first is the next to go.
    private var dials: [Dial] = []
    private var failures: [Failure] = []
    /// Where datagrams went, of dials and others: a gate may let in who answers.
    private var tried = Recent<IPAddress>(
        for: NodeLimits.gateTime,
        atMost: NodeLimits.triedMax
    )

    var isFull: Bool { dials.count >= NodeLimits.dialsMax }

    var deadline: Instant {
        min(dials.first?.forgottenAt ?? .never, dials.lazy.map(\.tcpDue).min() ?? .never)
    }

    /// Whether a member is dialled at an endpoint of its own; circuits to it count for themselves.
    func isDialling(_ id: NodeID) -> Bool {
        dials.contains { $0.id == id && !$0.endpoint.isRelayed }
    }

    func isDialling(_ endpoint: Endpoint) -> Bool { dials.contains { $0.endpoint == endpoint } }

    /// Whether datagrams of ours went there, or to that member, of late.
    func wasTried(_ id: NodeID, _ endpoint: Endpoint, at now: Instant) -> Bool {
        isDialling(id) || tried.contains(endpoint.address, at: now)
    }

    /// Takes note that datagrams go there, or did until now.
    mutating func tried(_ address: IPAddress, at now: Instant) { tried.note(address, at: now) }

    func failedOfLate(_ endpoint: Endpoint, at now: Instant) -> Bool {
        failures.contains { $0.endpoint == endpoint && now < $0.until }
    }

    /// `tcpDue`: when the same place is dialled by TCP, unless it answered before.
    mutating func begin(
        _ endpoint: Endpoint,
        _ id: NodeID?,
        at now: Instant,
        tcpDue: Instant = .never
    ) {
        precondition(!isFull)
        if endpoint.isUDP { tried(endpoint.address, at: now) }
        let forgottenAt = now + NodeLimits.dialForgottenAfter
        dials.append(Dial(endpoint: endpoint, id: id, forgottenAt: forgottenAt, tcpDue: tcpDue))
    }

    /// The next dial whose place is to be dialled by TCP now; told once.
    mutating func takeTCPDue(at now: Instant) -> (endpoint: Endpoint, id: NodeID?)? {
        guard let index = dials.firstIndex(where: { $0.tcpDue <= now }) else { return nil }
        dials[index].tcpDue = .never
        return (dials[index].endpoint.by(.tcp), dials[index].id)
    }

    /// A member answered: what was to find it is done.
    mutating func answered(_ id: NodeID, at endpoint: Endpoint) {
        dials.removeAll { $0.id == id || $0.endpoint == endpoint && $0.id == nil }
        failures.removeAll { $0.endpoint == endpoint }
    }

    mutating func failed(_ endpoint: Endpoint, _ id: NodeID?, at now: Instant) {
        dials.removeAll { $0.endpoint == endpoint && $0.id == id }
        // For as long as it lasted it was repeated.
        if endpoint.isUDP { tried(endpoint.address, at: now) }
        failures.removeAll { $0.until <= now || $0.endpoint == endpoint }
        if failures.count >= NodeLimits.failuresMax { failures.removeFirst() }
        failures.append(Failure(endpoint: endpoint, until: now + NodeLimits.failurePause))
    }

    /// The next dial that nothing was heard of, which counts as failed.
    mutating func forgotten(at now: Instant) -> (endpoint: Endpoint, id: NodeID?)? {
        guard let dial = dials.first, dial.forgottenAt <= now else { return nil }
        return (dial.endpoint, dial.id)
    }
}
