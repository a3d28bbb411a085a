// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Two nodes that have a session, or of which one still believes so.
///
/// Keys are numbers: a packet is taken if its key is the receiver's current or previous one, which
/// is what the receiver index and the tag do.
struct Session {
    /// What one of the two holds; moments are nanoseconds of the world's clock.
    struct End {
        let node: Int
        /// Whether it has a session, and its node was told.
        var isUp = false
        /// Whether its node wants it kept.
        var isKept = false
        /// Whether it began the current handshake.
        var isInitiator = false
        /// Whether a handshake of its own that nobody asked for is under way.
        var isRedialling = false
        /// Whether its node waits for what a probe brings, and until when.
        var probeEnd: UInt64 = 0
        /// Where it sends to.
        var remote = Endpoint(IPAddress(.v4, number: 0), port: 0)
        var key: UInt32 = 0
        var previousKey: UInt32 = 0
        /// The key that a handshake of its own waits to see used, and that dial.
        var pendingKey: UInt32 = 0
        var pendingDial = 0
        var made: UInt64 = 0
        var rekey: UInt64 = 0
        var heard: UInt64 = 0
        /// When something was last carried that somebody wanted: not its own echoes.
        var carried: UInt64 = 0
        /// Since when something is not answered; 0 if all is.
        var unanswered: UInt64 = 0
        /// Whether the path's size was looked for.
        var isSearched = false
        var asked: UInt64 = 0
        /// When something was last sent to the other end.
        var sent: UInt64 = 0
        var keepalive = KeepaliveSetting.standard
        /// Echoes that are lost before say nothing of the way.
        var patient: UInt64 = 0
        var lost: UInt8 = 0
        var redial: UInt64 = 0
        var rtt: UInt64 = 0
        /// Where the session is in its node's list.
        var place = 0

        init(_ node: Int) { self.node = node }

        func knows(_ key: UInt32) -> Bool { isUp && (self.key == key || previousKey == key) }

        /// How long an answer is waited for.
        var patience: UInt64 { max(3 * rtt, CoreTimes.unansweredMin) }

        /// Of silence, until one of the ends asks.
        var interval: UInt64 { UInt64(keepalive.seconds) * CoreTimes.second }

        var keepaliveDue: UInt64 {
            guard isKept || keepalive.isWanted else { return .max }
            let isFirst =
                switch keepalive.turn {
                case .initiator: isInitiator
                case .ours: true
                case .theirs: false
                }
            return heard + interval + (isFirst ? 0 : CoreTimes.keepaliveLag)
        }

        /// Whether it sent something since it was last heard, so that the other waits for longer.
        var hasSpoken: Bool { sent > heard + CoreTimes.unansweredMin }

        /// How long neither said anything, as this end knows.
        func silence(at now: UInt64) -> UInt64 { now - max(heard, sent) }

        /// Whether a session of this age is worth another handshake.
        func wantsRekey(at now: UInt64) -> Bool {
            isKept || keepalive.isWanted || now < carried + CoreTimes.rekeyInitiator
        }

        mutating func hear(at now: UInt64) {
            heard = now
            unanswered = 0
            patient = 0
            lost = 0
            redial = 0
        }

        /// When it is to be looked at again.
        func due(after now: UInt64) -> UInt64 {
            guard isUp else { return .max }
            var due = made + CoreTimes.sessionEnd
            if !isKept, !keepalive.isWanted { due = min(due, carried + CoreTimes.idleEnd) }
            if wantsRekey(at: now) { due = min(due, rekey) }
            if unanswered == 0 {
                due = min(due, keepaliveDue)
            } else {
                due = min(due, asked + patience, unanswered + CoreTimes.silentEnd)
            }
            if probeEnd != 0 { due = min(due, probeEnd) }
            return max(due, now + CoreTimes.millisecond)
        }
    }

    var ends: [2 of End]
    /// When it is looked at next.
    var check = UInt64.max

    init(_ one: Int, _ other: Int) { ends = [End(one), End(other)] }

    /// Which end is a node's.
    func side(of node: Int) -> Int { ends[0].node == node ? 0 : 1 }

    static let vacant = Session(0, 0)
}
