// SPDX-License-Identifier: Apache-2.0

/// Which rumor: the first 8 bytes of the keyed digest of its payload.
///
/// Both ends compute it, so that nobody can give one payload the id of another.
package struct RumorID: Hashable, Sendable {
    package let number: UInt64

    package init(number: UInt64) { self.number = number }
}

/// What somebody has, and how far it had come.
///
///     id        8 bytes
///     hops      1 byte
package struct Announcement: Hashable, Sendable {
    package let id: RumorID

    /// How often the rumor had been passed on when the announcer got it; 0 at its author.
    package let hops: UInt8

    package init(_ id: RumorID, hops: UInt8) {
        self.id = id
        self.hops = hops
    }
}

/// A payload on its way to all members.
///
///     hops      1 byte
///     flags     1 byte: bits 0 and 1 breadth, bit 2 broad, bit 3 aside; the others are 0
///     payload   the rest
package struct Rumor: Hashable, Sendable {
    /// How many bytes are broadcast at a time; with all that is around them they fit a message.
    package static let payloadBytesMax = 1_024

    /// How many hops at the beginning a rumor leaves the tree at most.
    package static let breadthMax: UInt8 = 3

    /// How often it was passed on, this time included.
    package var hops: UInt8

    /// For how many hops more it is given to all neighbours, whether the tree goes there or not.
    package var breadth: UInt8

    /// Whether it had a breadth at the beginning: then that it comes twice says nothing of the
    /// tree.
    package var isBroad: Bool

    /// Whether it came aside of the tree.
    package var isAside: Bool

    package let payload: [UInt8]

    package init(
        _ payload: [UInt8],
        hops: UInt8,
        breadth: UInt8 = 0,
        isBroad: Bool = false,
        isAside: Bool = false
    ) {
        self.payload = payload
        self.hops = hops
        self.breadth = breadth
        self.isBroad = isBroad
        self.isAside = isAside
    }
}

extension Rumor {
    func write(to writer: inout ByteWriter) {
        precondition(payload.count <= Self.payloadBytesMax && breadth <= Self.breadthMax)
        writer.write(hops)
        writer.write(breadth | (isBroad ? 4 : 0) | (isAside ? 8 : 0))
        writer.write(payload)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        hops = try reader.read(UInt8.self)
        let flags = try reader.read(UInt8.self)
        guard flags < 16 else { throw .notCanonical }
        breadth = flags & 3
        isBroad = flags & 4 != 0
        isAside = flags & 8 != 0
        guard reader.count <= Self.payloadBytesMax else { throw .tooMany }
        payload = Array(try reader.read(bytes: reader.count))
    }
}
