// SPDX-License-Identifier: Apache-2.0

/// Reads the parts of a statement where they lie, and refuses what has another form.
///
/// It copies nothing until it is asked for a value, since most statements are only checked.
struct PresenceScanner {
    private let bytes: [UInt8]
    private(set) var position: Int

    init(_ bytes: [UInt8], at position: Int) {
        self.bytes = bytes
        self.position = position
    }

    mutating func skip(_ count: Int) throws(WireError) {
        guard bytes.count - position >= count else { throw .truncated }
        position += count
    }

    mutating func number(bytes count: Int) throws(WireError) -> UInt64 {
        let start = position
        try skip(count)
        var number: UInt64 = 0
        for index in start..<position { number = number << 8 | UInt64(bytes[index]) }
        return number
    }

    mutating func nodeID() throws(WireError) -> NodeID {
        let start = position
        try skip(NodeID.byteCount)
        guard let id = NodeID(bytes: bytes[start..<position]) else { throw .badNodeID }
        return id
    }

    mutating func text(bytesMax most: Int) throws(WireError) {
        let count = try self.count(upTo: most)
        let start = position
        try skip(count)
        guard bytes[start..<position].isPlainText else { throw .notText }
    }

    @discardableResult
    mutating func claims() throws(WireError) -> [Hello.Claim] {
        var claims: [Hello.Claim] = []
        for _ in 0..<(try count(upTo: Hello.claimsMax)) {
            let address = try self.address()
            if let last = claims.last, last.address >= address { throw .notCanonical }
            claims.append(.init(address, since: try number(bytes: 8)))
        }
        return claims
    }

    /// The claim of that number, if there are so many.
    mutating func claim(_ number: Int) throws(WireError) -> Hello.Claim? {
        guard number < (try count(upTo: Hello.claimsMax)) else { return nil }
        for _ in 0..<number {
            _ = try address()
            try skip(8)
        }
        return .init(try address(), since: try self.number(bytes: 8))
    }

    @discardableResult
    mutating func endpoints() throws(WireError) -> [Endpoint] {
        var endpoints: [Endpoint] = []
        for _ in 0..<(try count(upTo: Presence.endpointsMax)) {
            let address = try self.address()
            let port = UInt16(truncatingIfNeeded: try number(bytes: 2))
            let endpoint = Endpoint(address, port: port)
            guard !endpoints.contains(endpoint) else { throw .notCanonical }
            endpoints.append(endpoint)
        }
        return endpoints
    }

    @discardableResult
    mutating func introducers(of author: NodeID) throws(WireError) -> [NodeID] {
        var introducers: [NodeID] = []
        for _ in 0..<(try count(upTo: Presence.introducersMax)) {
            let id = try nodeID()
            guard id != author, !introducers.contains(id) else { throw .notCanonical }
            introducers.append(id)
        }
        return introducers
    }

    @discardableResult
    mutating func ledger() throws(WireError) -> StateSummary {
        let start = position
        try skip(StateRoot.byteCount)
        let byteCount = Int(try number(bytes: 4))
        try skip(Presence.previousByteCount)
        guard let root = StateRoot(bytes: bytes[start..<(start + StateRoot.byteCount)]),
            let summary = StateSummary(root: root, byteCount: byteCount)
        else { throw .notCanonical }
        return summary
    }

    private mutating func count(upTo most: Int) throws(WireError) -> Int {
        let count = Int(try number(bytes: 1))
        guard count <= most else { throw .tooMany }
        return count
    }

    private mutating func address() throws(WireError) -> IPAddress {
        let family = UInt8(truncatingIfNeeded: try number(bytes: 1))
        guard let family = IPAddress.Family(rawValue: family) else { throw .notCanonical }
        let high = family == .v6 ? try number(bytes: 8) : 0
        let low = try number(bytes: family == .v6 ? 8 : 4)
        let address = IPAddress(family, number: UInt128(high) << 64 | UInt128(low))
        // A mapped address comes out as IPv4, which has a shorter form.
        guard address.family == family else { throw .notCanonical }
        return address
    }
}
