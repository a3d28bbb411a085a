// SPDX-License-Identifier: Apache-2.0

/// Figures of what a node remembers of where members were.
package enum PeerMemoryLimits {
    /// Endpoints of members that are online.
    package static let liveMax = 64
    /// Endpoints of members that vanished.
    package static let vanishedMax = 64
    /// Endpoints of one member.
    package static let endpointsPerMemberMax = 4
    /// How long a vanished member is remembered.
    package static let forgottenAfter = Duration.seconds(30 * 24 * 3_600)

    // MARK: At the start and when alone

    /// So many endpoints are tried at once, and the next as many after the pause.
    package static let batch = 8
    package static let batchPause = Duration.seconds(1)
    /// When all were tried, they are tried again after this, doubled from round to round.
    package static let roundPauseFirst = Duration.seconds(5)
    package static let roundPauseMax = Duration.seconds(300)

    // MARK: In the network

    /// Between two tries of vanished members.
    package static let tryInterval = Duration.seconds(60)
    /// A member of the last run that is not online this long after we came in has vanished.
    package static let settledAfter = Duration.seconds(600)

    // MARK: Written down

    /// What is read of the file; the rest is left alone.
    package static let bytesMax = 16_384
}
