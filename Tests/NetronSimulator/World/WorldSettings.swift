// SPDX-License-Identifier: Apache-2.0

/// What a world is like.
package struct WorldSettings: Hashable, Sendable {
    package var links = LinkSettings()
    /// What a right clock shows when the world begins: 2027-01-15T08:00:00Z.
    package var wallMilliseconds: UInt64 = 1_800_000_000_000
    /// Nothing before is a clock that was ever set: 2026-11-01 (docs/protocol.md, section 2.3).
    package var wallLeastMilliseconds: UInt64 = 1_793_491_200_000
    /// How long an epoch of first messages is.
    package var epochSeconds: UInt64 = 3600
    /// Sessions are kept until `.keep(_, false)` is said, and not only from `.keep(_, true)` on.
    package var keepsAll = false
    /// Each new path is searched for its size, as the packet core does.
    package var searchesPaths = true
    /// Nodes behind one gateway find each other on their LAN.
    package var findsOnLAN = true
    /// Nodes are told which addresses their hosts have, so that they know what stands before them.
    package var tellsHosts = false
    /// What a node does against the rules ends the run: messages to itself or without a session,
    /// messages that are too long, deadlines that come again without end.
    package var checksRules = true
    /// Each node has an inner address that its user gave it.
    package var givesAddresses = false
    /// Nodes, which all have clocks, find neighbours and say nothing of themselves until `rest()`.
    package var beginsAtRest = false
    /// How many events a failure's report has.
    package var traceCount = 256

    package init() {}
}
