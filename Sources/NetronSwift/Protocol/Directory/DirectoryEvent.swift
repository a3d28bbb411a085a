// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// What happened; the input of `Directory`.
package enum DirectoryEvent: Hashable, Sendable {
    /// How the first statement of this node goes on from an earlier life's: its order, and the hash
    /// of the one before it.
    case begin(Presence.Order, after: [UInt8]?)
    /// What this node says of itself, from the start and whenever it changes.
    case own(Presence.Fields)
    /// There is a neighbour in the overlay.
    case neighbourUp(NodeID)
    case neighbourDown(NodeID)
    case received(DirectoryMessage, from: NodeID)
    /// Neither this node nor those whom it asked can reach the member.
    case unreachable(NodeID)
    /// A neighbour may know what we do not, for instance after the network was split.
    case reconcile(NodeID)
    /// A member may not know what was last said with its key, for instance as two nodes have it.
    case remind(NodeID)
    /// What this node said last is to be said again.
    case again
    case timeout
    /// The node goes; it says so, and does nothing more.
    case stopping
}

/// What is to be done; the output of `Directory`.
package enum DirectoryEffect: Hashable, Sendable {
    /// All members are to have this payload.
    case broadcast([UInt8])
    case send(DirectoryMessage, to: NodeID)
    /// The member is new or gone, says something else, or is suspected or not any more.
    case changed(NodeID)
    /// A member with a state in the ledger says the same again, by which it may keep what it has.
    case renewed(NodeID)
    /// This node's key runs twice: another one made the statement of that order.
    case twin(Presence.Order)
    case wake(at: Instant)
}

/// What is to become of a broadcast payload.
package enum DirectoryVerdict: Hashable, Sendable {
    /// It is news: to be passed on.
    case accept
    /// It is not taken in here, for want of room or of what it speaks of, but may be news to
    /// others: to be passed on.
    case relay
    /// It is no news, and nobody's fault.
    case known
    /// It is not believed, and not passed on.
    case refuse(Refusal)

    package enum Refusal: Hashable, Sendable {
        /// Bytes that no honest member makes.
        case malformed
        /// A kind or form that this node does not know.
        case unknown
        /// Not signed by who is said to have made it, for this network. Whoever passed it on did
        /// not look, or made it.
        case forged
        /// Signed too far in the future.
        case early
        /// The lease ended.
        case expired
        /// The author speaks too often, or accuses too often.
        case tooOften
        /// No room for another suspicion.
        case full
        /// It is by our own key, but not by us.
        case twin
        /// A suspicion by somebody who is no member, as far as is known.
        case stranger
    }
}

/// What came of messages.
package struct DirectoryCounters: Hashable, Sendable {
    /// Messages of members that spoke too often or are distrusted.
    package internal(set) var unheard = 0
    /// Answers to no question of ours.
    package internal(set) var unasked = 0
    /// Statements that came by reconciliation and were news.
    package internal(set) var pulled = 0
    /// Such that were refused.
    package internal(set) var refused = 0
}
