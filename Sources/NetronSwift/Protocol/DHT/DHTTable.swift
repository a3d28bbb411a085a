// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// A node in the table: it has answered us at least once.
struct DHTContact {
    let node: DHTNode
    let isCompliant: Bool
    var repliedAt: Instant
    /// When it last asked something; the clock's start if never.
    var askedAt = Instant(nanoseconds: 0)
    /// When we last asked it for a sign of life.
    var pingedAt = Instant(nanoseconds: 0)
    /// Queries in a row without a reply.
    var failures = 0

    init(_ node: DHTNode, repliedAt: Instant) {
        self.node = node
        self.repliedAt = repliedAt
        isCompliant = node.isCompliant
    }

    var lastSign: Instant { max(repliedAt, askedAt) }

    func isGood(at now: Instant) -> Bool {
        failures < DHTLimits.failuresUntilBad && now < lastSign + DHTLimits.freshness
    }

    /// Whether it is questionable or soon will be.
    func isAging(at now: Instant) -> Bool {
        failures > 0 || now >= lastSign + (DHTLimits.freshness - DHTLimits.freshnessMargin)
    }

    var isBad: Bool { failures >= DHTLimits.failuresUntilBad }
}

/// The nodes that a node knows of one family, many near its id and few far away (BEP 5).
///
/// Bucket i has nodes that share exactly i bits with the own id; the last has all that share more,
/// and is split when it is full.
struct DHTTable {
    private struct Bucket {
        var contacts: [DHTContact] = []
        /// What takes the place of a node that goes; the last one first.
        var spares: [DHTContact] = []
        var changedAt: Instant
    }

    let own: DHTID
    private(set) var count = 0
    private var buckets: [Bucket]
    private var hosts: Set<UInt64> = []
    private var subnets: [UInt64: Int] = [:]

    init(own: DHTID, at now: Instant) {
        self.own = own
        buckets = [Bucket(changedAt: now)]
    }

    /// The nodes, those farthest from the own id first.
    var contacts: [DHTContact] { buckets.flatMap(\.contacts) }

    func goodCount(at now: Instant) -> Int {
        buckets.reduce(0) { sum, bucket in
            sum + bucket.contacts.reduce(0) { $0 + ($1.isGood(at: now) ? 1 : 0) }
        }
    }

    private func index(of id: DHTID) -> Int { min(own.sharedBits(with: id), buckets.count - 1) }

    private func place(of node: DHTNode) -> (bucket: Int, contact: Int)? {
        let bucket = index(of: node.id)
        let contact = buckets[bucket].contacts.firstIndex { $0.node == node }
        return contact.map { (bucket, $0) }
    }

    // MARK: What happens to nodes

    /// Takes up a node that answered.
    mutating func replied(_ node: DHTNode, at now: Instant) {
        guard node.id != own else { return }
        if let (bucket, contact) = place(of: node) {
            buckets[bucket].contacts[contact].repliedAt = now
            buckets[bucket].contacts[contact].failures = 0
            buckets[bucket].changedAt = now
            return
        }
        let bucket = index(of: node.id)
        if let known = buckets[bucket].contacts.firstIndex(where: { $0.node.id == node.id }) {
            // Somebody else has the id, and keeps it as long as it answers.
            guard buckets[bucket].contacts[known].isBad else { return }
            remove(known, from: bucket, at: now)
        }
        guard hasRoom(forHostOf: node, at: now) else { return }
        insert(DHTContact(node, repliedAt: now), at: now)
    }

    /// Notes that a node asked something, if it is in the table.
    mutating func asked(_ node: DHTNode, at now: Instant) {
        guard let (bucket, contact) = place(of: node) else { return }
        buckets[bucket].contacts[contact].askedAt = now
    }

    /// Takes out a node where another answers now.
    mutating func gone(_ node: DHTNode, at now: Instant) {
        guard let (bucket, contact) = place(of: node) else { return }
        remove(contact, from: bucket, at: now)
    }

