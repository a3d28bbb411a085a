// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// Who is a member: the newest signed statement of each.
///
/// A pure machine: events and the time on two clocks go in, effects come out. `now` is the node's
/// own clock; `wall` is network time, which leases are reckoned in. Payloads of broadcasts are
/// judged at once (`judge`), so that they can be passed on without delay.
///
/// Of each member the greatest statement by (incarnation, version) counts, as long as its lease
/// runs; so all that have heard the same statements, in any order and however often, hold the same
/// ones. What is taken and why is in DirectoryJudging.swift, the own statement in
/// DirectoryOwn.swift, who is doubted in DirectorySuspicions.swift, how two members find out in
/// what they differ in DirectoryRounds.swift and DirectoryAnswers.swift, how a newcomer learns all
/// in DirectoryBulk.swift, who has a place in DirectoryRoom.swift and DirectoryCoverage.swift, and
/// what can be asked in DirectoryQueries.swift.
package struct Directory {
    package typealias Event = DirectoryEvent
    package typealias Effect = DirectoryEffect

    let id: NodeID
    let network: [UInt8]
    let cryptography: Cryptography
    private(set) var membersMax: Int
    /// What all renewals together may cost a second, see `DirectoryLimits`.
    let renewalBytesPerSecond: Int
    /// The key of fingerprints, and of who announces the network.
    let key: [UInt8]
    let placeKey: PlaceKey
    var random: any RandomNumberGenerator

    var members: MemberTable
    var own = OwnPresence()
    var suspects = Suspects()
    var accusers = PeerBudgets(
        perSecond: DirectoryLimits.suspicionsPerMinute,
        burst: DirectoryLimits.suspicionsPerMinute * Suspects.cost,
        peersMax: DirectoryLimits.accusersMax
    )
    var announcers = Announcers()
    /// How many left and are kept only so that older statements of theirs do not come back.
    var leavingCount = 0
    var offlineCount = 0

    var neighbours: [NodeID] = []
    /// Those that were not compared with yet.
    var fresh: [NodeID] = []
    /// When the next of them may be, at the earliest.
    var freshAllowed = Instant(nanoseconds: 0)
    /// When this node began.
    private(set) var began: Instant?
    var round: DirectoryRound?
    var roundDue = Instant.never
    /// Whether a round has ended since there is anybody to ask.
    var isSynced = false
    var bulk: DirectoryBulk?
    /// Pages that came and are not read to their end, the first one begun.
    var pages: [DirectoryPage] = []
    var pagesDue = Instant.never
    var transfer: Transfer
    var transferDue = Instant.never
    var server: ChunkServer
    var askers: PeerBudgets
    /// Who is not heard.
    var distrusted = Recent<NodeID>(
        for: DirectoryLimits.distrustFor,
        atMost: DirectoryLimits.distrustedMax
    )

    /// The first minute of network time at which a statement may go.
    var firstEnd = UInt32.max
    var sweepDue = Instant.never
    /// Who gives way when there is no place for all, and of whom all are kept.
    var room = DirectoryRoom()
    var coverage: DirectoryCoverage
    /// About how many members there are, if a neighbour keeps less than this node would.
    var countOfPart = 0
    /// The coverage of which everybody should be here by now.
    var provenBits = 0
    var widenDue = Instant(nanoseconds: 0)

    package internal(set) var counters = DirectoryCounters()
    private var isStopped = false
    /// What the shell was told, or nil when its timer ran out.
    private var wake: Instant? = .never

    /// Makes the directory of a node that knows nobody and says nothing yet.
    ///
    /// `network` are the 8 bytes that name the network, as a signature holds for one only; so many
    /// bytes a second may all renewals take, and so many are pulled, and served; of so many others
    /// the statements are kept. `share` gives equal bytes the same storage, where many nodes lie in
    /// one process.
    package init(
        of id: NodeID,
        network: [UInt8],
        cryptography: Cryptography,
        renewalBytesPerSecond: Int = DirectoryLimits.renewalBytesPerSecond,
        syncBytesPerSecond: Int = TransferLimits.bytesPerSecond,
        membersMax: Int = DirectoryLimits.membersMax,
        sharing share: (([UInt8]) -> [UInt8])? = nil,
        random: any RandomNumberGenerator
    ) {
        precondition(network.count == DirectoryPayload.networkByteCount)
        self.id = id
        self.network = network
        self.cryptography = cryptography
        self.renewalBytesPerSecond = max(1, renewalBytesPerSecond)
        self.membersMax = membersMax
        self.random = random
        members = MemberTable(sharing: share)
        key = cryptography.derive("directory", 0)
        placeKey = PlaceKey(cryptography)
        coverage = DirectoryCoverage(around: placeKey.place(of: id))
        transfer = Transfer(cryptography: cryptography, bytesPerSecond: syncBytesPerSecond)
        server = ChunkServer(bytesPerSecond: syncBytesPerSecond)
        askers = PeerBudgets(
            perSecond: DirectoryLimits.messagesPerSecond,
            burst: DirectoryLimits.messagesBurst,
            peersMax: DirectoryLimits.peersMax
        )
    }

    /// Keeps the statements of so many others; told before any is kept.
    package mutating func setRoom(members most: Int) {
        precondition(members.count == 0, "a directory gets its room when it is empty")
        membersMax = min(most, DirectoryLimits.membersMax)
    }

    /// Takes in what happened, and appends what is to be done to `effects`, in order.
    package mutating func handle(
        _ event: Event,
        at now: Instant,
        wall: UInt64,
        into effects: inout [Effect]
    ) {
        guard !isStopped else { return }
        let moment = Moment(instant: now, wall: wall)
        if began == nil { began = now }
        switch event {
        case .begin(let first, let previous): own.begin(first, after: previous)
        case .own(let fields): own.say(fields, at: now)
        case .neighbourUp(let id): neighbourUp(id, at: now)
        case .neighbourDown(let id): neighbourDown(id, at: moment, into: &effects)
        case .received(let message, let id):
            receive(message, from: id, at: moment, into: &effects)
        case .unreachable(let id): suspect(id, at: moment, into: &effects)
        case .reconcile(let id): beginRound(with: id, at: now, into: &effects)
        case .remind(let id): remind(id, into: &effects)
        case .again: own.schedule(at: now)
        case .timeout: wake = nil
        case .stopping:
            leave(at: moment, into: &effects)
            isStopped = true
            if wake != .never { effects.append(.wake(at: .never)) }
            return
        }
        settle(at: moment, into: &effects)
    }

    /// Judges a payload that came by broadcast, and takes it in if it is news.
    package mutating func judge(
        _ payload: [UInt8],
        at now: Instant,
        wall: UInt64,
        into effects: inout [Effect]
    ) -> DirectoryVerdict {
        guard !isStopped else { return .known }
        let moment = Moment(instant: now, wall: wall)
        let verdict: DirectoryVerdict =
            switch DirectoryPayload(of: payload) {
            case .presence: take(payload, at: moment, into: &effects)
            case .suspicion: takeSuspicion(payload, at: moment, into: &effects)
            // What is in it is taken apart by who knows of ledgers, and of authorities.
            case .block, .trust, .trustHead, nil: .refuse(.unknown)
            }
        settle(at: moment, into: &effects)
        return verdict
    }

    /// Does all that is due, and says when there will be more.
    private mutating func settle(at moment: Moment, into effects: inout [Effect]) {
        if deadline <= moment.instant { runDue(at: moment, into: &effects) }
        let deadline = self.deadline
        guard deadline != wake else { return }
        wake = deadline
        effects.append(.wake(at: deadline))
    }

    private var deadline: Instant {
        min(
            min(own.deadline, suspects.deadline, sweepDue),
            min(roundDue, round?.deadline ?? .never, transferDue, pagesDue)
        )
    }

    private mutating func runDue(at moment: Moment, into effects: inout [Effect]) {
        sweep(at: moment, into: &effects)
        cutIfDue(at: moment, into: &effects)
        giveUpSuspects(at: moment.instant, into: &effects)
        if transferDue <= moment.instant {
            transferDue = .never
            run(.timeout, at: moment, into: &effects)
        }
        if pagesDue <= moment.instant { readPages(at: moment, into: &effects) }
        askAgain(at: moment.instant, into: &effects)
        if roundDue <= moment.instant { beginRound(at: moment.instant, into: &effects) }
    }
}

