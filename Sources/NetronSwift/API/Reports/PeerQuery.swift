// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// How people name a member: by id, the beginning of it, name, or inner address.
package enum PeerQuery {
    /// The least characters of an id that may stand for it.
    package static let idCharactersMin = 4

    /// The one member that `text` names, or why there is none.
    ///
    /// A whole id and an address are nobody else's; a name comes before the beginning of an id.
    package static func find(
        _ text: String,
        in peers: [PeerReport]
    ) throws(ErrorReport) -> PeerReport {
        let shown = text.plain(bytesMax: 80)
        guard !text.isEmpty else {
            throw ErrorReport(.badRequest, "the node is not named; give an id, name or address")
        }
        if let address = IPAddress(text) {
            return try only(peers.filter { $0.has(address) }, "has the address \(address)")
        }
        if let peer = peers.first(where: { $0.id == text }) { return peer }
        let named = peers.filter { $0.name == text }
        if !named.isEmpty { return try only(named, "is called \(shown)") }
        guard text.utf8.count >= idCharactersMin else {
            let hint = "the beginning of an id has \(idCharactersMin) characters or more"
            throw ErrorReport(.notFound, "no member is called \(shown); \(hint)")
        }
        let begun = peers.filter { $0.id.hasPrefix(text) }
        return try only(begun, "is called \(shown) or has an id that begins so")
    }

    private static func only(
        _ found: [PeerReport],
        _ predicate: String
    ) throws(ErrorReport) -> PeerReport {
        guard let peer = found.first else {
            throw ErrorReport(.notFound, "no member \(predicate); see `netron peers`")
        }
        guard found.count == 1 else {
            let ids = found.prefix(4).map { String($0.id.prefix(8)) }.joined(separator: ", ")
            let more = found.count > 4 ? ", …" : ""
            throw ErrorReport(
                .ambiguous,
                "\(found.count) members match (\(ids)\(more)); give more of the id"
            )
        }
        return peer
    }
}

extension PeerReport {
    /// Whether the inner address is the member's own.
    fileprivate func has(_ address: IPAddress) -> Bool {
        (addresses + [ula].compactMap(\.self)).contains {
            InterfaceAddress($0)?.address == address
        }
    }
}
