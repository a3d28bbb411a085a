// SPDX-License-Identifier: Apache-2.0

/// How much a node spends for the network's sake, in bytes a second.
package struct NodeBudgets: Hashable, Sendable {
    package static let gossipDefault = 4 << 10

    /// What it takes and gives to know who is there; how often it says that it is follows from it.
    ///
    /// How often others do follows from theirs, so that it is meant to be one in all the network.
    package let gossip: Int

    /// What is pulled at most by who comes, or was away, and what is served of that; states of the
    /// ledger apart from statements.
    package let sync: Int

    package init(
        gossip: Int = NodeBudgets.gossipDefault,
        sync: Int = TransferLimits.bytesPerSecond
    ) {
        (self.gossip, self.sync) = (gossip, sync)
    }
}
