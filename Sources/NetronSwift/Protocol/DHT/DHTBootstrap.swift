// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Through whom the DHT is entered, and when that is tried again.
struct DHTBootstrap {
    private let hosts: [HostPort]
    private let endpoints: [Endpoint]
    /// Nodes of an earlier run.
    private let saved: [DHTNode]
    private var resolved: [(host: HostPort, endpoints: [Endpoint])] = []
    /// Where the well-known routers are, which are never kept in the table.
    private(set) var routers: Set<Endpoint> = []
    private var attempts = 0
    /// When it is tried again.
    private(set) var nextAt = Instant.never

    init(_ settings: DHTSettings) {
        hosts = [HostPort](settings.hosts.prefix(DHTLimits.bootstrapMax))
        endpoints = [Endpoint](
            settings.endpoints.filter { $0.isPlausible(toldBy: nil) }
                .prefix(DHTLimits.bootstrapMax)
        )
        saved = [DHTNode](
            settings.saved.nodes.filter { $0.endpoint.isPlausible(toldBy: nil) }
                .prefix(DHTLimits.savedMax)
        )
    }

    /// Whether there is anybody to ask.
    var isPossible: Bool { !(hosts.isEmpty && endpoints.isEmpty && saved.isEmpty) }

    /// Endpoints that know others.
    var places: [Endpoint] { endpoints + resolved.flatMap(\.endpoints) }

    /// The saved nodes closest to a key.
    func saved(closestTo key: DHTID, upTo most: Int) -> [DHTNode] {
        [DHTNode](saved.sorted { $0.id ^ key < $1.id ^ key }.prefix(most))
    }

    /// Begins an attempt; says which hosts are to be resolved.
    mutating func begin() -> [HostPort] {
        nextAt = .never
        // Names seldom change; and what they led to may be dead.
        let isNeeded = resolved.isEmpty || attempts % 4 == 0
        return isNeeded ? hosts : []
    }

    mutating func resolve(_ host: HostPort, to found: [Endpoint]) {
        guard hosts.contains(host) else { return }
        resolved.removeAll { $0.host == host }
        let usable = found.filter { $0.isPlausible(toldBy: nil) }
            .prefix(DHTLimits.bootstrapAddressesMax)
        guard !usable.isEmpty else { return }
        resolved.append((host, [Endpoint](usable)))
        routers = Set(
            resolved.filter { DHTSettings.routers.contains($0.host) }.flatMap(\.endpoints)
        )
    }

    /// An attempt came to nothing: later again, and then later still.
    mutating func retry(at now: Instant) {
        nextAt = now + DHTLimits.retryFirst.doubled(attempts, atMost: DHTLimits.retryMax)
        attempts += 1
    }

    /// An attempt left us with few nodes.
    mutating func retryLater(at now: Instant) { nextAt = now + DHTLimits.retryMax }

    /// There are nodes enough.
    mutating func end() {
        attempts = 0
        nextAt = .never
    }
}
