// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronSimulator
import NetronWire

/// Many members of which each knows a part, in one thread, with one clock.
///
/// Who knows whom is what a directory without room for all keeps (DirectoryRoom.swift): everybody
/// near the own place and near place 0, and of the others some by chance, ever fewer the farther
/// off. Messages take half of a round trip; some members answer nothing.
struct PlacementWorld {
    static let roundTrip = Duration.milliseconds(100)

    /// What became of a lookup.
    struct Result {
        let node: Int
        let target: PlacementTarget
        let outcome: PlacementOutcome
        /// In round trips, begun ones for whole ones.
        let roundTrips: Int
    }

    private enum Happening {
        case message(PlacementMessage, from: Int32)
        case timeout
    }

    private struct Entry {
        let at: Instant
        let number: UInt64
        let node: Int32
        let happening: Happening
    }

    let map: PlacementMap
    private(set) var now = Instant(nanoseconds: 1_000_000_000)
    private var machines: [Placement?]
    private(set) var results: [Result] = []
    /// Questions and stores that came to each.
    private(set) var load: [Int]
    private(set) var isDead: [Bool]
    /// Members that answer falsely: what they make of an answer.
    var forge: ((Int, PlacementMessage) -> PlacementMessage?)?

    private var deadlines: [Instant]
    private var began: [Int: [PlacementTarget: Instant]] = [:]
    private var heap = EventHeap<Entry> { ($0.at, $0.number) < ($1.at, $1.number) }
    private var count: UInt64 = 0

    /// Makes a world of so many members, of which each has room for `capacity` others.
    init(_ count: Int, capacity: Int, seed: UInt64) {
        map = PlacementMap(count, capacity: capacity, seed: seed)
        machines = [Placement?](repeating: nil, count: count)
        load = [Int](repeating: 0, count: count)
        isDead = [Bool](repeating: false, count: count)
        deadlines = [Instant](repeating: .never, count: count)
    }

    var wall: UInt64 { labEpoch + now.nanoseconds / 1_000_000 - 1_000 }

    /// Places that a member keeps for others.
    func placeCount(of node: Int) -> Int { machines[node]?.placeCount ?? 0 }

    // MARK: What members do

    /// A member says what it has, and leaves it with others.
    mutating func publish(_ node: Int) {
        give(.said(statement(of: node), keys: [key(of: node)]), to: node)
    }

    mutating func lookUp(_ target: PlacementTarget, by node: Int) {
        began[node, default: [:]][target] = now
        give(.lookUp(target), to: node)
    }

    mutating func kill(_ node: Int) {
        isDead[node] = true
        machines[node] = nil
        deadlines[node] = .never
    }

    mutating func clear() {
        results = []
        load = [Int](repeating: 0, count: load.count)
    }

    /// The name that a member has in the ledger.
    func key(of node: Int) -> LedgerKey {
        guard let bucket = LedgerName("dns"), let key = LedgerKey(bucket, "host-\(node)") else {
            preconditionFailure("a name is a key")
        }
        return key
    }

    func address(of node: Int) -> IPAddress {
        usualFields(node).claims[0].address
    }

    func statement(of node: Int) -> Presence {
        let usual = usualFields(node)
        let entry = LedgerEntry(
            key(of: node),
            since: labEpoch,
            time: HybridTime(number: labEpoch << 16),
            value: [1]
        )
        var state = LedgerState.empty
        if let entry { state.set(entry) }
        let fields = Presence.Fields(
            name: usual.name,
            claims: usual.claims,
            endpoints: usual.endpoints,
            ledger: StateSummary(of: state, with: map.cryptography)
        )
        return presence(of: map.ids[node], saying: fields)
    }

    // MARK: Time

    /// Lets the world go on for that long.
    mutating func run(for duration: Duration) {
        let end = now + duration
        while let entry = heap.first, entry.at <= end {
            heap.removeFirst()
            now = entry.at
            deliver(entry)
        }
        now = end
    }

