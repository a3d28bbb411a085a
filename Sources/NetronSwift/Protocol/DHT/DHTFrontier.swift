// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// A node that a lookup knows.
struct DHTCandidate {
    enum State {
        case fresh
        case asked
        /// It was asked a while ago, and may still answer.
        case slow
        case answered
        case failed
    }

    let endpoint: Endpoint
    /// Nil for a place where some node is said to be.
    var id: DHTID?
    /// From the key; the greatest where the id is not known.
    var distance: DHTID
    var isCompliant: Bool
    /// Who told of it; 0 is ourselves.
    let teller: Int
    var state = State.fresh
    /// What an announcement to it must show.
    var token: [UInt8]?

    fileprivate static func < (left: Self, right: Self) -> Bool {
        left.isCompliant == right.isCompliant
            ? left.distance < right.distance : left.isCompliant
    }
}

/// How far a lookup has come in one family.
///
/// Candidates are in the order of their distance; those whose id does not fit their address come
/// behind all others (BEP 42), so that who has few addresses cannot surround a key, and yet a DHT
/// of such nodes works. What one node tells cannot push out what others told: of a full frontier
/// goes the farthest of whoever told of most.
struct DHTFrontier {
    private struct Teller {
        var failures: Int16 = 0
        var answers: Int16 = 0
        var inFlight: Int16 = 0

        /// Whether those it told of do not answer.
        var isDoubtful: Bool {
            failures > DHTLimits.tellerFailuresMax && failures > 2 * answers
        }
    }

    let key: DHTID
    let family: IPAddress.Family
    private(set) var candidates: [DHTCandidate] = []
    private var tellers = [Teller()]
    /// Those that were asked and are not slow.
    private(set) var inFlight = 0
    /// How many queries went out.
    private(set) var sent = 0

    init(key: DHTID, family: IPAddress.Family) {
        self.key = key
        self.family = family
    }

    var isEmpty: Bool { candidates.isEmpty }

    // MARK: Candidates

    /// Takes up nodes that one node told of; nil if we knew them ourselves.
    mutating func add(_ nodes: [DHTNode], toldBy teller: Endpoint?) {
        guard !nodes.isEmpty else { return }
        var index = 0
        if teller != nil {
            index = tellers.count
            tellers.append(Teller())
        }
        for node in nodes {
            insert(
                DHTCandidate(
                    endpoint: node.endpoint,
                    id: node.id,
                    distance: node.id ^ key,
                    isCompliant: node.isCompliant,
                    teller: index
                )
            )
        }
    }

    /// Takes up places where some node is said to be.
    mutating func add(places: [Endpoint]) {
        for place in places where place.address.family == family {
            insert(
                DHTCandidate(
                    endpoint: place,
                    id: nil,
                    distance: .max,
                    isCompliant: true,
                    teller: 0
                )
            )
        }
    }

    private mutating func insert(_ candidate: DHTCandidate) {
        let address = candidate.endpoint.address
        guard address.family == family else { return }
        let reach = address.reach
        var neighbours = 0
        for known in candidates {
            if known.endpoint == candidate.endpoint { return }
            if let id = candidate.id, known.id == id { return }
            guard reach != .host, known.endpoint.address.reach == reach else { continue }
            if known.endpoint.address.hostKey == address.hostKey { return }
            if known.endpoint.address.subnetKey == address.subnetKey { neighbours += 1 }
        }
        guard reach != .world || neighbours < DHTLimits.candidatesPerSubnetMax else { return }
        if candidates.count >= DHTLimits.candidatesMax {
            guard let victim = victim(for: candidate) else { return }
            candidates.remove(at: victim)
        }
        place(candidate)
    }

    private mutating func place(_ candidate: DHTCandidate) {
        let index = candidates.firstIndex { candidate < $0 } ?? candidates.count
        candidates.insert(candidate, at: index)
    }

