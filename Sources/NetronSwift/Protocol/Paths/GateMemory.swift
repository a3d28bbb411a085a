// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// How long one gate remembers a silent session, as far as it was found out.
///
/// A pure value. It begins with what nearly all gates allow, goes up in steps of 7/5 that are tried
/// with one member at a time, and halves the way between what was well and what was not, until both
/// are close together.
struct GateMemory: Sendable {
    /// The silence that all sessions through this gate may have, in seconds.
    private(set) var seconds = KeepaliveLimits.first
    /// Whether it was seen that the gate remembers for so long.
    private(set) var isProven = false
    /// What it was seen to forget after.
    private var tooLong: (seconds: UInt8, until: Instant)?
    /// What was proven here at another time: the next to be tried.
    private var hope: UInt8?
    /// When a session last went through it.
    var used: Instant

    /// A longer silence that is tried with this member alone, until that moment.
    struct Trial: Hashable, Sendable {
        let member: NodeID
        let seconds: UInt8
        let until: Instant
    }

    private(set) var trial: Trial?
    /// When it last forgot what it once remembered for so long.
    private var struck: Instant?
    /// Nothing is tried before.
    private var pausedUntil = Instant(nanoseconds: 0)

    init(used: Instant) { self.used = used }

    /// What is to be tried next, if anything is.
    mutating func next(at now: Instant) -> UInt8? {
        guard isProven, trial == nil, now >= pausedUntil else { return nil }
        if let limit = tooLong, limit.until <= now { tooLong = nil }
        let limit = tooLong?.seconds ?? .max
        if let hope, hope > seconds, hope < limit { return hope }
        if let tooLong {
            guard tooLong.seconds > seconds + KeepaliveLimits.precision else { return nil }
            return seconds + (tooLong.seconds - seconds) / 2
        }
        let next = KeepaliveLimits.longer(seconds)
        return next > seconds ? next : nil
    }

    mutating func begin(_ trial: Trial) { self.trial = trial }

    /// The member that something is tried with is not to be had any more.
    mutating func endTrial(with member: NodeID) {
        guard let trial, trial.member == member else { return }
        self.trial = nil
        // It may be what was tried that put an end to it.
        pausedUntil = trial.until
    }

    /// It let in who had been silent for so long.
    mutating func remembered(_ silence: UInt8) {
        guard silence >= seconds else { return }
        (seconds, isProven) = (silence, true)
        if let limit = tooLong, limit.seconds <= silence { tooLong = nil }
        if let trial, trial.seconds <= silence { self.trial = nil }
    }

    /// It did not let in who had been silent for so long.
    mutating func forgot(_ silence: UInt8, at now: Instant) {
        if isProven, silence <= seconds {
            let isFirst = struck.map { now >= $0 + KeepaliveLimits.strikeWindow } ?? true
            struck = now
            guard !isFirst else { return }
        }
        trial = nil
        hope = nil
        guard silence > KeepaliveLimits.floor else { return }
        tooLong = (min(silence, tooLong?.seconds ?? .max), now + KeepaliveLimits.retryAfter)
        guard silence <= seconds else { return }
        (seconds, isProven) = (KeepaliveLimits.shorter(silence), false)
    }

    /// The host was elsewhere, or its network is another one: what is behind the same address may
    /// be another gate.
    mutating func beginAnew() {
        if seconds > KeepaliveLimits.first {
            hope = seconds
            seconds = KeepaliveLimits.first
        }
        isProven = false
        trial = nil
        pausedUntil = Instant(nanoseconds: 0)
    }
}
