// SPDX-License-Identifier: Apache-2.0

// The words that several messages share.
//
//     address   family (1 byte: 4 or 6), then 4 or 16 bytes; never an IPv4-mapped address
//     endpoint  address, port (2 bytes); a scope has no meaning to another host and is left out
//     node id   32 bytes

extension ByteWriter {
    mutating func write(_ address: IPAddress) {
        write(address.family.rawValue)
        write(address.bytes)
    }

    mutating func write(_ endpoint: Endpoint) {
        write(endpoint.address)
        write(endpoint.port)
    }
}

extension ByteReader {
    mutating func readAddress() throws(WireError) -> IPAddress {
        guard let family = IPAddress.Family(rawValue: try read(UInt8.self)) else {
            throw .notCanonical
        }
        let bytes = try read(bytes: family.bitCount / 8)
        // A mapped address comes out as IPv4, which has a shorter form.
        guard let address = IPAddress(bytes: bytes), address.family == family else {
            throw .notCanonical
        }
        return address
    }

    mutating func readEndpoint() throws(WireError) -> Endpoint {
        Endpoint(try readAddress(), port: try read(UInt16.self))
    }

    mutating func readNodeID() throws(WireError) -> NodeID {
        guard let id = NodeID(bytes: try read(bytes: NodeID.byteCount)) else { throw .badNodeID }
        return id
    }
}