// What goes by itself.
extension Directory {
    /// The minute of network time from which on a statement does not hold.
    func slot(endingAt end: UInt64) -> UInt32 {
        let slot = (end + Presence.skewMilliseconds) / DirectoryLimits.slotMilliseconds + 1
        return UInt32(clamping: slot)
    }

    /// Sees to it that a statement goes when it has to.
    mutating func schedule(end: UInt32, at moment: Moment) {
        guard end < firstEnd else { return }
        firstEnd = end
        let milliseconds = UInt64(end) * DirectoryLimits.slotMilliseconds
        let wait = Int64(clamping: milliseconds - min(milliseconds, moment.wall))
        sweepDue = moment.instant + .milliseconds(wait)
    }

    /// Drops the statements whose lease ended, all at once, once a minute at most.
    mutating func sweep(at moment: Moment, into effects: inout [Effect]) {
        let minute = UInt32(clamping: moment.wall / DirectoryLimits.slotMilliseconds)
        guard firstEnd <= minute || sweepDue <= moment.instant else { return }
        firstEnd = .max
        sweepDue = .never
        widenIfDue(at: moment.instant)
        var first = UInt32.max
        for slot in members.slots.indices where !members.said[slot].bytes.isEmpty {
            guard members.slots[slot].id != id else { continue }
            if members.said[slot].end <= minute {
                remove(slot, into: &effects)
            } else {
                first = min(first, members.said[slot].end)
            }
        }
        schedule(end: first, at: moment)
    }

    /// Forgets a member.
    mutating func remove(_ slot: Int, into effects: inout [Effect]) {
        let gone = members.slots[slot].id
        let flags = members.said[slot].flags
        members.remove(slot)
        if flags.contains(.leaving) { leavingCount -= 1 }
        if flags.contains(.offline) { offlineCount -= 1 }
        suspects.clear(gone)
        announcers.remove(gone)
        effects.append(.changed(gone))
    }
}
