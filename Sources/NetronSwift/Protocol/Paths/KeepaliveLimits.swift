// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Every number that bounds how often silent members are asked for an echo.
package enum KeepaliveLimits {
    // MARK: Silence, in seconds

    /// What every gate is taken to allow until it was tried.
    package static let first = KeepaliveSetting.standard.seconds
    /// However soon a gate forgets, and whatever a member says, none is asked more often.
    package static let floor: UInt8 = 10
    /// However long a gate remembers: who vanished is to be missed by one of its neighbours soon
    /// enough.
    package static let ceiling: UInt8 = 45
    /// When a gate that was found to remember for `low` and to forget after `high` is tried no
    /// more: they are so close together.
    static let precision: UInt8 = 2

    /// The next longer silence, 7/5 of it.
    static func longer(_ seconds: UInt8) -> UInt8 {
        UInt8(min(Int(ceiling), Int(seconds) * 7 / 5))
    }

    /// The next shorter silence, 5/7 of it.
    static func shorter(_ seconds: UInt8) -> UInt8 {
        UInt8(max(Int(floor), Int(seconds) * 5 / 7))
    }

    // MARK: Learning

    /// Gates that are remembered, by the address that is seen outside; the one used longest ago
    /// goes.
    package static let gatesMax = 8
    /// Twice within this time a gate has to forget what it once remembered for so long, until that
    /// counts as too long: once may be others' fault.
    package static let strikeWindow = Duration.seconds(600)
    /// How long a time that was too long is not tried again.
    package static let retryAfter = Duration.seconds(3_600)
    /// How long one member is waited for to be silent for so long; then it is another's turn.
    package static let trialPatience = Duration.seconds(600)
    /// How much less than that a silence may seem to be, as both ends have clocks of their own.
    static let tolerance = Duration.milliseconds(500)

    // MARK: Telling

    /// Between two messages to one member, and between two of it that are answered.
    ///
    /// As long as the shortest silence, so that nobody is made to send more often than that.
    package static let tellPause = Duration.seconds(Int64(floor))
    /// When what was not answered is told again, and how often in all: who does not answer does not
    /// know the message.
    package static let tellAgainAfter = Duration.seconds(12)
    package static let tellsMax = 4
}
