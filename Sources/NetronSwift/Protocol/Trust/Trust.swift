// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// What the network's authorities say: which of their certificates do not hold any more.
///
/// A pure machine: events and the time go in, effects come out. Which object counts is the matter
/// of its shelf; here is how it comes to all. An object that a message can carry is broadcast as it
/// is; of a larger one the head is, and whoever hears that pulls the rest of who told of it, or of
/// neighbours. Neighbours that meet, and now and then those that have met, compare what they have
/// (TrustExchange.swift), so that who was away, and halves that were apart, get it too.
///
/// Every node holds all of it, whatever else it keeps. Nothing else ever grows by it: what is of no
/// authority that the config names is neither kept nor passed on, and of each authority one object
/// is here, and one is awaited.
package struct Trust {
    package typealias Event = TrustEvent
    package typealias Effect = TrustEffect

    let network: [UInt8]
    let cryptography: Cryptography
    var random: any RandomNumberGenerator
    package private(set) var shelf = TrustShelf()

    var neighbours: [NodeID] = []
    /// What is awaited of each authority.
    var wants: [NodeID: TrustWant] = [:]
    /// Objects whose lists are none, though their authorities signed them.
    var broken: [NodeID: TrustOrder] = [:]
    /// The serial with which each authority was last found to have signed two objects.
    private var doubled: [NodeID: UInt64] = [:]
    var transfer: Transfer
    var transferDue = Instant.never
    var server: ChunkServer
    var askers = PeerBudgets(
        perSecond: TrustLimits.messagesPerSecond,
        burst: TrustLimits.messagesBurst,
        peersMax: TrustLimits.peersMax
    )
    /// Who is not heard.
    var distrusted = Recent<NodeID>(
        for: TrustLimits.distrustFor,
        atMost: TrustLimits.distrustedMax
    )
    var roundDue = Instant.never
    /// Authorities whose objects are not on disk, and when that is tried again.
    private var unkept: Set<NodeID> = []
    private var keepDue = Instant.never
    /// What the shell was told, or nil when its timer ran out.
    private var wake: Instant? = .never

    package internal(set) var counters = TrustCounters()

    /// Makes the machine of a node that knows of no authority yet.
    ///
    /// `network` are the 8 bytes that name the network in signatures; so many bytes a second are
    /// pulled, and served.
    package init(
        network: [UInt8],
        cryptography: Cryptography,
        syncBytesPerSecond: Int = TransferLimits.bytesPerSecond,
        random: any RandomNumberGenerator
    ) {
        precondition(network.count == DirectoryPayload.networkByteCount)
        (self.network, self.cryptography, self.random) = (network, cryptography, random)
        transfer = Transfer(cryptography: cryptography, bytesPerSecond: syncBytesPerSecond)
        server = ChunkServer(bytesPerSecond: syncBytesPerSecond)
    }

    /// Whether the network has authorities; without any nothing is said, heard or kept.
    package var isActive: Bool { !shelf.authorities.isEmpty }

    /// Takes the authorities that the network's config names, before anything else happens.
    package mutating func begin(_ authorities: [NodeID]) { shelf = TrustShelf(authorities) }

    /// Takes an object that an earlier life kept; false if it is none, or not of these authorities.
    package mutating func resume(_ bytes: [UInt8]) -> Bool {
        guard let object = try? TrustObject(bytes: bytes, with: cryptography),
            shelf.authorities.contains(object.authority),
            object.head.isSigned(by: cryptography, network: network)
        else { return false }
        return shelf.take(object, order(of: object.head)) == .newer
    }

    /// Takes in what happened, and appends what is to be done to `effects`, in order.
    package mutating func handle(
        _ event: Event,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard isActive else { return }
        switch event {
        case .neighbourUp(let id): neighbourUp(id, at: now, into: &effects)
        case .neighbourDown(let id): neighbourDown(id, at: now, into: &effects)
        case .received(let message, let peer):
            receive(message, from: peer, at: now, into: &effects)
        case .notKept(let authority):
            unkept.insert(authority)
            keepDue = now + TrustLimits.keepPause
        case .timeout: wake = nil
        }
        settle(at: now, into: &effects)
    }

    /// Takes in what was broadcast, an object or a head; true if it is to be passed on.
    package mutating func judge(
        _ payload: [UInt8],
        from teller: NodeID,
        at now: Instant,
        into effects: inout [Effect]
    ) -> Bool {
        guard isActive else { return false }
        defer { settle(at: now, into: &effects) }
        switch DirectoryPayload(of: payload) {
        case .trust:
            guard let object = try? TrustObject(bytes: payload, with: cryptography) else {
                counters.forged += 1
                return false
            }
            switch look(at: object.head, into: &effects) {
            case .same: return true
            case .newer:
                take(object, at: now, into: &effects)
                return true
            case .strange, .older, nil: return false
            }
        case .trustHead:
            guard let head = try? TrustHead(bytes: payload) else {
                counters.forged += 1
                return false
            }
            return learn(head, from: teller, at: now, into: &effects)
        default: return false
        }
    }

    /// Does all that is due, and says when there will be more.
    private mutating func settle(at now: Instant, into effects: inout [Effect]) {
        if transferDue <= now {
            transferDue = .never
            run(.timeout, at: now, into: &effects)
        }
        askForMore(at: now, into: &effects)
        if roundDue <= now { beginRound(at: now, into: &effects) }
        if keepDue <= now { keepAgain(into: &effects) }
        let deadline = min(
            min(transferDue, roundDue, keepDue),
            wants.values.lazy.map(\.due).min() ?? .never
        )
        guard deadline != wake else { return }
        wake = deadline
        effects.append(.wake(at: deadline))
    }
}

