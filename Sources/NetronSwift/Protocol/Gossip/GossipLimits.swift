// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Every number that bounds what the overlay and the broadcast remember, send and accept.
package enum GossipLimits {
    // MARK: Views (HyParView)

    /// Neighbours; when all places are taken, who has few gets the place of another.
    package static let activeMax = 5
    /// With fewer neighbours a place is asked for with high priority.
    package static let activeUrgent = 3
    /// Members that may be dialled when a neighbour goes; when full, see `PassiveView`.
    package static let passiveMax = 30
    /// Steps of the walk that brings a newcomer to others (ARWL).
    package static let joinWalk: UInt8 = 6
    /// What is left of that walk where the newcomer gets into a passive view (PRWL).
    package static let joinWalkPassive: UInt8 = 3
    /// Steps of the walk of a shuffle: few, since each step costs what the whole message does, and
    /// what a shuffle brings is carried on by the next.
    package static let shuffleWalk: UInt8 = 3
    /// Neighbours and passive members in a shuffle, besides the sender itself (ka, kp).
    package static let shuffledActive = 3
    package static let shuffledPassive = 4
    /// Hints taken from one message; further ones are left alone.
    package static let hintsTakenMax = 8
    /// Endpoints of a hint in a shuffle.
    package static let shuffledEndpointsMax = 2
    /// Passive members known by the word of one neighbour; a further one replaces one of them.
    package static let passivePerTellerMax = 10
    /// Passive members that only such as were learned elsewhere than from neighbours replace.
    package static let passiveLearnedMax = 10

    /// The first shuffle, and the pause after it; the pause is doubled while the neighbours stay.
    package static let shuffleFirst = Duration.seconds(10)
    package static let shuffleIntervalMin = Duration.seconds(30)
    package static let shuffleIntervalMax = Duration.seconds(480)
    /// Shuffles of others that are under way through here; the oldest is forgotten, and its answer
    /// is lost.
    package static let pathsMax = 32
    package static let pathForgottenAfter = Duration.seconds(10)

    // MARK: Becoming neighbours

    /// Members that are asked at one time; further ones wait in the passive view.
    package static let attemptsMax = 8
    /// An attempt that took so long no longer keeps the next from beginning.
    package static let attemptSlowAfter = Duration.milliseconds(1_500)
    /// A dial of which nothing was heard is given up: longer than the packet core tries.
    package static let connectTimeout = Duration.seconds(40)
    /// Longer than a round trip, so that only what was lost is asked again.
    package static let answerTimeout = Duration.seconds(1)
    package static let asksMax = 4
    /// How long who refused is left alone, doubled from refusal to refusal.
    package static let refusedPause = Duration.seconds(10)
    package static let refusedPauseMax = Duration.seconds(300)
    /// How long a former neighbour is not asked again.
    package static let formerPause = Duration.seconds(30)
    /// The pause between two requests when neighbours are there, doubled from refusal to refusal.
    package static let fillPause = Duration.milliseconds(250)
    /// What that pause grows to, by the number of neighbours.
    package static let fillPausesMax: [Duration] = [
        .seconds(2), .seconds(5), .seconds(15), .seconds(60), .seconds(300),
    ]
    /// Between two members that are made neighbours only since they were learned elsewhere.
    package static let bridgePause = Duration.seconds(30)

    // MARK: What is accepted of others; more is dropped

    /// Neighbours that give way to others, a second and at once.
    package static let evictionsPerSecond = 1
    package static let evictionsBurst = 10
    /// Steps of walks from one neighbour, a second and at once.
    package static let walksPerSecond = 5
    package static let walksBurst = 100
    /// Members without a place here that are told so, a second and at once.
    package static let straysPerSecond = 5
    package static let straysBurst = 20
    /// Bytes of payload that one neighbour is sent by grafts, a second and at once.
    package static let graftBytesPerSecond = 16 * 1_024
    package static let graftBytesBurst = 128 * 1_024

    // MARK: Broadcast (Plumtree)

    /// Rumors that are remembered, so that none is taken twice; the oldest is forgotten.
    package static let rumorsMax = 4_096
    package static let rumorForgottenAfter = Duration.seconds(600)
    /// Payloads that are kept to be asked for; the oldest goes.
    package static let payloadBytesMax = 128 * 1_024
    package static let payloadForgottenAfter = Duration.seconds(120)
    /// Rumors whose verdict is awaited; the oldest counts as refused.
    package static let pendingMax = 32
    /// Announced rumors that have not come, and of these by the word of one neighbour; further
    /// announcements are left alone.
    package static let missingMax = 320
    package static let missingPerPeerMax = 64
    /// Announcements that wait for one neighbour: a full message, which leaves at once.
    package static let queueMax = GossipMessage.idsMax / 2
    /// Announcements gather for a time between these: the second of two neighbours then mostly
    /// hears the first and is silent, and what went through the tree was there long before.
    package static let announceAfterMin = Duration.milliseconds(1_000)
    package static let announceAfterMax = Duration.milliseconds(1_600)
    /// An announced rumor is waited for so long: it may still be on its way through the tree.
    package static let graftFirst = Duration.milliseconds(300)
    /// And for each hop from the root so much longer, up to as many hops.
    package static let graftDepth = Duration.milliseconds(80)
    package static let graftDepthMax = 10
    /// When the next is asked: long enough for the parent to ask its own, and so on.
    package static let graftNext = Duration.milliseconds(900)
    /// How often a rumor is asked for in all.
    package static let graftsMax = 8
    /// With fewer neighbours the links of the tree are told announcements, too: nobody else might.
    package static let announcersMin = 3
    /// Who is so far from the root gives its rumors to all that are nearer, and they do, too.
    package static let climbingHops: UInt8 = 2
    /// Rumors that the parent has not confirmed; further ones are not repeated.
    package static let climbsMax = 32
    /// Longer than a round trip.
    package static let climbAgainAfter = Duration.milliseconds(450)
    package static let climbTriesMax = 3

    // MARK: The root of the tree

    /// How often the root says that it is there.
    package static let rootInterval = Duration.seconds(600)
    /// How long a root is believed in that says nothing: three times are lost or late.
    package static let rootForgottenAfter = Duration.seconds(1_800)
    /// What is new of the root is told after a time between these, as the best of what came.
    package static let routeAfterMin = Duration.milliseconds(200)
    package static let routeAfterMax = Duration.milliseconds(600)
    /// How often each neighbour is told what is new, since it may be lost.
    package static let routeTellings: UInt8 = 2
    /// Further away no root is believed to be.
    package static let routeHopsMax: UInt8 = 64
    /// When a node offers itself that has a lesser neighbour, and heard of no new root.
    package static let candidacyAfter = Duration.seconds(20)
    /// When who has no way to the root is told of ours, and when all is told once more.
    package static let rescueAfter = Duration.seconds(2)
    /// How often what is new of the root is told, a minute and at once; more waits.
    package static let routesPerMinute = 20
    package static let routesBurst = 30

    /// From so many hops on, who has only neighbours that are nearer to the root asks for a place
    /// nearer to it, at an ancestor so many hops up.
    package static let liftHopsMin: UInt8 = 6
    package static let liftSteps: UInt8 = 3
    /// The pause before it asks, doubled each time.
    package static let liftPauseMin = Duration.seconds(15)
    package static let liftPauseMax = Duration.seconds(3_600)

    // MARK: Failure detection (SWIM, Lifeguard)

    /// Neighbours that are asked to probe (k).
    package static let probersMax = 3
    /// Members whose silence is looked into; further ones are not accused.
    package static let suspectsMax = 16
    /// How long answers are waited for, with good health; each point of ill health adds as much.
    package static let probeTimeout = Duration.seconds(10)
    /// When the request is repeated, since it may have been lost.
    package static let probeAgainAfter = Duration.seconds(3)
    /// Ill health at most (Lifeguard's S).
    package static let illHealthMax = 8
    /// Within this time more than half of the neighbours going silent is our own fault.
    package static let silenceWindow = Duration.seconds(15)
    /// How long a member that others hear is left alone before it is dialled again.
    package static let heardPause = Duration.seconds(10)
    /// Probes for others under way; further ones are not begun.
    package static let probesMax = 32
    /// Who is not heard by then is silent, though a dial by way of others may go on for longer:
    /// whoever asked has to know while it still waits.
    package static let probeAnsweredAfter = Duration.seconds(6)
    /// Probes for one neighbour, a second and at once.
    package static let probesPerSecond = 1
    package static let probesBurst = 8

    // MARK: Sessions

    /// Members with a session, as many as the packet core has.
    package static let sessionsMax = 16_384
}
