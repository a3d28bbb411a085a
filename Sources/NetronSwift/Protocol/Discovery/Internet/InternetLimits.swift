// SPDX-License-Identifier: Apache-2.0

/// Figures of meeting over the Internet.
package enum InternetLimits {
    // MARK: Epochs and announcements

    /// An epoch is not shorter, in seconds.
    package static let epochSecondsMin: UInt64 = 3_600
    /// How often what was announced is announced again; the DHT keeps it for 30 min.
    package static let announceInterval = Duration.seconds(900)
    /// An announcement that no node of the DHT took is made again after this, at most.
    package static let announceRetryMax = Duration.seconds(60)
    /// One that fewer nodes than this took is made again sooner, after `announceFewRetry`.
    package static let announcedEnough = 4
    package static let announceFewRetry = Duration.seconds(300)

    // MARK: Looking

    /// A node without a session looks again after this, doubled from round to round.
    package static let searchPauseFirst = Duration.seconds(1)
    package static let searchPauseMax = Duration.seconds(60)
    /// The most for one that others can reach and that has been alone for `lonelyAfter`.
    package static let lonelyPauseMax = Duration.seconds(300)
    package static let lonelyAfter = Duration.seconds(900)
    /// How often an announcer looks that strangers may not be able to reach.
    package static let hiddenInterval = Duration.seconds(60)
    /// How often one looks that they can reach, unless the user says otherwise.
    package static let reachableInterval = Duration.seconds(600)
    /// A lookup that did not end by then is thought to be lost.
    package static let lookupMax = Duration.seconds(30)
    /// How long a node goes on looking after its first session came up.
    package static let settlingTime = Duration.seconds(10)
    /// A node with sessions does not look again for a changed network more often.
    package static let startOverPause = Duration.seconds(300)

    // MARK: What is found

    /// How many endpoints are tried because of one lookup; the next one brings the others' turn.
    package static let triesPerLookupMax = 16
    /// An endpoint is not tried again before this, doubled from try to try.
    package static let triedPauseFirst = Duration.seconds(5)
    package static let triedPauseMax = Duration.seconds(300)
    /// One that belongs to a member of our overlay is left alone for so long.
    package static let metPause = Duration.seconds(1_800)
    /// How many tried endpoints are known; the one tried longest ago gives way.
    package static let triedMax = 256

    // MARK: Splits

    /// Unknown members that are waited for; further ones are joined when they are met again.
    package static let suspectsMax = 64
    /// How long the directory has to tell of a newcomer before it counts as another network.
    package static let suspicionTime = Duration.seconds(5)
    /// One member is not joined with priority again before this.
    package static let joinPause = Duration.seconds(60)

    // MARK: Reachability

    /// Own addresses that are kept, further ones are left out.
    package static let addressesMax = 64
    /// Peers whose view of our address is kept; the oldest gives way.
    package static let observersMax = 16
    /// So many peers must see one address.
    package static let observersMin = 2
    /// How long a stranger that came in proves that strangers can.
    package static let openTime = Duration.seconds(7_200)
}
