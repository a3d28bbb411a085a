// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// How long datagrams are, in bytes of UDP payload (docs/protocol.md, sections 4 to 7).
package enum WireSizes {
    package static let message1 = 160
    package static let message2 = 152
    package static let message3 = 112
    /// The header and the tag of whatever a session carries.
    package static let overhead = 32
    /// A DATA packet with nothing in it.
    package static let confirmation = overhead
    package static let echo = overhead + 20
    package static let challenge = overhead + 12
    package static let goodbye = overhead + 4
    package static let probeReply = overhead + 4
    /// The datagrams of one search for the size of a path, at an inner MTU of 1,400.
    package static let probes = [1440, 1412, 1372, 1332, 1292, 1252, 1232]

    /// What a relayed datagram has before it.
    package static let shim = 8

    /// The headers of IP and UDP.
    package static func headers(_ family: IPAddress.Family) -> Int { family == .v4 ? 28 : 48 }
}

/// What the packet core waits for (Sources/CNetronFast/machine/limits.h), in nanoseconds.
enum CoreTimes {
    static let millisecond: UInt64 = 1_000_000
    static let second: UInt64 = 1_000_000_000

    static let rekeyInitiator = 120 * second
    static let rekeyJitter = 10 * second
    static let rekeyResponder = 160 * second
    static let sessionEnd = 180 * second
    /// Without anything that a session carries, when it is not kept.
    static let idleEnd = 180 * second

    static let dialRetry = 400 * millisecond
    static let dialTriesMax = 6
    static let message3Retry = 250 * millisecond
    static let message3TriesMax = 6
    static let halfOpenEnd = 8 * second
    /// Handshakes of its own that a node has under way.
    static let dialsMax = 512
    static let clocklessPerSecond: UInt64 = 10
    static let clocklessBurst: UInt64 = 20

    static let unansweredMin = 300 * millisecond
    static let keepaliveLag = 2 * second
    static let circuitIdle = 200 * second
    static let searchAgain = 2 * second
    static let searchDoors = 256
    static let silentEnd = 12 * second
    static let redial = 3 * second
    static let probesLost: UInt8 = 2
    /// How long the shell waits for what a machine's probe brings.
    static let probeEnd = 3 * second
    /// A name is resolved as fast.
    static let resolving = 20 * millisecond
}
