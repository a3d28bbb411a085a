// SPDX-License-Identifier: Apache-2.0

internal import NetronWire
internal import Testing

@Suite("byte reader and writer") struct ByteReaderTests {
    @Test("numbers go most significant byte first, and back") func numbers() throws {
        var writer = ByteWriter()
        writer.write(UInt8(1))
        writer.write(UInt16(0x0203))
        writer.write(UInt64(0x0405_0607_0809_0A0B))
        #expect(writer.bytes == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
        var reader = ByteReader(writer.bytes)
        #expect(try reader.read(UInt8.self) == 1)
        #expect(try reader.read(UInt16.self) == 0x0203)
        #expect(try reader.read(UInt64.self) == 0x0405_0607_0809_0A0B)
        try reader.finish()
    }

    @Test("a number in the other order begins with its least byte") func littleEndian() {
        var bytes: [UInt8] = []
        bytes.append(littleEndian: UInt32(0x0102_0304))
        #expect(bytes == [4, 3, 2, 1])
    }

    @Test("what is refused takes nothing") func takesNothing() {
        var reader = ByteReader([3, 0x61, 0x0A, 0x62])
        #expect(throws: WireError.truncated) { try reader.read(UInt64.self) }
        #expect(throws: WireError.truncated) { try reader.read(bytes: 5) }
        #expect(throws: WireError.truncated) { try reader.read(bytes: -1) }
        #expect(throws: WireError.tooMany) { try reader.read(countUpTo: 2) }
        #expect(throws: WireError.notText) { try reader.read(textUpTo: 3) }
        #expect(throws: WireError.tooMany) { try reader.read(textUpTo: 2) }
        #expect(throws: WireError.trailing) { try reader.finish() }
        #expect(reader.count == 4)
    }

    @Test("a text is cut between characters, and loses what steers a terminal") func plain() {
        #expect("a\u{1B}[31mb\u{202E}\n\u{7F}".plain(bytesMax: 63) == "a[31mb")
        #expect("h\u{f6}st".plain(bytesMax: 2) == "h")
        #expect("h\u{f6}st".plain(bytesMax: 3) == "h\u{f6}")
        #expect("host".plain(bytesMax: 0).isEmpty)
        #expect("h\u{f6}st \u{4E2D}".isPlain)
        for text in ["\0", "\u{1F}", "\u{9F}", "\u{2028}", "\u{200F}", "\u{FEFF}", "a\u{E0001}"] {
            #expect(!text.isPlain)
        }
    }
}