    /// Whether a node that is not in the table would have a place there, were it to answer.
    func wants(_ node: DHTNode) -> Bool {
        guard node.id != own, place(of: node) == nil else { return false }
        // A node that changed its id is worth asking.
        guard isAdmitted(node.endpoint.address) || has(node.endpoint) else { return false }
        let bucket = index(of: node.id)
        let contacts = buckets[bucket].contacts
        guard contacts.count >= DHTLimits.bucketSize else { return true }
        return contacts.contains(where: \.isBad) || isSplittable(bucket)
            || buckets[bucket].spares.count < DHTLimits.sparesMax
    }

    /// Notes that a node did not answer; a bad one gives way to one that waits.
    mutating func failed(_ node: DHTNode, at now: Instant) {
        guard let (bucket, contact) = place(of: node) else { return }
        buckets[bucket].contacts[contact].failures += 1
        let failures = buckets[bucket].contacts[contact].failures
        let isReplaced =
            failures >= DHTLimits.failuresUntilBad && !buckets[bucket].spares.isEmpty
        guard isReplaced || failures >= DHTLimits.failuresMax else { return }
        remove(contact, from: bucket, at: now)
        while let spare = buckets[bucket].spares.popLast() {
            guard isAdmitted(spare.node.endpoint.address) else { continue }
            add(spare, to: bucket, at: now)
            return
        }
    }

    private func has(_ endpoint: Endpoint) -> Bool {
        buckets.contains { $0.contacts.contains { $0.node.endpoint == endpoint } }
    }

    // MARK: Room

    private func isSplittable(_ bucket: Int) -> Bool {
        bucket == buckets.count - 1 && buckets.count < DHTLimits.bucketsMax
    }

    private func isAdmitted(_ address: IPAddress) -> Bool {
        switch address.reach {
        case .host: true
        case .site: !hosts.contains(address.hostKey)
        case .world:
            !hosts.contains(address.hostKey)
                && subnets[address.subnetKey, default: 0] < DHTLimits.perSubnetMax
        }
    }

    /// Whether the node's host may have it in the table; an older node there goes if it is gone.
    private mutating func hasRoom(forHostOf node: DHTNode, at now: Instant) -> Bool {
        let address = node.endpoint.address
        let isKnownHost = address.reach == .host || hosts.contains(address.hostKey)
        if isKnownHost {
            search: for bucket in buckets.indices {
                for (index, contact) in buckets[bucket].contacts.enumerated()
                where contact.node.endpoint.address.hostKey == address.hostKey {
                    // Another id answers where it was.
                    let isGone = contact.node.endpoint == node.endpoint
                    guard isGone || contact.isBad else { continue }
                    remove(index, from: bucket, at: now)
                    break search
                }
            }
        }
        return isAdmitted(address)
    }

    private mutating func insert(_ contact: DHTContact, at now: Instant) {
        while true {
            let bucket = index(of: contact.node.id)
            if buckets[bucket].contacts.count < DHTLimits.bucketSize {
                return add(contact, to: bucket, at: now)
            }
            let victim =
                buckets[bucket].contacts.firstIndex(where: \.isBad)
                ?? (isSplittable(bucket) || !contact.isCompliant
                    ? nil : buckets[bucket].contacts.lastIndex { !$0.isCompliant })
            if let victim {
                remove(victim, from: bucket, at: now)
                return add(contact, to: bucket, at: now)
            }
            guard isSplittable(bucket) else { return spare(contact, in: bucket) }
            split(at: now)
        }
    }

    private mutating func spare(_ contact: DHTContact, in bucket: Int) {
        buckets[bucket].spares.removeAll {
            $0.node.id == contact.node.id
                || $0.node.endpoint.address == contact.node.endpoint.address
        }
        if buckets[bucket].spares.count >= DHTLimits.sparesMax {
            buckets[bucket].spares.removeFirst()
        }
        buckets[bucket].spares.append(contact)
    }

    private mutating func split(at now: Instant) {
        let shared = buckets.count - 1
        let all = buckets[shared].contacts
        let waiting = buckets[shared].spares
        let near: (DHTContact) -> Bool = { [own] in $0.node.id.sharedBits(with: own) > shared }
        var next = Bucket(changedAt: buckets[shared].changedAt)
        next.contacts = all.filter(near)
        next.spares = waiting.filter(near)
        buckets[shared].contacts = all.filter { !near($0) }
        buckets[shared].spares = waiting.filter { !near($0) }
        buckets.append(next)
    }

