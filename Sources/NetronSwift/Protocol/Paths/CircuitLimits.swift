// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Every number that bounds circuits: those of this node, and those that it relays.
package enum CircuitLimits {
    /// Circuits that this node is an end of; further ones are refused.
    package static let endsMax = 1_024
    /// Circuits that this node relays if it is not told otherwise; further ones are refused.
    package static let relayedMax = 512
    /// Of these, how many one member may have opened, and how many may lead to one; where there
    /// are few, one member opens half of them at most.
    package static let perOpenerMax = 64
    package static let perTargetMax = 64
    /// Requests of one member that are looked at in a second, and at once after a pause.
    static let openingsPerSecond = 8
    static let openingsBurst = 64
    static let openersMax = 256

    /// Relays that are asked at the same time: who answers first is the fastest.
    static let parallel = 2
    /// Relays that are asked one after the other for one target.
    package static let relaysAskedMax = 8
    /// Members whose circuits are wanted; further ones are not sought by relays.
    package static let wantsMax = 256
    /// When a request without an answer is repeated, doubled each time, and how often.
    static let answerFirst = Duration.milliseconds(300)
    static let triesMax = 4
    /// Who was asked so often is no longer waited for alone.
    static let slowTries = 2
    /// How long a relay waits for the target's answer: longer than who asks repeats its request.
    static let relayingMax = Duration.seconds(6)
}
