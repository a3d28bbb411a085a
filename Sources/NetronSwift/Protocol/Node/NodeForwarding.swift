// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// A host and port that the user says lead to this node.
struct Announced: Hashable, Sendable {
    let host: HostPort
    var endpoints: [Endpoint] = []
    /// When its name is asked for again; never for an address, or while that is under way.
    var due = Instant.never
    var isResolving = false
    /// How often it was not found since it was.
    var failures = 0
}

// Ways in through a router: those that it is asked for, and those that the user made.
extension NodeMachine {
    package var mappingStatus: MappingStatus { mapper.status }

    /// What the user says, as far as it is known where that is.
    package var announcedEndpoints: [Endpoint] {
        // One of each first.
        let first = announced.compactMap(\.endpoints.first)
        let others = announced.flatMap { $0.endpoints.dropFirst() }
        return Array((first + others).prefix(NodeLimits.announcedEndpointsMax))
    }

    /// What only members know, and nobody who would take the node's mapping away; the same in each
    /// life, so that the mapping of the last one is the node's own.
    var mappingNonce: [UInt8] {
        let key = cryptography.derive("port mapping", 0)
        return Array(cryptography.digest(directory.id.bytes, key).prefix(PCP.nonceByteCount))
    }

    /// The port that is announced in the hash table.
    var announcedPort: DHTAnnouncedPort {
        // The table goes by the address that the datagram comes from.
        let seen = publicEndpoint?.address
        let way = (announcedEndpoints + [mappedEndpoint].compactMap(\.self)).first {
            $0.address.family == .v4 && internet.reach.isPublic($0.address)
                && (seen == nil || seen?.family == .v6 || seen == $0.address)
        }
        guard let way else { return .implied(fallback: hostPort) }
        return .forwarded(way.port, fallback: hostPort)
    }

    /// Tells the mapper what happened, and does what it asks for.
    mutating func map(
        _ event: MappingEvent,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        var asked: [MappingEffect] = []
        mapper.handle(event, at: now, into: &asked)
        for effect in asked {
            switch effect {
            case .ask(let request): effects.append(.map(request))
            case .mapped(let endpoint):
                mappedEndpoint = endpoint
                waysInChanged(at: now, into: &effects)
            case .wake(let instant):
                mapperDue = instant
                wake(at: instant)
            }
        }
    }

    private mutating func waysInChanged(at now: Instant, into effects: inout [Effect]) {
        search(
            .forwarded(byUser: announcedEndpoints, byRouter: mappedEndpoint),
            at: now,
            into: &effects
        )
        refreshPresence(at: now, into: &effects)
    }

    // MARK: What the user says

    mutating func beginAnnounced(
        _ hosts: [HostPort],
        at now: Instant,
        into effects: inout [Effect]
    ) {
        announced = hosts.map { host in
            guard let address = host.address else { return Announced(host: host, due: now) }
            return Announced(host: host, endpoints: [Endpoint(address, port: host.port)])
        }
        guard !announced.isEmpty else { return }
        wake(at: now)
        if !announcedEndpoints.isEmpty { waysInChanged(at: now, into: &effects) }
    }

    /// Asks for names again: the host is on another network, and so are they, as it seems.
    mutating func resolveAnnounced(at now: Instant) {
        for index in announced.indices where announced[index].host.address == nil {
            announced[index].due = now
        }
        if !announced.isEmpty { wake(at: now) }
    }

    mutating func runAnnounced(at now: Instant, into effects: inout [Effect]) {
        for index in announced.indices where announced[index].due <= now {
            announced[index].due = .never
            guard !announced[index].isResolving else { continue }
            announced[index].isResolving = true
            effects.append(.resolve(announced[index].host))
        }
        wake(at: announced.lazy.map(\.due).min() ?? .never)
    }

    mutating func resolvedAnnounced(
        _ host: HostPort,
        _ endpoints: [Endpoint],
        at now: Instant,
        into effects: inout [Effect]
    ) {
        let before = announcedEndpoints
        for index in announced.indices where announced[index].host == host {
            guard announced[index].isResolving else { continue }
            announced[index].isResolving = false
            // A name server that is away for a while is no reason to forget what it said.
            if endpoints.isEmpty {
                announced[index].failures += 1
            } else {
                // Name servers turn the order round, which is no news.
                announced[index].endpoints = endpoints.sorted()
                announced[index].failures = 0
            }
            announced[index].due =
                now
                + NodeLimits.backoff(
                    announced[index].failures,
                    first: endpoints.isEmpty
                        ? NodeLimits.announcedRetryFirst : NodeLimits.announcedInterval,
                    most: NodeLimits.announcedInterval
                )
            wake(at: announced[index].due)
        }
        if announcedEndpoints != before { waysInChanged(at: now, into: &effects) }
    }
}
