// SPDX-License-Identifier: Apache-2.0

/// A node of the DHT: its id, and where it is.
package struct DHTNode: Hashable, Sendable {
    package let id: DHTID
    package let endpoint: Endpoint

    package init(_ id: DHTID, _ endpoint: Endpoint) {
        self.id = id
        self.endpoint = endpoint
    }
}

extension IPAddress.Family {
    /// How many bytes a compact endpoint has: the address and the port (BEP 5, BEP 32).
    package var compactEndpointBytes: Int { self == .v4 ? 6 : 18 }

    /// How many bytes a compact node has: the id and the endpoint.
    package var compactNodeBytes: Int { DHTID.byteCount + compactEndpointBytes }
}

extension Endpoint {
    /// Takes an endpoint from its 6 or 18 compact bytes, or nil.
    ///
    /// An IPv4 address in 18 bytes is none, nor is port 0.
    package init?(compact bytes: ArraySlice<UInt8>) {
        guard bytes.count == 6 || bytes.count == 18 else { return nil }
        let family: IPAddress.Family = bytes.count == 6 ? .v4 : .v6
        var number: UInt128 = 0
        for byte in bytes.dropLast(2) { number = number << 8 | UInt128(byte) }
        let address = IPAddress(family, number: number)
        let port = bytes.suffix(2).reduce(UInt16(0)) { $0 << 8 | UInt16($1) }
        guard address.family == family, port != 0 else { return nil }
        self.init(address, port: port)
    }
}

extension BencodeWriter {
    /// Appends the 6 or 18 compact bytes of an endpoint.
    mutating func append(compact endpoint: Endpoint) {
        switch endpoint.address.family {
        case .v4: append(bigEndian: UInt32(truncatingIfNeeded: endpoint.address.number))
        case .v6: append(bigEndian: endpoint.address.number)
        }
        append(bigEndian: endpoint.port)
    }

    /// Writes the compact bytes of an endpoint as a string.
    mutating func write(compact endpoint: Endpoint) {
        beginString(endpoint.address.family.compactEndpointBytes)
        append(compact: endpoint)
    }

    /// Writes compact nodes, all of one family, as one string.
    package mutating func write(compact nodes: [DHTNode], _ family: IPAddress.Family) {
        beginString(nodes.count * family.compactNodeBytes)
        for node in nodes {
            precondition(node.endpoint.address.family == family, "a node of the other family")
            append(node.id)
            append(compact: node.endpoint)
        }
    }
}

extension [DHTNode] {
    /// Takes the first `most` nodes of a string of compact nodes.
    ///
    /// Those without a right endpoint are left out, and so is a rest that is no whole node.
    package init(compact bytes: ArraySlice<UInt8>, _ family: IPAddress.Family, upTo most: Int) {
        self = []
        let size = family.compactNodeBytes
        for index in 0..<Swift.min(bytes.count / size, most) {
            let start = bytes.startIndex + index * size
            let middle = start + DHTID.byteCount
            guard let id = DHTID(bytes: bytes[start..<middle]),
                let endpoint = Endpoint(compact: bytes[middle..<start + size])
            else { continue }
            append(DHTNode(id, endpoint))
        }
    }
}
