// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronWire

/// What the world knows of a node, whether it runs or not; the node itself lies elsewhere, so that
/// a look at this costs nothing.
struct Host {
    enum State {
        case down
        case up
        case asleep
    }

    let id: NodeID
    let ula: IPAddress
    let profile: NodeProfile
    let cryptography: Cryptography
    var state = State.down
    var contacts: [HostPort] = []
    /// Counts the starts and ends of the node.
    var boot: UInt32 = 0
    /// What its own clock is ahead of the world's, in nanoseconds; no two agree.
    ///
    /// It wraps round for a host that started later than the world.
    var clockStart: UInt64
    /// When the host started, in the world's time.
    var hostStart: UInt64 = 0
    /// What the network's time is ahead of its wall clock, in milliseconds; as the node said.
    var networkTimeOffset: Int64?

    /// When the node wants to be woken, and when the queue will do it.
    var deadline = UInt64.max
    var queuedWake = UInt64.max
    /// How often it was woken at the moment when it last was.
    var wakes = 0
    var lastWake: UInt64 = 0

    /// Whether it is down because of churn, and comes back.
    var isAway = false

    /// Handshakes of its own that are under way.
    var dialCount = 0
    /// The numbers of its sessions.
    var sessions: [Int] = []
    /// Relay circuits, by what comes in on them.
    var circuits: [CircuitID: Circuit] = [:]
    /// Endpoints that a search found, and by which of its sockets beside the first one.
    var doors: [Endpoint: Int] = [:]
    /// First messages made without a clock that are still taken, and since when; as a rate.
    var clocklessLeft = CoreTimes.clocklessBurst
    var clocklessSince: UInt64 = 0
}

/// Something that a node is told at its time.
struct Note {
    let node: Int
    let boot: UInt32
    let event: NodeEvent

    static let vacant = Self(node: 0, boot: 0, event: .timeout)
}
