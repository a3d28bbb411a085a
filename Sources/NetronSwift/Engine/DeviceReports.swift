// SPDX-License-Identifier: Apache-2.0

internal import CNetronFast
package import NetronWire

/// What is known of a peer.
package struct PeerInfo: Hashable, Sendable {
    package let id: NodeID
    package let endpoint: Endpoint
    /// Whether there is a session.
    package let isUp: Bool
    package let suite: Suite
    /// The largest UDP payload that is known to pass, in bytes.
    package let pathMTU: Int
    /// How many lanes the peer has.
    package let lanes: Int
    /// The smoothed round trip, if one was measured.
    package let rtt: Duration?
    /// When the session was made.
    package let handshake: Instant
    /// When a packet of the peer was last authenticated.
    package let heard: Instant
    package let traffic: Traffic

    init(_ info: borrowing netron_peer_info) {
        id = NodeID(tuple: info.id)
        endpoint = Endpoint(info.endpoint)
        isUp = info.up != 0
        suite = Suite(rawValue: info.suite)
        pathMTU = Int(info.path_mtu)
        lanes = Int(info.lanes)
        rtt = info.rtt_ns == 0 ? nil : .nanoseconds(info.rtt_ns)
        handshake = Instant(nanoseconds: info.handshake_ns)
        heard = Instant(nanoseconds: info.heard_ns)
        traffic = Traffic(
            sentPackets: info.tx_packets,
            sentBytes: info.tx_bytes,
            receivedPackets: info.rx_packets,
            receivedBytes: info.rx_bytes
        )
    }
}

/// How much was carried, in inner packets and their bytes.
package struct Traffic: Hashable, Sendable {
    package var sentPackets: UInt64 = 0
    package var sentBytes: UInt64 = 0
    package var receivedPackets: UInt64 = 0
    package var receivedBytes: UInt64 = 0

    package init(
        sentPackets: UInt64 = 0,
        sentBytes: UInt64 = 0,
        receivedPackets: UInt64 = 0,
        receivedBytes: UInt64 = 0
    ) {
        self.sentPackets = sentPackets
        self.sentBytes = sentBytes
        self.receivedPackets = receivedPackets
        self.receivedBytes = receivedBytes
    }
}

/// Ciphers of data packets: one, or those that are on offer.
package struct Suite: OptionSet, Hashable, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let chaCha20Poly1305 = Self(rawValue: UInt32(NETRON_SUITE_CHACHA20_POLY1305))
    package static let aes256GCM = Self(rawValue: UInt32(NETRON_SUITE_AES256_GCM))

    /// The names of those that are in, the preferred first.
    package var names: [String] {
        var names: [String] = []
        if contains(.aes256GCM) { names.append("AES-256-GCM") }
        if contains(.chaCha20Poly1305) { names.append("ChaCha20-Poly1305") }
        return names
    }
}

/// What the kernel does for the packet core.
package struct Offloads: OptionSet, Hashable, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let vnet = Self(rawValue: UInt32(NETRON_OFFLOAD_VNET))
    package static let tso = Self(rawValue: UInt32(NETRON_OFFLOAD_TSO))
    package static let uso = Self(rawValue: UInt32(NETRON_OFFLOAD_USO))
    package static let udpGSO = Self(rawValue: UInt32(NETRON_OFFLOAD_UDP_GSO))
    package static let udpGRO = Self(rawValue: UInt32(NETRON_OFFLOAD_UDP_GRO))

    /// Those of an interface.
    package static let interface: Self = [.vnet, .tso, .uso]
    /// Those of a socket.
    package static let socket: Self = [.udpGSO, .udpGRO]

    /// The names of those that are in.
    package var names: [String] {
        let all: [(Self, String)] = [
            (.vnet, "vnet"), (.tso, "tso"), (.uso, "uso"), (.udpGSO, "udp-gso"),
            (.udpGRO, "udp-gro"),
        ]
        return all.filter { contains($0.0) }.map(\.1)
    }
}

/// What the packet core found out about its host.
package struct DeviceInfo: Hashable, Sendable {
    package let id: NodeID
    /// The interface's name, or nil if there is none.
    package let interface: String?
    package let interfaceIndex: UInt32
    package let mtu: Int
    package let offloads: Offloads
    package let lanes: Int
    /// The ciphers on offer, and the preferred one.
    package let suites: Suite
    package let suite: Suite
    package let port: UInt16
    /// Whether members may come by TCP; nil if it is turned off.
    package let listensToTCP: Bool?
    /// Whether the sockets speak IPv6 too.
    package let isDualStack: Bool
    /// What the kernel granted a socket, in bytes.
    package let receiveBufferBytes: Int
    package let sendBufferBytes: Int
    /// What was asked for, in bytes.
    package let buffersWantedBytes: Int
    /// The library that seals.
    package let backend: String

    init(_ info: borrowing netron_device_info) {
        id = NodeID(tuple: info.id)
        let name = text(of: info.name)
        interface = name.isEmpty ? nil : name
        interfaceIndex = info.interface_index
        mtu = Int(info.mtu)
        offloads = Offloads(rawValue: info.offloads)
        lanes = Int(info.lanes)
        suites = Suite(rawValue: info.suites)
        suite = Suite(rawValue: info.suite)
        port = info.port
        listensToTCP = info.tcp == NETRON_TCP_OFF ? nil : info.tcp == NETRON_TCP_LISTENS
        isDualStack = info.dual_stack != 0
        receiveBufferBytes = Int(info.receive_buffer_bytes)
        sendBufferBytes = Int(info.send_buffer_bytes)
        buffersWantedBytes = Int(info.buffers_wanted_bytes)
        backend = text(of: info.backend)
    }
}

/// What the packet core counted since its start.
package struct DeviceCounters: Hashable, Sendable {
    /// A reason to drop packets, and how many it met.
    package struct Drop: Hashable, Sendable {
        package let reason: String
        package let count: UInt64
    }

    /// Every reason that the core has, in its order, those never met too.
    package let drops: [Drop]
    package let handshakesBegun: UInt64
    package let handshakesDone: UInt64
    package let handshakesTaken: UInt64
    package let cookiesSent: UInt64
    package let traffic: Traffic
    /// What was carried between other members, by circuits: datagrams, and their bytes.
    package let relayedPackets: UInt64
    package let relayedBytes: UInt64

    init(_ counters: borrowing netron_counters) {
        let counts = unsafe withUnsafeBytes(of: counters.drops) { raw in
            unsafe Array(raw.bindMemory(to: UInt64.self))
        }
        drops = counts.indices.compactMap { reason in
            unsafe netron_drop_name(UInt32(reason)).map {
                unsafe Drop(reason: String(cString: $0), count: counts[reason])
            }
        }
        handshakesBegun = counters.handshakes_begun
        handshakesDone = counters.handshakes_done
        handshakesTaken = counters.handshakes_taken
        cookiesSent = counters.cookies_sent
        traffic = Traffic(
            sentPackets: counters.tx_packets,
            sentBytes: counters.tx_bytes,
            receivedPackets: counters.rx_packets,
            receivedBytes: counters.rx_bytes
        )
        relayedPackets = counters.relayed_packets
        relayedBytes = counters.relayed_bytes
    }
}
