// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Every number that bounds what is remembered of members, and how often it is spoken of.
package enum DirectoryLimits {
    /// Members whose statements are kept, without the own one.
    ///
    /// When it is full, who comes last gives way (see `Precedence`).
    package static let membersMax = 16_384
    /// The budget of the ledger for each of them, in bytes: with 1 MiB there are 2,048.
    package static let budgetPerMember = 512
    /// So many are kept with any budget.
    package static let membersMin = 16
    /// The part of all places in a directory that those may take of whom all are kept.
    static let coveredPart = 2
    /// Who is full keeps all members of a 65,536th of all places, at least.
    static let coverageBitsMax = 16
    /// How long a range is given to fill before it is made larger again.
    static let widenPause = Duration.seconds(600)
    /// It is begun with so many bits to look for those who are nearest to a place, and ended when
    /// so many were looked through.
    static let nearestBitsFirst = 24
    static let nearestMax = 4_096
    /// How often it is looked for those who come last, and how many of them are found at once.
    static let evictionPause = Duration.seconds(1)
    static let evictionsMax = 256
    static let evictionsPart = 16
    /// Members that there seem to be at most, when there are more than are kept.
    static let estimateMax = 1 << 24
    /// Claimants of one inner address that are found by it: those who have it for longest.
    package static let claimantsMax = 16

    // MARK: Time
    /// Statements go at full minutes of network time, so that equal directories stay equal.
    static let slotMilliseconds: UInt64 = 60_000

    // MARK: The own statement
    /// How often one is cut, and how many at once after a pause.
    static let cutsPerSecond = 1
    static let cutsBurst = 5
    /// Between two that only say other endpoints or introducers.
    static let pathsPause = Duration.seconds(10)
    /// Between two renewals of what did not change, at least; up to an eighth less.
    package static let renewalMin = Duration.seconds(30 * 60)
    /// And at most: two of them and the reserve are a lease, which has a limit.
    static let renewalMax =
        (Duration.seconds(Int64(Presence.leaseMax)) - leaseReserve) / 2
    /// What a renewal of one member costs each other one, with all headers, both ways.
    static let renewalBytes = 520
    /// What all renewals together may cost a second: so little that also who passes them on to
    /// several others keeps within the budget of gossip, 4 KiB/s.
    package static let renewalBytesPerSecond = renewalBytes(ofGossip: NodeBudgets.gossipDefault)

    /// The part of a budget of gossip that is the renewals', in bytes a second.
    static func renewalBytes(ofGossip budget: Int) -> Int { budget * 3 / 8 }
    /// A lease is two renewals and this, and no shorter than an hour.
    static let leaseReserve = Duration.seconds(600)
    static let leaseMin = Duration.seconds(3_600)
    /// Between two answers to a twin, and two reports of one.
    static let twinPause = Duration.seconds(10)

    // MARK: Statements of others
    /// How often one author's statements are taken, and how many at once after a pause: more than
    /// one makes, as they may be held up on their way and come together.
    static let versionPause = Duration.seconds(1)
    static let versionsBurst = 2 * cutsBurst

    // MARK: Suspicions
    /// Members that are suspected at once; further suspicions are refused.
    package static let suspectsMax = 1_024
    /// After that long without a newer statement who is suspected counts as offline.
    package static let suspicionTimeout = Duration.seconds(30)
    /// After a suspicion of a member no other of it is taken for that long.
    static let suspicionPause = Duration.seconds(30)
    /// How many suspicions of one accuser are taken in a minute, ours included.
    static let suspicionsPerMinute = 12
    static let accusersMax = 64

    // MARK: Reconciliation
    /// Neighbours that are compared with; further ones are left out.
    static let neighboursMax = 32
    /// Between two rounds, up to a quarter more or less; and after one that found much.
    static let roundInterval = Duration.seconds(60)
    static let roundIntervalShort = Duration.seconds(5)
    /// Between a round and one with a new neighbour.
    static let freshPause = Duration.seconds(1)
    /// A round found much if so large a part of all was news; anything is for who is new, so long.
    static let newsPart = 64
    package static let newFor = Duration.seconds(120)
    /// Questions of one round, and how many wait for their answers.
    static let questionsPerRoundMax = 512
    static let questionsOpenMax = 32
    static let answerTimeout = Duration.seconds(2)
    static let triesMax = 3
    /// Messages of one member that are answered in a second, and at once after a pause.
    static let messagesPerSecond = 16
    static let messagesBurst = 640
    static let peersMax = 64
    /// Who sent what it must know to be forged, or promised what it did not have, is not heard.
    static let distrustFor = Duration.seconds(600)
    static let distrustedMax = 64
    /// Statements of one part that are looked through for an answer.
    static let recordsPerAnswerMax = 2 * DirectoryMessage.entriesMax

    // MARK: The bulk
    /// So many more statements at the other's make it better to pull all.
    static let bulkSurplusMin = 256
    /// About how large a page should be, and how large one may be.
    static let pageBytes = 32 << 10
    static let pageBytesMax = 256 << 10
    static let pageRecordsMax = 1_024
    /// How many statements of pages are looked at in one event, as each may want its signature
    /// verified; and how long others have their turn before it goes on.
    package static let recordsPerTurn = 16
    static let turnPause = Duration.milliseconds(1)
    /// What a statement and its length take in a page, about and at most.
    static let recordBytes = 200
    static let recordBytesMax = Presence.bytesMax + 2
    /// The kind of a page among the objects that are pulled.
    package static let pageKind: UInt8 = 1

    // MARK: Announcers
    /// How many members announce the network to the outside.
    package static let announcersMax = 8
    /// Of more members than that only those with the lowest places come into question: of so few
    /// places that about 256 members lie there, and others only when these become too few or many.
    static let announcersAmongAll = 1_024
    static let announcersAmong = 256
    static let announcersAmongRange = 64...384
    /// How many candidates are kept, so that it is seldom looked through all members.
    static let candidatesMax = 32
}
