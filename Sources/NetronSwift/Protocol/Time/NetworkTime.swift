// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// What happened; the input of network time.
package enum NetworkTimeEvent: Hashable, Sendable {
    /// What the host's wall clock shows, and whether the kernel says that it is synchronized.
    case clock(wallMilliseconds: UInt64, isTrusted: Bool)
    /// How far an authenticated peer's clock is before the host's, in milliseconds.
    ///
    /// Before the host's as the last `clock` told it, not before network time.
    case heard(from: NodeID, offsetMilliseconds: Int64)
}

/// What network time wants done.
package enum NetworkTimeEffect: Hashable, Sendable {
    /// The packet core counts epochs from this moment, in milliseconds since 1970.
    case setTime(wallMilliseconds: UInt64)
}

/// The time that the members of a network agree on, without asking a server.
///
/// It is, in this order, and `source` says which:
///
/// 1. the host's clock, when the kernel says that it is synchronized;
/// 2. the median of the clocks of at least three authenticated peers, one vote each. It stays when
///    the votes expire, since the own oscillator is better than a clock that was known as wrong;
/// 3. the host's clock, if it can be right at all (not before the build, nor before the last time
///    known), marked as not trusted;
/// 4. the clock of the one or two peers that were heard, for the time being;
/// 5. no more than a guess: the last time known, from which the own clock goes on.
///
/// What was had once stays until something of this list is better than a guess.
///
/// **Back.** It is never before the build, nor before the last time known at the start; only a
/// synchronized clock may go below the latter, lest one wrong hour lock a node out for ever.
/// Between corrections it runs with the host's monotonic clock. A correction moves it, forth or
/// back, to the better time at once and no further; differences up to 2 s are left alone, and ones
/// up to 60 s are corrected once in 10 min unless the source changed. So one of five peers that
/// lies moves nothing, and votes that come and go do not make it flap.
package struct NetworkTime: Sendable {
    /// Where the time is from, the least certain first.
    package enum Source: Int, Comparable, Sendable {
        /// There was no `clock` yet.
        case unknown
        case guess
        case provisional
        case ownClock
        case peers
        case synchronized

        package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    private struct Sample: Sendable {
        let id: NodeID
        let base: Int64
        let heard: Instant
    }

    private let buildMilliseconds: UInt64
    /// Network time is never before.
    private var floorMilliseconds: UInt64

    /// All bases: milliseconds since 1970 when the monotonic clock was 0.
    private var ownBase: Int64?
    private var isOwnTrusted = false
    private var base: Int64 = 0
    /// What the packet core counts by; nil as long as that is the host's clock.
    private var appliedBase: Int64?
    private var corrected = Instant(nanoseconds: 0)
    /// In the order in which they were heard.
    private var samples: [Sample] = []

    package private(set) var source = Source.unknown

    /// How many samples were dropped, because no clock can be right that shows so little.
    package private(set) var implausibleCount: UInt64 = 0

    /// Makes the time of a program that was built then, and that wrote down `persisted` when it
    /// last ran (0: never); both in milliseconds since 1970.
    package init(buildMilliseconds: UInt64, persistedMilliseconds: UInt64 = 0) {
        self.buildMilliseconds = buildMilliseconds
        floorMilliseconds = max(buildMilliseconds, persistedMilliseconds)
    }

    /// Whether a synchronized clock or enough peers vouch for the time.
    package var isTrusted: Bool { source >= .peers }

    /// Network time in milliseconds since 1970; nil before the host's clock was told.
    package func wall(at now: Instant) -> UInt64? {
        guard source != .unknown else { return nil }
        return max(floorMilliseconds, UInt64(clamping: base.saturatingAdding(now.milliseconds)))
    }

    /// What is to be written down for the next start, nil if nothing better is known than before.
    ///
    /// Only trusted time, lest a single peer that lies pin the node to the future.
    package func persisted(at now: Instant) -> UInt64? { isTrusted ? wall(at: now) : nil }

    /// Takes in what happened, and appends what is to be done to `effects`.
    package mutating func handle(
        _ event: NetworkTimeEvent,
        at now: Instant,
        into effects: inout [NetworkTimeEffect]
    ) {
        switch event {
        case .clock(let wall, let isTrusted):
            ownBase = Int64(clamping: wall).saturatingAdding(-now.milliseconds)
            isOwnTrusted = isTrusted && wall >= buildMilliseconds
            if isOwnTrusted { floorMilliseconds = min(floorMilliseconds, wall) }
        case .heard(let id, let offset): hear(id, offset, at: now)
        }
        guard let ownBase else { return }
        samples.removeAll { $0.heard + NetworkTimeLimits.sampleExpiry <= now }
        estimate(ownBase, at: now)
        tell(ownBase, at: now, into: &effects)
    }

    private mutating func hear(_ id: NodeID, _ offset: Int64, at now: Instant) {
        guard let ownBase else { return }
        let base = ownBase.saturatingAdding(offset)
        guard base.saturatingAdding(now.milliseconds) >= Int64(clamping: buildMilliseconds) else {
            implausibleCount += 1
            return
        }
        samples.removeAll { $0.id == id }
        if samples.count >= NetworkTimeLimits.samplesMax { samples.removeFirst() }
        samples.append(Sample(id: id, base: base, heard: now))
    }

    private mutating func estimate(_ ownBase: Int64, at now: Instant) {
        if isOwnTrusted {
            correct(to: ownBase, .synchronized, at: now)
        } else if samples.count >= NetworkTimeLimits.quorum, let median {
            correct(to: median, .peers, at: now)
        } else if isTrusted {
            // What was known stands, whatever the host's clock is set to.
            source = .peers
        } else if isPlausible(ownBase, at: now) {
            correct(to: ownBase, .ownClock, at: now)
        } else if let median {
            correct(to: median, .provisional, at: now)
        } else if source == .unknown {
            let floor = Int64(clamping: floorMilliseconds)
            correct(to: floor.saturatingAdding(-now.milliseconds), .guess, at: now)
        }
    }

    private mutating func correct(to better: Int64, _ source: Source, at now: Instant) {
        if source == self.source {
            let difference = better.distanceMagnitude(to: base)
            guard difference > NetworkTimeLimits.threshold.magnitude else { return }
            if difference <= NetworkTimeLimits.smallCorrection.magnitude, source == .peers,
                now < corrected + NetworkTimeLimits.correctionPause
            {
                return
            }
        }
        self.source = source
        base = better
        corrected = now
    }

    private mutating func tell(
        _ ownBase: Int64,
        at now: Instant,
        into effects: inout [NetworkTimeEffect]
    ) {
        // A guess is no time to take part with: the core goes on with its key for the clockless.
        guard source > .guess, let wall = wall(at: now) else { return }
        let told = Int64(clamping: wall).saturatingAdding(-now.milliseconds)
        let difference = told.distanceMagnitude(to: appliedBase ?? ownBase)
        guard difference > NetworkTimeLimits.threshold.magnitude else { return }
        appliedBase = told
        effects.append(.setTime(wallMilliseconds: wall))
    }

    private func isPlausible(_ base: Int64, at now: Instant) -> Bool {
        let wall = UInt64(clamping: base.saturatingAdding(now.milliseconds))
        let behind = UInt64(NetworkTimeLimits.behindMax / .milliseconds(1))
        return wall >= buildMilliseconds && wall.saturatingAdding(behind) >= floorMilliseconds
    }

    /// The middle of the clocks heard; of an even number the lower of the two in the middle.
    private var median: Int64? {
        guard !samples.isEmpty else { return nil }
        return samples.map(\.base).sorted()[(samples.count - 1) / 2]
    }
}

extension Instant {
    /// Milliseconds since the clock's start.
    var milliseconds: Int64 { Int64(nanoseconds / 1_000_000) }
}

extension FixedWidthInteger {
    /// The sum, or the number nearest to it; the figures are others'.
    fileprivate func saturatingAdding(_ other: Self) -> Self {
        let (sum, isOver) = addingReportingOverflow(other)
        return isOver ? (other > 0 ? .max : .min) : sum
    }
}

extension Int64 {
    fileprivate func distanceMagnitude(to other: Self) -> UInt64 {
        let (difference, isOver) = subtractingReportingOverflow(other)
        return isOver ? .max : difference.magnitude
    }
}
