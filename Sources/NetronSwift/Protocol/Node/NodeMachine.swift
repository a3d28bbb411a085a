// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// Who is a member here, whom to dial, and who has which inner address.
///
/// A pure machine: events and the time go in, effects come out. What is told to members is in
/// NodeGreeting.swift, whom to dial in NodeDialling.swift, what the user named in
/// NodeContacts.swift, addresses in NodeClaims.swift.
package struct NodeMachine<Random: RandomNumberGenerator> {
    package typealias Event = NodeEvent
    package typealias Effect = NodeEffect

    /// Who this node is; nil before `.started` and after `.stopping`, when nothing is done.
    var own: Introduction?
    var random: Random
    var members: [NodeID: Member] = [:]
    var addresses = AddressTable()
    var ownClaims: [OwnClaim] = []
    var conflicts: [IPAddress: Conflict] = [:]
    var sought: [NodeID: Sought] = [:]
    var contacts: [Contact] = []
    var dials = DialBook()
    var gossipDue = Instant.never

    /// Nothing is due before; what is due may be later.
    private var deadline = Instant.never
    /// What the shell was told.
    private var toldDeadline = Instant.never

    package init(random: Random) { self.random = random }

    /// Takes in what happened, and appends what is to be done to `effects`, in order.
    package mutating func handle(
        _ event: Event,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        if case .started(let introduction) = event {
            start(introduction, at: now, into: &effects)
        } else if own != nil {
            takeIn(event, at: now, into: &effects)
        }
        guard own != nil else { return }
        if deadline <= now { runDue(at: now, into: &effects) }
        if deadline != toldDeadline {
            toldDeadline = deadline
            effects.append(.wake(at: deadline))
        }
    }

    private mutating func start(
        _ introduction: Introduction,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        precondition(own == nil, "a node starts once")
        precondition(introduction.claims.count < Hello.claimsMax)
        precondition(introduction.contacts.count <= NodeLimits.contactsMax)
        own = introduction
        claimOwn(introduction, at: now, into: &effects)
        contacts = introduction.contacts.map { Contact(host: $0, due: now) }
        if !contacts.isEmpty { wake(at: now) }
    }

    private mutating func takeIn(
        _ event: Event,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        switch event {
        case .started, .timeout: break
        case .datagram, .unrouted, .wanted, .probed, .clockHeard, .clock: break
        case .resolved(let host, let endpoints):
            resolved(host, endpoints, at: now, into: &effects)
        case .discovered(let endpoint, let id):
            discovered(endpoint, id, at: now, into: &effects)
        case .peerUp(let id, let endpoint, let rtt, let ula):
            peerUp(Member(id, at: endpoint, rtt: rtt, ula: ula, now: now), into: &effects)
        case .peerDown(let id, let departure):
            peerDown(id, departure, at: now, into: &effects)
        case .dialFailed(let endpoint, let id):
            dialFailed(endpoint, id, at: now)
        case .received(let id, let bytes):
            received(bytes, from: id, at: now, into: &effects)
        case .moved(let id, let endpoint):
            moved(id, endpoint, at: now, into: &effects)
        case .stopping:
            own = nil
        }
    }

    private mutating func peerUp(_ new: Member, into effects: inout [Effect]) {
        let now = new.since
        guard new.id != own?.id else { return }
        dials.answered(new.id, at: new.endpoint)
        contactAnswered(new.id, at: new.endpoint)
        let wasSought = sought.removeValue(forKey: new.id)
        // A slot is free again for whoever waits.
        if wasSought == nil || !sought.isEmpty { wakeSought() }
        if members[new.id] != nil {
            // A dial of ours led to somebody who is here already.
            moved(new.id, new.endpoint, at: now, into: &effects)
            return
        }
        // The packet core has the same limit, so that nobody is ever left over here.
        guard members.count < NodeLimits.membersMax else { return }
        members[new.id] = new
        setPrefixes(of: new.id, into: &effects)
        effects.append(.tell(.memberUp(new.id, new.endpoint)))
        greet(new.id, at: now, into: &effects)
        introduce(new.id, isStranger: wasSought == nil, into: &effects)
        if gossipDue == .never { scheduleGossip(at: now) }
    }

    private mutating func peerDown(
        _ id: NodeID,
        _ departure: Departure,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard let member = members.removeValue(forKey: id) else { return }
        effects.append(.tell(.memberDown(id, departure)))
        changeClaims(of: id, to: [], at: now, into: &effects)
        if departure == .silent { seekLost(member, at: now) }
        contactsLost(id, at: now)
    }

    private mutating func moved(
        _ id: NodeID,
        _ endpoint: Endpoint,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard members[id]?.reach(at: endpoint) == true else { return }
        effects.append(.tell(.memberChanged(id)))
        // Maybe a dial of ours led there.
        dials.answered(id, at: endpoint)
        contactAnswered(id, at: endpoint)
        scheduleHint(of: id, at: now)
    }

    /// Does all that is due, and finds the next deadline.
    private mutating func runDue(at now: Instant, into effects: inout [Effect]) {
        deadline = .never
        greetAgain(at: now, into: &effects)
        tellOfMoved(at: now, into: &effects)
        runContacts(at: now, into: &effects)
        runDials(at: now, into: &effects)
        runClaims(at: now, into: &effects)
        gossip(at: now, into: &effects)
    }

    /// Sees to it that what is due at `instant` is not late.
    mutating func wake(at instant: Instant) { deadline = min(deadline, instant) }
}

// What others may know.
extension NodeMachine {
    /// A contest about an address of this node.
    package enum Conflict: Hashable, Sendable {
        /// Another holds it.
        case taken(by: NodeID)
        /// Another wants it.
        case claimed(by: NodeID)
    }

    /// The members, by id.
    package var allMembers: [Member] { members.values.sorted { $0.id < $1.id } }

    /// What is known of a member.
    package func member(_ id: NodeID) -> Member? { members[id] }

    package var memberCount: Int { members.count }

    /// How many are wanted that are not here.
    package var soughtCount: Int { sought.count }

    /// The inner addresses that a member has, or this node, besides the one made of its id.
    package func addresses(of id: NodeID) -> [IPAddress] { addresses.held(by: id) }

    /// The contests about addresses of this node, by address.
    package var allConflicts: [(address: IPAddress, conflict: Conflict)] {
        conflicts.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}
