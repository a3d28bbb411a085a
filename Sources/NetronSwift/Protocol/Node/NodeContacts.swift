// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

// What the user named: a host that is resolved anew and dialled until a member is found there, and
// again when that member goes.
extension NodeMachine {
    mutating func runContacts(at now: Instant, into effects: inout [Effect]) {
        for index in contacts.indices where contacts[index].due <= now {
            contacts[index].due = .never
            guard !isFound(contacts[index]), !contacts[index].isResolving else { continue }
            contacts[index].isResolving = true
            effects.append(.resolve(contacts[index].host))
        }
        wake(at: contacts.lazy.map(\.due).min() ?? .never)
    }

    mutating func resolved(
        _ host: HostPort,
        _ endpoints: [Endpoint],
        at now: Instant,
        into effects: inout [Effect]
    ) {
        for index in contacts.indices where contacts[index].host == host {
            guard contacts[index].isResolving else { continue }
            contacts[index].isResolving = false
            // A name server that is away for a while is no reason to forget what it said.
            if !endpoints.isEmpty {
                contacts[index].endpoints =
                    endpoints.prefix(NodeLimits.contactEndpointsMax)
                    .map { $0.by(host.isTCP ? .tcp : .udp) }
            }
            contacts[index].member =
                members.values.filter { contacts[index].leads(to: $0.endpoint) }
                .map(\.id).min()
            guard !isFound(contacts[index]) else { continue }
            for endpoint in contacts[index].endpoints {
                dial(endpoint, nil, isNamed: true, at: now, into: &effects)
            }
            contacts[index].failures += 1
            contacts[index].due =
                now
                + NodeLimits.backoff(
                    contacts[index].failures,
                    first: NodeLimits.contactRetryFirst,
                    most: NodeLimits.contactRetryMax
                )
            wake(at: contacts[index].due)
        }
    }

    /// Takes note of the member that a contact's name led to.
    mutating func contactAnswered(_ id: NodeID, at endpoint: Endpoint) {
        for index in contacts.indices where contacts[index].leads(to: endpoint) {
            contacts[index].member = id
            contacts[index].failures = 0
            contacts[index].due = .never
        }
    }

    /// Seeks those contacts again that led to a member which is gone.
    mutating func contactsLost(_ id: NodeID, at now: Instant) {
        for index in contacts.indices where contacts[index].member == id {
            contacts[index].member = nil
            contacts[index].failures = 1
            contacts[index].due = now + NodeLimits.contactRetryFirst
            wake(at: contacts[index].due)
        }
    }

    private func isFound(_ contact: Contact) -> Bool {
        contact.member.map { members[$0] != nil } ?? false
    }
}
