// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// How a node meets others over the Internet.
package struct InternetSettings: Hashable, Sendable {
    package let id: NodeID
    /// The port of UDP that everything goes through.
    package let port: UInt16
    /// How long an epoch is; see `Rendezvous.epochSeconds(interval:)`.
    package let epochSeconds: UInt64
    /// Whether there is a DHT to announce in and to ask.
    package let usesDHT: Bool
    /// Whether the user said where the DHT begins: then it is one of our own, perhaps on private
    /// addresses, and every node serves it.
    package let isBootstrapNamed: Bool
    /// How often an announcer looks that strangers can reach.
    package let interval: Duration

    package init(
        id: NodeID,
        port: UInt16,
        epochSeconds: UInt64,
        usesDHT: Bool = true,
        isBootstrapNamed: Bool = false,
        interval: Duration = InternetLimits.reachableInterval
    ) {
        precondition(interval > .zero, "an interval that is none")
        self.id = id
        self.port = port
        self.epochSeconds = epochSeconds
        self.usesDHT = usesDHT
        self.isBootstrapNamed = isBootstrapNamed
        self.interval = interval
    }
}

/// What happened; the input of the discovery over the Internet.
package enum InternetEvent: Hashable, Sendable {
    case started
    /// What network time is: told when it is first known, and whenever it or the trust in it
    /// changes. Nothing is looked for before.
    case time(wallMilliseconds: UInt64, isTrusted: Bool)
    /// There is a session with a member, at this endpoint; told again when the endpoint moves.
    ///
    /// `isKnown` if the directory had it before as a member that is online, and it was not lost.
    case sessionUp(NodeID, Endpoint, isKnown: Bool)
    case sessionDown(NodeID)
    /// The directory took up this member, or heard from it, through our own overlay.
    case learned(NodeID)
    /// Who announces in the epoch that `epoch` asked for, as far as the directory knows; told
    /// again when it changes.
    case announcers([NodeID])
    /// The DHT has these endpoints under a key.
    case found(key: [UInt8], [Endpoint])
    /// A lookup or an announcement is over; so many nodes of the DHT took it.
    case finished(key: [UInt8], announced: Int)
    /// The addresses of the host, all but those of our own interface.
    case addresses([IPAddress])
    /// Where our datagrams come from, as several nodes of the DHT say.
    case publicEndpoint(Endpoint)
    /// Where our datagrams come from, as a member says.
    case observed(Endpoint, by: NodeID)
    /// Endpoints by which others come in, as the user says, and as a router says that it lets them.
    case forwarded(byUser: [Endpoint], byRouter: Endpoint?)
    /// A session came up that the other began, from an address that we never sent anything to.
    case contactedByStranger(Endpoint)
    /// The host may be on another network.
    case networkChanged
    /// The host was asleep.
    case resumed
    /// The moment of the last `wake(at:)` has come.
    case timeout
    case stopped
}

/// What the discovery over the Internet wants done.
package enum InternetEffect: Hashable, Sendable {
    /// Announces our port under a key, and asks for others' endpoints on the way; answered by
    /// `found`, as often as there is something, and one `finished`.
    case announce(key: [UInt8])
    /// Asks for endpoints under a key; answered the same.
    case lookUp(key: [UInt8])
    /// A member may answer there.
    case discovered(Endpoint)
    /// The member is of a part of the network that ours has lost: overlays and directories are to
    /// be joined through it.
    case priorityJoin(NodeID)
    /// The epoch whose announcers are to be told. They are of the previous one until then.
    case epoch(UInt64)
    /// Whether the DHT may leave its table of nodes alone, since nothing will be asked for long.
    case rest(Bool)
    /// Whether the node answers others' questions about the DHT, or is read-only (BEP 43).
    case serve(Bool)
    /// Whether strangers can reach us, nil if nobody knows, and where our datagrams come from.
    case reachability(Bool?, Endpoint?)
    /// `timeout` is due then, and not at what was said before.
    case wake(at: Instant)
}
