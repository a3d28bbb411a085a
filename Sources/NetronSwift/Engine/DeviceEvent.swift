// SPDX-License-Identifier: Apache-2.0

internal import CNetronFast
package import NetronWire

/// What happened in the packet core.
package enum DeviceEvent: Hashable, Sendable {
    /// There is a session, or a dial led to a peer that has one; `rtt` is the round trip.
    ///
    /// `clockOffset` is how many milliseconds the peer's wall clock is before the host's, by the
    /// handshake and not more exact than its round trip; nil if the peer has no clock.
    case peerUp(NodeID, Endpoint, rtt: Duration, clockOffset: Int64?)
    case peerDown(NodeID, DownReason)
    case message(from: NodeID, [UInt8])
    /// Nobody answered, or not the one who was asked for.
    case dialFailed(Endpoint, NodeID?, EngineError)
    case pong(NodeID, token: UInt64, rtt: Duration)
    /// The peer is now reached at the endpoint.
    case moved(NodeID, Endpoint)
    /// A packet is for an address that no peer has; told each second while packets come.
    case unrouted(IPAddress)
    /// The host sent to all, by multicast or broadcast: peers with a session got it; told each
    /// second while packets come.
    case sentToAll
    /// So many events did not fit the queue before this one.
    case lost(UInt64)
    /// The host has other addresses or routes, or may have.
    case hostChanged
    /// A circuit ended: nothing came by it, or there is no session with a neighbour any more.
    case circuitEnded(CircuitID)
    /// The peer showed that it gets mail at the endpoint, which was tried.
    case path(NodeID, Endpoint, rtt: Duration)
    /// A peer answered nothing of late, an echo neither; told once, until it is heard.
    case silent(NodeID)
    /// A silence of a peer is over that lasted as long as it was set to: it asked for an echo, or
    /// it was asked, as it had not, and answered at once.
    case silenceEnded(NodeID, wasAsked: Bool, after: Duration)

    /// Why a peer went.
    package enum DownReason: Hashable, Sendable {
        /// It said goodbye.
        case goodbye
        /// It no longer answers.
        case silent
        /// It was hung up here.
        case local
        /// Neither end used or kept the session.
        case idle
    }
}

extension DeviceEvent {
    /// What C reported; nil for a kind that this version does not know.
    init?(_ event: borrowing netron_event) {
        switch Int(event.kind) {
        case NETRON_EVENT_PEER_UP:
            self = .peerUp(
                NodeID(tuple: event.id),
                Endpoint(event.endpoint),
                rtt: .nanoseconds(event.rtt_ns),
                clockOffset: Self.clockOffset(of: event.wall_ms)
            )
        case NETRON_EVENT_PEER_DOWN:
            self = .peerDown(NodeID(tuple: event.id), DownReason(code: event.code))
        case NETRON_EVENT_MESSAGE:
            self = .message(
                from: NodeID(tuple: event.id),
                NetronEngine.bytes(of: event.bytes, count: Int(event.length))
            )
        case NETRON_EVENT_DIAL_FAILED:
            // Without a wanted id the bytes are 0, and that is no key of anybody's.
            let id = NetronEngine.bytes(of: event.id)
            self = .dialFailed(
                Endpoint(event.endpoint),
                id.allSatisfy { $0 == 0 } ? nil : NodeID(bytes: id),
                EngineError(code: event.code)
            )
        case NETRON_EVENT_PONG:
            self = .pong(
                NodeID(tuple: event.id),
                token: event.token,
                rtt: .nanoseconds(event.rtt_ns)
            )
        case NETRON_EVENT_MOVED:
            self = .moved(NodeID(tuple: event.id), Endpoint(event.endpoint))
        case NETRON_EVENT_UNROUTED where Int(event.code) == NETRON_UNROUTED_ALL:
            self = .sentToAll
        case NETRON_EVENT_UNROUTED:
            let bytes = NetronEngine.bytes(of: event.bytes, count: Int(event.length))
            guard let address = IPAddress(bytes: bytes) else { return nil }
            self = .unrouted(address)
        case NETRON_EVENT_LOST:
            self = .lost(event.token)
        case NETRON_EVENT_HOST_CHANGED:
            self = .hostChanged
        case NETRON_EVENT_CIRCUIT_CLOSED:
            // What was ended from here is told to nobody.
            guard Int(event.code) != NETRON_CIRCUIT_LOCAL,
                let circuit = CircuitID(event.endpoint.scope)
            else { return nil }
            self = .circuitEnded(circuit)
        case NETRON_EVENT_PATH:
            self = .path(
                NodeID(tuple: event.id),
                Endpoint(event.endpoint),
                rtt: .nanoseconds(event.rtt_ns)
            )
        case NETRON_EVENT_SILENT:
            self = .silent(NodeID(tuple: event.id))
        case NETRON_EVENT_KEEPALIVE:
            self = .silenceEnded(
                NodeID(tuple: event.id),
                wasAsked: Int(event.code) == NETRON_KEEPALIVE_ASKED,
                after: .milliseconds(event.token)
            )
        default:
            return nil
        }
    }

    /// A peer may say any number of its clock.
    private static func clockOffset(of wall: UInt64) -> Int64? {
        wall == 0 ? nil : Int64(clamping: wall) - Int64(clamping: Clock.wallMilliseconds())
    }
}

extension DeviceEvent.DownReason {
    init(code: Int32) {
        switch Int(code) {
        case NETRON_DOWN_GOODBYE: self = .goodbye
        case NETRON_DOWN_LOCAL: self = .local
        case NETRON_DOWN_IDLE: self = .idle
        default: self = .silent
        }
    }
}
