// SPDX-License-Identifier: Apache-2.0

/// Figures of network time.
package enum NetworkTimeLimits {
    /// Peers whose clocks are kept; the one that was heard longest ago gives way.
    package static let samplesMax = 64
    /// So many peers outvote a clock that the kernel does not vouch for.
    package static let quorum = 3
    /// What a peer's clock showed counts so long: quartz drifts 1 s in 6 h, at worst.
    package static let sampleExpiry = Duration.seconds(6 * 3_600)
    /// A clock that is further behind the last time known is wrong: it cannot have been written
    /// down before it was.
    package static let behindMax = Duration.seconds(60)
    /// Smaller differences are left alone, as the delay of a handshake and the drift of a night
    /// make them; in milliseconds.
    package static let threshold: Int64 = 2_000
    /// A difference that is not corrected more than once in `correctionPause`, in milliseconds:
    /// no rule of the network depends on so little.
    package static let smallCorrection: Int64 = 60_000
    package static let correctionPause = Duration.seconds(600)
}
