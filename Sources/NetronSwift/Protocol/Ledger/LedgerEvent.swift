// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// What happened; the input of `Ledger`.
package enum LedgerEvent: Hashable, Sendable {
    /// The newest statement of a member, and who passed it on if that is known.
    case head(Presence, from: NodeID?)
    /// A member's lease ended, or it has no place here.
    case gone(NodeID)
    /// The state of a member is kept whatever else is, or not any more.
    case guest(NodeID, isKept: Bool)
    /// This node made a statement, which is not told yet.
    case said(Presence)
    case neighbourUp(NodeID)
    case neighbourDown(NodeID)
    case received(LedgerMessage, from: NodeID)
    case timeout
    /// The node goes: what waits is written.
    case stopping
}

/// What is to be done; the output of `Ledger`.
package enum LedgerEffect: Hashable, Sendable {
    case send(LedgerMessage, to: NodeID)
    /// This node's state is another one: its statement is to say so.
    case own(StateSummary?)
    /// This node's statement is to be made anew, as others wait for it.
    case sayAgain
    /// What counts for these keys may be different.
    case changed([LedgerKey])
    /// The state of a member that is kept whatever else is is here.
    case stated(NodeID)
    /// A key of ours counts as another's, or with nil as ours again.
    case taken(LedgerKey, by: NodeID?)
    /// States may be missing that nobody asks for: all statements are to be told again.
    case tellHeads
    /// What was to be kept is not.
    case failed(StoreError)
    case wake(at: Instant)
}

/// What a user or a program writes.
package enum LedgerWrite: Hashable, Sendable {
    case put(LedgerKey, [UInt8])
    case delete(LedgerKey)

    package var key: LedgerKey {
        switch self {
        case .put(let key, _), .delete(let key): key
        }
    }
}

/// Why a write is not made.
package enum LedgerRefusal: Error, Hashable, Sendable {
    /// A live member has the key.
    case held(by: NodeID)
    /// No record may be like that, or no more of them fit this node's state.
    case fault(LedgerFault)
    /// The value is longer than `LedgerEntry.valueBytesMax`.
    case tooLong
    /// There is nothing to delete.
    case absent
    /// Another's clock, or ours, is wrong by more than clocks may differ.
    case clock
    /// It could not be kept.
    case storage(StoreError)
}

/// What happened to messages that were not taken.
package struct LedgerCounters: Hashable, Sendable {
    /// Messages of members that spoke too often or are distrusted.
    package internal(set) var unheard = 0
    /// Answers to no question of ours.
    package internal(set) var unasked = 0
    /// States that are not the ones that their authors signed.
    package internal(set) var forged = 0
    /// States that their authors may not have.
    package internal(set) var refused = 0
}
