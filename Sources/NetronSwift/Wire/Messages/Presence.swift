// SPDX-License-Identifier: Apache-2.0

/// A member's signed statement that it is here, and how it is found.
///
///     0        1        2            34           42        46        54       58
///     +--------+--------+------------+------------+---------+---------+--------+--------+-----
///     | kind 1 |  form  |   author   | incarnation| version |  time   | lease  | flags  | ...
///     +--------+--------+------------+------------+---------+---------+--------+--------+-----
///
///     form         1 byte, 1; another form is another statement, for instance a ledger block
///     author       a node id
///     incarnation  8 bytes, milliseconds since 1970 when the author started
///     version      4 bytes, counts up within an incarnation
///     time         8 bytes, milliseconds since 1970 when it was signed, in network time
///     lease        4 bytes, seconds for which it holds from then on: 1 to 691,200
///     flags        1 byte: 1 reachable from everywhere, 2 leaving, 4 has a state in the ledger;
///                  who leaves has none, 8 relays nothing
///     name         text, at most 63 bytes
///     count        1 byte, at most 16, then as often:
///       address    in ascending order, none twice
///       since      8 bytes, milliseconds since 1970
///     count        1 byte, at most 4, then as many endpoints, none twice
///     count        1 byte, at most 3, then as many node ids, none twice and not the author's
///     with flag 4:
///       root       32 bytes, what the author's state in the ledger is, see StateTree
///       size       4 bytes, how many bytes the state has, see LedgerState
///       previous   32 bytes, the hash of the author's statement before this one: the keyed BLAKE2b
///                  of its bytes with the key "netron/1 block"; zeros where the author has none
///     signature    64 bytes
///
/// All in all at most `bytesMax`. The signature is Ed25519 of the author over the ASCII text
/// "netron/1 presence", the network's id of 8 bytes, and all bytes before the signature. Whoever
/// passes a statement on passes on these bytes.
///
/// The value is a view of the bytes, so that thousands of them cost no more than their bytes.
package struct Presence: Hashable, Sendable {
    /// How long a statement may be, in bytes.
    package static let bytesMax = 768

    /// How short one can be, in bytes.
    package static let bytesMin = Offset.name + 4 + Cryptography.signatureByteCount

    /// How long a lease may be, in seconds: eight days, with which a million members can renew
    /// theirs so seldom that all of it fits the budget of gossip.
    package static let leaseMax: UInt32 = 691_200

    /// How far another's clock may be before ours, and how long an ended lease is borne with.
    package static let skewMilliseconds: UInt64 = 120_000

    /// The latest time that a statement can name, in milliseconds since 1970: 48 bits.
    package static let timeMax: UInt64 = 1 << 48 - 1

    package static let endpointsMax = 4
    package static let introducersMax = 3

    /// The form of statement that this codec speaks.
    package static let form: UInt8 = 1

    enum Flag {
        static let reachable: UInt8 = 1
        static let leaving: UInt8 = 2
        static let ledger: UInt8 = 4
        static let unwilling: UInt8 = 8
        static let all = reachable | leaving | ledger | unwilling
    }

    /// What a statement says of the ledger, in bytes: root, size, previous.
    static let ledgerByteCount = StateRoot.byteCount + 4 + previousByteCount

    /// How many bytes the hash of a statement has.
    package static let previousByteCount = Cryptography.digestByteCount

    enum Offset {
        static let author = 2
        static let incarnation = author + NodeID.byteCount
        static let version = incarnation + 8
        static let time = version + 4
        static let lease = time + 8
        static let flags = lease + 4
        static let name = flags + 1
    }

    /// Which of an author's statements is the newer one: the greater replaces.
    package struct Order: Hashable, Comparable, Sendable {
        package let incarnation: UInt64
        package let version: UInt32

        package init(incarnation: UInt64, version: UInt32) {
            self.incarnation = incarnation
            self.version = version
        }

        package static func < (left: Self, right: Self) -> Bool {
            (left.incarnation, left.version) < (right.incarnation, right.version)
        }

        /// The next one, which begins another incarnation when the versions are used up.
        package var next: Self {
            version < .max
                ? Self(incarnation: incarnation, version: version + 1)
                : Self(incarnation: incarnation + 1, version: 0)
        }
    }

    /// The statement as it was signed.
    package let bytes: [UInt8]

    package let author: NodeID
    package let order: Order

    /// When it was signed, in milliseconds since 1970.
    package let time: UInt64

    /// For how many seconds it holds from then on.
    package let lease: UInt32

    private let claimsStart: Int
    private let endpointsStart: Int
    private let introducersStart: Int

    /// Takes a statement from its bytes, and refuses any other form of the same statement.
    ///
    /// Whether it is signed is another question.
    package init(bytes: [UInt8]) throws(WireError) {
        guard bytes.count <= Self.bytesMax else { throw .tooMany }
        let header = try PresenceHeader(bytes)
        (author, order) = (header.author, header.order)
        (time, lease) = (header.time, header.lease)
        var scanner = PresenceScanner(bytes, at: Offset.flags)
        let flags = UInt8(try scanner.number(bytes: 1))
        let hasLedger = flags & Flag.ledger != 0
        guard flags & ~Flag.all == 0, !hasLedger || flags & Flag.leaving == 0,
            order.incarnation <= Self.timeMax, time <= Self.timeMax,
            (1...Self.leaseMax).contains(lease)
        else { throw .notCanonical }
        try scanner.text(bytesMax: Hello.nameBytesMax)
        claimsStart = scanner.position
        try scanner.claims()
        endpointsStart = scanner.position
        try scanner.endpoints()
        introducersStart = scanner.position
        try scanner.introducers(of: author)
        if hasLedger { try scanner.ledger() }
        try scanner.skip(Cryptography.signatureByteCount)
        guard scanner.position == bytes.count else { throw .trailing }
        self.bytes = bytes
    }
}

