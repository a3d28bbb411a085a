// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// How a node of the DHT begins.
package struct DHTSettings: Hashable, Sendable {
    /// Hosts that know others.
    package var hosts: [HostPort]
    /// Endpoints that know others.
    package var endpoints: [Endpoint]
    /// What an earlier run left.
    package var saved: DHTSaved
    /// Whether queries of others are answered; else the node is read-only (BEP 43).
    package var serves: Bool
    /// Whether there is no upkeep.
    package var rests: Bool
    /// What upkeep may cost, in bytes a second.
    package var budget: Int

    package init(
        hosts: [HostPort] = DHTSettings.routers,
        endpoints: [Endpoint] = [],
        saved: DHTSaved = DHTSaved(),
        serves: Bool = false,
        rests: Bool = false,
        budget: Int = DHTLimits.upkeepBytesPerSecond
    ) {
        self.hosts = hosts
        self.endpoints = endpoints
        self.saved = saved
        self.serves = serves
        self.rests = rests
        self.budget = budget
    }

    /// The hosts through which the public DHT is entered.
    ///
    /// They are asked for others, and never kept in the table.
    package static let routers: [HostPort] = [
        "router.bittorrent.com:6881", "dht.transmissionbt.com:6881", "router.utorrent.com:6881",
        "dht.libtorrent.org:25401",
    ].compactMap { try? HostPort(parsing: $0) }
}

/// What an announcement says of the own port.
package enum DHTAnnouncedPort: Hashable, Sendable {
    /// The port that others see the node's datagrams come from; the other is for those who do not
    /// know the rule.
    case implied(fallback: UInt16)
    case port(UInt16)
    /// In IPv4 the port that a router lets in, whatever others see; in IPv6, which has no NAT, as
    /// above.
    case forwarded(UInt16, fallback: UInt16)
}

/// What happened; the machine's input.
package enum DHTEvent: Hashable, Sendable {
    case started(DHTSettings)
    case received([UInt8], from: Endpoint)
    /// The endpoints of a host, none if it could not be found.
    case resolved(HostPort, [Endpoint])
    /// Peers of a key are wanted, and we are to be one of them if `announcing`.
    case lookup(DHTID, announcing: DHTAnnouncedPort?)
    /// An item is wanted (BEP 44); the salt is that of its author, or empty.
    case get(DHTID, salt: [UInt8])
    /// An item is to be stored, if need be only in place of the one with a sequence number.
    case put(DHTItem, replacing: Int64?)
    /// Nobody waits for the results of a key any more.
    case cancelled(DHTID)
    /// Whether queries of others are answered.
    case serve(Bool)
    /// Whether there is no upkeep: then only what is asked for makes packets.
    case rest(Bool)
    /// Addresses of the host changed: what others saw of us is outdated.
    case networkChanged
    /// The deadline came.
    case timeout
    case stopping
}

/// What is to be done; the machine's output.
package enum DHTEffect: Hashable, Sendable {
    case send([UInt8], to: Endpoint)
    /// Answered by `.resolved`.
    case resolve(HostPort)
    /// Peers of a key, each once in a lookup, as soon as somebody tells.
    case found(DHTID, [Endpoint])
    /// An item under a key, and each newer version of it.
    case item(DHTID, DHTItem)
    /// A lookup is over; so many nodes took the announcement or item.
    case finished(DHTID, announced: Int)
    /// Where others see us; IPv4 and IPv6 are told apart.
    case publicEndpoint(Endpoint)
    /// Where one node sees us, with each reply that says so.
    case seen(Endpoint, by: Endpoint)
    /// The deadline; the last one told counts. It may come early.
    case wake(at: Instant)
}
