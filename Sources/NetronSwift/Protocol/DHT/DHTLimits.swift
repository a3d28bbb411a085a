// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Every number that bounds what a node of the DHT remembers, sends and waits for.
///
/// Memory at these limits, in KiB: two tables 2 x 31 (288 contacts of 96 bytes each, and their
/// hosts), 5 lookups 5 x 18 (2 x 40 candidates of 112 bytes with their tokens and tellers, 256
/// peers told of), transactions 28 (128 of 88 bytes in a table half full), stored peers 35 (768 of
/// 40 bytes and their keys), stored items 31 (24 of 1,300 bytes), hosts that were asked 12 (256 of
/// 48 bytes), the limiter of sources 4, the rest 6: together 268. Only a node comes near that
/// serves a large DHT and looks up without a pause; one that rests has its tables.
package enum DHTLimits {
    // MARK: The table (BEP 5)

    /// K: how many nodes a bucket has, an answer tells of, and an announcement is sent to.
    package static let bucketSize = KRPCLimits.nodesMax
    /// Buckets of one table; the last is not split any more.
    static let bucketsMax = 24
    /// Nodes of a full bucket that wait for a place; the one that waits longest gives way.
    static let sparesMax = 4
    /// Nodes of one /24 (IPv4) or /48 (IPv6) in a table; further ones are left out.
    ///
    /// An address (IPv6: a /64) has one node. Local addresses have no such limit, and loopback has
    /// neither.
    static let perSubnetMax = 2
    /// After so long without a sign of life, a node is questionable and a bucket is refreshed.
    static let freshness = Duration.seconds(900)
    /// Upkeep asks a node for a sign of life that much before it is questionable.
    static let freshnessMargin = Duration.seconds(150)
    /// After so many queries in a row without a reply a node is bad, and after more it goes.
    static let failuresUntilBad = 2
    static let failuresMax = 3

    // MARK: Transactions

    /// Queries that await a reply; further ones wait, or are not sent.
    static let transactionsMax = 128
    /// A query without a reply for so long makes room for another, and for so long is lost.
    static let slowAfter = Duration.seconds(1)
    static let lostAfter = Duration.seconds(5)
    /// Hosts that queries went to of late; the one that was asked first gives way.
    static let askedMax = 256
    /// For how long a gate lets in whom a datagram went to: RFC 4787 (REQ-5) wants five minutes.
    static let gateTime = Duration.seconds(300)
    /// After so many lost queries in a row the fault is ours: nodes are not blamed any more, and
    /// after more the table counts as lost.
    static let silenceUntilBlameless = 8
    static let silenceUntilCold = 16

    // MARK: Lookups

    /// Lookups under way; further ones wait.
    static let lookupsMax = 5
    /// Lookups that wait; further ones end at once, without a result.
    static let waitingLookupsMax = 16
    /// How many queries of a lookup and family await a reply at a time: alpha.
    static let parallel = 3
    /// And of them, to nodes that one node told of.
    static let parallelPerTeller: Int16 = 2
    /// Nodes of a family that a lookup knows; then the teller of most loses one.
    static let candidatesMax = 40
    /// Nodes of one /24 (IPv4) or /48 (IPv6) in a lookup.
    static let candidatesPerSubnetMax = 2
    /// When so many nodes that one node told of did not answer, its others are asked last.
    static let tellerFailuresMax: Int16 = 2
    /// Queries of one lookup and family; then it ends with what it has.
    static let queriesPerLookupMax = 80
    /// How long a lookup may take, and how long it waits for a first node.
    static let lookupDuration = Duration.seconds(60)
    static let hungryDuration = Duration.seconds(20)
    /// Peers that one lookup reports; further ones are dropped.
    static let peersPerLookupMax = 256
    /// After a pause because of a budget or full transactions a lookup goes on.
    static let pause = Duration.milliseconds(250)

    // MARK: Bytes

    /// What upkeep may cost in the long run, in bytes a second; the setting `budget` replaces it.
    ///
    /// Both directions count, with headers of IP and UDP. When it is spent, upkeep waits.
    package static let upkeepBytesPerSecond = 1_024
    static let upkeepBurst = 16_384
    /// What lookups may send, in bytes a second; then they wait.
    static let lookupBytesPerSecond = 8_192
    static let lookupBurst = 131_072
    /// What replies may send in all, in bytes a second; further queries are dropped.
    static let replyBytesPerSecond = 16_384
    static let replyBurst = 131_072
    /// How many times longer than its query a reply may be: lists are cut to fit.
    static let amplificationMax = 3
    /// What stored items may exceed that by, in bytes a second for all who ask.
    ///
    /// The source of a `get` proves nothing, and an item of 1,000 bytes would fit no query. When
    /// it is spent, the item is left out.
    static let excessBytesPerSecond = 1_024
    static let excessBurst = 8_192
    /// Queries of one address (IPv6: a /64) that are answered a second, and at once.
    static let queriesPerSourcePerSecond = 10
    static let queriesPerSourceBurst = 40
    /// Addresses that are told apart; those that meet in a slot share its rate.
    static let sourceSlots = 512
    /// Headers of IP and UDP, as the budget of upkeep counts them.
    static let headerBytes = 28

    // MARK: Storing

    /// How long a token holds: made within this time or the same time before.
    static let tokenInterval = Duration.seconds(300)
    static let tokenBytes = 8
    /// Keys with peers; when there are more, the key farthest from our id goes.
    static let keysMax = 128
    /// Peers of a key, and of them those with one address; the oldest goes.
    static let peersPerKeyMax = 32
    static let peersPerAddressMax = 4
    /// Peers of all keys; the key farthest from our id goes.
    static let peersMax = 768
    static let peerLifetime = Duration.seconds(1_800)
    /// Items (BEP 44); when there are more, the one farthest from our id goes.
    static let itemsMax = 24
    static let itemLifetime = Duration.seconds(7_200)

    // MARK: Upkeep

    static let upkeepInterval = Duration.seconds(30)
    /// Nodes that one turn of upkeep asks for a sign of life, in a table.
    static let pingsPerTurn = 6
    /// A node that was just asked is not asked again.
    static let pingPause = Duration.seconds(10)
    /// Nodes that a query told us of, and that are asked at the same time whether they are there.
    static let introductionsMax = 32

    // MARK: Beginning

    /// Hosts and endpoints that the settings name; further ones are left out.
    static let bootstrapMax = 16
    /// Addresses of one host.
    static let bootstrapAddressesMax = 8
    /// Saved nodes; further ones are left out.
    package static let savedMax = 64
    static let retryFirst = Duration.seconds(1)
    static let retryMax = Duration.seconds(60)

    // MARK: Where we are

    /// Votes about our address that are kept; the oldest goes.
    static let votesMax = 16
    /// How many distinct networks must agree.
    static let votesNeeded = 3
    /// Votes are counted after this time, or as soon as there are so many.
    ///
    /// When there are fewer than are needed then, as in a small network, their majority counts.
    static let votesPatience = Duration.seconds(5)
    static let votesAtOnce = 8
    /// The id is not changed again before, lest voices that change keep us from being found.
    static let idLifetime = Duration.seconds(600)
}
