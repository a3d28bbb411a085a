// SPDX-License-Identifier: Apache-2.0

package import NetronProtocol
package import NetronWire

/// The real node, as the world runs it.
///
/// A reference, since a copy of all the machine's tables' handles costs more than most events.
package final class MachineNode: SimulatedNode {
    /// What the shell writes to its state directory.
    package struct Memory: Sendable {
        package var peers = ""
        package var time: UInt64 = 0
    }

    /// What holds of every real node at any time: no table passes its limit.
    package static var checkers: [Checker<MachineNode>] {
        [
            .bounded("the members", most: NodeLimits.membersMax) { $0.sizes.members },
            .bounded("the sought", most: NodeLimits.soughtMax) { $0.sizes.sought },
        ]
    }

    package private(set) var machine: NodeMachine
    private var sizes = Sizes()
    private let born: Memory
    private var now = Instant(nanoseconds: 0)

    /// How large tables are, for the checkers.
    private struct Sizes {
        var members = 0
        var sought = 0

        init() {}

        /// Asks a machine where it lies; `inout`, as to read a property of a class is to copy it.
        init(of machine: inout NodeMachine) {
            members = machine.memberCount
            sought = machine.soughtCount
        }
    }

    private init(machine: NodeMachine, born: Memory) {
        self.machine = machine
        self.born = born
    }

    /// Makes a node, which remembers what its former life wrote down.
    package static func make(_ birth: Birth<Memory>) -> Newborn<MachineNode> {
        var random = birth.random
        var machine = NodeMachine(
            id: birth.id,
            cryptography: birth.cryptography,
            sharing: birth.share
        ) {
            SeededRandom(seed: random.next())
        }
        if birth.isHeld { machine.hold() }
        return Newborn(MachineNode(machine: machine, born: birth.memory ?? Memory()))
    }

    /// Its statement, as one that it said some time ago in a network of so many.
    func statement(among count: Int, at now: Instant) -> Presence? {
        machine.statement(among: count, at: now)
    }

    func rest(with all: SharedStatements, at now: Instant, into effects: inout [NodeEffect]) {
        self.now = now
        machine.rest(with: all, at: now, into: &effects)
    }

    package func handle(
        _ event: NodeEvent,
        at now: Instant,
        into effects: inout [NodeEffect]
    ) {
        self.now = now
        defer { sizes = Sizes(of: &machine) }
        guard case .started(var introduction) = event else {
            return machine.handle(event, at: now, into: &effects)
        }
        introduction.discovery.rememberedPeers = born.peers
        introduction.discovery.persistedMilliseconds = born.time
        machine.handle(.started(introduction), at: now, into: &effects)
    }

    package func speak(
        at now: Instant,
        into effects: inout [NodeEffect]
    ) -> UInt64? {
        self.now = now
        machine.sayAgain(at: now, into: &effects)
        return machine.ownRecord.map { UInt64($0.order.version) }
    }

    /// Writes in the ledger that it has a service.
    func writeService(at now: Instant, into effects: inout [NodeEffect]) {
        self.now = now
        guard let own = machine.ownRecord, let bucket = LedgerName("services"),
            let key = LedgerKey(bucket, "service-\(own.author.prefix())")
        else { return }
        let value = Array("tcp \(own.claims.first.map { "\($0.address)" } ?? ""):8080".utf8)
        _ = machine.write([.put(key, value)], at: now, into: &effects)
    }

    package func heard(of speaker: NodeID) -> UInt64? {
        machine.record(of: speaker).map { UInt64($0.order.version) }
    }

    package var activeView: [NodeID]? { machine.neighbours }

    package var memory: Memory {
        Memory(
            peers: machine.rememberedPeers(at: now),
            time: machine.persistedMilliseconds(at: now) ?? 0
        )
    }

    package var knownMemberCount: Int? { machine.knownCount }

    package var diskBytes: Int {
        // The identity and its end of line, and the two files.
        NodeID.characterCount + 1 + memory.peers.utf8.count + 14
    }
}
