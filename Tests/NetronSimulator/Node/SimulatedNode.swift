// SPDX-License-Identifier: Apache-2.0

package import NetronProtocol
package import NetronWire

/// What the world needs of a node: events in, effects out.
///
/// What is asked besides is for checkers and reports, and has an answer for nodes that know none.
package protocol SimulatedNode {
    /// What the node's shell has on disk, and gives back at the next start.
    associatedtype Memory

    mutating func handle(_ event: NodeEvent, at now: Instant, into effects: inout [NodeEffect])

    /// What would be on disk now.
    var memory: Memory { get }

    /// Those whom the overlay holds on to; nil if there is no overlay, and all sessions count.
    var activeView: [NodeID]? { get }

    /// How many other members the node knows of; nil if it knows those with a session only.
    var knownMemberCount: Int? { get }

    /// Says something new to all members; the number by which the others know it, or nil if the
    /// node has nothing to say.
    mutating func speak(at now: Instant, into effects: inout [NodeEffect]) -> UInt64?

    /// The highest number that the node heard of what another said.
    func heard(of speaker: NodeID) -> UInt64?

    /// Bytes of memory that the node takes, as it counts them itself; nil if it does not.
    var memoryBytes: Int? { get }

    /// Bytes that it has on disk.
    var diskBytes: Int { get }
}

extension SimulatedNode {
    package var activeView: [NodeID]? { nil }
    package var knownMemberCount: Int? { nil }
    package mutating func speak(
        at now: Instant,
        into effects: inout [NodeEffect]
    ) -> UInt64? { nil }
    package func heard(of speaker: NodeID) -> UInt64? { nil }
    package var memoryBytes: Int? { nil }
    package var diskBytes: Int { 0 }
}

/// What a node is made of when it starts.
package struct Birth<Memory> {
    /// The node's number in the world.
    package let number: Int
    package let id: NodeID
    package let random: SeededRandom
    package let cryptography: Cryptography
    /// What its former life left on disk.
    package let memory: Memory?
    /// Whether it shall say nothing of itself until the world is at rest.
    package let isHeld: Bool
    /// Gives bytes that many nodes hold one storage.
    package let share: ([UInt8]) -> [UInt8]
}

/// A node that was made, and what its shell tells it after `.started` and `.clock`.
package struct Newborn<Node: SimulatedNode> {
    package let node: Node
    package let events: [NodeEvent]

    package init(_ node: Node, events: [NodeEvent] = []) {
        self.node = node
        self.events = events
    }
}
