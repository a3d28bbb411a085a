// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// What a node knows of itself when it starts.
package struct Introduction: Hashable, Sendable {
    package var id: NodeID
    /// The address that is made of the network's secret and the id.
    package var ula: IPAddress
    package var name: String
    package var version: String
    package var platform: String
    /// The inner addresses that the user gave it, and since when.
    package var claims: [Hello.Claim]
    /// Where it is to take an address by itself.
    package var ranges: [LeaseRange]
    /// Where the user says that members are.
    package var contacts: [HostPort]
    /// How it looks for members on the Internet.
    package var discovery: DiscoverySettings
    /// How many circuits of other members it relays; none if it is not willing to.
    package var relayedMax: Int
    /// How many threads its packet core has.
    package var lanes: Int
    /// Whether a router before the host is asked to let the node's port in.
    package var mapsPort: Bool
    /// Where the user says that others reach this node.
    package var announced: [HostPort]
    /// Whether it dials by TCP who does not answer by UDP.
    package var dialsTCP: Bool
    /// What it carries for others, and others for it.
    package var gateways: GatewaySettings
    /// Whose lists of revoked certificates hold in the network.
    package var authorities: [NodeID]

    package init(
        id: NodeID,
        ula: IPAddress,
        name: String = "",
        version: String = "",
        platform: String = "",
        claims: [Hello.Claim] = [],
        ranges: [LeaseRange] = [],
        contacts: [HostPort] = [],
        discovery: DiscoverySettings = DiscoverySettings(),
        relayedMax: Int = CircuitLimits.relayedMax,
        lanes: Int = 1,
        mapsPort: Bool = true,
        announced: [HostPort] = [],
        dialsTCP: Bool = false,
        gateways: GatewaySettings = GatewaySettings(),
        authorities: [NodeID] = []
    ) {
        self.id = id
        self.ula = ula
        self.name = name
        self.version = version
        self.platform = platform
        self.claims = claims
        self.ranges = ranges
        self.contacts = contacts
        self.discovery = discovery
        self.relayedMax = relayedMax
        self.lanes = lanes
        self.mapsPort = mapsPort
        self.announced = announced
        self.dialsTCP = dialsTCP
        self.gateways = gateways
        self.authorities = authorities
    }
}

/// A range in which a node takes a free address by itself.
package struct LeaseRange: Hashable, Sendable {
    package let range: Prefix
    /// The address that it had there in its last life.
    package let last: IPAddress?

    package init(_ range: Prefix, last: IPAddress? = nil) {
        self.range = range
        self.last = last
    }
}

/// What happened; the machine's input.
package enum NodeEvent: Hashable, Sendable {
    indirect case started(Introduction)
    /// The endpoints of a host, none if it could not be found.
    case resolved(HostPort, [Endpoint])
    /// Somebody on the LAN says that it belongs to the network.
    case discovered(Endpoint, NodeID?)
    /// There is a session, or a dial led to a member that has one. `ula` is computed from the id.
    case peerUp(NodeID, Endpoint, rtt: Duration, ula: IPAddress)
    case peerDown(NodeID, Departure)
    case dialFailed(Endpoint, NodeID?)
    case received(from: NodeID, [UInt8])
    case moved(NodeID, Endpoint)
    /// A member answered nothing of late, so that its path may be dead; told once, until it is
    /// heard.
    case silent(NodeID)
    /// A silence of a member is over, as long as its setting says: it asked for an echo, or it was
    /// asked, as it had not, and answered at once.
    case silenceEnded(NodeID, wasAsked: Bool, after: Duration)
    /// A datagram of the distributed hash table came, from anybody.
    case datagram([UInt8], from: Endpoint)
    /// A packet waits for an inner address that no session has.
    case unrouted(IPAddress)
    /// The host sent to all, by multicast or broadcast: members with a session got it.
    case sentToAll
    /// The user wants a session with a member.
    case wanted(NodeID)
    /// Somebody wants to read a key of the ledger, which may have to be asked for.
    case ledgerWanted(LedgerKey)
    /// What became of a probe.
    case probed(NodeID, isAlive: Bool)
    /// How far a member's wall clock is before ours, in milliseconds; told in its handshake.
    case clockHeard(from: NodeID, offsetMilliseconds: Int64)
    /// The host's own addresses, without inner ones, and the UDP port; told at the start, and when
    /// they changed.
    case hostChanged([IPAddress], port: UInt16)
    /// The router that leads out of the host's network, if there is one; told as the host's
    /// addresses are.
    case gatewayChanged(Gateway?)
    /// What a router answered to a request.
    case mapped(MappingRequest, MappingAnswer)
    /// What the host's wall clock shows, in milliseconds since 1970; told at the start, and when
    /// it was set anew.
    case clock(wallMilliseconds: UInt64, isTrusted: Bool)
    /// The packet core ended a circuit.
    case circuitEnded(CircuitID)
    /// The deadline came.
    case timeout
    case stopping
}

