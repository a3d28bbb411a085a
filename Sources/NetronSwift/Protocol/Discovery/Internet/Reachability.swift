// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Whether strangers can reach the node, and where.
///
/// Unknown until somebody said from where our datagrams come. Then they can if the host itself has
/// that address, or a router with that address lets them in, or if a stranger came in of late: a
/// forwarded port, or a NAT that lets all in. What the user says needs nobody's word.
struct Reachability {
    /// Somebody's view of us.
    private struct Observation {
        let observer: NodeID
        let endpoint: Endpoint
    }

    /// Whether private addresses are those of the Internet that the network uses.
    let isClosed: Bool

    private(set) var addresses: [IPAddress] = []
    private var told: Endpoint?
    private var agreed: Endpoint?
    /// In the order in which they came.
    private var observations: [Observation] = []
    /// Where others come in, as the user says and as a router says.
    private var announced: [Endpoint] = []
    private var mapped: Endpoint?
    private(set) var openUntil = Instant(nanoseconds: 0)

    init(isClosed: Bool) { self.isClosed = isClosed }

    /// Where our datagrams come from, as the DHT or several peers say.
    var publicEndpoint: Endpoint? { told ?? agreed }

    /// Nil as long as nobody knows.
    func isReachable(at now: Instant) -> Bool? {
        if now < openUntil || !announced.isEmpty || isMapped { return true }
        guard let publicEndpoint else { return nil }
        return addresses.contains(publicEndpoint.address)
    }

    /// Whether the router that lets others in is the last one before the Internet, as far as is
    /// known.
    private var isMapped: Bool {
        guard let mapped else { return false }
        guard let seen = publicEndpoint?.address, seen.family == mapped.address.family else {
            return true
        }
        return seen == mapped.address
    }

    /// Whether an endpoint is one of ours.
    func isOwn(_ endpoint: Endpoint, port: UInt16) -> Bool {
        endpoint == told || endpoint == mapped || announced.contains(endpoint)
            || endpoint.port == port && addresses.contains(endpoint.address)
            || observations.contains { $0.endpoint == endpoint }
    }

    /// Whether an address is one that the DHT may send us to.
    func isPublic(_ address: IPAddress) -> Bool {
        address.isHost && !address.isLinkLocal && (isClosed || !address.isSiteLocal)
    }

    /// Takes up the host's addresses; true if one is gone, so that nothing else can be relied on.
    mutating func change(to listed: [IPAddress]) -> Bool {
        let usable = listed.filter { $0.isHost && !$0.isLinkLocal }.sorted()
        let before = addresses
        addresses = Array(usable.prefix(InternetLimits.addressesMax))
        return before.contains { !addresses.contains($0) }
    }

    mutating func learn(_ endpoint: Endpoint) {
        guard isPublic(endpoint.address), endpoint.port != 0 else { return }
        told = endpoint
    }

    mutating func observe(_ endpoint: Endpoint, by observer: NodeID) {
        guard isPublic(endpoint.address), endpoint.port != 0 else { return }
        observations.removeAll { $0.observer == observer }
        if observations.count >= InternetLimits.observersMax { observations.removeFirst() }
        observations.append(Observation(observer: observer, endpoint: endpoint))
        agree()
    }

    /// Keeps to one port, as a NAT may show another one to each peer.
    private mutating func agree() {
        let isStillSeen = observations.contains { $0.endpoint == agreed }
        if let agreed, isStillSeen, isSeen(agreed.address) { return }
        agreed = observations.last { isSeen($0.endpoint.address) }?.endpoint
    }

    private func isSeen(_ address: IPAddress) -> Bool {
        observations.count { $0.endpoint.address == address } >= InternetLimits.observersMin
    }

    /// Takes up where others come in; what is private leads nobody here from the Internet.
    mutating func forward(_ byUser: [Endpoint], _ byRouter: Endpoint?) {
        announced = byUser.filter { isPublic($0.address) }
        mapped = byRouter.flatMap { isPublic($0.address) ? $0 : nil }
    }

    /// A stranger came in; one of our own site proves nothing.
    mutating func admit(_ stranger: Endpoint, at now: Instant) {
        guard isPublic(stranger.address), !addresses.contains(stranger.address) else { return }
        openUntil = now + InternetLimits.openTime
    }

    /// Forgets what the network that the host was on made of us.
    mutating func startOver() {
        told = nil
        observations = []
        agreed = nil
        openUntil = Instant(nanoseconds: 0)
    }
}