    private mutating func add(_ contact: DHTContact, to bucket: Int, at now: Instant) {
        buckets[bucket].contacts.append(contact)
        buckets[bucket].changedAt = now
        count += 1
        let address = contact.node.endpoint.address
        guard address.reach != .host else { return }
        hosts.insert(address.hostKey)
        subnets[address.subnetKey, default: 0] += 1
    }

    private mutating func remove(_ index: Int, from bucket: Int, at now: Instant) {
        let address = buckets[bucket].contacts.remove(at: index).node.endpoint.address
        count -= 1
        guard address.reach != .host else { return }
        hosts.remove(address.hostKey)
        let rest = subnets[address.subnetKey, default: 1] - 1
        subnets[address.subnetKey] = rest == 0 ? nil : rest
    }
}

// MARK: What the table is asked

extension DHTTable {
    /// The nodes closest to a key that are not bad, the closest first.
    ///
    /// Buckets are looked at in the order of their distance, as far as is needed.
    func closest(to key: DHTID, upTo most: Int) -> [DHTContact] {
        closest(to: key, upTo: most) { !$0.isBad }
    }

    /// The good nodes closest to a key, filled up with questionable ones.
    func closestGood(to key: DHTID, upTo most: Int, at now: Instant) -> [DHTContact] {
        let good = closest(to: key, upTo: most) { $0.isGood(at: now) }
        guard good.count < most, good.count < count else { return good }
        return good
            + closest(to: key, upTo: most - good.count) { !$0.isBad && !$0.isGood(at: now) }
    }

    private func closest(
        to key: DHTID,
        upTo most: Int,
        where isWanted: (DHTContact) -> Bool
    ) -> [DHTContact] {
        var found: [DHTContact] = []
        let middle = index(of: key)
        found += buckets[middle].contacts.filter(isWanted)
        // All that share more bits with us are equally far from the key in their first bit.
        if found.count < most {
            for bucket in buckets[(middle + 1)...] { found += bucket.contacts.filter(isWanted) }
        }
        var index = middle - 1
        while found.count < most, index >= 0 {
            found += buckets[index].contacts.filter(isWanted)
            index -= 1
        }
        found.sort { ($0.node.id ^ key) < ($1.node.id ^ key) }
        return [DHTContact](found.prefix(most))
    }

    /// Nodes that are questionable or soon will be, marked as asked now: those first that gave no
    /// sign of life for longest.
    ///
    /// Those in whose bucket another node waits for a place go first.
    mutating func takeQuestionable(upTo most: Int, at now: Instant) -> [DHTNode] {
        var places: [(isWaitedFor: Bool, sign: Instant, bucket: Int, contact: Int)] = []
        for bucket in buckets.indices {
            let isWaitedFor = !buckets[bucket].spares.isEmpty
            for (index, contact) in buckets[bucket].contacts.enumerated()
            where contact.isAging(at: now) && contact.pingedAt + DHTLimits.pingPause <= now {
                places.append((isWaitedFor, contact.lastSign, bucket, index))
            }
        }
        places.sort {
            ($0.isWaitedFor ? 0 : 1, $0.sign, $0.bucket, $0.contact)
                < ($1.isWaitedFor ? 0 : 1, $1.sign, $1.bucket, $1.contact)
        }
        return places.prefix(most).map { place in
            buckets[place.bucket].contacts[place.contact].pingedAt = now
            return buckets[place.bucket].contacts[place.contact].node
        }
    }

    /// A key in a bucket in which nothing changed for long, which counts as refreshed now.
    mutating func takeStale(at now: Instant, with chance: DHTID) -> DHTID? {
        guard count > 0 else { return nil }
        let stale = buckets.indices.first { buckets[$0].changedAt + DHTLimits.freshness <= now }
        guard let stale else { return nil }
        buckets[stale].changedAt = now
        return own.neighbour(sharing: stale, exactly: stale < buckets.count - 1, else: chance)
    }

    /// The same nodes around another id.
    func rebuilt(around id: DHTID, at now: Instant) -> DHTTable {
        var table = DHTTable(own: id, at: now)
        for contact in contacts.reversed() where contact.node.id != id {
            table.insert(contact, at: now)
        }
        return table
    }
}