    /// Who goes for a newcomer, or nil if the newcomer itself should.
    private func victim(for newcomer: DHTCandidate) -> Int? {
        if let failed = candidates.lastIndex(where: { $0.state == .failed }) { return failed }
        var shares = [Int](repeating: 0, count: tellers.count)
        shares[newcomer.teller] = 1
        for candidate in candidates where candidate.state == .fresh {
            shares[candidate.teller] += 1
        }
        let most = shares.max() ?? 0
        let victim = candidates.lastIndex { $0.state == .fresh && shares[$0.teller] == most }
        guard let victim else { return nil }
        let isOfMost = shares[newcomer.teller] == most
        return isOfMost && candidates[victim] < newcomer ? nil : victim
    }

    // MARK: Steps

    /// The next candidate to ask, and whether there is nothing more to do or wait for.
    ///
    /// It is done when the K closest of those that answer have answered. Candidates of a doubtful
    /// teller are asked when there is nobody else.
    func survey() -> (next: Int?, isDone: Bool) {
        var answered = 0
        var isWaiting = false
        var isSlow = false
        var doubtful: Int?
        for (index, candidate) in candidates.enumerated() {
            switch candidate.state {
            case .failed: continue
            case .asked: isWaiting = true
            case .slow: isSlow = true
            case .answered: answered += 1
            case .fresh:
                let teller = tellers[candidate.teller]
                if candidate.teller == 0 { return (index, false) }
                if teller.isDoubtful {
                    doubtful = doubtful ?? index
                } else if teller.inFlight < DHTLimits.parallelPerTeller {
                    return (index, false)
                } else {
                    isWaiting = true
                }
            }
            if answered >= DHTLimits.bucketSize { return (nil, !isWaiting) }
        }
        if let doubtful { return (doubtful, false) }
        return (nil, !isWaiting && !isSlow)
    }

    mutating func ask(_ index: Int) {
        candidates[index].state = .asked
        tellers[candidates[index].teller].inFlight += 1
        inFlight += 1
        sent += 1
    }

    /// Notes that the node at an endpoint has not answered for a while.
    mutating func slow(_ endpoint: Endpoint) {
        guard let index = index(of: endpoint), candidates[index].state == .asked else { return }
        settle(index, .slow)
        tellers[candidates[index].teller].failures += 1
    }

    mutating func failed(_ endpoint: Endpoint) {
        guard let index = index(of: endpoint) else { return }
        if candidates[index].state == .asked { tellers[candidates[index].teller].failures += 1 }
        settle(index, .failed)
    }

    /// Notes that a node answered, and that it may be announced to with the token.
    mutating func answered(_ endpoint: Endpoint, by id: DHTID, token: [UInt8]?) {
        guard let index = index(of: endpoint) else { return }
        let teller = candidates[index].teller
        if candidates[index].state == .slow { tellers[teller].failures -= 1 }
        tellers[teller].answers += 1
        settle(index, .answered)
        candidates[index].token = token
        guard candidates[index].id == nil else { return }
        // Only now it has a place.
        var candidate = candidates.remove(at: index)
        candidate.id = id
        candidate.distance = id ^ key
        candidate.isCompliant = DHTNode(id, endpoint).isCompliant
        if !candidates.contains(where: { $0.id == id }) { place(candidate) }
    }

    private mutating func settle(_ index: Int, _ state: DHTCandidate.State) {
        if candidates[index].state == .asked {
            inFlight -= 1
            tellers[candidates[index].teller].inFlight -= 1
        }
        candidates[index].state = state
    }

    private func index(of endpoint: Endpoint) -> Int? {
        candidates.firstIndex { $0.endpoint == endpoint }
    }

    /// The K closest that answered with a token.
    var storers: [DHTCandidate] {
        [DHTCandidate](
            candidates.lazy.filter { $0.state == .answered && $0.token != nil }
                .prefix(DHTLimits.bucketSize)
        )
    }
}
