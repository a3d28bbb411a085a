// SPDX-License-Identifier: Apache-2.0

internal import NetronSimulator
internal import NetronWire
internal import Testing

@Suite("presence") struct PresenceTests {
    static let network: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]

    /// A signature is the sum of the message, and nobody's key.
    static let cryptography = Cryptography(
        sign: { signature($0) },
        verify: { $0 == signature($1) && $2.count == 32 },
        digest: { message, _ in Array(signature(message).prefix(32)) },
        derive: { _, _ in [] },
        networkAddress: { _ in IPAddress(.v6, number: 1) }
    )

    private static func signature(_ message: [UInt8]) -> [UInt8] {
        let sum = message.reduce(UInt64(7)) { $0 &* 31 &+ UInt64($1) }
        var signature: [UInt8] = []
        for _ in 0..<8 { signature.append(bigEndian: sum) }
        return signature
    }

    static func id(_ first: UInt8) throws -> NodeID {
        try #require(NodeID(bytes: [first] + [UInt8](repeating: 0, count: 31)))
    }

    private func draft(
        _ fields: Presence.Fields,
        isLeaving: Bool = false
    ) throws -> Presence {
        Presence.Draft(
            by: try Self.id(9),
            .init(incarnation: 0x0102, version: 3),
            time: 0x0405,
            lease: 0x0E10,
            isLeaving: isLeaving,
            saying: fields
        ).signed(by: Self.cryptography, network: Self.network)
    }

    private func fields() throws -> Presence.Fields {
        Presence.Fields(
            name: "ab",
            claims: [.init(try #require(IPAddress("10.1.0.11")), since: 6)],
            endpoints: [try #require(Endpoint("1.2.3.4:258"))],
            introducers: [try Self.id(7)],
            isReachable: true
        )
    }

    @Test("the bytes are those of the drawing") func bytes() throws {
        let id = [9] + [UInt8](repeating: 0, count: 31)
        let head: [UInt8] =
            [1, 1] + id + [0, 0, 0, 0, 0, 0, 1, 2] + [0, 0, 0, 3]
            + [0, 0, 0, 0, 0, 0, 4, 5] + [0, 0, 0x0E, 0x10]
        let body: [UInt8] =
            [1, 2, 0x61, 0x62, 1, 4, 10, 1, 0, 11, 0, 0, 0, 0, 0, 0, 0, 6]
            + [1, 4, 1, 2, 3, 4, 1, 2, 1, 7] + [UInt8](repeating: 0, count: 31)
        let presence = try draft(fields())
        #expect(presence.bytes.dropLast(64) == (head + body)[...])
        let message = Array("netron/1 presence".utf8) + Self.network + head + body
        #expect(Array(presence.signature) == Self.signature(message))
        #expect(presence.bytes.count >= Presence.bytesMin)
    }

    @Test("what was said is read back") func roundTrip() throws {
        let presence = try Presence(bytes: draft(fields(), isLeaving: true).bytes)
        let fields = try self.fields()
        #expect(presence.author == (try Self.id(9)))
        #expect(presence.order == .init(incarnation: 0x0102, version: 3))
        #expect(Presence.order(of: presence.bytes) == presence.order)
        #expect((presence.time, presence.lease) == (0x0405, 3_600))
        #expect(presence.end == 0x0405 + 3_600_000)
        #expect(presence.name == fields.name)
        #expect(presence.claims == fields.claims)
        #expect(presence.endpoints == fields.endpoints)
        #expect(presence.introducers == fields.introducers)
        #expect(presence.isReachable && presence.isLeaving && presence.isWilling)
        let unwilling = Presence.Fields(name: "", isWilling: false)
        #expect(try draft(unwilling).bytes[58] == 8)
        #expect(try !draft(unwilling).isWilling)
        #expect(!unwilling.differsOnlyInPaths(from: .init(name: "")))
        let header = try PresenceHeader(presence.bytes)
        #expect(header.author == presence.author && header.order == presence.order)
        #expect(header.end == presence.end)
    }

    @Test("a signature holds for its network and its bytes only") func signed() throws {
        let presence = try draft(fields())
        #expect(presence.isSigned(by: Self.cryptography, network: Self.network))
        let other: [UInt8] = [0, 2, 3, 4, 5, 6, 7, 8]
        #expect(!presence.isSigned(by: Self.cryptography, network: other))
        var bytes = presence.bytes
        bytes[60] = 0x7A
        let changed = try Presence(bytes: bytes)
        #expect(!changed.isSigned(by: Self.cryptography, network: Self.network))
    }

    @Test("a statement cut anywhere is refused, and one with a byte more") func truncated() throws {
        let bytes = try draft(fields()).bytes
        for count in 0..<bytes.count {
            #expect(throws: WireError.self) { try Presence(bytes: Array(bytes.prefix(count))) }
        }
        #expect(throws: WireError.trailing) { try Presence(bytes: bytes + [0]) }
    }

    @Test("other forms of the same statement are refused") func canonical() throws {
        let good = try draft(fields()).bytes
        func expectRefused(_ place: Int, _ bytes: [UInt8], _ error: WireError) {
            var bad = good
            bad.replaceSubrange(place..<(place + bytes.count), with: bytes)
            #expect(throws: error, "\(bytes) at \(place)") { try Presence(bytes: bad) }
        }
        expectRefused(0, [2], .notCanonical)
        expectRefused(1, [2], .notCanonical)
        expectRefused(33, [0x80], .badNodeID)
        expectRefused(34, [0, 1], .notCanonical)  // an incarnation of 49 bits
        expectRefused(46, [0, 1], .notCanonical)  // a time of 49 bits
        expectRefused(54, [0, 0, 0, 0], .notCanonical)
        expectRefused(54, [0, 0x0A, 0x8C, 0x01], .notCanonical)  // a second more than eight days
        expectRefused(58, [16], .notCanonical)
        expectRefused(59, [64], .tooMany)
        expectRefused(60, [0x1B], .notText)
        expectRefused(62, [17], .tooMany)
        expectRefused(63, [5], .notCanonical)
        expectRefused(76, [5], .tooMany)
        expectRefused(84, [4], .tooMany)
        expectRefused(85, [9], .notCanonical)  // the author as its own introducer
    }

    @Test("lists out of order or with doubles are refused") func lists() throws {
        let addresses = try ["10.0.0.1", "10.0.0.2"].map { try #require(IPAddress($0)) }
        let endpoints = try ["1.2.3.4:1", "1.2.3.4:2"].map { try #require(Endpoint($0)) }
        let good = try draft(
            .init(
                name: "",
                claims: addresses.map { .init($0, since: 0) },
                endpoints: endpoints,
                introducers: [try Self.id(1), try Self.id(2)]
            )
        ).bytes
        #expect(throws: Never.self) { try Presence(bytes: good) }
        var descending = good
        descending[65] = 3
        #expect(throws: WireError.notCanonical) { try Presence(bytes: descending) }
        let second = 61 + 2 * 13 + 1 + 7
        var doubled = good
        doubled[second + 6] = 1
        #expect(throws: WireError.notCanonical) { try Presence(bytes: doubled) }
        var twice = good
        twice[second + 7 + 1 + 32] = 1
        #expect(throws: WireError.notCanonical) { try Presence(bytes: twice) }
    }

    @Test("a mapped address is refused") func mapped() throws {
        let address = try #require(IPAddress("fd00::1"))
        var bytes = try draft(.init(name: "", claims: [.init(address, since: 0)])).bytes
        let mapped = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF, 10, 0, 0, 1]
        bytes.replaceSubrange(62..<78, with: mapped)
        #expect(throws: WireError.notCanonical) { try Presence(bytes: bytes) }
    }

    @Test("the fullest statement fits, and keeps all its claims") func fullest() throws {
        let claims = (0..<40).compactMap { IPAddress("fd00::\($0)") }
        let endpoints = (0..<9).compactMap { Endpoint("[2001:db8::\($0)]:1") }
        let fields = Presence.Fields(
            name: String(repeating: "x", count: 100),
            claims: claims.map { .init($0, since: .max) },
            endpoints: endpoints,
            introducers: try (20..<30).map { try Self.id($0) },
            ledger: StateSummary(
                of: LedgerSamples.state(try LedgerSamples.note()),
                with: Self.cryptography
            )
        )
        let presence = try draft(fields)
        #expect(presence.bytes.count <= Presence.bytesMax)
        #expect(presence.claims.count == 16)
        #expect(presence.endpoints == Array(endpoints.prefix(2)))
        #expect(presence.introducers.count == 2)
        #expect(presence.ledger == fields.ledger)
        #expect(presence.name.utf8.count == 63)
    }

    @Test("the order of two statements is by incarnation, version and then bytes") func order() {
        let order = Presence.Order(incarnation: 1, version: .max)
        #expect(order.next == .init(incarnation: 2, version: 0))
        #expect(order < order.next)
        #expect(Presence.Order(incarnation: 1, version: 1) < .init(incarnation: 1, version: 2))
    }

    @Test("a suspicion is read back, and any other form is refused") func suspicion() throws {
        let suspicion = Suspicion(
            of: try Self.id(1),
            .init(incarnation: 2, version: 3),
            by: try Self.id(4),
            at: 5,
            with: (Self.cryptography, Self.network)
        )
        #expect(suspicion.bytes.count == Suspicion.byteCount)
        #expect(try Suspicion(bytes: suspicion.bytes) == suspicion)
        #expect(suspicion.isSigned(by: Self.cryptography, network: Self.network))
        #expect(DirectoryPayload(of: suspicion.bytes) == .suspicion)
        #expect(throws: WireError.trailing) { try Suspicion(bytes: suspicion.bytes + [0]) }
        for count in 0..<suspicion.bytes.count {
            #expect(throws: WireError.truncated) {
                try Suspicion(bytes: Array(suspicion.bytes.prefix(count)))
            }
        }
        var bytes = suspicion.bytes
        bytes[2] = 1
        #expect(throws: WireError.notCanonical) { try Suspicion(bytes: bytes) }
        bytes = suspicion.bytes
        bytes[70] ^= 1
        #expect(try !Suspicion(bytes: bytes).isSigned(by: Self.cryptography, network: Self.network))
    }

    @Test("no bytes make the decoder trap") func fuzz() throws {
        var random = SeededRandom(seed: 3)
        let good = try draft(fields()).bytes
        for _ in 0..<3_000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 2..<bytes.count, using: &random)
                bytes[place] = UInt8.random(in: .min ... .max, using: &random)
            }
            guard let presence = try? Presence(bytes: bytes) else { continue }
            #expect(presence.bytes == bytes)
            _ = (presence.name, presence.claims, presence.endpoints, presence.introducers)
        }
    }
}
