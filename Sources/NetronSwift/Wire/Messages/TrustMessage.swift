// SPDX-License-Identifier: Apache-2.0

/// How two members find out whose trust objects are newer.
///
///     kind 1  have     count (1 byte, at most 8), then as often: authority, order (see
///                      TrustOrder); "this is what I have; and you?"
///     kind 2  want     count (1 byte, 1 to 8), then as many authorities: "yours is newer"
///     kind 3  heads    count (1 byte, 1 to 8), then as many heads, see TrustHead
///     kind 4  chunks   see ChunkMessage: for what a head has the digest of
///
/// Lists are strictly ascending by authority. The one kind of object, 1, are the revocations of a
/// head; its key is the authority and the first 8 bytes of their digest, its tag those 8 bytes.
package enum TrustMessage: Hashable, Sendable {
    case have([Held])
    case want([NodeID])
    case heads([TrustHead])
    case chunks(ChunkMessage)

    /// Which object of an authority the sender has.
    package struct Held: Hashable, Sendable {
        package let authority: NodeID
        package let order: TrustOrder

        package init(_ authority: NodeID, _ order: TrustOrder) {
            (self.authority, self.order) = (authority, order)
        }
    }

    private enum Kind: UInt8 {
        case have = 1
        case want = 2
        case heads = 3
        case chunks = 4
    }
}

extension TrustMessage {
    func write(to writer: inout ByteWriter) {
        switch self {
        case .have(let list):
            writer.write(Kind.have.rawValue)
            writer.write(count: list.count)
            for held in list {
                writer.write(held.authority.bytes)
                held.order.write(to: &writer)
            }
        case .want(let authorities):
            writer.write(Kind.want.rawValue)
            writer.write(count: authorities.count)
            for authority in authorities { writer.write(authority.bytes) }
        case .heads(let heads):
            writer.write(Kind.heads.rawValue)
            writer.write(count: heads.count)
            for head in heads { head.write(to: &writer) }
        case .chunks(let message):
            writer.write(Kind.chunks.rawValue)
            message.write(to: &writer)
        }
    }

    /// Takes a message, or nil for a kind, also of a chunk message, that this node does not know;
    /// what follows is then left.
    init?(from reader: inout ByteReader) throws(WireError) {
        guard let kind = Kind(rawValue: try reader.read(UInt8.self)) else { return nil }
        switch kind {
        case .have:
            let list = try Self.list(from: &reader, least: 0) { reader throws(WireError) in
                Held(try reader.readNodeID(), try TrustOrder(from: &reader))
            }
            try Self.checkOrder(of: list.map(\.authority))
            self = .have(list)
        case .want:
            let list = try Self.list(from: &reader, least: 1) { reader throws(WireError) in
                try reader.readNodeID()
            }
            try Self.checkOrder(of: list)
            self = .want(list)
        case .heads:
            let list = try Self.list(from: &reader, least: 1) { reader throws(WireError) in
                try TrustHead(from: &reader)
            }
            try Self.checkOrder(of: list.map(\.authority))
            self = .heads(list)
        case .chunks:
            guard let message = try ChunkMessage(from: &reader) else { return nil }
            self = .chunks(message)
        }
    }

    private static func list<Element>(
        from reader: inout ByteReader,
        least: Int,
        _ read: (inout ByteReader) throws(WireError) -> Element
    ) throws(WireError) -> [Element] {
        let count = try reader.read(countUpTo: TrustObject.authoritiesMax)
        guard count >= least else { throw .notCanonical }
        var list: [Element] = []
        for _ in 0..<count { list.append(try read(&reader)) }
        return list
    }

    private static func checkOrder(of authorities: [NodeID]) throws(WireError) {
        for (left, right) in zip(authorities, authorities.dropFirst()) where left >= right {
            throw .notCanonical
        }
    }
}
