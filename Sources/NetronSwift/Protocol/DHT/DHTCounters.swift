// SPDX-License-Identifier: Apache-2.0

/// What a node of the DHT did and heard since its start.
package struct DHTCounters: Hashable, Sendable {
    package var bytesSent: UInt64 = 0
    package var bytesReceived: UInt64 = 0
    package var queriesSent: UInt64 = 0
    package var queriesReceived: UInt64 = 0
    package var repliesSent: UInt64 = 0
    package var repliesReceived: UInt64 = 0
    package var errorsReceived: UInt64 = 0
    /// Queries of ours that nobody answered.
    package var queriesLost: UInt64 = 0
    /// Datagrams that were dropped, by reason.
    package var dropped = DHTDrops()
    /// How often the own id was changed to fit the address.
    package var idChanges: UInt64 = 0
}

/// How many datagrams were dropped, by reason.
package struct DHTDrops: Hashable, Sendable {
    /// No message of the DHT.
    package var malformed: UInt64 = 0
    /// From an address or port that nobody can have.
    package var impossibleSource: UInt64 = 0
    /// A reply to no query of ours.
    package var unasked: UInt64 = 0
    /// A reply from elsewhere than the query went to.
    package var wrongEndpoint: UInt64 = 0
    /// A reply by another node than was asked.
    package var wrongID: UInt64 = 0
    /// A query while the node is read-only.
    package var notServing: UInt64 = 0
    /// A query above the rate of its source.
    package var sourceRate: UInt64 = 0
    /// A query above the budget of replies.
    package var replyBudget: UInt64 = 0
}

/// What a node of the DHT is, for people to read.
package struct DHTStatus: Hashable, Sendable {
    /// Nodes in the tables.
    package var nodes4 = 0
    package var nodes6 = 0
    /// Of them, those that gave a sign of life of late.
    package var goodNodes = 0
    package var lookups = 0
    package var storedPeers = 0
    package var storedItems = 0
    package var isServing = false
    package var isResting = false
}
