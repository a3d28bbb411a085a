// SPDX-License-Identifier: Apache-2.0

internal import NetronWire
internal import Testing

@Suite("directory messages") struct DirectoryMessageTests {
    private static let range = DirectoryRange(bits: 12, around: .init(0xABCD_EF00_0000_0000))

    private static func entry(_ place: UInt64) -> DirectoryMessage.Entry {
        .init(.init(place), .init(incarnation: 1, version: 2), stamp: 3)
    }

    static let samples: [DirectoryMessage] = {
        let summary = DirectoryMessage.Summary(fingerprint: 0x0102, count: 3)
        let object = ChunkObject(kind: 1, key: [1, 2])
        let numbers: [UInt16] = [0, 1, 2, 7, 9]
        let content = [UInt8](repeating: 5, count: 1_100)
        return [
            .ask(.all, summary), .ask(range, summary), .same(range),
            .parts(range, [DirectoryMessage.Summary](repeating: summary, count: 16)),
            .list(range, [entry(0xABC0_0000_0000_0000), entry(0xABC0_0000_0000_0001)]),
            .list(.all, []), .want([.init(1), .init(2)]), .records([[1, 2, 3], []]),
            .chunks(.request(.init(handle: 4, object: object, tag: 5, numbers: numbers))),
            .chunks(.chunk(.init(1, of: content, tag: 6, handle: 4))),
            .chunks(.chunk(.init(0, of: [], tag: 6, handle: 4))),
            .chunks(.refused(handle: 7)), .keeps(.all, bits: 1), .keeps(range, bits: 64),
        ]
    }()

    private func encoded(_ message: DirectoryMessage) -> [UInt8] {
        var writer = ByteWriter()
        message.write(to: &writer)
        return writer.bytes
    }

    private func decoded(_ bytes: [UInt8]) throws -> DirectoryMessage? {
        var reader = ByteReader(bytes)
        guard let message = try DirectoryMessage(from: &reader) else { return nil }
        try reader.finish()
        return message
    }

    @Test("every message comes back") func roundTrip() throws {
        for message in Self.samples { #expect(try decoded(encoded(message)) == message) }
    }

    @Test("a message cut anywhere, or with a byte more, is refused") func truncated() {
        for message in Self.samples {
            let bytes = encoded(message)
            for count in 0..<bytes.count {
                #expect(throws: WireError.self) { try decoded(Array(bytes.prefix(count))) }
            }
            #expect(throws: WireError.trailing) { try decoded(bytes + [0]) }
        }
    }

    @Test("a kind that is not known, also of a chunk message, is skipped, whatever follows")
    func unknown() throws {
        for kind: UInt8 in [0, 9, 255] { #expect(try decoded([kind, 1, 2]) == nil) }
        for kind: UInt8 in [0, 4, 255] { #expect(try decoded([7, kind, 1, 2]) == nil) }
    }

    @Test("the bytes are those of the drawing") func bytes() {
        let summary = DirectoryMessage.Summary(fingerprint: 0x0102, count: 3)
        #expect(
            encoded(.ask(Self.range, summary))
                == [1, 12, 0xAB, 0xC0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 3]
        )
        #expect(encoded(.same(.all)) == [2, 0])
        let request = ChunkMessage.Request(
            handle: 4,
            object: .init(kind: 1, key: [2]),
            tag: 5,
            numbers: [8, 7, 1]
        )
        #expect(
            encoded(.chunks(.request(request)))
                == [7, 1, 0, 0, 0, 4, 1, 1, 2, 0, 0, 0, 0, 0, 0, 0, 5, 2, 0, 1, 1, 0, 7, 2]
        )
        #expect(
            encoded(.chunks(.chunk(.init(0, of: [9], tag: 5, handle: 4))))
                == [7, 2, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 1, 9]
        )
    }

    @Test("the largest messages fit the packet core, envelope and all") func largest() {
        let entries = (0..<DirectoryMessage.entriesMax).map { Self.entry(UInt64($0)) }
        let places = (0..<DirectoryMessage.wantsMax).map { DirectoryPlace(UInt64($0)) }
        let record = [UInt8](repeating: 1, count: DirectoryMessage.recordBytesMax / 2 - 2)
        let content = [UInt8](repeating: 5, count: 2_048)
        let largest: [DirectoryMessage] = [
            .list(.all, entries), .want(places), .records([record, record]),
            .chunks(.chunk(.init(0, of: content, tag: 6, handle: 4))),
        ]
        for message in largest {
            #expect(encoded(message).count + 2 <= Message.bytesMax)
            #expect(throws: Never.self) { try decoded(encoded(message)) }
        }
    }

    @Test("other forms are refused") func canonical() {
        let refused: [[UInt8]] = [
            [2, 65], [2, 12, 0xAB, 0xC1],  // a bit behind the range
            [4, 0, 25], [5, 0], [5, 65], [6, 0], [6, 1, 2, 0xBD],  // 701 bytes
        ]
        for bytes in refused { #expect(throws: WireError.self) { try decoded(bytes) } }
        // Entries out of order, and outside of the range.
        let first = encoded(.list(.all, [Self.entry(5), Self.entry(6)]))
        var swapped = first
        swapped[10] = 7
        #expect(throws: WireError.notCanonical) { try decoded(swapped) }
        let outside = encoded(.list(Self.range, [Self.entry(5)]))
        #expect(throws: WireError.notCanonical) { try decoded(outside) }
    }

    @Test("chunks that cannot be are refused") func chunks() {
        // Numbers that touch, a run of none, more than 16, beyond the last number; no tag.
        let head: [UInt8] = [7, 1, 0, 0, 0, 4, 1, 0, 0, 0, 0, 0, 0, 0, 0, 5]
        for runs: [UInt8] in [
            [0], [9], [2, 0, 1, 1, 0, 2, 1], [1, 0, 1, 0], [1, 0, 0, 17], [1, 0xFF, 0xFF, 2],
        ] {
            #expect(throws: WireError.self) { try decoded(head + runs) }
        }
        let chunk: [UInt8] = [7, 2, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0]
        #expect(throws: WireError.notCanonical) {
            try decoded(chunk + [0, 0, 0, 0, 0, 0, 1, 9])
        }
        #expect(throws: WireError.notCanonical) {
            try decoded(chunk + [5, 0, 1, 0, 0, 0, 1, 9])
        }
        #expect(throws: WireError.tooMany) { try decoded(chunk + [5, 0, 0, 1, 0, 0, 1]) }
    }

    @Test("ranges hold what begins with their bits") func ranges() {
        #expect(Self.range.contains(.init(0xABCF_FFFF_FFFF_FFFF)))
        #expect(!Self.range.contains(.init(0xABD0_0000_0000_0000)))
        #expect(Self.range.last.number == 0xABCF_FFFF_FFFF_FFFF)
        #expect(Self.range.part(5, bits: 4).first.number == 0xABC5_0000_0000_0000)
        #expect(DirectoryRange.all.last.number == .max)
        let deepest = DirectoryRange(bits: 64, around: .init(7))
        #expect(deepest.first == deepest.last)
        #expect(DirectoryRange(bits: 9, around: .init(.max)).encoded == [9, 0xFF, 0x80])
    }
}
