// SPDX-License-Identifier: Apache-2.0

/// Where a member may be found.
///
///     count     1 byte, at most 12, then as often:
///       id        a node id, none twice
///       count     1 byte, at most 3, then as many endpoints, none twice
package struct Hint: Hashable, Sendable {
    /// How many hints one message carries.
    package static let countMax = 12

    /// How many endpoints one hint has.
    package static let endpointsMax = 3

    package let id: NodeID

    /// The endpoints, the best first; without a scope, which has no meaning to another host.
    package let endpoints: [Endpoint]

    /// Makes a hint of the first endpoints that fit; later doubles are left out.
    package init(_ id: NodeID, at endpoints: [Endpoint]) {
        self.id = id
        var distinct: [Endpoint] = []
        for endpoint in endpoints.lazy.map(\.unscoped) where distinct.count < Self.endpointsMax {
            if !distinct.contains(endpoint) { distinct.append(endpoint) }
        }
        self.endpoints = distinct
    }
}

extension Hint {
    static func write(_ hints: [Hint], to writer: inout ByteWriter) {
        precondition(hints.count <= countMax, "\(hints.count) hints in one message")
        precondition(Set(hints.map(\.id)).count == hints.count, "two hints for one member")
        writer.write(count: hints.count)
        for hint in hints {
            writer.write(hint.id.bytes)
            writer.write(count: hint.endpoints.count)
            for endpoint in hint.endpoints { writer.write(endpoint) }
        }
    }

    static func readList(from reader: inout ByteReader) throws(WireError) -> [Hint] {
        var hints: [Hint] = []
        for _ in 0..<(try reader.read(countUpTo: countMax)) {
            let id = try reader.readNodeID()
            guard !hints.contains(where: { $0.id == id }) else { throw .notCanonical }
            var endpoints: [Endpoint] = []
            for _ in 0..<(try reader.read(countUpTo: endpointsMax)) {
                endpoints.append(try reader.readEndpoint())
            }
            let hint = Hint(id, at: endpoints)
            guard hint.endpoints == endpoints else { throw .notCanonical }
            hints.append(hint)
        }
        return hints
    }
}
