// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Every number that bounds what a node remembers and how often it acts.
package enum NodeLimits {
    /// Statements that are looked through at a time.
    static let headsPerTurn = 1_024

    /// Members online of a network in which all are to hear what a host sends to all: in a larger
    /// one those hear it that have a session anyway.
    package static let gatheredMax = 32

    /// Members with a session, as many as the packet core has.
    package static let membersMax = 16_384
    /// Members that are sought; when it is full, more are left alone.
    package static let soughtMax = 1024
    /// Endpoints that are kept of a member, the newest first.
    package static let memberEndpointsMax = 8
    /// Endpoints at which a member is sought.
    package static let soughtEndpointsMax = 4

    /// Two statements of a twin within this time mean that the key runs twice.
    static let twinWindow = Duration.seconds(600)

    // Dialling
    package static let dialsMax = 64
    /// A dial of which nothing was heard is forgotten: longer than the packet core tries.
    package static let dialForgottenAfter = Duration.seconds(40)
    /// How long an endpoint that did not answer is left alone when it is only discovered again.
    package static let failurePause = Duration.seconds(10)
    package static let failuresMax = 1024
    /// How long an endpoint of UDP does not answer before it is dialled by TCP too, once for each
    /// dial.
    package static let tcpAfter = Duration.seconds(3)
    package static let retryFirst = Duration.seconds(1)
    package static let retryMax = Duration.seconds(60)
    package static let lostForgottenAfter = Duration.seconds(600)
    /// How often a member that was not lost just now is tried.
    package static let triesMax = 4

    // Contacts: what the user named
    package static let contactsMax = 64
    package static let contactEndpointsMax = 8
    package static let contactRetryFirst = Duration.seconds(1)
    package static let contactRetryMax = Duration.seconds(30)

    // Ways in that the user names
    package static let announcedMax = 3
    /// Of all that they lead to so many are told, so that others have room beside them.
    static let announcedEndpointsMax = 3
    /// How often a name is asked for, as hosts with names move; and sooner if it was not found.
    package static let announcedInterval = Duration.seconds(300)
    static let announcedRetryFirst = Duration.seconds(5)

    // Gateways
    /// Members whose ranges are known; of more the ones that came later are left out.
    static let gatewaysMax = 256
    /// Prefixes of a member in the packet core, its addresses first; more are left out.
    static let prefixesMax = 16
    /// How often others are asked for gateways, where not all is kept that members say.
    static let gatewaysInterval = Duration.seconds(60)
    /// Lookups in a row that do not find a gateway, until it has gone.
    static let gatewayMissedMax = 3

    // Ways through others
    /// How long a member is dialled before it is also sought through others: one that says that it
    /// can be reached, and one that may only be on the same LAN; and when that is tried again.
    package static let circuitAfter = Duration.seconds(1)
    package static let circuitAfterHidden = Duration.milliseconds(300)
    package static let circuitPause = Duration.seconds(5)
    /// Relays with circuits to a member that no direct way is found to: that of the one in use, and
    /// that of a spare one.
    package static let relaysPerMember = 2
    /// Members that can be reached, with whom a node that cannot keeps sessions: at least, the
    /// overlay's among them, and at most beside those.
    package static let anchorsMin = 2
    package static let anchorsMax = 3
    /// How often they are counted, and how soon after something changed.
    static let anchorsInterval = Duration.seconds(30)
    static let anchorsPause = Duration.milliseconds(500)
    /// Hosts that ways were tried to, of late: as long as a gate lets in who answers (RFC 4787,
    /// REQ-5); of more the one tried longest ago is forgotten.
    static let gateTime = Duration.seconds(300)
    static let triedMax = 256

    // Greeting
    package static let helloRetryFirst = Duration.seconds(1)
    package static let helloRetryMax = Duration.seconds(60)
    /// Between two rounds in which contests are told again, up to half of it more.
    package static let contestInterval = Duration.seconds(60)

    // Time
    /// Corrections of network time that matter, in milliseconds.
    package static let clockStep: UInt64 = 1000

    // What is not kept here
    /// Members that are to be asked as soon as there is a session; of more the oldest are let be.
    static let parcelsMax = 128
    /// Messages that wait for one of them; further ones are lost.
    static let parcelMessagesMax = 16
    /// Keys that are read at a time; of further ones what is here is told.
    static let readsMax = 64
    /// How long a key is looked for, and how long for the states that have it then.
    static let readWait = Duration.seconds(16)
    static let readStatesWait = Duration.seconds(4)
    /// How often a node that does not keep all compares with those that are nearest to it.
    static let nearInterval = Duration.seconds(600)

    // Addresses
    /// Until then a holder gives way to an earlier claim: the two came up at once.
    package static let settledAfter = Duration.seconds(10)
    /// After that a claim is made again whose holder is out of sight.
    package static let reclaimAfter = Duration.seconds(60)
    /// How long a contest that others report is believed without another report.
    package static let rivalForgottenAfter = Duration.seconds(150)
    /// How long a node that meets nobody waits before it takes an address by itself, how long one
    /// waits that meets members and does not get to know them all, and how often it looks.
    package static let leaseAloneAfter = Duration.seconds(5)
    package static let leasePatience = Duration.seconds(30)
    static let leaseLookPause = Duration.milliseconds(250)
    /// How often it looks when all addresses are taken.
    static let leaseFullPause = Duration.seconds(1)
    /// Addresses of one range of which others are asked at a time.
    package static let leaseLooksMax = 4
    /// Addresses of one range that others were found to have; with so many it counts as full.
    package static let leaseTakenMax = 256
    /// How long each of them is let be.
    package static let leaseTakenFor = Duration.seconds(600)
    /// How long none is taken after one was lost to another, doubled for each that follows.
    static let leaseLostFirst = Duration.milliseconds(250)
    static let leaseLostMax = Duration.seconds(60)
    /// When it is looked whether another one has a leased address too: first when the answer that
    /// nobody has it is forgotten, then after so many times as long, up to the most.
    package static let leaseCheckFirst = Duration.seconds(12)
    static let leaseCheckFactor = 5
    static let leaseCheckMax = Duration.seconds(1_800)
    /// Contests that are told again in one round.
    package static let contestsPerRoundMax = 16

    /// The pause after so many failures: `first`, doubled each time, at most `most`.
    static func backoff(_ failures: Int, first: Duration, most: Duration) -> Duration {
        first.doubled(failures - 1, atMost: most)
    }
}
