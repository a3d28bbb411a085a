// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// What happened; the input of `GossipMachine`.
package enum GossipEvent: Hashable, Sendable {
    /// Who this node is, and where it is believed to be reached.
    case started(own: Hint)
    /// Where this node is believed to be reached now.
    case relocated([Endpoint])
    /// There is a session; told again for a session that takes the place of another.
    case sessionUp(NodeID, Endpoint)
    case sessionDown(NodeID, Departure)
    /// What `.connect` asked for did not come about.
    case connectFailed(NodeID)
    case received(GossipMessage, from: NodeID)
    /// All members shall know this; at most `Rumor.payloadBytesMax` bytes.
    case broadcast([UInt8])
    /// What the owner says of what was delivered; told before anything else.
    case judged(RumorID, Verdict)
    /// Somebody may be dialled who was found elsewhere than in the overlay.
    case learned(Hint)
    /// What became of a probe.
    case probed(NodeID, isAlive: Bool)
    /// The deadline came.
    case timeout

    /// Whether a rumor shall go on.
    package enum Verdict: Hashable, Sendable {
        case accept
        case refuse
    }
}

/// What is to be done; the output of `GossipMachine`.
package enum GossipEffect: Hashable, Sendable {
    /// Answered by `.sessionUp` or `.connectFailed`.
    case connect(NodeID, [Endpoint])
    /// The session is kept while it is idle. What is no session any more is not kept either.
    case keep(NodeID)
    /// The session is no longer kept by this machine.
    case release(NodeID)
    case send(GossipMessage, to: NodeID)
    /// A rumor came; answered by `.judged`.
    case deliver(RumorID, [UInt8], from: NodeID)
    /// Asks a member with a session for an echo; answered by `.probed`.
    case probe(NodeID)
    case neighbourUp(NodeID)
    case neighbourDown(NodeID)
    /// A neighbour went silent, and others do not hear it either.
    case unreachable(NodeID)
    /// There is no neighbour, and nobody left to ask.
    case isolated
    /// The deadline; the last one told counts.
    case wake(at: Instant)
}
