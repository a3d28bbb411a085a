// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronSimulator
import NetronWire

/// Machines wired to each other, with one clock and no packet core.
///
/// A message takes a millisecond, a handshake two. Links can be cut; then a session ends after 12 s
/// and a dial after 25 s. Everything happens in the order of (time, number of the event).
struct NodeWorld {
    private struct Entry {
        let at: Instant
        let number: Int
        let node: UInt8
        let event: NodeEvent
    }

    private(set) var now = Instant(nanoseconds: 1_000_000_000)
    private(set) var machines: [UInt8: NodeMachine] = [:]
    private(set) var notices: [UInt8: [Notice]] = [:]
    private var leases: [UInt8: Set<IPAddress>] = [:]
    /// How many addresses each node took by itself.
    private(set) var leaseCounts: [UInt8: Int] = [:]
    /// The disk of each node, which stays when it stops.
    private var disks: [UInt8: Disk] = [:]
    /// The keys that a node was asked for and has looked for.
    private(set) var reads: [UInt8: [LedgerKey]] = [:]
    /// What a node's host was told to send into the network.
    private(set) var routes: [UInt8: Set<Prefix>] = [:]
    /// What a node's packet core was told to be whose.
    private(set) var prefixes: [UInt8: [NodeID: [Prefix]]] = [:]
    /// How many bytes each disk may have; nil for as many as come.
    var budget: Int?
    /// How many control messages were sent.
    private(set) var messageCount = 0
    /// Whose lists hold, as the config of each node that starts says.
    var authorities: [NodeID] = []
    /// What a host name leads to.
    var names: [String: [Endpoint]] = [:]

    private var queue: [Entry] = []
    private var count = 0
    private var deadlines: [UInt8: Instant] = [:]
    private var sessions: Set<[UInt8]> = []
    private var cuts: Set<[UInt8]> = []

    mutating func start(
        _ number: UInt8,
        claims: [Hello.Claim] = [],
        contacts: [HostPort] = [],
        ranges: [LeaseRange] = [],
        gateways: GatewaySettings = GatewaySettings()
    ) {
        let disk = disks[number] ?? Disk()
        disks[number] = disk
        machines[number] = makeMachine(number, keepingIn: disk)
        if let budget { machines[number]?.takeRoom(bytes: budget) }
        notices[number] = []
        leases[number] = []
        var introduction = introduction(of: number, claims: claims, contacts: contacts)
        introduction.ranges = ranges
        introduction.gateways = gateways
        introduction.authorities = authorities
        (routes[number], prefixes[number]) = ([], [:])
        give(.started(introduction), to: number)
        give(.clock(wallMilliseconds: wall, isTrusted: true), to: number)
    }

    /// What all clocks show, in milliseconds since 1970.
    private var wall: UInt64 { 1_800_000_000_000 + now.nanoseconds / 1_000_000 }

    /// Says goodbye and is gone.
    mutating func stop(_ number: UInt8) {
        give(.stopping, to: number)
        machines[number] = nil
        deadlines[number] = nil
        for pair in sessions.filter({ $0.contains(number) }).sorted(by: { $0[1] < $1[1] }) {
            sessions.remove(pair)
            let other = pair[0] == number ? pair[1] : pair[0]
            later(.milliseconds(1), .peerDown(node(number), .goodbye), to: other)
        }
    }

    /// Is gone without a word, as by `kill -9`.
    mutating func crash(_ number: UInt8) {
        machines[number] = nil
        deadlines[number] = nil
        for pair in sessions.filter({ $0.contains(number) }).sorted(by: { $0[1] < $1[1] }) {
            sessions.remove(pair)
            let other = pair[0] == number ? pair[1] : pair[0]
            later(.seconds(12), .peerDown(node(number), .silent), to: other)
        }
    }

    /// Writes at a node.
    mutating func write(_ write: LedgerWrite, at number: UInt8) -> LedgerRefusal? {
        var effects: [NodeEffect] = []
        guard let results = machines[number]?.write([write], at: now, into: &effects) else {
            preconditionFailure("node \(number) does not know the time")
        }
        for effect in effects { carryOut(effect, of: number) }
        return results[0]
    }

    /// Publishes at a node what an authority signed.
    mutating func publish(_ object: TrustObject, at number: UInt8) -> TrustRefusal? {
        var effects: [NodeEffect] = []
        let refusal = machines[number]?.publish(object.encoded(), at: now, into: &effects)
        for effect in effects { carryOut(effect, of: number) }
        return refusal
    }

    /// The disk of a node, while it runs and after.
    func disk(of number: UInt8) -> Disk? { disks[number] }