/// Why a member went.
package enum Departure: Hashable, Sendable {
    /// It said goodbye.
    case goodbye
    /// It no longer answers.
    case silent
    /// It was hung up here.
    case local
    /// Nobody needed the session any more.
    case idle
}

/// What is to be done; the machine's output.
package enum NodeEffect: Hashable, Sendable {
    /// Answered by `.peerUp` or `.dialFailed`.
    case dial(Endpoint, NodeID?)
    /// Answered by `.resolved`.
    case resolve(HostPort)
    case send([UInt8], to: NodeID)
    /// Sends a datagram of the distributed hash table.
    case sendDatagram([UInt8], to: Endpoint)
    /// Whether the session with a member is kept while it is idle. None is, until it is said.
    case keep(NodeID, Bool)
    /// How a member with a session is asked for an echo when it is silent.
    case keepalive(NodeID, KeepaliveSetting)
    /// Asks a member with a session for an echo; answered by `.probed`.
    case probe(NodeID)
    /// This node is an end of a circuit; it is over by `.circuitEnded`.
    case circuit(CircuitSide)
    /// This node relays a circuit; it is over by `.circuitEnded` of either side.
    case relay(CircuitSide, CircuitSide)
    case endCircuit(CircuitID)
    /// Looks whether a member with a session answers at an endpoint, or through a circuit.
    case tryPath(NodeID, Endpoint)
    /// Moves a member to an endpoint that answered just now.
    case usePath(NodeID, Endpoint)
    /// Asks a router; answered by `.mapped`, unless the request ends a mapping.
    case map(MappingRequest)
    /// Looks from many ports, which a gate maps one by one, whether a member answers there.
    case searchPath(NodeID, Endpoint)
    /// The network's time, in milliseconds since 1970: epochs are counted by it.
    case setTime(wallMilliseconds: UInt64)
    /// The inner addresses that are a member's and the ranges that it carries, all of them.
    case setPrefixes(NodeID, [Prefix])
    /// What is for a range is to be taken in from the host, or no longer.
    case route(Prefix, isPresent: Bool)
    /// The node took an address by itself, in a range of that length, or gave it up.
    case lease(IPAddress, length: Int, isHeld: Bool)
    /// What counts for these keys of the ledger may be different.
    case ledgerChanged([LedgerKey])
    /// As much is known of a key that was wanted as can be had.
    case ledgerRead(LedgerKey)
    case tell(Notice)
    /// The deadline; the last one told counts.
    case wake(at: Instant)
}

/// What the user may want to know.
package enum Notice: Hashable, Sendable {
    case memberUp(NodeID, Endpoint)
    case memberDown(NodeID, Departure)
    /// What is known of the member is new.
    case memberChanged(NodeID)
    /// An address of ours is held by another.
    case addressTaken(IPAddress, by: NodeID)
    /// Another claims an address that we hold.
    case addressClaimed(IPAddress, by: NodeID)
    /// The contest about an address of ours is over, and we have it.
    case addressFree(IPAddress)
    /// A member claims what no member can claim; it was not believed.
    case addressRefused(IPAddress, claimedBy: NodeID)
    /// A key of the ledger that this node wrote counts as another's, or with nil as its own again.
    case keyTaken(LedgerKey, by: NodeID?)
    /// What this node carries could not be said.
    case notAdvertised(LedgerKey, LedgerRefusal)
    /// What is said in the ledger could not be kept.
    case ledgerFailed(StoreError)
    /// Another node made a statement with this node's key.
    case twin
    /// It did so again: the key runs twice, and this node has given up.
    case doubled
    /// A member made two different statements with one number.
    case equivocation(NodeID)
    /// Another list of an authority's counts: its number, and how many certificates are revoked.
    case revocations(by: NodeID, serial: UInt64, count: Int)
    /// An authority signed two lists with one number, of which one does not count.
    case twoLists(by: NodeID, serial: UInt64)
    /// A member sent what is no message; told once a session.
    case malformed(from: NodeID, WireError)
}

/// What members sent that was not taken.
package struct NodeCounters: Hashable, Sendable {
    /// What is no message.
    package internal(set) var malformed = 0
    /// Messages of a version or kind that this node does not know.
    package internal(set) var unknown = 0
}
