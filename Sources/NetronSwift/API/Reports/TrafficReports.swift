// SPDX-License-Identifier: Apache-2.0

/// How much is carried in a second, in the packets of sessions and the bytes in them.
public struct RateReport: Codable, Hashable, Sendable {
    /// Bytes received a second.
    public var receivedBytes: UInt64 = 0
    /// Packets received a second.
    public var receivedPackets: UInt64 = 0
    /// Bytes sent a second.
    public var sentBytes: UInt64 = 0
    /// Packets sent a second.
    public var sentPackets: UInt64 = 0

    /// Nothing.
    package init() {}
}

/// How much was carried since the start, in the packets of sessions and the bytes in them.
public struct CounterReport: Codable, Hashable, Sendable {
    /// Bytes received.
    public var receivedBytes: UInt64 = 0
    /// Packets received.
    public var receivedPackets: UInt64 = 0
    /// Bytes sent.
    public var sentBytes: UInt64 = 0
    /// Packets sent.
    public var sentPackets: UInt64 = 0
    /// Handshakes that this node began.
    public var handshakesBegun: UInt64 = 0
    /// Handshakes begun here that became a session.
    public var handshakesDone: UInt64 = 0
    /// Handshakes of others that became a session.
    public var handshakesTaken: UInt64 = 0
    /// First messages that were answered by a cookie alone.
    public var cookiesSent: UInt64 = 0
    /// Datagrams that were carried from one member to another.
    public var relayedPackets: UInt64 = 0
    /// Bytes of these.
    public var relayedBytes: UInt64 = 0

    /// Nothing.
    package init() {}
}

extension RateReport {
    private enum CodingKeys: String, CodingKey {
        case receivedBytes = "rx_bytes_per_s"
        case receivedPackets = "rx_packets_per_s"
        case sentBytes = "tx_bytes_per_s"
        case sentPackets = "tx_packets_per_s"
    }
}

extension CounterReport {
    private enum CodingKeys: String, CodingKey {
        case receivedBytes = "rx_bytes"
        case receivedPackets = "rx_packets"
        case sentBytes = "tx_bytes"
        case sentPackets = "tx_packets"
        case handshakesBegun = "handshakes_begun"
        case handshakesDone = "handshakes_done"
        case handshakesTaken = "handshakes_taken"
        case cookiesSent = "cookies_sent"
        case relayedPackets = "relayed_packets"
        case relayedBytes = "relayed_bytes"
    }
}