// What it says.
extension Presence {
    private var flags: UInt8 { bytes[Offset.flags] }

    /// Whether the author can be reached from everywhere, without help.
    package var isReachable: Bool { flags & Flag.reachable != 0 }

    /// Whether the author relays what other members send each other.
    package var isWilling: Bool { flags & Flag.unwilling == 0 }

    /// Whether the author goes, and this only keeps older statements from coming back.
    package var isLeaving: Bool { flags & Flag.leaving != 0 }

    /// The host's name.
    package var name: String {
        String(decoding: bytes[(Offset.name + 1)..<claimsStart], as: UTF8.self)
    }

    /// The inner addresses that it claims, in ascending order.
    package var claims: [Hello.Claim] {
        var scanner = PresenceScanner(bytes, at: claimsStart)
        return (try? scanner.claims()) ?? []
    }

    /// The claim of that number in a statement whose bytes were read before.
    package static func claim(_ number: Int, in bytes: [UInt8]) -> Hello.Claim? {
        let start = Offset.name + 1 + Int(bytes[Offset.name])
        var scanner = PresenceScanner(bytes, at: start)
        return (try? scanner.claim(number)) ?? nil
    }

    /// Where the author believes to be reached, the best first.
    package var endpoints: [Endpoint] {
        var scanner = PresenceScanner(bytes, at: endpointsStart)
        return (try? scanner.endpoints()) ?? []
    }

    /// Members who know fresh endpoints of the author, the best first.
    package var introducers: [NodeID] {
        var scanner = PresenceScanner(bytes, at: introducersStart)
        return (try? scanner.introducers(of: author)) ?? []
    }

    /// Whether the author has a state in the ledger.
    package var hasLedger: Bool { flags & Flag.ledger != 0 }

    /// What the author's state in the ledger is; nil if it has none.
    package var ledger: StateSummary? {
        guard hasLedger else { return nil }
        var scanner = PresenceScanner(bytes, at: ledgerStart)
        return try? scanner.ledger()
    }

    /// The hash of the statement before this one, as far as this one says; see `digest`.
    package var previous: [UInt8]? {
        guard hasLedger else { return nil }
        let start = ledgerStart + StateRoot.byteCount + 4
        return Array(bytes[start..<(start + Self.previousByteCount)])
    }

    private var ledgerStart: Int {
        bytes.count - Cryptography.signatureByteCount - Self.ledgerByteCount
    }

    /// The hash by which the author's next statement names this one.
    package func digest(with cryptography: Cryptography) -> [UInt8] {
        cryptography.digest(bytes, Array("netron/1 block".utf8))
    }

    /// When it ends, in milliseconds since 1970.
    package var end: UInt64 { time + UInt64(lease) * 1000 }

    package var signature: ArraySlice<UInt8> { bytes.suffix(Cryptography.signatureByteCount) }

    /// Whether two statements of one author, whose bytes were read before, say the same, but for
    /// when they were signed, for how long they hold and which ones were before.
    package static func saySame(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count, left[Offset.flags] == right[Offset.flags] else {
            return false
        }
        var end = left.count - Cryptography.signatureByteCount
        if left[Offset.flags] & Flag.ledger != 0 { end -= previousByteCount }
        return left[Offset.flags..<end] == right[Offset.flags..<end]
    }

    /// Whether both claim the same addresses since the same times.
    package func claimsSame(as other: Self) -> Bool {
        bytes[claimsStart..<endpointsStart]
            == other.bytes[other.claimsStart..<other.endpointsStart]
    }

    /// The order of a statement whose bytes were read before.
    package static func order(of bytes: [UInt8]) -> Order {
        func number(_ range: Range<Int>) -> UInt64 {
            bytes[range].reduce(0) { $0 << 8 | UInt64($1) }
        }
        let version = number(Offset.version..<Offset.time)
        return Order(
            incarnation: number(Offset.incarnation..<Offset.version),
            version: UInt32(truncatingIfNeeded: version)
        )
    }

    /// Whether this one replaces the other one of the same author.
    ///
    /// Two statements of one order are the work of a key that runs twice or of a liar; that all
    /// keep the same one, the bytes decide.
    package func replaces(_ other: Self) -> Bool {
        guard order == other.order else { return order > other.order }
        return other.bytes.lexicographicallyPrecedes(bytes)
    }
}

/// The beginning of a statement, which tells whether the rest is worth reading.
package struct PresenceHeader: Hashable, Sendable {
    package let author: NodeID
    package let order: Presence.Order
    package let time: UInt64
    package let lease: UInt32

    package init(_ bytes: [UInt8]) throws(WireError) {
        guard bytes.count >= Presence.bytesMin else { throw .truncated }
        guard bytes[0] == DirectoryPayload.presence.rawValue, bytes[1] == Presence.form else {
            throw .notCanonical
        }
        var scanner = PresenceScanner(bytes, at: Presence.Offset.author)
        author = try scanner.nodeID()
        order = .init(
            incarnation: try scanner.number(bytes: 8),
            version: UInt32(truncatingIfNeeded: try scanner.number(bytes: 4))
        )
        time = try scanner.number(bytes: 8)
        lease = UInt32(truncatingIfNeeded: try scanner.number(bytes: 4))
    }

    /// When it ends, in milliseconds since 1970; bounded, whatever the bytes say.
    package var end: UInt64 { min(time, Presence.timeMax) + UInt64(lease) * 1000 }
}
