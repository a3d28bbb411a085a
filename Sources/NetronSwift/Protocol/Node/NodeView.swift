// SPDX-License-Identifier: Apache-2.0

package import NetronWire

// What others may know.
extension NodeMachine {
    /// A contest about an address of this node.
    package enum Conflict: Hashable, Sendable {
        /// Another holds it.
        case taken(by: NodeID)
        /// Another wants it.
        case claimed(by: NodeID)
    }

    /// The members, by id.
    package var allMembers: [Member] { members.values.sorted { $0.id < $1.id } }

    /// What is known of a member with a session.
    package func member(_ id: NodeID) -> Member? { members[id] }

    package var memberCount: Int { members.count }

    /// How many are wanted that are not here.
    package var soughtCount: Int { sought.count }

    /// Whether somebody is wanted who is not here, and is thought to run.
    package var isAnyoneMissed: Bool { sought.keys.contains(where: directory.isOnline) }

    /// The inner addresses that a member has, or this node, besides the one made of its id.
    package func addresses(of id: NodeID) -> [IPAddress] { addresses.held(by: id) }

    /// The contests about addresses of this node, by address.
    package var allConflicts: [(address: IPAddress, conflict: Conflict)] {
        conflicts.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}

// How the node is connected, and how it finds others.
extension NodeMachine {
    /// The neighbours in the overlay, by id.
    package var neighbours: [NodeID] { gossip.active }

    /// How many members may take a neighbour's place.
    package var reserveCount: Int { gossip.passive.count }

    /// The members that the directory knows, each with whether it is thought to run; not those
    /// that left, nor this node.
    package var knownMembers: [(record: Presence, isOnline: Bool)] {
        var known: [(record: Presence, isOnline: Bool)] = []
        var cursor: Int? = 0
        while let from = cursor {
            let (ids, next) = directory.members(from: from, count: 256)
            for id in ids where id != own?.id {
                guard let record = directory.record(of: id), !record.isLeaving else { continue }
                known.append((record, directory.isOnline(id)))
            }
            cursor = next
        }
        return known
    }

    /// How many other members the directory knows that did not leave.
    package var knownCount: Int { max(0, directory.liveCount - 1) }

    /// What a member last said to all.
    package func record(of id: NodeID) -> Presence? { directory.record(of: id) }

    package var ownRecord: Presence? { directory.ownRecord }

    /// Whether the directory says that a member runs.
    package func isOnline(_ id: NodeID) -> Bool { directory.isOnline(id) }

    /// The member that a circuit of this node goes through first.
    package func relay(of circuit: CircuitID) -> NodeID? { circuits.relay(of: circuit) }

    /// How many circuits of others this node relays.
    package var relayedCount: Int { circuits.relayedCount }

    package func tableStatus(at now: Instant) -> DHTStatus { table.status(at: now) }

    package var tableCounters: DHTCounters { table.counters }

    /// Whether this node announces itself in the hash table now.
    package var isAnnouncing: Bool { internet.isAnnouncing }

    /// Whether strangers reach this node; nil if nobody knows.
    package func isReachable(at now: Instant) -> Bool? { internet.isReachable(at: now) }

    /// How long the gate before this node is known to remember a silent session; nil as long as
    /// that was not found out.
    package func gateMemory(_ family: IPAddress.Family = .v4) -> Duration? {
        keepalives.memory(family)
    }

    package var timeSource: NetworkTime.Source { time.source }
}

// What the shell writes down for the next start.
extension NodeMachine {
    package func rememberedPeers(at now: Instant) -> String { memory.encoded(at: now) }

    package func savedTable(at now: Instant) -> [UInt8] { table.saved(at: now).encoded }

    /// The network's time in milliseconds since 1970; nil if it is not sure.
    package func persistedMilliseconds(at now: Instant) -> UInt64? { time.persisted(at: now) }
}
