// SPDX-License-Identifier: Apache-2.0

internal import NetronSimulator
internal import NetronWire
internal import Testing

@Suite("trust object") struct TrustObjectTests {
    private func decoded(_ bytes: [UInt8]) throws -> TrustObject {
        try TrustObject(bytes: bytes, with: TrustSamples.keys(of: 9))
    }

    @Test("it comes back, with its head", arguments: [0, 1, 22, TrustObject.revocationsMax])
    func roundTrip(count: Int) throws {
        let object = try TrustSamples.object(serial: .max, revoking: 0..<count)
        let bytes = object.encoded()
        #expect(bytes.count == TrustObject.overhead + 40 * count)
        #expect(try decoded(bytes) == object)
        #expect(DirectoryPayload(of: bytes) == .trust)
        #expect(try TrustHead(bytes: object.head.bytes) == object.head)
        #expect(object.head.bytes.count == TrustHead.byteCount)
        #expect(DirectoryPayload(of: object.head.bytes) == .trustHead)
        #expect(try TrustObject.revocations(of: object.content) == object.revocations)
        let again = TrustObject(object.head, object.revocations, with: try TrustSamples.keys())
        #expect(again == object)
    }

    @Test("the largest keeps within 32 KiB, and one more would not") func largest() {
        let most = TrustObject.overhead + TrustObject.revocationsMax * Revocation.byteCount
        #expect(most <= TrustObject.bytesMax)
        #expect(TrustObject.bytesMax <= LedgerTable.valueBytesMax)
    }

    @Test("the bytes are those of the drawing") func bytes() throws {
        let object = try TrustSamples.object(serial: 0x0102, revoking: [3])
        let expiry: [UInt8] = [0, 0, 0x01, 0xA3, 0x18, 0x5C, 0x50, 0]
        let body = try TrustSamples.id(1).bytes + [0, 0, 0, 0, 0, 0, 1, 2, 0, 1]
        let content = try TrustSamples.certificate(3).bytes + expiry
        #expect(object.encoded() == [4] + body + content + object.head.signature)
        let digest = try TrustSamples.keys().digest(content, [])
        #expect(object.head.bytes == [5] + body + digest + object.head.signature)
        let message = Array("netron/1 trust".utf8) + TrustSamples.network + body + digest
        #expect(object.head.signature == (try TrustSamples.keys().sign(message)))
    }

    @Test("revocations are sorted when it is made, and the latest expiry of one counts")
    func making() throws {
        let (first, second) = (try TrustSamples.certificate(1), try TrustSamples.certificate(2))
        let object = try #require(
            TrustObject.signed(
                try TrustSamples.id(1),
                serial: 1,
                revoking: [
                    Revocation(second, expiry: 5), Revocation(first, expiry: 9),
                    Revocation(first, expiry: 7),
                ],
                network: TrustSamples.network,
                with: try TrustSamples.keys()
            )
        )
        #expect(
            object.revocations == [Revocation(first, expiry: 9), Revocation(second, expiry: 5)]
        )
    }

    @Test("no more are revoked than an object has, and no serial is 0") func limits() throws {
        let many = try TrustSamples.revocations(0...TrustObject.revocationsMax)
        let (id, keys) = (try TrustSamples.id(1), try TrustSamples.keys())
        func make(_ list: [Revocation], _ serial: UInt64) -> TrustObject? {
            TrustObject.signed(
                id,
                serial: serial,
                revoking: list,
                network: TrustSamples.network,
                with: keys
            )
        }
        #expect(make(many, 1) == nil)
        #expect(make(many.dropLast(), 1) != nil)
        #expect(make([], 0) == nil)
        #expect(make([], 1) != nil)
    }

    @Test("a head takes no other list than its own") func joining() throws {
        let keys = try TrustSamples.keys()
        let object = try TrustSamples.object(revoking: 1...3)
        let other = try TrustSamples.object(revoking: 2...4)
        #expect(TrustObject(object.head, other.revocations, with: keys) == nil)
        #expect(TrustObject(object.head, object.revocations.dropLast(), with: keys) == nil)
        #expect(TrustObject(object.head, object.revocations.reversed(), with: keys) == nil)
    }

    @Test("a signature is of one authority, network, serial and list") func signatures() throws {
        let object = try TrustSamples.object(revoking: 1...3)
        let keys = try TrustSamples.keys(of: 9)
        #expect(object.head.isSigned(by: keys, network: TrustSamples.network))
        #expect(!object.head.isSigned(by: keys, network: [8, 7, 6, 5, 4, 3, 2, 1]))
        // The kind is none of the signature's matter; every other byte is.
        for index in 1..<object.encoded().count {
            var bytes = object.encoded()
            bytes[index] ^= 1
            guard let other = try? decoded(bytes) else { continue }
            #expect(!other.head.isSigned(by: keys, network: TrustSamples.network), "byte \(index)")
        }
    }

    @Test("the greater serial comes first, and of one serial the greater hash") func order() throws
    {
        let keys = try TrustSamples.keys(of: 9)
        func order(_ serial: UInt64, _ numbers: Range<Int>) throws -> TrustOrder {
            try TrustSamples.object(serial: serial, revoking: numbers).head.order(with: keys)
        }
        #expect(try order(1, 0..<9) < order(2, 0..<1))
        let (left, right) = (try order(3, 0..<1), try order(3, 0..<2))
        #expect(left != right)
        #expect((left < right) == left.hash.lexicographicallyPrecedes(right.hash))
        #expect(!(left < left))
    }
}

@Suite("what a trust object leaves out") struct TrustLeftOutTests {
    private static let over = TrustSamples.end + Presence.skewMilliseconds + 1

    @Test("what is over may go, and nothing else") func leaving() throws {
        let old = try TrustSamples.object(revoking: 1...3)
        let new = try TrustSamples.object(serial: 2, revoking: [2, 9])
        let missing = old.leftOut(by: new, at: TrustSamples.end)
        #expect(
            missing.map(\.certificate)
                == [try TrustSamples.certificate(1), try TrustSamples.certificate(3)]
        )
        #expect(old.leftOut(by: new, at: Self.over - 1).count == 2)
        #expect(old.leftOut(by: new, at: Self.over) == [])
        #expect(old.leftOut(by: old, at: 0) == [])
    }

    @Test("an expiry may move back, and not forward") func expiries() throws {
        let old = try TrustSamples.object(revoking: [1])
        func moved(to expiry: UInt64) throws -> TrustObject {
            try #require(
                TrustObject.signed(
                    try TrustSamples.id(1),
                    serial: 2,
                    revoking: [Revocation(try TrustSamples.certificate(1), expiry: expiry)],
                    network: TrustSamples.network,
                    with: try TrustSamples.keys()
                )
            )
        }
        #expect(old.leftOut(by: try moved(to: TrustSamples.end - 1), at: 0).count == 1)
        #expect(old.leftOut(by: try moved(to: TrustSamples.end + 1), at: 0) == [])
    }
}
