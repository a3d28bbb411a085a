// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// A node of BitTorrent's Mainline DHT (BEP 5, 32, 42, 43, 44), without its socket.
///
/// A pure machine: events and the time go in, effects come out. It finds and announces peers of
/// keys, and answers others where it serves. Everything that strangers send is bounded by
/// `DHTLimits`.
///
/// The rules are in `DHTCore`.
package struct DHTMachine {
    private var core: DHTCore

    /// Makes a node that does nothing before `.started`.
    package init(random: any RandomNumberGenerator, cryptography: Cryptography) {
        core = DHTCore(random: random, cryptography: cryptography)
    }

    package mutating func handle(
        _ event: DHTEvent,
        at now: Instant,
        into effects: inout [DHTEffect]
    ) {
        core.handle(event, at: now, into: &effects)
    }

    /// What it did and heard.
    package var counters: DHTCounters { core.counters }

    /// What it is now.
    package func status(at now: Instant) -> DHTStatus { core.status(at: now) }

    /// The own id of a family.
    package func id(_ family: IPAddress.Family) -> DHTID { core[family].table.own }

    /// What is worth keeping for the next run: good nodes, those heard of last first.
    package func saved(upTo most: Int = DHTLimits.savedMax, at now: Instant) -> DHTSaved {
        core.saved(upTo: most, at: now)
    }

    /// Every node in the table of a family.
    package func nodes(_ family: IPAddress.Family) -> [DHTNode] {
        core[family].table.contacts.map(\.node)
    }
}
