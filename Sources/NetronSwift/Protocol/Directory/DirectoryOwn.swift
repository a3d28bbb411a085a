// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// What this node says of itself, and when it says it again.
struct OwnPresence: Sendable {
    /// What is to be said; nil as long as there is nothing to say.
    private(set) var fields: Presence.Fields?
    /// What was said last.
    private(set) var said: Presence.Fields?
    /// The order of what was said last, or of what the next statement must be above.
    private(set) var order: Presence.Order?

    /// The order of the first statement, if it goes on from an earlier life's.
    private var first: Presence.Order?
    /// The hash of the last statement of the earlier life.
    private(set) var earlier: [UInt8]?

    private var budget: ByteBudget?
    private var pathsSaid: Instant?
    private var cutDue = Instant.never
    private var renewalDue = Instant.never
    private var twinDue = Instant(nanoseconds: 0)
    /// Nothing is said; see DirectoryRest.swift.
    private(set) var isHeld = false

    var deadline: Instant { min(cutDue, renewalDue) }

    mutating func begin(_ first: Presence.Order, after previous: [UInt8]?) {
        self.first = first
        earlier = previous
    }

    mutating func say(_ fields: Presence.Fields, at now: Instant) {
        self.fields = fields
        guard let said else { return schedule(at: now) }
        guard fields != said else { return }
        let isUrgent = !fields.differsOnlyInPaths(from: said)
        let pause = pathsSaid.map { $0 + DirectoryLimits.pathsPause } ?? now
        schedule(at: isUrgent ? now : max(now, pause))
    }

    /// Sees to it that a statement is made, whether or not it says anything new.
    mutating func schedule(at instant: Instant) {
        if !isHeld { cutDue = min(cutDue, instant) }
    }

    /// The order of the statement to be made now, or nil if none is due or may be made yet.
    mutating func takeDue(at moment: Moment) -> (Presence.Order, Presence.Fields)? {
        guard let fields, deadline <= moment.instant, allows(at: moment.instant) else { return nil }
        // A new life is a new incarnation, unless an earlier one was ahead of the clock.
        let first = self.first ?? Presence.Order(incarnation: moment.wall, version: 0)
        let next = said == nil ? max(first, order?.next ?? first) : order?.next ?? first
        if fields.endpoints != said?.endpoints || fields.introducers != said?.introducers {
            pathsSaid = moment.instant
        }
        order = next
        said = fields
        cutDue = .never
        return (next, fields)
    }

    private mutating func allows(at now: Instant) -> Bool {
        var budget =
            self.budget
            ?? ByteBudget(
                perSecond: DirectoryLimits.cutsPerSecond,
                burst: DirectoryLimits.cutsBurst,
                at: now
            )
        defer { self.budget = budget }
        if budget.spend(1, at: now) { return true }
        cutDue = budget.ready(1)
        renewalDue = max(renewalDue, cutDue)
        return false
    }

    mutating func renew(at instant: Instant) { renewalDue = instant }

    mutating func hold() { isHeld = true }

    /// Takes what is to be said for said, at that time; nil if there is nothing.
    mutating func release(saidAt wall: UInt64) -> (Presence.Order, Presence.Fields)? {
        isHeld = false
        guard let fields else { return nil }
        let order = Presence.Order(incarnation: wall, version: 0)
        self.order = order
        said = fields
        return (order, fields)
    }

    /// Makes the next statement the greater one of a twin's; true if the twin is to be told of.
    mutating func exceed(_ order: Presence.Order, at now: Instant) -> Bool {
        self.order = max(self.order ?? order, order)
        guard said != nil else { return false }
        schedule(at: max(now, twinDue))
        guard twinDue <= now else { return false }
        twinDue = now + DirectoryLimits.twinPause
        return true
    }
}

extension Directory {
    /// Makes the own statement and broadcasts it, if that is due.
    mutating func cutIfDue(at moment: Moment, into effects: inout [Effect]) {
        guard let (order, fields) = own.takeDue(at: moment) else { return }
        cut(order, saying: fields, isLeaving: false, at: moment, into: &effects)
        own.renew(at: moment.instant + chosenInterval(among: estimatedCount))
    }

    /// How long the next statement stands: up to an eighth less than it may.
    mutating func chosenInterval(among count: Int) -> Duration {
        let interval = renewalInterval(among: count)
        let eighth = Int64(interval / .milliseconds(8))
        return interval - .milliseconds(Int64.random(in: 0...eighth, using: &random))
    }

    mutating func leave(at moment: Moment, into effects: inout [Effect]) {
        guard let said = own.said, let order = own.order else { return }
        // Even when the last statement was just made: it is the last one.
        let fields = Presence.Fields(name: said.name)
        cut(order.next, saying: fields, isLeaving: true, at: moment, into: &effects)
    }

    private mutating func cut(
        _ order: Presence.Order,
        saying fields: Presence.Fields,
        isLeaving: Bool,
        at moment: Moment,
        into effects: inout [Effect]
    ) {
        let presence = draft(
            order,
            saying: fields,
            isLeaving: isLeaving,
            among: estimatedCount,
            wall: moment.wall
        )
        install(presence, at: moment, into: &effects)
        effects.append(.broadcast(presence.bytes))
    }

    /// The own statement in a network of so many, signed.
    func draft(
        _ order: Presence.Order,
        saying fields: Presence.Fields,
        isLeaving: Bool = false,
        among count: Int,
        wall: UInt64
    ) -> Presence {
        let lease = max(
            renewalInterval(among: count) * 2 + DirectoryLimits.leaseReserve,
            DirectoryLimits.leaseMin
        )
        let draft = Presence.Draft(
            by: id,
            order,
            time: wall,
            lease: UInt32(clamping: lease.components.seconds),
            isLeaving: isLeaving,
            saying: fields,
            after: ownRecord.map { $0.digest(with: cryptography) } ?? own.earlier
        )
        return draft.signed(by: cryptography, network: network)
    }

    /// How long a statement stands before it is renewed: so long that the renewals of all members
    /// together keep within their part of the budget.
    package var renewalInterval: Duration { renewalInterval(among: estimatedCount) }

    private func renewalInterval(among count: Int) -> Duration {
        let seconds = count * DirectoryLimits.renewalBytes / renewalBytesPerSecond
        return min(max(DirectoryLimits.renewalMin, .seconds(seconds)), DirectoryLimits.renewalMax)
    }

    /// Takes a statement that was signed with our key and is none that we made last.
    ///
    /// An earlier life of this node is no twin, even if its clock was ahead; what was signed after
    /// we began to speak, and not by us, is one. It is answered with a statement above it.
    mutating func takeOwn(
        _ bytes: [UInt8],
        at moment: Moment,
        into effects: inout [Effect]
    ) -> DirectoryVerdict {
        guard let presence = try? Presence(bytes: bytes) else { return .refuse(.malformed) }
        guard presence.isSigned(by: cryptography, network: network) else {
            return .refuse(.forged)
        }
        let isEarlier = own.order.map { presence.order < $0 } ?? false
        if isEarlier { return .known }
        let isTold = own.exceed(presence.order, at: moment.instant)
        let began = members.find(id).map { members.presence($0).order.incarnation }
        if isTold, let began,
            presence.time > began + Presence.skewMilliseconds
                || presence.order.incarnation == began
        {
            effects.append(.twin(presence.order))
        }
        return .refuse(.twin)
    }
}
