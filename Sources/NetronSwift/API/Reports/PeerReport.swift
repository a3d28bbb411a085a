// SPDX-License-Identifier: Apache-2.0

/// A member as a node knows it: an element of the answer to `GET /v1/peers`.
///
/// What is not known is nil, and null in JSON.
public struct PeerReport: Hashable, Sendable {
    /// How packets get to the member.
    public enum Path: String, Codable, Sendable {
        /// Straight to its endpoint.
        case direct
        /// Straight to its endpoint too, but by TCP.
        case tcp
        /// Sealed for it, through another member.
        case relayed
    }

    /// The member's id.
    public var id: String
    /// The name that it goes by.
    public var name: String?
    /// Its inner addresses, without the one that it has by itself.
    public var addresses: [String] = []
    /// The address that it has by itself.
    public var ula: String?
    /// The ranges that it says to carry traffic for.
    public var advertised: [String] = []
    /// Whether it is thought to run, with a session or without one; nil if nobody said so.
    public var isOnline: Bool?
    /// How packets get to it; nil while there is no session.
    public var path: Path?
    /// Where it is, or was last, as address and UDP port, or by TCP as tcp://ADDRESS:PORT; nil while
    /// it is reached through another.
    public var endpoint: String?
    /// The id of the member that it is reached through.
    public var relay: String?
    /// The smoothed round trip, in milliseconds.
    public var rttMilliseconds: Double?
    /// The part of the last 32 echoes that were asked of it and did not come in time, from 0 to 1;
    /// nil while none was asked in the present session.
    public var loss: Double?
    /// When the current session was made.
    public var lastHandshake: Timestamp?
    /// Seconds since a packet of it was authenticated.
    public var lastHeardSeconds: UInt64?
    /// The cipher of the session.
    public var suite: String?
    /// The largest UDP payload that is known to pass, in bytes.
    public var pathMTU: Int?
    /// Bytes in the packets received from it.
    public var receivedBytes: UInt64 = 0
    /// Inner packets received from it.
    public var receivedPackets: UInt64 = 0
    /// Bytes in the packets sent to it.
    public var sentBytes: UInt64 = 0
    /// Inner packets sent to it.
    public var sentPackets: UInt64 = 0
    /// The version of Netron that it runs.
    public var version: String?
    /// Its operating system.
    public var os: String?
    /// Its processor's architecture.
    public var arch: String?

    /// Makes a report in which all else is unknown.
    package init(id: String) { self.id = id }

    /// Whether there is a session.
    public var isUp: Bool { path != nil }
}

extension PeerReport: Codable {
    private enum CodingKeys: String, CodingKey {
        case id
        case name
        case addresses
        case ula
        case advertised
        case isOnline = "online"
        case path
        case endpoint
        case relay
        case rttMilliseconds = "rtt_ms"
        case loss
        case lastHandshake = "last_handshake"
        case lastHeardSeconds = "last_heard_s"
        case suite
        case pathMTU = "path_mtu"
        case receivedBytes = "rx_bytes"
        case receivedPackets = "rx_packets"
        case sentBytes = "tx_bytes"
        case sentPackets = "tx_packets"
        case version
        case os
        case arch
    }

    /// Writes all keys.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(name, forKey: .name)
        try container.encode(addresses, forKey: .addresses)
        try container.encode(ula, forKey: .ula)
        try container.encode(advertised, forKey: .advertised)
        try container.encode(isOnline, forKey: .isOnline)
        try container.encode(path, forKey: .path)
        try container.encode(endpoint, forKey: .endpoint)
        try container.encode(relay, forKey: .relay)
        try container.encode(rttMilliseconds, forKey: .rttMilliseconds)
        try container.encode(loss, forKey: .loss)
        try container.encode(lastHandshake, forKey: .lastHandshake)
        try container.encode(lastHeardSeconds, forKey: .lastHeardSeconds)
        try container.encode(suite, forKey: .suite)
        try container.encode(pathMTU, forKey: .pathMTU)
        try container.encode(receivedBytes, forKey: .receivedBytes)
        try container.encode(receivedPackets, forKey: .receivedPackets)
        try container.encode(sentBytes, forKey: .sentBytes)
        try container.encode(sentPackets, forKey: .sentPackets)
        try container.encode(version, forKey: .version)
        try container.encode(os, forKey: .os)
        try container.encode(arch, forKey: .arch)
    }
}

extension Duration {
    /// Milliseconds with three digits behind the point, as reports have them.
    package var reportMilliseconds: Double {
        let (seconds, attoseconds) = components
        let microseconds = seconds * 1_000_000 + (attoseconds + 500_000_000_000) / 1_000_000_000_000
        return Double(microseconds) / 1000
    }
}