    private mutating func deliver(_ entry: Entry) {
        let node = Int(entry.node)
        guard !isDead[node] else { return }
        switch entry.happening {
        case .timeout:
            guard deadlines[node] == entry.at else { return }
            deadlines[node] = .never
            give(.timeout, to: node)
        case .message(let message, let sender):
            switch message {
            case .ask, .store: load[node] += 1
            case .answer, .kept: break
            }
            give(.received(message, from: map.ids[Int(sender)]), to: node)
        }
    }

    private mutating func give(_ event: PlacementEvent, to node: Int) {
        var machine = machines[node] ?? make(node)
        machines[node] = nil
        var effects: [PlacementEffect] = []
        let contacts = map.contacts(of: node)
        machine.handle(event, at: now, wall: wall, contacts: contacts, into: &effects)
        machines[node] = machine
        for effect in effects { perform(effect, of: node) }
    }

    private func make(_ node: Int) -> Placement {
        let random = SeededRandom(seed: UInt64(node))
        return Placement(
            of: map.ids[node],
            network: network,
            cryptography: map.cryptography,
            bytesMax: 256 << 10,
            random: random
        )
    }

    private mutating func perform(_ effect: PlacementEffect, of node: Int) {
        switch effect {
        case .send(let message, let id, _):
            guard let to = map.numbers[id] else { return }
            guard let message = forge.map({ $0(node, message) }) ?? message else { return }
            later(Self.roundTrip / 2, .message(message, from: Int32(node)), to: to)
        case .done(let target, let outcome):
            guard let start = began[node]?.removeValue(forKey: target) else { return }
            let trip = Self.roundTrip / .nanoseconds(1)
            let trips = ((now - start) / .nanoseconds(1) + trip - 1) / trip
            results.append(
                Result(node: node, target: target, outcome: outcome, roundTrips: Int(trips))
            )
        case .kept(let presence, _, let use):
            // The state is at hand at once.
            guard use.contains(.state), let author = map.numbers[presence.author] else { return }
            let place = map.placeKey.place(of: key(of: author))
            give(.stated(presence.author, [PlacedKey(place: place, rank: labEpoch)]), to: node)
        case .forgotten, .near: break
        case .wake(let instant):
            deadlines[node] = instant
            if instant != .never { later(instant - now, .timeout, to: node) }
        }
    }

    private mutating func later(_ delay: Duration, _ happening: Happening, to node: Int) {
        count += 1
        let at = now + max(.zero, delay)
        heap.insert(Entry(at: at, number: count, node: Int32(node), happening: happening))
    }
}

/// Who is where, and who knows whom.
final class PlacementMap {
    let ids: [NodeID]
    let cryptography: Cryptography
    let placeKey: PlaceKey
    let numbers: [NodeID: Int]
    private let places: [UInt64]
    /// Members by place; and of these, those that can be reached.
    private let all: [Int32]
    private let reachable: [Int32]
    fileprivate let endpoints: [Endpoint]
    private let capacity: Int
    private let seed: UInt64
    private var known: [[Int32]?]

    init(_ count: Int, capacity: Int, seed: UInt64) {
        ids = (0..<count).map(many)
        let cryptography = Cryptography.cheap(ids[0])
        let placeKey = PlaceKey(cryptography)
        let places = ids.map { placeKey.place(of: $0).number }
        (self.cryptography, self.placeKey, self.places) = (cryptography, placeKey, places)
        (self.capacity, self.seed) = (capacity, seed)
        numbers = Dictionary(uniqueKeysWithValues: ids.enumerated().map { ($1, $0) })
        all = (0..<Int32(count)).sorted { places[Int($0)] < places[Int($1)] }
        // Every other member can be reached from everywhere.
        reachable = all.filter { $0 % 2 == 0 }
        endpoints = (0..<count).map { usualFields($0).endpoints[0] }
        known = [[Int32]?](repeating: nil, count: count)
    }

    func contacts(of node: Int) -> Contacts { Contacts(map: self, node: node) }

