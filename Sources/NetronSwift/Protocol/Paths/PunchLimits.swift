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

    /// Of a gate whose ports follow each other, how many behind the last one are tried in each of
    /// the fast rounds, and how many first when its ports are tried one after the other.
    static let portsAhead = 16
    static let portsAheadFirst = 256
    /// How long a search with many ports lasts, of which one is on at a time, and as long in the
    /// packet core.
    static let searchTime = Duration.seconds(10)
    /// Between two searches for one member: at first, doubled each time, and at most.
    static let searchPauseFirst = Duration.seconds(60)
    static let searchPauseMax = Duration.seconds(3_600)
    /// How often the other end is told that a search is on, which begins with the first, and the
    /// pause between.
    static let callsMax = 3
    static let callPause = Duration.seconds(1)
    /// Ports that are tried of a gate that searches, of one at a time.
    ///
    /// Where 256 of 64,512 are open, so many find one in 98 of 100 cases.
    package static let probesMax = 1_024
    /// So many at once, and the pause between: 160 a second, of the 200 that the core allows.
    static let probesAtOnce = 8
    static let probesPause = Duration.milliseconds(50)
    /// Between two such trials of one member's gate, so that nobody can be made to go on with it.
    static let probesAgain = Duration.seconds(30)
    /// The ports that NATs give: those below are not.
    static let portFirst: UInt16 = 1_024
}
