// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

// Where this node may be reached, as others are told.
extension NodeMachine {
    /// The endpoints, the best first: as the Internet sees the node, as members see it, as the
    /// host has it.
    var ownEndpoints: [Endpoint] {
        var endpoints = [publicEndpoint].compactMap(\.self)
        var counts: [Endpoint: Int] = [:]
        for member in members.values {
            if let seen = member.observed?.unscoped { counts[seen, default: 0] += 1 }
        }
        endpoints += counts.sorted { (-$0.value, $0.key) < (-$1.value, $1.key) }.map(\.key)
        endpoints += hostEndpoints
        var distinct: [Endpoint] = []
        for endpoint in endpoints where distinct.count < Presence.endpointsMax {
            if isWorthTelling(endpoint), !distinct.contains(endpoint) { distinct.append(endpoint) }
        }
        return distinct
    }

    /// The host's own addresses with the node's port.
    var hostEndpoints: [Endpoint] {
        hostAddresses.map { Endpoint($0, port: hostPort) }
    }

    /// A loopback or link-local address means something to few; those hear of it in hints.
    private func isWorthTelling(_ endpoint: Endpoint) -> Bool {
        endpoint.port != 0 && endpoint.address.isHost && !endpoint.address.isLinkLocal
    }
}