    /// How many bits the places have in common that a member keeps all of.
    var bits: Int {
        var bits = 0
        while all.count >> bits > capacity / 4 { bits += 1 }
        return bits
    }

    /// What a member knows of those that can be reached, by place.
    fileprivate func known(to node: Int) -> [Int32] {
        if let known = known[node] { return known }
        let (bits, own) = (bits, places[node])
        var list = members(reachable, sharing: bits, with: own)
        list += members(reachable, sharing: bits, with: 0)
        var random = SeededRandom(seed: seed ^ UInt64(node) << 20)
        let perBucket = capacity / 2 / max(1, bits)
        for bucket in 0..<bits {
            let far = members(reachable, sharing: bucket + 1, with: own ^ 1 << UInt64(63 - bucket))
            guard far.count > perBucket else {
                list += far
                continue
            }
            for _ in 0..<perBucket { list.append(far.randomElement(using: &random) ?? 0) }
        }
        let sorted = Set(list).sorted { places[Int($0)] < places[Int($1)] }
        known[node] = sorted
        return sorted
    }

    /// Those of a sorted list whose places begin with the same bits.
    private func members(
        _ list: [Int32],
        sharing bits: Int,
        with place: UInt64
    ) -> ArraySlice<Int32> {
        guard bits > 0 else { return list[...] }
        let below = bits < 64 ? UInt64.max >> UInt64(bits) : 0
        let start = first(in: list) { $0 >= place & ~below }
        let end = first(in: list) { $0 > place | below }
        return list[start..<end]
    }

    private func first(in list: [Int32], where isBehind: (UInt64) -> Bool) -> Int {
        var (low, high) = (0, list.count)
        while low < high {
            let middle = (low + high) / 2
            if isBehind(places[Int(list[middle])]) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    struct Contacts: PlacementContacts {
        let map: PlacementMap
        let node: Int

        func nearest(to place: DirectoryPlace, count: Int) -> [PlacementContact] {
            let known = map.known(to: node)
            var bits = 63
            var found = map.members(known, sharing: bits, with: place.number)
            while found.count <= count, bits > 0 {
                bits -= 1
                found = map.members(known, sharing: bits, with: place.number)
            }
            let distances = found.filter { Int($0) != node }.map {
                (map.places[Int($0)] ^ place.number, Int($0))
            }
            return distances.sorted { $0 < $1 }.prefix(count).map { _, number in
                let place = DirectoryPlace(map.places[number])
                return PlacementContact(map.ids[number], at: place, [map.endpoints[number]])
            }
        }

        func statement(at place: DirectoryPlace) -> Presence? {
            let own = map.places[node] ^ place.number
            let below = UInt64.max >> UInt64(map.bits)
            guard map.bits == 0 || own <= below || place.number <= below else { return nil }
            return map.members(map.all, sharing: 64, with: place.number).first.map {
                presence(of: map.ids[Int($0)])
            }
        }
    }
}

/// What comes first, first.
struct EventHeap<Element> {
    private var elements: [Element] = []
    private let isBefore: (Element, Element) -> Bool

    init(_ isBefore: @escaping (Element, Element) -> Bool) { self.isBefore = isBefore }

    var first: Element? { elements.first }

    mutating func insert(_ element: Element) {
        elements.append(element)
        var index = elements.count - 1
        while index > 0, isBefore(elements[index], elements[(index - 1) / 2]) {
            elements.swapAt(index, (index - 1) / 2)
            index = (index - 1) / 2
        }
    }

    mutating func removeFirst() {
        elements.swapAt(0, elements.count - 1)
        elements.removeLast()
        var index = 0
        while 2 * index + 1 < elements.count {
            var child = 2 * index + 1
            if child + 1 < elements.count, isBefore(elements[child + 1], elements[child]) {
                child += 1
            }
            guard isBefore(elements[child], elements[index]) else { return }
            elements.swapAt(child, index)
            index = child
        }
    }
}
