// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// Somebody of the network whom this node has a session with.
package struct Member: Hashable, Sendable {
    package let id: NodeID
    /// The address that is made of its id.
    package let ula: IPAddress
    /// Where it is reached, and where it was before; the newest first.
    package private(set) var endpoints: [Endpoint]
    /// The handshake's round trip.
    package var rtt: Duration
    package let since: Instant
    /// What it said of itself, if that has come.
    package var hello: Hello?
    /// Where it sees this node.
    package var observed: Endpoint?
    /// What the packet core was told to be its.
    package var prefixes: [Prefix] = []

    /// Greetings that it has not answered.
    var unanswered = 0
    var helloTries = 0
    var helloDue = Instant.never
    var isMalformedTold = false
    /// Whether it answered nothing of late by the way that it is reached by.
    var isSilent = false

    init(_ id: NodeID, at endpoint: Endpoint, rtt: Duration, ula: IPAddress, now: Instant) {
        self.id = id
        self.ula = ula
        endpoints = [endpoint]
        self.rtt = rtt
        since = now
    }

    /// Where it is reached.
    package var endpoint: Endpoint { endpoints[0] }

    /// Takes note of where it is now; true if that is new.
    mutating func reach(at endpoint: Endpoint) -> Bool {
        guard endpoint != self.endpoint else { return false }
        endpoints.putFirst(endpoint, most: NodeLimits.memberEndpointsMax)
        return true
    }
}

/// Somebody of the network whom this node wants a session with.
struct Sought {
    enum Reason: Hashable {
        /// It was here and stopped to answer.
        case lost
        /// It is on the LAN, or was a peer of the last run.
        case discovered
        /// The overlay wants it for a neighbour.
        case overlay
        /// Packets for it wait, or the user asked for it.
        case wanted
        /// It is to be asked for what is not kept here, and others can be asked instead.
        case asked
    }

    let reason: Reason
    /// Whether the overlay waits to hear what becomes of it.
    var isForOverlay: Bool
    var endpoints: [Endpoint]
    var failures = 0
    var due: Instant
    let until: Instant
    /// When a circuit is asked for; never once it was, until that failed.
    var circuitDue: Instant
    /// Whether one was asked for: whoever is met and leads there is asked at once.
    var isWayAsked = false
}

/// A host that the user named.
struct Contact {
    let host: HostPort
    /// What its name last led to.
    var endpoints: [Endpoint] = []
    /// The member that was found there.
    var member: NodeID?
    var isResolving = false
    var failures = 0
    var due: Instant

    /// Whether that is one of its endpoints, or by TCP the same place.
    func leads(to endpoint: Endpoint) -> Bool {
        endpoints.contains(endpoint)
            || endpoint.transport == .tcp && endpoints.contains(endpoint.by(.udp))
    }
}

extension [Endpoint] {
    /// Puts an endpoint to the front; the oldest go when there are too many.
    mutating func putFirst(_ endpoint: Endpoint, most: Int) {
        removeAll { $0 == endpoint }
        insert(endpoint, at: 0)
        if count > most { removeLast() }
    }
}
