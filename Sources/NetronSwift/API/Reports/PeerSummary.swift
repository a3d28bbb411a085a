// SPDX-License-Identifier: Apache-2.0

/// How many members a node knows, and how they are reached.
public struct PeerSummary: Codable, Hashable, Sendable {
    /// Members known.
    public var known = 0
    /// Members that are thought to run.
    public var online = 0
    /// Members with a session.
    public var up = 0
    /// Members with a session over a path of their own, through no other member.
    public var direct = 0
    /// Members with a session through another member.
    public var relayed = 0
    /// The median of the round trips, in milliseconds.
    public var rttMilliseconds: Double?
    /// When the newest session was made.
    public var lastHandshake: Timestamp?

    /// Nobody.
    package init() {}

    /// Sums up a list.
    package init(_ peers: [PeerReport]) {
        let inReach = peers.filter(\.isUp)
        known = peers.count
        online = peers.count { $0.isUp || $0.isOnline == true }
        up = inReach.count
        direct = inReach.count { $0.path == .direct || $0.path == .tcp }
        relayed = inReach.count { $0.path == .relayed }
        let trips = inReach.compactMap(\.rttMilliseconds).sorted()
        // Of an even number the lower middle: a trip that was measured, not one between two.
        rttMilliseconds = trips.isEmpty ? nil : trips[(trips.count - 1) / 2]
        lastHandshake = inReach.compactMap(\.lastHandshake).max()
    }
}

extension PeerSummary {
    private enum CodingKeys: String, CodingKey {
        case known
        case online
        case up
        case direct
        case relayed
        case rttMilliseconds = "rtt_ms"
        case lastHandshake = "last_handshake"
    }

    /// Writes all keys.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(known, forKey: .known)
        try container.encode(online, forKey: .online)
        try container.encode(up, forKey: .up)
        try container.encode(direct, forKey: .direct)
        try container.encode(relayed, forKey: .relayed)
        try container.encode(rttMilliseconds, forKey: .rttMilliseconds)
        try container.encode(lastHandshake, forKey: .lastHandshake)
    }
}
