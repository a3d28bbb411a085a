// SPDX-License-Identifier: Apache-2.0

internal import NetronSimulator
internal import NetronWire
internal import Testing

@Suite("Bencoding") struct BencodeTests {
    @Test(
        "a value has one encoding, which is read and written",
        arguments: [
            ("i0e", .integer(0)), ("i-1e", .integer(-1)), ("i10e", .integer(10)),
            ("i9223372036854775807e", .integer(.max)), ("i-9223372036854775808e", .integer(.min)),
            ("0:", .string("")), ("4:spam", .string("spam")),
            ("10:0123456789", .string("0123456789")),
            ("le", .list([])), ("l4:spam4:eggse", .list([.string("spam"), .string("eggs")])),
            ("de", .dictionary([:])), ("lleldeee", .list([.list([]), .list([.dictionary([:])])])),
            (
                "d3:cow3:moo4:spamli1ei2eee",
                .dictionary([
                    [UInt8]("spam".utf8): .list([.integer(1), .integer(2)]),
                    [UInt8]("cow".utf8): .string("moo"),
                ])
            ),
            // A key that begins like another goes behind it, and the empty one before all.
            (
                "d0:i1e1:ai2e2:aai3e1:bi4ee",
                .dictionary([
                    [97, 97]: .integer(3), [98]: .integer(4), []: .integer(1), [97]: .integer(2),
                ])
            ),
        ] as [(String, Bencode)]
    )
    func roundTrips(text: String, value: Bencode) throws {
        #expect(try Bencode([UInt8](text.utf8)) == value)
        #expect(value.encoded == [UInt8](text.utf8))
    }

    @Test(
        "what is not the one encoding is refused",
        arguments: [
            ("", .truncated), ("i", .truncated), ("i-", .truncated), ("i1", .truncated),
            ("ie", .badNumber), ("i-e", .badNumber), ("i-0e", .badNumber), ("i00e", .badNumber),
            ("i01e", .badNumber), ("i-01e", .badNumber), ("i+1e", .badNumber),
            ("i1.5e", .badNumber),
            ("i 1e", .badNumber), ("i9223372036854775808e", .badNumber),
            ("i-9223372036854775809e", .badNumber), ("i99999999999999999999999e", .badNumber),
            ("1", .truncated), ("1:", .truncated), ("5:spam", .truncated), ("04:spam", .badNumber),
            ("00:", .badNumber), ("4spam", .badNumber), ("-1:a", .unexpected),
            ("99999999999999999999:a", .badNumber), ("2147483647:a", .truncated),
            ("9223372036854775807:a", .badNumber), ("l", .truncated), ("li1e", .truncated),
            ("d", .truncated), ("d1:a", .truncated), ("d1:ae", .unexpected),
            ("d1:ai1e", .truncated), ("di1ei2ee", .unexpected), ("dle1:ae", .unexpected),
            ("d1:bi1e1:ai2ee", .unsorted), ("d1:ai1e1:ai2ee", .unsorted),
            ("d2:aai1e1:ai2ee", .unsorted), ("i1ei2e", .trailing), ("dee", .trailing),
            ("le0:", .trailing), ("e", .unexpected), ("x", .unexpected), ("\n", .unexpected),
            ("I1e", .unexpected),
        ] as [(String, BencodeError)]
    )
    func refused(text: String, error: BencodeError) {
        let bytes = [UInt8](text.utf8)
        #expect(throws: error) { try Bencode(bytes) }
        // What is stepped over is judged as strictly.
        #expect(throws: error) {
            var reader = BencodeReader(bytes)
            try reader.skip()
            try reader.finish()
        }
    }

    @Test("lists and dictionaries lie 16 deep and no deeper", arguments: ["l", "d1:a"])
    func depth(opening: String) throws {
        func nested(_ depth: Int) -> [UInt8] {
            var text = String(repeating: opening, count: depth)
            if opening != "l" { text += "i1e" }
            return [UInt8]((text + String(repeating: "e", count: depth)).utf8)
        }
        _ = try Bencode(nested(16))
        #expect(throws: BencodeError.tooDeep) { try Bencode(nested(17)) }
        var reader = BencodeReader(nested(16))
        #expect(try reader.skip() == 0..<nested(16).count)
        #expect(throws: BencodeError.tooDeep) {
            var reader = BencodeReader(nested(17))
            try reader.skip()
        }
        #expect(throws: BencodeError.tooDeep) {
            var reader = BencodeReader([UInt8](repeating: UInt8(ascii: "l"), count: 1_000_000))
            try reader.skip()
        }
    }

    @Test("512 values are read and no more")
    func items() throws {
        let list = [UInt8]("l".utf8) + (0..<511).flatMap { _ in [UInt8]("0:".utf8) }
        _ = try Bencode(list + [UInt8]("e".utf8))
        #expect(throws: BencodeError.tooMany) { try Bencode(list + [UInt8]("0:e".utf8)) }
    }

    @Test("every shorter beginning is refused, and noise traps nowhere", arguments: 1...4)
    func noise(seed: UInt64) throws {
        let sample = [UInt8]("d1:ad2:id3:abce1:eli201e3:abee1:ri-5e1:t2:aa1:y1:qe".utf8)
        let value = try Bencode(sample)
        #expect(value.encoded == sample)
        for count in sample.indices {
            #expect(throws: BencodeError.self) { try Bencode([UInt8](sample.prefix(count))) }
        }
        var random = SeededRandom(seed: seed)
        let letters = [UInt8]("dlie0123456789:-a".utf8)
        for _ in 0..<5_000 {
            var bytes = sample
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: bytes.indices, using: &random)
                bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
            }
            rereads(bytes)
            // Noise of the letters that mean something comes further.
            rereads(
                (0..<Int.random(in: 0...40, using: &random)).map { _ in
                    letters[Int.random(in: letters.indices, using: &random)]
                }
            )
        }
    }

    /// What is read is what would be written, by both ways of reading.
    private func rereads(_ bytes: [UInt8]) {
        var reader = BencodeReader(bytes)
        let isValue = (try? reader.skip()) != nil && (try? reader.finish()) != nil
        let value = try? Bencode(bytes)
        #expect((value != nil) == isValue)
        if let value { #expect(value.encoded == bytes) }
    }
}
