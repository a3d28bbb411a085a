// SPDX-License-Identifier: Apache-2.0

public import NetronAPI
internal import NetronConfig
internal import NetronEngine
internal import NetronProtocol
internal import NetronWire

// What the network between this node and the others lets through.
extension Node {
    /// How many relays a report names.
    private static let relaysMax = 16

    /// What the network between this node and the others lets through, as far as it was found out.
    public func netcheck() -> NetcheckReport {
        var report = NetcheckReport()
        report.relaying.circuitsMax = relayedMax
        report.relaying.bytesPerSecond = settings.options.relayRate
        report.isPortChosen = settings.options.port == 0
        guard let device, let info = device.info() else { return report }
        let now = Clock.now()
        let peers = peers()
        report.port = Int(info.port)
        report.peers = PeerSummary(peers)
        report.relaying.circuits = machine.relayedCount
        let discovery = discoveryReport
        (report.table, report.tableNodes) = (discovery.table, discovery.tableNodes)
        report.portMapping = discovery.portMapping
        report.isReachable = discovery.isReachable
        report.udp = udp(peers, at: now)
        report.ipv4 = natReport(.v4, at: now)
        report.ipv6 = natReport(.v6, at: now)
        report.relays = relays(among: peers)
        report.advise()
        return report
    }

    private func udp(_ peers: [PeerReport], at now: Instant) -> NetcheckReport.UDP? {
        let counters = machine.tableCounters
        let wasSeen = machine.nat.viewCount(.v4, at: now) + machine.nat.viewCount(.v6, at: now) > 0
        let isReached = peers.contains { $0.path == .direct }
        if isReached || wasSeen || counters.repliesReceived > 0 { return .works }
        let isAsking =
            !settings.options.peers.isEmpty || counters.queriesSent > 0
            || peers.contains { $0.path == .tcp }
        return isAsking && now - startedAt > Health.aloneAfter ? .noAnswer : nil
    }

    private func natReport(_ family: IPAddress.Family, at now: Instant) -> NATReport {
        var report = NATReport()
        report.addresses = machine.hostAddresses.filter { $0.family == family }.map(\.description)
        report.publicEndpoint = machine.nat.lastSeen(family, at: now)?.description
        report.observers = machine.nat.viewCount(family, at: now)
        report.mapping =
            switch machine.nat.mapping(family, at: now) {
            case .unknown: nil
            case .none: NATReport.Mapping.none
            case .endpointIndependent: .endpointIndependent
            case .addressDependent: .addressDependent
            }
        report.filtering =
            switch machine.nat.filtering(family, at: now) {
            case .unknown: nil
            case .open: .open
            case .restricted: .restricted
            }
        report.silenceSeconds = machine.gateMemory(family).map { Int($0.components.seconds) }
        return report
    }

    /// Whether this node is wanted by, or wants, somebody whom only a relay would bring it to, and
    /// there is none.
    func lacksRelay(among peers: [PeerReport]) -> Bool {
        let now = Clock.now()
        guard machine.memberCount > 0, machine.isReachable(at: now) != true,
            let seen = machine.nat.lastSeen(.v4, at: now),
            !machine.hostAddresses.contains(seen.address)
        else { return false }
        return machine.isAnyoneMissed && relays(among: peers).isEmpty
    }

    /// The members that relay for this node, or would.
    private func relays(among peers: [PeerReport]) -> [RelayReport] {
        let members = peers.compactMap(\.relay).reduce(into: [:]) { $0[$1, default: 0] += 1 }
        let relays = peers.compactMap { peer -> RelayReport? in
            guard peer.isUp, let id = NodeID(peer.id), machine.isNearRelay(id) else {
                return nil
            }
            let isReachable = machine.record(of: id)?.isReachable == true
            guard isReachable || members[peer.id] != nil else { return nil }
            return RelayReport(
                id: peer.id,
                name: peer.name,
                rttMilliseconds: peer.rttMilliseconds,
                isReachable: isReachable,
                members: members[peer.id] ?? 0
            )
        }
        let sorted = relays.sorted { left, right in
            let trips = [left, right].map { $0.rttMilliseconds ?? .infinity }
            return (trips[0], left.id) < (trips[1], right.id)
        }
        return Array(sorted.prefix(Self.relaysMax))
    }
}
