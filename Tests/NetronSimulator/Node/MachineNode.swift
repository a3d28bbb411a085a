// SPDX-License-Identifier: Apache-2.0

package import NetronProtocol
package import NetronWire

/// The real node, as the world runs it.
package struct MachineNode: SimulatedNode {
    /// What the shell writes to its state directory.
    package struct Memory: Sendable {
        package var peers = ""
        package var time: UInt64 = 0
    }

    /// What holds of every real node at any time: no table passes its limit.
    package static var checkers: [Checker<Self>] {
        [
            .bounded("the members", most: NodeLimits.membersMax) { $0.machine.memberCount },
            .bounded("the sought", most: NodeLimits.soughtMax) { $0.machine.soughtCount },
        ]
    }

    package private(set) var machine: NodeMachine<SeededRandom>
    private let born: Memory
    private var now = Instant(nanoseconds: 0)

    /// Makes a node, which remembers what its former life wrote down.
    package static func make(_ birth: Birth<Memory>) -> Newborn<Self> {
        var random = birth.random
        let machine = NodeMachine(id: birth.id, cryptography: birth.cryptography) {
            SeededRandom(seed: random.next())
        }
        return Newborn(Self(machine: machine, born: birth.memory ?? Memory()))
    }

    package mutating func handle(
        _ event: NodeEvent,
        at now: Instant,
        into effects: inout [NodeEffect]
    ) {
        self.now = now
        guard case .started(var introduction) = event else {
            return machine.handle(event, at: now, into: &effects)
        }
        introduction.discovery.rememberedPeers = born.peers
        introduction.discovery.persistedMilliseconds = born.time
        machine.handle(.started(introduction), at: now, into: &effects)
    }

    package mutating func speak(
        at now: Instant,
        into effects: inout [NodeEffect]
    ) -> UInt64? {
        self.now = now
        machine.sayAgain(at: now, into: &effects)
        return machine.ownRecord.map { UInt64($0.order.version) }
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
