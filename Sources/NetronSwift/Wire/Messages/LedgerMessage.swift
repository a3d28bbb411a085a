// SPDX-License-Identifier: Apache-2.0

/// How a member asks another for states that it lacks.
///
///     kind 1  want     count (1 byte, 1 to 24), then as often an author and a stamp
///     kind 2  states   count (1 byte, 1 to 24), then as often an author, a stamp, a length (2
///                      bytes) and as many bytes of its state, see LedgerState
///     kind 3  lack     count (1 byte, 1 to 24), then as many authors: "not here"
///     kind 4  chunks   see ChunkMessage: for states too large for a message
///
///     author   a node id
///     stamp    8 bytes, the first of the root of the state that is wanted
///
/// A state is whose root the author signed, so it does not matter who sends it.
package enum LedgerMessage: Hashable, Sendable {
    case want([Want])
    /// States as they are said to be; what is in them was not looked at.
    case states([State])
    case lack([NodeID])
    case chunks(ChunkMessage)

    /// How many authors one message is about at most.
    package static let countMax = 24

    /// How many bytes of states, with their authors and lengths, go into one message.
    package static let stateBytesMax = 1_120

    /// What a state takes in a message beside its bytes.
    package static let stateOverhead = NodeID.byteCount + 8 + 2

    /// Which state of which member.
    package struct Want: Hashable, Sendable {
        package let author: NodeID
        package let stamp: UInt64

        package init(_ author: NodeID, _ root: StateRoot) {
            self.author = author
            stamp = root.stamp
        }

        package init(_ author: NodeID, stamp: UInt64) {
            (self.author, self.stamp) = (author, stamp)
        }
    }

    package struct State: Hashable, Sendable {
        /// Which state it is said to be.
        package let name: Want
        package let bytes: [UInt8]

        package init(_ name: Want, _ bytes: [UInt8]) {
            (self.name, self.bytes) = (name, bytes)
        }
    }

    private enum Kind: UInt8 {
        case want = 1
        case states = 2
        case lack = 3
        case chunks = 4
    }
}

extension LedgerMessage.Want {
    package func write(to writer: inout ByteWriter) {
        writer.write(author.bytes)
        writer.write(stamp)
    }

    package init(from reader: inout ByteReader) throws(WireError) {
        author = try reader.readNodeID()
        stamp = try reader.read(UInt64.self)
    }
}

extension StateRoot {
    /// The first 8 bytes as a number, most significant first.
    package var stamp: UInt64 { bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) } }
}

extension LedgerMessage {
    func write(to writer: inout ByteWriter) {
        switch self {
        case .want(let wants):
            writer.write(Kind.want.rawValue)
            writer.write(count: wants.count)
            for want in wants { want.write(to: &writer) }
        case .states(let states):
            writer.write(Kind.states.rawValue)
            writer.write(count: states.count)
            for state in states {
                state.name.write(to: &writer)
                writer.write(UInt16(state.bytes.count))
                writer.write(state.bytes)
            }
        case .lack(let authors):
            writer.write(Kind.lack.rawValue)
            writer.write(count: authors.count)
            for author in authors { writer.write(author.bytes) }
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
        case .want:
            self = .want(
                try Self.readList(from: &reader) { reader throws(WireError) in
                    try Want(from: &reader)
                }
            )
        case .states:
            self = .states(
                try Self.readList(from: &reader) { reader throws(WireError) in
                    let name = try Want(from: &reader)
                    let length = Int(try reader.read(UInt16.self))
                    return State(name, Array(try reader.read(bytes: length)))
                }
            )
        case .lack:
            self = .lack(
                try Self.readList(from: &reader) { reader throws(WireError) in
                    try reader.readNodeID()
                }
            )
        case .chunks:
            guard let message = try ChunkMessage(from: &reader) else { return nil }
            self = .chunks(message)
        }
    }

    private static func readList<Element>(
        from reader: inout ByteReader,
        _ read: (inout ByteReader) throws(WireError) -> Element
    ) throws(WireError) -> [Element] {
        let count = try reader.read(countUpTo: countMax)
        guard count > 0 else { throw .notCanonical }
        var list: [Element] = []
        for _ in 0..<count { list.append(try read(&reader)) }
        return list
    }
}
