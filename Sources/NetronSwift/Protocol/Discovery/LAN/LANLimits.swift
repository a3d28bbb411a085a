// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Figures of the discovery of the LAN; section numbers are of RFC 6762.
enum LANLimits {
    /// The port of multicast DNS, which every answer must come from (section 6).
    static let port: UInt16 = 5353

    // MARK: Ourselves

    /// How many interfaces are used; further ones are left out.
    static let interfacesMax = 32
    /// How many addresses of one interface are announced.
    static let addressesAnnouncedMax = 8
    /// How long records hold that name a host or depend on one (section 10), and others.
    static let hostSeconds: UInt32 = 120
    static let otherSeconds: UInt32 = 4_500
    /// How long an asker who does not speak multicast DNS may keep an answer (section 6.7).
    static let legacySeconds: UInt32 = 10

    // MARK: Probing and announcing (section 8)

    static let probes = 3
    static let probeDelayMax: Duration = .milliseconds(250)
    static let probeInterval: Duration = .milliseconds(250)
    static let announcements = 2
    static let announcementInterval: Duration = .seconds(1)
    /// After a conflict a new name waits so long, and longer after many conflicts (section 8.1).
    static let conflictDelay: Duration = .seconds(1)
    static let conflictDelayLong: Duration = .seconds(5)
    static let conflictsMax = 15
    static let conflictWindow: Duration = .seconds(10)

    // MARK: Asking (section 5.2)

    static let queryIntervalFirst: Duration = .seconds(1)
    static let queryIntervalMax: Duration = .seconds(3_600)
    /// From this interval on, another's query spares our own (section 7.3).
    static let queryIntervalShared: Duration = .seconds(8)
    /// A link that cannot be sent to begins anew after this, doubled from failure to failure.
    static let retryDelay: Duration = .seconds(1)
    static let retryDelayMax: Duration = .seconds(8)
    /// How many bytes of known answers a query lists; the rest is answered once more.
    static let knownAnswerBytesMax = 1_100
    /// How often an instance's missing records are asked for: after 1, 2 and 4 s.
    static let lookupsMax = 3
    /// How many questions one message asks.
    static let lookupQuestionsMax = 16

    // MARK: Answering (section 6)

    static let answerDelayMin: Duration = .milliseconds(20)
    static let answerDelayMax: Duration = .milliseconds(120)
    /// The delay when more known answers follow (section 7.2).
    static let truncatedDelayMin: Duration = .milliseconds(400)
    static let truncatedDelayMax: Duration = .milliseconds(500)
    /// A record is not multicast again on a link before, save to defend a name.
    static let multicastInterval: Duration = .seconds(1)
    static let defenceInterval: Duration = .milliseconds(250)
    /// How many answers wait on one link; further ones join the last.
    static let pendingMax = 32
    /// How many answers to one asker leave a link within a second; further ones are not given.
    static let unicastPerSecondMax = 32

    // MARK: Finding

    /// How many instances are known, and how many of them by one host's word.
    static let instancesMax = 128
    static let instancesPerSourceMax = 16
    /// How many addresses of one instance are kept.
    static let addressesMax = 8
    /// How many instances are tried at a time, and how long a try holds its place.
    static let triesMax = 16
    static let tryDuration: Duration = .seconds(5)
    /// How many endpoints one instance is tried at before its next try.
    static let endpointsPerTryMax = 16
    /// How long an instance is not tried again; doubled from try to try.
    static let tryInterval: Duration = .seconds(60)
    static let tryIntervalMax: Duration = .seconds(3_600)
    /// What another says of its time to live is cut to this.
    static let rememberedSecondsMax: UInt32 = 4_500
}

extension RandomNumberGenerator {
    /// A duration between the two, to a microsecond.
    mutating func duration(_ least: Duration, _ most: Duration) -> Duration {
        precondition(least < most)
        let width = (most - least) / .microseconds(1)
        return least + .microseconds(Int64(next(upperBound: UInt64(width) + 1)))
    }
}