// What is taken.
extension Trust {
    func order(of head: TrustHead) -> TrustOrder { head.order(with: cryptography) }

    /// What a head is to the shelf; nil if nobody signed it.
    ///
    /// What costs least is asked first: the signature is looked at only of what would be news, or
    /// speaks against its authority.
    mutating func look(at head: TrustHead, into effects: inout [Effect]) -> TrustShelf.Standing? {
        let order = order(of: head)
        let standing = shelf.standing(order, of: head.authority)
        let held = shelf.order(of: head.authority)
        let isTwin =
            held != order && held?.serial == head.serial
            && doubled[head.authority] != head.serial
        switch standing {
        case .strange: counters.strange += 1
        case .older: counters.older += 1
        case .same, .newer: break
        }
        guard standing == .newer || isTwin else { return standing }
        guard head.isSigned(by: cryptography, network: network) else {
            counters.forged += 1
            return nil
        }
        if isTwin {
            doubled[head.authority] = head.serial
            effects.append(.equivocated(head.authority, serial: head.serial))
        }
        return standing
    }

    /// Holds an object that is newer, and has it kept.
    mutating func take(
        _ object: TrustObject,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        unkept.remove(object.authority)
        effects.append(.keep(object))
        hold(object, at: now, into: &effects)
    }

    /// Holds an object that is newer, and no longer waits for that or older ones.
    private mutating func hold(
        _ object: TrustObject,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        let order = order(of: object.head)
        shelf.take(object, order)
        if let want = wants[object.authority], want.order <= order {
            drop(object.authority, at: now, into: &effects)
        }
        effects.append(.changed(object.head))
    }

    private mutating func keepAgain(into effects: inout [Effect]) {
        keepDue = .never
        for authority in unkept.sorted() {
            if let object = shelf[authority] { effects.append(.keep(object)) }
        }
        unkept = []
    }
}

// What is published here.
extension Trust {
    /// The object that bytes are, which may be here already.
    ///
    /// Throws why it may not be published: among that, that it leaves out what is not over at
    /// `wall`, in milliseconds since 1970. Without a time nothing is over.
    package func check(_ bytes: [UInt8], wall: UInt64?) throws(TrustRefusal) -> TrustObject {
        let object: TrustObject
        do throws(WireError) {
            object = try TrustObject(bytes: bytes, with: cryptography)
        } catch {
            throw .malformed
        }
        guard shelf.authorities.contains(object.authority) else {
            throw .stranger(object.authority)
        }
        guard object.head.isSigned(by: cryptography, network: network) else { throw .forged }
        guard let held = shelf[object.authority], held != object else { return object }
        guard held.serial < object.serial else { throw .older(than: held.serial) }
        let missing = held.leftOut(by: object, at: wall ?? 0)
        if let first = missing.first {
            throw .leavesOut(first.certificate, count: missing.count)
        }
        return object
    }

    /// Tells all of an object that was checked, and is on disk.
    package mutating func publish(
        _ object: TrustObject,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        // That is so also of one that was here and could not be kept before.
        unkept.remove(object.authority)
        guard shelf[object.authority] != object else { return }
        hold(object, at: now, into: &effects)
        let bytes = object.encoded()
        let isSmall = bytes.count <= Rumor.payloadBytesMax
        effects.append(.broadcast(isSmall ? bytes : object.head.bytes))
        settle(at: now, into: &effects)
    }
}
