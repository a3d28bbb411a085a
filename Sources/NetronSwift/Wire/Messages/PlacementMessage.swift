// SPDX-License-Identifier: Apache-2.0

/// How members that keep only a part of what all say find the rest, and leave theirs with others.
///
///     kind 1  ask     number (4 bytes), place (8 bytes): "who is there, and who is nearer?"
///     kind 2  answer  number, count (1 byte, at most 4), then as often a length (2 bytes) and a
///                     statement; hints of those who are nearest, see Hint, at most 12
///     kind 3  store   number, count (1 byte, 1 to 16), then as many places, ascending; a length
///                     (2 bytes) and the sender's statement: "keep that I am to be found there"
///     kind 4  kept    number, count (1 byte, at most 16), then as many places, ascending
///
/// A place is a member's own (DirectoryPlace) or that of a key, see PlaceKey. What is found there
/// are the statements of those who have the key; each is signed, so it does not matter who sends
/// it.
package enum PlacementMessage: Hashable, Sendable {
    case ask(number: UInt32, DirectoryPlace)
    /// Statements as they were signed; what is in them was not looked at.
    case answer(number: UInt32, [[UInt8]], nearer: [Hint])
    case store(number: UInt32, [DirectoryPlace], [UInt8])
    case kept(number: UInt32, [DirectoryPlace])

    package static let statementsMax = 4
    package static let hintsMax = Hint.countMax
    package static let placesMax = 16

    /// How many bytes the statements and hints of an answer may have, with their lengths.
    package static let answerBytesMax = Message.bytesMax - 9

    private enum Kind: UInt8 {
        case ask = 1
        case answer = 2
        case store = 3
        case kept = 4
    }

    /// An answer with as much as fits: the first statements, then the first hints.
    package static func answer(
        number: UInt32,
        fitting statements: [[UInt8]],
        nearer hints: [Hint]
    ) -> Self {
        var room = answerBytesMax
        var some: [[UInt8]] = []
        for bytes in statements where some.count < statementsMax && bytes.count + 2 <= room {
            some.append(bytes)
            room -= bytes.count + 2
        }
        var nearer: [Hint] = []
        for hint in hints.prefix(hintsMax) where hint.byteCount <= room {
            nearer.append(hint)
            room -= hint.byteCount
        }
        return .answer(number: number, some, nearer: nearer)
    }
}

extension PlacementMessage {
    func write(to writer: inout ByteWriter) {
        switch self {
        case .ask(let number, let place):
            writer.write(Kind.ask.rawValue)
            writer.write(number)
            writer.write(place.number)
        case .answer(let number, let statements, let hints):
            precondition(statements.count <= Self.statementsMax && hints.count <= Self.hintsMax)
            writer.write(Kind.answer.rawValue)
            writer.write(number)
            writer.write(count: statements.count)
            for bytes in statements { Self.write(statement: bytes, to: &writer) }
            Hint.write(hints, to: &writer)
        case .store(let number, let places, let statement):
            precondition(!places.isEmpty)
            writer.write(Kind.store.rawValue)
            writer.write(number)
            Self.write(places, to: &writer)
            Self.write(statement: statement, to: &writer)
        case .kept(let number, let places):
            writer.write(Kind.kept.rawValue)
            writer.write(number)
            Self.write(places, to: &writer)
        }
    }

    private static func write(statement: [UInt8], to writer: inout ByteWriter) {
        writer.write(UInt16(statement.count))
        writer.write(statement)
    }

    private static func write(_ places: [DirectoryPlace], to writer: inout ByteWriter) {
        precondition(places.count <= placesMax, "\(places.count) places in one message")
        writer.write(count: places.count)
        for place in places { writer.write(place.number) }
    }

    /// Takes a message, or nil for a kind that this node does not know; what follows is then left.
    init?(from reader: inout ByteReader) throws(WireError) {
        guard let kind = Kind(rawValue: try reader.read(UInt8.self)) else { return nil }
        let number = try reader.read(UInt32.self)
        switch kind {
        case .ask: self = .ask(number: number, DirectoryPlace(try reader.read(UInt64.self)))
        case .answer:
            var statements: [[UInt8]] = []
            for _ in 0..<(try reader.read(countUpTo: Self.statementsMax)) {
                statements.append(try Self.readStatement(from: &reader))
            }
            let hints = try Hint.readList(from: &reader)
            self = .answer(number: number, statements, nearer: hints)
        case .store:
            let places = try Self.readPlaces(from: &reader)
            guard !places.isEmpty else { throw .notCanonical }
            self = .store(number: number, places, try Self.readStatement(from: &reader))
        case .kept: self = .kept(number: number, try Self.readPlaces(from: &reader))
        }
    }

    private static func readStatement(from reader: inout ByteReader) throws(WireError) -> [UInt8] {
        let count = Int(try reader.read(UInt16.self))
        guard count <= Presence.bytesMax else { throw .tooMany }
        return Array(try reader.read(bytes: count))
    }

    private static func readPlaces(
        from reader: inout ByteReader
    ) throws(WireError) -> [DirectoryPlace] {
        var places: [DirectoryPlace] = []
        for _ in 0..<(try reader.read(countUpTo: placesMax)) {
            let place = DirectoryPlace(try reader.read(UInt64.self))
            if let last = places.last, last >= place { throw .notCanonical }
            places.append(place)
        }
        return places
    }
}

/// Where in the space of places members and keys lie.
///
///     member        the first 8 bytes of BLAKE2b-32(key: purpose("directory"), its own address)
///     address       the first 8 bytes of BLAKE2b-32(key: purpose("placement"), 1 || address)
///     ledger's key  the first 8 bytes of BLAKE2b-32(key: purpose("placement"), 2 || bucket || key)
///
///     address   4 or 16 bytes
///     bucket    with its length of 1 byte
///
/// A member's own address is made of its id, so who knows one of them knows the place; no index
/// leads there.
package struct PlaceKey: Sendable {
    private let cryptography: Cryptography
    private let members: [UInt8]
    private let keys: [UInt8]

    package init(_ cryptography: Cryptography) {
        self.cryptography = cryptography
        members = cryptography.derive("directory", 0)
        keys = cryptography.derive("placement", 0)
    }

    package func place(of id: NodeID) -> DirectoryPlace {
        place(ofNetworkAddress: cryptography.networkAddress(id))
    }

    /// The place of the member whose own address it is.
    package func place(ofNetworkAddress address: IPAddress) -> DirectoryPlace {
        place(address.bytes, members)
    }

    /// The place of an address that a member claims.
    package func place(ofClaimed address: IPAddress) -> DirectoryPlace {
        place([1] + address.bytes, keys)
    }

    /// The place of a key; all gateways have one, since they are looked for together.
    package func place(of key: LedgerKey) -> DirectoryPlace {
        let bucket = Array(key.bucket.description.utf8)
        let text = key.bucket == LedgerBucket.gateways ? [] : key.bytes
        return place([2, UInt8(bucket.count)] + bucket + text, keys)
    }

    private func place(_ message: [UInt8], _ key: [UInt8]) -> DirectoryPlace {
        DirectoryPlace(
            cryptography.digest(message, key).prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        )
    }
}
