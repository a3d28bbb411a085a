// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// Finds what this node does not keep, and keeps for others what is near.
///
/// A pure machine: events and the time on two clocks go in, effects come out. The members that this
/// node knows are the directory's matter, and read through `contacts`; what members say is the
/// ledger's.
///
/// In a network that is too large for some of its members, each member knows all whose places are
/// near its own, and some others (see Directory). What lies at a place is kept by the 8 members
/// nearest to it that can be reached. How they are found is in PlacementAsking.swift, what others
/// are answered in PlacementAnswers.swift, how this node leaves with others what it says in
/// PlacementStoring.swift, and what is kept in PlacementShelf.swift.
package struct Placement {
    package typealias Event = PlacementEvent
    package typealias Effect = PlacementEffect

    let id: NodeID
    let network: [UInt8]
    let cryptography: Cryptography
    /// Where members and keys lie.
    package let placeKey: PlaceKey
    let place: DirectoryPlace
    /// What makes this node's choices others than those of its neighbours.
    let salt: UInt64

    var shelf: PlacementShelf
    var lookups: [PlacementLookup] = []
    var waiting: [PlacementTarget] = []
    /// Places of what was not found of late.
    var absent = Recent<DirectoryPlace>(
        for: PlacementLimits.absentFor,
        atMost: PlacementLimits.absentsMax
    )
    var own = OwnPlaces()
    var askers = PeerBudgets(
        perSecond: PlacementLimits.messagesPerSecond,
        burst: PlacementLimits.messagesBurst,
        peersMax: PlacementLimits.peersMax
    )
    var number: UInt32
    var sweepDue = Instant.never
    /// What the shell was told, or nil when its timer ran out.
    private var wake: Instant? = .never

    package internal(set) var counters = PlacementCounters()

    /// Makes the machine of a node that keeps nothing yet; what it keeps may take so many bytes.
    package init(
        of id: NodeID,
        network: [UInt8],
        cryptography: Cryptography,
        bytesMax: Int = PlacementLimits.bytesMax,
        random: any RandomNumberGenerator
    ) {
        precondition(network.count == DirectoryPayload.networkByteCount)
        self.id = id
        self.network = network
        self.cryptography = cryptography
        placeKey = PlaceKey(cryptography)
        place = placeKey.place(of: id)
        var random = random
        salt = random.next()
        number = UInt32(truncatingIfNeeded: random.next())
        shelf = PlacementShelf(around: place, bytesMax: bytesMax)
    }

    /// How many bytes what is kept for others takes, about, with the states of its authors.
    package var byteCount: Int { shelf.byteCount }

    /// How many places of others are kept.
    package var placeCount: Int { shelf.rows.count }

    /// Whether statements of others are kept.
    package var keepsStatements: Bool { shelf.guestCount > 0 }

    /// The statement of a member that is kept here.
    package func statement(of id: NodeID) -> Presence? { shelf[id]?.presence }

    /// Whether the state of a member is wanted here, for others or for ourselves.
    package func wantsState(of id: NodeID) -> Bool { shelf[id]?.use.contains(.state) ?? false }

    /// Lets what is kept take so many bytes; told before anything is.
    package mutating func setRoom(bytes: Int) { shelf.bytesMax = bytes }

    /// Takes in what happened, and appends what is to be done to `effects`, in order.
    package mutating func handle(
        _ event: Event,
        at now: Instant,
        wall: UInt64,
        contacts: some PlacementContacts,
        into effects: inout [Effect]
    ) {
        let moment = Moment(instant: now, wall: wall)
        switch event {
        case .lookUp(let target): lookUp(target, at: moment, contacts, into: &effects)
        case .said(let presence, let keys): said(presence, keys, at: now)
        case .received(let message, let peer):
            receive(message, from: peer, at: moment, contacts, into: &effects)
        case .unreachable(let id):
            for index in lookups.indices { lookups[index].failed(id) }
        case .heard(let presence): heard(presence, into: &effects)
        case .stated(let author, let keys): shelf.prove(author, by: keys)
        case .timeout: wake = nil
        }
        settle(at: moment, contacts, into: &effects)
    }

    /// Does all that is due, and says when there will be more.
    private mutating func settle(
        at moment: Moment,
        _ contacts: some PlacementContacts,
        into effects: inout [Effect]
    ) {
        let now = moment.instant
        storeMore(at: now, contacts, into: &effects)
        askMore(at: now, contacts, into: &effects)
        if sweepDue <= now {
            shelf.sweep(at: moment)
            sweepDue = .never
        }
        for author in shelf.takeGone() { effects.append(.forgotten(author)) }
        if sweepDue == .never, shelf.guestCount > 0 {
            sweepDue = now + PlacementLimits.sweepInterval
        }
        let deadline = min(lookups.reduce(own.deadline) { min($0, $1.deadline) }, sweepDue)
        guard deadline != wake else { return }
        wake = deadline
        effects.append(.wake(at: deadline))
    }

    /// The statement that these bytes are, if it holds now.
    func believed(_ bytes: [UInt8], at moment: Moment) -> Presence? {
        guard let presence = try? Presence(bytes: bytes) else { return nil }
        if let known = shelf[presence.author]?.presence, known.bytes == bytes { return known }
        let latest = moment.wall + Presence.skewMilliseconds
        guard presence.time <= latest, presence.order.incarnation <= latest,
            presence.end + Presence.skewMilliseconds > moment.wall,
            presence.isSigned(by: cryptography, network: network)
        else { return nil }
        return presence
    }

    /// The places of the addresses that a statement claims.
    func claimPlaces(of presence: Presence) -> [PlacedKey] {
        presence.claims.map {
            PlacedKey(place: placeKey.place(ofClaimed: $0.address), rank: $0.since)
        }
    }

    private mutating func heard(_ presence: Presence, into effects: inout [Effect]) {
        guard let known = shelf[presence.author] else { return }
        guard !presence.isLeaving else { return shelf.remove(presence.author) }
        guard presence.replaces(known.presence) else { return }
        shelf.keep(presence, claims: claimPlaces(of: presence), for: [])
        effects.append(.kept(presence, from: nil, for: known.use))
    }
}
