// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

// Where this node may be reached, as others are told.
extension NodeMachine {
    /// The endpoints, the best first: where the user or a router let others in, as the Internet
    /// sees the node, as members see it, as the host has it.
    var ownEndpoints: [Endpoint] {
        var endpoints = announcedEndpoints
        let mapped = [mappedEndpoint].compactMap(\.self)
        // Behind another NAT it is of use to those alone who are there, too.
        let isOpen = mapped.contains { internet.reach.isPublic($0.address) }
        if isOpen { endpoints += mapped }
        endpoints += [publicEndpoint].compactMap(\.self)
        var counts: [Endpoint: Int] = [:]
        for member in members.values {
            // A NAT that shows each member another port leaves room for what others come in by.
            guard let seen = member.observed?.unscoped, seen.address != mapped.first?.address
            else { continue }
            counts[seen, default: 0] += 1
        }
        endpoints += counts.sorted { (-$0.value, $0.key) < (-$1.value, $1.key) }.map(\.key)
        endpoints += hostEndpoints
        if !isOpen { endpoints += mapped }
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
