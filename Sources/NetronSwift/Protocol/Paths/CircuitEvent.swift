// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// What happened; the input of `CircuitMachine`.
package enum CircuitEvent: Hashable, Sendable {
    /// A circuit to a member is wanted, through one of these that there are sessions with, the best
    /// first, or through one of others if none of them answers; nothing happens if there is one.
    case wanted(NodeID, through: [NodeID], orElse: [NodeID] = [])
    /// One more circuit to a member that is reached by one, through somebody else.
    case spareWanted(NodeID, through: [NodeID])
    case received(PathMessage, from: NodeID)
    /// The session with a member is over, and so are the circuits through it and to it: nobody sees
    /// to it that these go on leading there, and a relay or a gate may forget them.
    case sessionDown(NodeID)
    /// The packet core ended a circuit, as nothing came on it or its neighbour went.
    case ended(CircuitID)
    case timeout

    /// The member that a request wants to be led to; nil for what is no request.
    package var wayWanted: NodeID? {
        guard case .received(.open(let opening), _) = self else { return nil }
        return opening.target
    }
}

/// What is to be done; the output of `CircuitMachine`.
package enum CircuitEffect: Hashable, Sendable {
    case send(PathMessage, to: NodeID)
    /// This node is an end: what the neighbour sends on the circuit is for it.
    case end(CircuitSide)
    /// This node relays between two.
    case forward(CircuitSide, CircuitSide)
    /// Ends a circuit of either kind; of one that is relayed the first side names both.
    case close(CircuitID)
    /// There is a circuit to a member, if it was wanted here.
    case opened(CircuitID, to: NodeID)
    /// There is none to be had now.
    case failed(NodeID)
    /// A circuit, which led to a member, is no more.
    case lost(CircuitID, to: NodeID)
    /// The deadline; the last one told counts.
    case wake(at: Instant)
}

/// What was counted of circuits since the start.
package struct CircuitCounters: Hashable, Sendable {
    /// Circuits that were opened here, for this node and by others to it.
    package internal(set) var opened = 0
    package internal(set) var accepted = 0
    package internal(set) var relayed = 0
    /// Requests that were refused, and messages that did not fit.
    package internal(set) var refused = 0
    package internal(set) var ignored = 0
}
