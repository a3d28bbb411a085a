// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// What a node of the DHT leaves for its next run.
package struct DHTSaved: Hashable, Sendable {
    /// The own ids for IPv4 and IPv6, or nil where none is known.
    package var id4: DHTID?
    package var id6: DHTID?
    /// Nodes that answered of late.
    package var nodes: [DHTNode]

    package init(id4: DHTID? = nil, id6: DHTID? = nil, nodes: [DHTNode] = []) {
        self.id4 = id4
        self.id6 = id6
        self.nodes = nodes
    }

    /// A bencoded dictionary of `id`, `id6`, `nodes` and `nodes6`, as the messages have them.
    package var encoded: [UInt8] {
        var writer = BencodeWriter(reserving: 2_048)
        writer.beginDictionary()
        for (key, id) in [("id", id4), ("id6", id6)] {
            guard let id else { continue }
            writer.write(key)
            writer.write(id)
        }
        for (key, family) in [("nodes", IPAddress.Family.v4), ("nodes6", .v6)] {
            writer.write(key)
            let ofFamily = nodes.filter { $0.endpoint.address.family == family }
            writer.write(compact: ofFamily, family)
        }
        writer.end()
        return writer.bytes
    }

    /// Takes what can be used of bytes that a file may have lost or gained.
    package init(_ bytes: [UInt8]) {
        self.init()
        guard let value = try? Bencode(bytes) else { return }
        if case .string(let id)? = value["id"] { id4 = DHTID(bytes: id) }
        if case .string(let id)? = value["id6"] { id6 = DHTID(bytes: id) }
        for (key, family) in [("nodes", IPAddress.Family.v4), ("nodes6", .v6)] {
            guard case .string(let compact)? = value[key] else { continue }
            nodes += [DHTNode](compact: compact[...], family, upTo: DHTLimits.savedMax)
        }
    }
}
