// SPDX-License-Identifier: Apache-2.0

/// Which rumor: the first 8 bytes of the keyed digest of its payload.
///
/// Both ends compute it, so that nobody can give one payload the id of another.
package struct RumorID: Hashable, Sendable {
    package let number: UInt64

    package init(number: UInt64) { self.number = number }
}

/// Where the root of the broadcast tree is, seen from somebody.
///
///     root      8 bytes, the first of the root's id
///     number    4 bytes
///     hops      1 byte
package struct TreeRoute: Hashable, Sendable {
    /// The root: of all members the one with the least id.
    package var root: UInt64

    /// The root counts it up now and then, which says that it is there.
    package var number: UInt32

    /// How many links lie between, or `lost` or `gone`.
    package var hops: UInt8

    /// The sender knows no way to the root.
    package static let lost: UInt8 = 255

    /// The root was a neighbour of somebody and is no more; another is to be found.
    package static let gone: UInt8 = 254

    /// No root.
    package static let none = Self(root: .max, number: 0, hops: lost)

    package init(root: UInt64, number: UInt32, hops: UInt8) {
        self.root = root
        self.number = number
        self.hops = hops
    }
}

/// A payload on its way to all members.
///
///     hops      1 byte
///     flags     1 byte: bit 0 climbing, bit 1 aside; the others are 0
///     payload   the rest
package struct Rumor: Hashable, Sendable {
    /// How many bytes are broadcast at a time; with all that is around them they fit a message.
    package static let payloadBytesMax = 1_024

    /// How often it was passed on, this time included.
    package var hops: UInt8

    /// Whether it is on its way up: to all who are nearer to the root, whether the tree goes there
    /// or not.
    package var isClimbing: Bool

    /// Whether it came aside of the tree: then that it comes twice says nothing of the tree.
    package var isAside: Bool

    package let payload: [UInt8]

    package init(
        _ payload: [UInt8],
        hops: UInt8,
        isClimbing: Bool = false,
        isAside: Bool = false
    ) {
        self.payload = payload
        self.hops = hops
        self.isClimbing = isClimbing
        self.isAside = isAside
    }
}

extension Rumor {
    func write(to writer: inout ByteWriter) {
        precondition(payload.count <= Self.payloadBytesMax, "\(payload.count) bytes")
        writer.write(hops)
        writer.write(UInt8((isClimbing ? 1 : 0) | (isAside ? 2 : 0)))
        writer.write(payload)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        hops = try reader.read(UInt8.self)
        let flags = try reader.read(UInt8.self)
        guard flags < 4 else { throw .notCanonical }
        isClimbing = flags & 1 != 0
        isAside = flags & 2 != 0
        guard reader.count <= Self.payloadBytesMax else { throw .tooMany }
        payload = Array(try reader.read(bytes: reader.count))
    }
}

extension TreeRoute {
    func write(to writer: inout ByteWriter) {
        writer.write(root)
        writer.write(number)
        writer.write(hops)
    }

    init(from reader: inout ByteReader) throws(WireError) {
        root = try reader.read(UInt64.self)
        number = try reader.read(UInt32.self)
        hops = try reader.read(UInt8.self)
    }
}
