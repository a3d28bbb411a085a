// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// What is looked for.
package enum PlacementTarget: Hashable, Sendable {
    /// The member whose own address it is.
    case networkAddress(IPAddress)
    case member(NodeID)
    /// Who claims the address.
    case address(IPAddress)
    /// Who has the key in the ledger.
    case key(LedgerKey)
    /// The members that are nearest to this node.
    case near
}

/// What became of a lookup.
package enum PlacementOutcome: Hashable, Sendable {
    /// Statements of those who have what was looked for, by author.
    case found([Presence])
    /// Enough of those who would know say that there is nothing.
    case absent
    /// Not enough of them answered.
    case unknown
}

/// What happened; the input of `Placement`.
package enum PlacementEvent: Hashable, Sendable {
    case lookUp(PlacementTarget)
    /// This node made a statement, and these are the keys of the state that it names.
    case said(Presence, keys: [LedgerKey])
    case received(PlacementMessage, from: NodeID)
    /// What was to be sent to the member could not be.
    case unreachable(NodeID)
    /// A member said something new, which has no place in the directory.
    case heard(Presence)
    /// The state of an author is here: these are its keys.
    case stated(NodeID, [PlacedKey])
    case timeout
}

/// A key of an author's state, and where its claim on the key comes among others': the least first.
package struct PlacedKey: Hashable, Sendable {
    package let place: DirectoryPlace
    package let rank: UInt64

    package init(place: DirectoryPlace, rank: UInt64) {
        (self.place, self.rank) = (place, rank)
    }
}

/// What is to be done; the output of `Placement`.
package enum PlacementEffect: Hashable, Sendable {
    /// Goes to a member in its session; where there is none it is made, at these endpoints.
    case send(PlacementMessage, to: NodeID, at: [Endpoint])
    case done(PlacementTarget, PlacementOutcome)
    /// Those that answered when the nearest members were looked for.
    case near([PlacementContact])
    /// The statement of a member is kept here, and who sent it if it was not broadcast.
    case kept(Presence, from: NodeID?, for: PlacementUse)
    /// A statement is not kept any more.
    case forgotten(NodeID)
    case wake(at: Instant)
}

/// What a statement of another is kept for.
package struct PlacementUse: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8

    package init(rawValue: UInt8) { self.rawValue = rawValue }

    /// Somebody here looked for it.
    package static let sought = Self(rawValue: 1)
    /// The state that it names is wanted with it.
    package static let state = Self(rawValue: 2)
}

/// A member that can be asked.
package struct PlacementContact: Hashable, Sendable {
    package let id: NodeID
    package let place: DirectoryPlace
    package let endpoints: [Endpoint]

    package init(_ id: NodeID, at place: DirectoryPlace, _ endpoints: [Endpoint]) {
        (self.id, self.place, self.endpoints) = (id, place, endpoints)
    }
}

/// The members that a node knows of itself.
package protocol PlacementContacts {
    /// Other members that can be reached, the nearest to the place first; where there are too few,
    /// then the nearest of those that may not be.
    func nearest(to place: DirectoryPlace, count: Int) -> [PlacementContact]

    /// The newest statement of the member whose place it is, this node included.
    func statement(at place: DirectoryPlace) -> Presence?
}

/// What happened to messages that were not taken.
package struct PlacementCounters: Hashable, Sendable {
    /// Messages of members that spoke too often.
    package internal(set) var unheard = 0
    /// Answers to no question of ours.
    package internal(set) var unasked = 0
    /// Statements that are not what they are said to be.
    package internal(set) var refused = 0
    /// Questions that were answered, and stores that were taken.
    package internal(set) var answered = 0
    package internal(set) var stored = 0
}
