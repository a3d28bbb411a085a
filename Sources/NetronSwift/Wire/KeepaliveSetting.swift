// SPDX-License-Identifier: Apache-2.0

/// How a member with a session is asked for an echo when it says nothing.
package struct KeepaliveSetting: Hashable, Sendable {
    /// Whose turn it is; the other end asks a little later if it was not.
    package enum Turn: Hashable, Sendable {
        /// Of who began the session's handshake.
        case initiator
        case ours
        case theirs
    }

    /// Of silence until one of the two asks, in seconds.
    package var seconds: UInt8
    package var turn: Turn
    /// Whether the member keeps the session, which then does not end here either.
    package var isWanted: Bool
    /// Whether it is told what became of each silence.
    package var isReported: Bool

    /// What the packet core does when it was told nothing.
    package static let standard = Self(seconds: 25)

    package init(
        seconds: UInt8,
        turn: Turn = .initiator,
        isWanted: Bool = false,
        isReported: Bool = false
    ) {
        (self.seconds, self.turn) = (seconds, turn)
        (self.isWanted, self.isReported) = (isWanted, isReported)
    }
}
