// SPDX-License-Identifier: Apache-2.0

internal import NetronAPI
internal import NetronWire

/// The members, a line each.
enum PeersText {
    /// How much of an id is shown; enough for `netron ping`, and to tell members apart.
    private static let idCharacters = 8

    static func render(_ peers: [PeerReport], at now: Timestamp) -> String {
        guard !peers.isEmpty else { return "No member is known yet.\n" }
        var heading = [
            "NAME", "ID", "ADDRESSES", "PATH", "ENDPOINT", "RTT", "LOSS", "HANDSHAKE", "HEARD",
            "RECEIVED", "SENT",
        ]
        var rows = peers.map { row($0, at: now) }
        var sides: [Table.Alignment] = [
            .left, .left, .left, .left, .left, .right, .right, .right, .right, .right, .right,
        ]
        // Few networks have gateways.
        if peers.contains(where: { !$0.advertised.isEmpty }) {
            heading.append("ADVERTISED")
            sides.append(.left)
            for (index, peer) in peers.enumerated() {
                let ranges = peer.advertised.joined(separator: ",")
                rows[index].append(ranges.isEmpty ? "-" : ranges)
            }
        }
        return Table.render([heading] + rows, sides)
    }

    private static func row(_ peer: PeerReport, at now: Timestamp) -> [String] {
        let addresses = peer.addresses.isEmpty ? [peer.ula].compactMap(\.self) : peer.addresses
        return [
            peer.name?.plain(bytesMax: 64) ?? "-",
            String(peer.id.prefix(idCharacters)),
            addresses.isEmpty ? "-" : addresses.joined(separator: ","),
            peer.path?.rawValue ?? "none",
            peer.relay.map { "via \($0.prefix(idCharacters))" } ?? peer.endpoint ?? "-",
            peer.rttMilliseconds.map(Units.milliseconds) ?? "-",
            peer.loss.map { "\(Units.fixed(100 * $0, digits: 0)) %" } ?? "-",
            peer.lastHandshake.map { Units.ago($0, at: now) } ?? "-",
            peer.lastHeardSeconds.map { "\(Units.time(seconds: $0)) ago" } ?? "-",
            Units.bytes(peer.receivedBytes),
            Units.bytes(peer.sentBytes),
        ]
    }
}
