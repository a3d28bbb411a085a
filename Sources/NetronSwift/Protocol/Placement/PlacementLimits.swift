// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Every number that bounds what is looked up, and what is kept for others.
package enum PlacementLimits {
    // MARK: Keepers
    /// How many members keep what is at a place: those nearest to it that can be reached.
    package static let keepersMax = 8
    /// A place is taken unless so many members that can be reached are known to be nearer.
    static let nearerMax = 2 * keepersMax
    /// So many members keep what a smaller network says; from more on it is placed.
    package static let placedFrom = 2_048

    // MARK: Asking
    /// Lookups of ours at a time, and those that wait; further ones fail.
    package static let lookupsMax = 32
    package static let waitingMax = 256
    /// Questions of one lookup that wait for an answer, and all of them.
    static let parallelMax = 4
    static let questionsMax = 40
    /// Members that a lookup knows; of more the farthest go.
    static let candidatesMax = 48
    /// When another one is asked instead, and when who was asked counts as gone.
    package static let slowAfter = Duration.seconds(1)
    /// The same as a multiple of how long answers took, and at least.
    static let patienceFactor = 3
    static let patienceMin = Duration.milliseconds(100)
    static let failedAfter = Duration.seconds(8)
    /// When a lookup ends with what it has.
    package static let lookupTime = Duration.seconds(15)
    /// What is said of a key counts when so many said it, or nobody else is there to be asked.
    static let tellersWanted = 3
    /// That there is nothing must be said by so many.
    package static let absentMin = 5
    /// What was not found is not looked for again for that long.
    static let absentFor = Duration.seconds(10)
    static let absentsMax = 64
    /// Statements of different authors that one lookup brings.
    static let findingsMax = 16

    // MARK: Answering
    /// Messages of one member a second, and at once after a pause.
    static let messagesPerSecond = 16
    static let messagesBurst = 128
    /// Members whose messages are counted.
    static let peersMax = 128
    /// Endpoints in a hint of ours.
    static let hintEndpointsMax = 2

    // MARK: Keeping
    /// The part of the ledger's budget that what is kept for others may take.
    package static let budgetPart = 4
    /// The bytes that it may take at most, whatever the budget.
    package static let bytesMax = 8 << 20
    /// What a place, and a statement beside its own bytes and its state's, take about.
    package static let placeBytes = 80
    package static let statementBytes = 160
    /// Places of one author; those of 64 records and 15 addresses.
    static let placesPerAuthorMax = 80
    /// Authors at one place: those who have the key for longest, or wrote it last.
    package static let authorsPerPlaceMax = 16
    /// How long the state that is to prove a place is waited for.
    static let proofTime = Duration.seconds(60)
    /// Statements that lookups brought, and how long they are remembered.
    package static let foundMax = 256
    static let foundFor = Duration.seconds(600)
    /// How often it is looked for what ended.
    static let sweepInterval = Duration.seconds(60)

    // MARK: Storing
    /// Between two lookups for keepers, and how many are under way.
    static let storePause = Duration.milliseconds(250)
    static let storesMax = 2
    /// How long keepers are waited for until they are told once more, and until they are let be.
    static let keptAfter = Duration.seconds(2)
    static let triesMax = 2
    /// With fewer keepers a place is tried again after a minute, doubled up to half an hour.
    static let keptMin = 4
    static let againFirst = Duration.seconds(60)
    static let againMax = Duration.seconds(1_800)
    /// Places of this node: its records and its addresses.
    package static let placesMax = LedgerStateLimits.most.entries + Hello.claimsMax
}