    /// Cuts all links between two groups of nodes.
    mutating func cut(_ left: [UInt8], from right: [UInt8]) {
        for pair in left.flatMap({ first in right.map { key(first, $0) } }) {
            cuts.insert(pair)
            guard sessions.remove(pair) != nil else { continue }
            later(.seconds(12), .peerDown(node(pair[0]), .silent), to: pair[1])
            later(.seconds(12), .peerDown(node(pair[1]), .silent), to: pair[0])
        }
    }

    mutating func heal() { cuts = [] }

    /// Ends the session of two nodes, if there is one, as if nobody had used it.
    mutating func end(_ left: UInt8, _ right: UInt8) {
        guard sessions.remove(key(left, right)) != nil else { return }
        give(.peerDown(node(right), .idle), to: left)
        give(.peerDown(node(left), .idle), to: right)
    }

    mutating func tell(_ event: NodeEvent, to number: UInt8) { give(event, to: number) }

    /// Lets time go by.
    mutating func pass(_ duration: Duration) {
        let end = now + duration
        while let next = nextTime(), next <= end {
            now = max(now, next)
            if let due = deadlines.filter({ $0.value <= now }).keys.min() {
                deadlines[due] = nil
                give(.timeout, to: due)
            } else {
                let entry = queue.removeFirst()
                give(entry.event, to: entry.node)
            }
        }
        now = end
    }

    /// The other nodes that a node has sessions with.
    func members(of number: UInt8) -> [UInt8] {
        machines[number]?.allMembers.map { $0.id.bytes[0] } ?? []
    }

    /// The addresses that a node's host was told to have.
    func addressesOfHost(_ number: UInt8) -> Set<IPAddress> { leases[number] ?? [] }

    /// Who has an address, as a node sees it.
    func holder(of address: String, at number: UInt8) -> UInt8? {
        machines.keys.sorted().first { other in
            machines[number]?.addresses(of: node(other)).contains(ip(address)) ?? false
        }
    }

    private func key(_ left: UInt8, _ right: UInt8) -> [UInt8] { [left, right].sorted() }

    private func nextTime() -> Instant? {
        [queue.first?.at, deadlines.values.min()].compactMap(\.self).min()
    }

    private mutating func later(_ duration: Duration, _ event: NodeEvent, to number: UInt8) {
        count += 1
        let entry = Entry(at: now + duration, number: count, node: number, event: event)
        let place = queue.firstIndex { $0.at > entry.at } ?? queue.endIndex
        queue.insert(entry, at: place)
    }

    private mutating func give(_ event: NodeEvent, to number: UInt8) {
        var effects: [NodeEffect] = []
        machines[number]?.handle(event, at: now, into: &effects)
        for effect in effects { carryOut(effect, of: number) }
    }

    private mutating func carryOut(_ effect: NodeEffect, of number: UInt8) {
        switch effect {
        case .wake(let instant): deadlines[number] = instant == .never ? nil : instant
        case .tell(let notice): notices[number, default: []].append(notice)
        case .setPrefixes(let id, let found): prefixes[number, default: [:]][id] = found
        case .route(let prefix, true): routes[number, default: []].insert(prefix)
        case .route(let prefix, false): routes[number]?.remove(prefix)
        case .sendDatagram, .keep, .keepalive, .probe, .setTime, .ledgerChanged: break
        case .circuit, .relay, .endCircuit, .tryPath, .usePath, .searchPath, .map: break
        case .ledgerRead(let key): reads[number, default: []].append(key)
        case .lease(let address, _, true):
            leases[number]?.insert(address)
            leaseCounts[number, default: 0] += 1
        case .lease(let address, _, false): leases[number]?.remove(address)
        case .resolve(let host):
            later(.milliseconds(5), .resolved(host, names[host.host] ?? []), to: number)
        case .send(let bytes, let id):
            messageCount += 1
            let receiver = id.bytes[0]
            guard sessions.contains(key(number, receiver)) else { return }
            later(.milliseconds(1), .received(from: node(number), bytes), to: receiver)
        case .dial(let endpoint, let id):
            dial(endpoint, id, from: number)
        }
    }

    private mutating func dial(_ endpoint: Endpoint, _ id: NodeID?, from number: UInt8) {
        let other = machines.keys.first { outer($0) == endpoint }
        guard let other, other != number, id ?? node(other) == node(other),
            !cuts.contains(key(number, other))
        else {
            return later(.seconds(25), .dialFailed(endpoint, id), to: number)
        }
        let isNew = sessions.insert(key(number, other)).inserted
        later(.milliseconds(2), up(other), to: number)
        if isNew { later(.milliseconds(2), up(number), to: other) }
    }

    private func up(_ number: UInt8) -> NodeEvent {
        let id = node(number)
        return .peerUp(id, outer(number), rtt: .milliseconds(2), ula: ula(id))
    }
}
