// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// What is looked up, and why.
struct DHTRequest {
    enum Kind: Hashable {
        /// Nodes near our own id, to fill the table.
        case own
        /// Nodes of a bucket in which nothing happened for long.
        case refresh
        /// Peers; the only kind besides items that anybody waits for.
        case peers
        /// An item of an author with the salt, or one that cannot change.
        case item(salt: [UInt8])
    }

    let key: DHTID
    let kind: Kind
    var announcing: DHTAnnouncedPort?
    var storing: DHTItem?
    var replacing: Int64?

    /// Whether somebody is told what is found.
    var isWaitedFor: Bool {
        switch kind {
        case .own, .refresh: false
        case .peers, .item: true
        }
    }

    /// What the nodes on the way are asked.
    func method(want: KRPCWant) -> KRPCMethod {
        switch kind {
        case .own, .refresh: .findNode(key, want)
        case .peers: .getPeers(key, want)
        case .item: .get(key, newerThan: nil, want)
        }
    }
}

/// A search that comes closer to a key from answer to answer (Kademlia), in both families at once.
struct DHTLookup {
    let number: UInt32
    var request: DHTRequest
    var frontiers: [DHTFrontier]
    /// When it ends with what it has.
    var deadline: Instant
    /// When it ends if no node at all became known.
    let hungryUntil: Instant
    /// Until then a budget or the number of transactions holds it up.
    var pausedUntil: Instant?
    /// Whether it has gone over to announcing; then, how many replies it waits for.
    var isStoring = false
    var storesOpen = 0
    var stored = 0
    /// Which peers were reported, by a digest of their endpoints.
    private var told: Set<UInt64> = []
    /// The newest item that was reported.
    var best: DHTItem?

    init(_ number: UInt32, _ request: DHTRequest, at now: Instant) {
        self.number = number
        self.request = request
        frontiers = [.v4, .v6].map { DHTFrontier(key: request.key, family: $0) }
        deadline = now + DHTLimits.lookupDuration
        // A look around is begun anew, ever more seldom.
        hungryUntil =
            now + (request.kind == .own ? DHTLimits.lostAfter : DHTLimits.hungryDuration)
    }

    var isHungry: Bool { frontiers.allSatisfy(\.isEmpty) }

    /// When something is to be done about it though nothing comes.
    var nextDeadline: Instant {
        min(deadline, pausedUntil ?? .never, isHungry ? hungryUntil : .never)
    }

    /// Which of the peers were not reported before, as far as there is room.
    mutating func takeNew(_ peers: [Endpoint]) -> [Endpoint] {
        peers.filter { peer in
            guard told.count < DHTLimits.peersPerLookupMax else { return false }
            let number = peer.address.number
            let low = UInt64(truncatingIfNeeded: number) ^ UInt64(peer.port) << 48
            let high = UInt64(truncatingIfNeeded: number >> 64)
            return told.insert((low.scrambled &+ high).scrambled).inserted
        }
    }

    /// Whether an item answers the request, and is newer than what was found before.
    func isNews(_ item: DHTItem, with cryptography: Cryptography) -> Bool {
        guard item.target == request.key, item.value.count <= DHTItem.valueBytesMax else {
            return false
        }
        guard let author = item.author else { return best == nil }
        if let known = best?.author, known.sequence >= author.sequence { return false }
        let signed = DHTItem.signedBytes(
            value: item.value,
            salt: author.salt,
            sequence: author.sequence
        )
        return cryptography.verify(author.signature, signed, author.key)
    }
}
