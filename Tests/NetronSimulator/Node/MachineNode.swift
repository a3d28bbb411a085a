// SPDX-License-Identifier: Apache-2.0

package import NetronProtocol
package import NetronWire

/// The real node, as the world runs it.
package struct MachineNode: SimulatedNode {
    /// Members and where they were: what the shell writes to the file `peers`.
    package struct Memory: Sendable {
        /// As many as the shell writes down, those of the longest standing.
        static let peersMax = 64

        package var peers: [(id: NodeID, endpoint: Endpoint)] = []
    }

    /// Whether the machine says nothing of sessions to keep, so that the world keeps all of them.
    package static let needsKeeping = true

    /// What holds of every real node at any time: no table passes its limit.
    package static var checkers: [Checker<Self>] {
        [
            .bounded("the members", most: NodeLimits.membersMax) { $0.machine.memberCount },
            .bounded("the sought", most: NodeLimits.soughtMax) { $0.machine.soughtCount },
        ]
    }

    package private(set) var machine: NodeMachine<SeededRandom>

    /// Makes a node, and dials those whom it remembers.
    package static func make(_ birth: Birth<Memory>) -> Newborn<Self> {
        let node = Self(machine: NodeMachine(random: birth.random))
        let remembered = birth.memory?.peers ?? []
        return Newborn(node, events: remembered.map { .discovered($0.endpoint, $0.id) })
    }

    package mutating func handle(
        _ event: NodeEvent,
        at now: Instant,
        into effects: inout [NodeEffect]
    ) {
        machine.handle(event, at: now, into: &effects)
    }

    package var memory: Memory {
        let peers = machine.allMembers.sorted { ($0.since, $0.id) < ($1.since, $1.id) }
        return Memory(peers: peers.prefix(Memory.peersMax).map { ($0.id, $0.endpoint) })
    }

    package var knownMemberCount: Int? { machine.memberCount }

    package var diskBytes: Int {
        // The identity, and a line of the id's 52 characters and some 20 of the endpoint's a peer.
        NodeID.characterCount + 1 + min(machine.memberCount, Memory.peersMax) * 73
    }
}
