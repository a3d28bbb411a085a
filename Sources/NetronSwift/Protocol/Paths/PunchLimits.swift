// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Every number that bounds the search for a direct way.
package enum PunchLimits {
    /// Members to whom a direct way is sought at a time; others stay with their relays until one of
    /// these has a way or goes.
    package static let membersMax = 512
    /// When candidates that were not answered are told again, doubled each time, and how often.
    static let tellFirst = Duration.milliseconds(500)
    static let tellsMax = 6
    /// Between two tries of all candidates of a member: at first, doubled each time, and at most.
    static let roundFirst = Duration.milliseconds(100)
    package static let roundMax = Duration.seconds(60)
    /// How many tries come at the pace of the first one: enough for both ends to know each other's
    /// candidates, and for a gate that drops what comes too early.
    static let roundsFast = 5
}
