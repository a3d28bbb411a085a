// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Every number that bounds how a port is mapped.
package enum MappingLimits {
    /// What is asked for, in seconds: what RFC 6886, section 3.3, recommends.
    package static let lifetime: UInt32 = 7_200
    /// What counts of a longer one, in seconds, and of a mapping without an end.
    static let lifetimeMax: UInt32 = 86_400
    /// A mapping is renewed when half of its time is over, but not sooner than this.
    static let renewalMin = Duration.seconds(10)
    /// A request that was not answered by then counts as such: longer than the shell tries.
    package static let answerWait = Duration.seconds(40)
    /// When all ways are tried again that led to nothing, doubled each time: a router that comes up
    /// with the host takes a while to do so.
    package static let retryFirst = Duration.seconds(30)
    package static let retryMax = Duration.seconds(3_600)
    /// Between two rounds, however often the host's network changes.
    package static let roundPause = Duration.seconds(5)
    /// How many other external ports are tried in a round where the wanted one is taken.
    static let conflictsMax = 3
    /// Which they are: those that no service has by custom.
    static let externalPorts: ClosedRange<UInt16> = 10_000...65_000
}
