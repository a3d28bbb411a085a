// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Every number that bounds what the ledger keeps, asks for and answers.
package enum LedgerLimits {
    // MARK: Asking
    /// States that are wanted at a time; which further ones are missing is looked up later.
    package static let wantsMax = 4_096
    /// States that are asked for and did not come yet, but for those that come in chunks.
    package static let askedMax = 192
    /// How long those that are wanted wait for each other, so that one message asks for many.
    static let askPause = Duration.milliseconds(5)
    /// How long an answer is waited for.
    static let answerTimeout = Duration.seconds(2)
    /// How long a state that comes in chunks is waited for.
    static let pullTimeout = Duration.seconds(60)
    /// Members that are asked in a row.
    ///
    /// Then there is a pause, as others may be about to get it too: doubled from try to try, up to
    /// a minute.
    package static let triesInRow = 2
    package static let againFirst = Duration.milliseconds(100)
    static let wantPause = Duration.seconds(60)
    /// The state of a member that is no neighbour's is asked every so many tries of who told of it.
    static let guestTries = 2
    /// The longest pause before what the storage did not take is asked for again.
    static let lostPauseMax = Duration.seconds(3_600)
    /// The largest state that comes in one message.
    static let messageStateBytesMax = LedgerMessage.stateBytesMax - LedgerMessage.stateOverhead
    /// The kind of object that a state in chunks is; its key is the author and the root's stamp.
    static let stateKind: UInt8 = 1
    /// States that their authors may not have and are not asked for again.
    static let refusedMax = 256

    // MARK: Answering
    /// Messages of one member a second, and at once after a pause.
    static let messagesPerSecond = 100
    static let messagesBurst = 200
    /// Members whose messages are counted.
    static let peersMax = 64
    /// How long a member that sent what nobody signed is not heard.
    static let distrustFor = Duration.seconds(60)
    static let distrustedMax = 16

    // MARK: Passing on
    /// Statements of which it is known that their changes were passed on.
    static let passedMax = 64

    // MARK: Keeping
    /// States of others that wait for being written, and how long.
    static let pendingMax = 256
    static let flushPause = Duration.seconds(1)
    /// How often it is looked for states whose authors are gone, and through how many at a time.
    static let sweepInterval = Duration.seconds(600)
    /// After the start members are given so long to be heard of.
    static let sweepFirst = Duration.seconds(3_600)
    static let sweepCount = 1_024
    /// How often what is kept is made as dense as it can be.
    static let compactInterval = Duration.seconds(86_400)
    /// A node that is full keeps states of a 65,536th of all members at least.
    static let coverageBitsMax = 16
    /// States that are dropped at once for want of room; fewer where that takes too much itself.
    static let dropCount = 64
    /// Statements of the history that go for want of room, and how many of them at once.
    static let historyDropMax = 4_096
    static let historyDropCount = 256
    /// It keeps more when what it has takes less than this part of its budget.
    static let widenPart = 4
    /// How often a contest about a key of ours is looked at.
    static let reviewPause = Duration.seconds(1)
    /// Keys that several members say to have, of which it is known when another one gets them.
    static let contestsMax = 256
    /// How long a deleted key of an open bucket is kept at least, in milliseconds: as long as
    /// others may come back with what they wrote before, but for those who were away for longer.
    static let deletedMilliseconds: UInt64 = 86_400_000

    // MARK: Evidence
    /// Authors who were found to say two things with one number; the pair that ends first goes.
    static let evidenceMax = 64
    /// Signatures that are looked at for it a second, and at once after a pause.
    static let evidenceLooksPerSecond = 1
    static let evidenceLooksBurst = 8

    // MARK: Reading
    /// Records that are given in one page.
    package static let pageMax = 1_024
}
