// SPDX-License-Identifier: Apache-2.0

package import NetronWire

// A network that begins at rest, where all know all; used by simulators only.
//
// Until each of N nodes has heard of all others there are N * N deliveries. A simulator that asks
// what a large network costs afterwards does without them: its nodes are held, so that they find
// neighbours and say nothing of themselves; then each makes its statement as one that it said some
// time ago, and all are given the same statements.

/// The statements of all members, in storage that many directories share until they differ.
package struct SharedStatements {
    fileprivate let members: MemberTable
    fileprivate let announcers: Announcers
    fileprivate let firstEnd: UInt32
}

extension Directory {
    /// Says nothing until `statement(among:at:wall:)`; told before anything else.
    package mutating func hold() { own.hold() }

    /// Whether it says nothing; so do all, and that somebody is unknown means nothing.
    var isHeld: Bool { own.isHeld }

    /// Makes the own statement as one that was said by chance within the last interval of a network
    /// of so many, and is renewed at its time; nil if there is nothing to say.
    package mutating func statement(among count: Int, at now: Instant, wall: UInt64) -> Presence? {
        let interval = chosenInterval(among: count)
        let most = UInt64(interval / .milliseconds(1))
        let age = UInt64.random(in: 0..<most, using: &random)
        let said = wall - min(wall, age)
        guard let (order, fields) = own.release(saidAt: said) else { return nil }
        own.renew(at: now + (interval - .milliseconds(Int64(age))))
        return draft(order, saying: fields, among: count, wall: said)
    }

    /// What a directory holds that has heard these statements, in an epoch of announcers; this one
    /// still knows nobody.
    package func shared(
        _ statements: [Presence],
        epoch: UInt64?,
        at now: Instant,
        wall: UInt64
    ) -> SharedStatements {
        precondition(members.count == 0 && statements.count <= membersMax)
        var directory = self
        directory.firstEnd = .max
        var effects: [Effect] = []
        let moment = Moment(instant: now, wall: wall)
        for presence in statements { directory.install(presence, at: moment, into: &effects) }
        // All rank all alike, which is worth doing once.
        directory.announcers = Announcers()
        if let epoch { _ = directory.announcers(epoch: epoch) }
        return SharedStatements(
            members: directory.members,
            announcers: directory.announcers,
            firstEnd: directory.firstEnd
        )
    }

    /// Knows all, as after a round that found nothing; the next is due at a time by chance.
    package mutating func rest(with all: SharedStatements, at now: Instant, wall: UInt64) {
        members = all.members
        announcers = all.announcers
        firstEnd = .max
        schedule(end: all.firstEnd, at: Moment(instant: now, wall: wall))
        // What is asked of others meanwhile is of no use any more.
        round = nil
        isSynced = true
        let pause = Int64(DirectoryLimits.roundInterval / .milliseconds(1))
        roundDue =
            neighbours.isEmpty
            ? .never : now + .milliseconds(Int64.random(in: 0..<pause, using: &random))
    }
}
