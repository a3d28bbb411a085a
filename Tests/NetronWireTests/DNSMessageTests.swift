// SPDX-License-Identifier: Apache-2.0

internal import NetronWire
internal import Testing

@Suite("DNS message") struct DNSMessageTests {
    private static let instance: DNSName = "some-label._netron._udp.local"
    private static let host: DNSName = "some-label.local"

    private static var full: DNSMessage {
        get throws {
            let address4 = try #require(IPAddress("192.0.2.7"))
            let address6 = try #require(IPAddress("fe80::7"))
            var message = DNSMessage()
            message.id = 0xBEEF
            message.flags = 0x8400
            message.questions = [
                DNSQuestion("_netron._udp.local", .ptr, wantsUnicast: true),
                DNSQuestion(instance, .any),
            ]
            message.answers = [
                DNSRecord("_netron._udp.local", .pointer(instance), seconds: 4_500),
                DNSRecord(instance, .service(port: 7_000, host: host), seconds: 120, flushes: true),
            ]
            message.authorities = [DNSRecord(instance, .text([[0x76], []]), seconds: 1)]
            message.additionals = [
                DNSRecord(host, .address(address4), seconds: 0, flushes: true),
                DNSRecord(host, .address(address6), seconds: .max >> 1),
                DNSRecord(host, .only([.a, .aaaa, .srv]), seconds: 120),
            ]
            return message
        }
    }

    @Test("what is written is read", arguments: [true, false])
    func roundTrip(compressesHosts: Bool) throws {
        let message = try Self.full
        #expect(try DNSMessage(message.encoded(compressesHosts: compressesHosts)) == message)
    }

    @Test("names that stand already are pointed to")
    func compression() {
        var message = DNSMessage()
        message.answers = [
            DNSRecord("_netron._udp.local", .pointer("a._netron._udp.local"), seconds: 0x0102_0304)
        ]
        let expected: [UInt8] =
            [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]
            + [7] + Array("_netron".utf8) + [4] + Array("_udp".utf8) + [5] + Array("local".utf8)
            + [0, 0, 12, 0, 1, 1, 2, 3, 4, 0, 4, 1, UInt8(ascii: "a"), 0xC0, 12]
        #expect(message.encoded() == expected)
        #expect(message.encoded(compressesHosts: false).count == expected.count - 2 + 20)
    }

    @Test("the top bits of the class ask for unicast and flush caches")
    func topBits() throws {
        var message = DNSMessage()
        message.questions = [DNSQuestion("a", .ptr, wantsUnicast: true)]
        message.answers = [DNSRecord("b", .text([]), seconds: 9, flushes: true)]
        let bytes = message.encoded()
        #expect(bytes[12...18] == [1, 0x61, 0, 0, 12, 0x80, 1])
        #expect(bytes[19...] == [1, 0x62, 0, 0, 16, 0x80, 1, 0, 0, 0, 9, 0, 1, 0])
    }

    @Test("names differ in more than the case of ASCII letters")
    func names() {
        #expect("Some.LOCAL" as DNSName == "sOME.local")
        #expect(("Some.LOCAL" as DNSName).hashValue == ("sOME.local" as DNSName).hashValue)
        #expect("some.local" as DNSName != "some.locals")
        #expect(DNSName(labels: [[0x40]]) != DNSName(labels: [[0x60]]))
        #expect(DNSName(labels: [[0x61, 0x2E, 0x62]]) != "a.b")
        #expect(("a.b.c" as DNSName).parent == "b.c")
        #expect(("a.b.c" as DNSName).firstLabel == [0x61])
        #expect(("" as DNSName).parent == nil && ("" as DNSName).firstLabel == nil)
        #expect(("a.bc" as DNSName).labels == [[0x61], [0x62, 0x63]])
    }

    @Test(
        "a label has 1 to 63 bytes and a name at most 255",
        arguments: [
            ([0], false), ([1], true), ([63], true), ([64], false), ([63, 63, 63, 61], true),
            ([63, 63, 63, 62], false), ([], true), ([Int](repeating: 1, count: 127), true),
            ([Int](repeating: 1, count: 128), false),
        ]
    )
    func lengths(lengths: [Int], isName: Bool) {
        let name = DNSName(labels: lengths.map { [UInt8](repeating: 0x61, count: $0) })
        #expect((name != nil) == isName)
    }

    @Test("what Avahi 0.8 asks is read")
    func avahiQuery() throws {
        let message = try DNSMessage(
            bytes(
                "000000000001000200000000075f6e6574726f6e045f756470056c6f63616c00000c0001c00c000c"
                    + "000100001194000f0c536f6d65205072696e746572c00cc00c000c000100001194000c0961"
                    + "6161616c6162656cc00c"
            )
        )
        let printer = DNSName(labels: [
            Array("Some Printer".utf8), Array("_netron".utf8), Array("_udp".utf8),
            Array("local".utf8),
        ])
        var expected = DNSMessage()
        expected.questions = [DNSQuestion("_netron._udp.local", .ptr)]
        expected.answers = [
            DNSRecord("_netron._udp.local", .pointer(try #require(printer)), seconds: 4_500),
            DNSRecord(
                "_netron._udp.local",
                .pointer("aaaalabel._netron._udp.local"),
                seconds: 4_500
            ),
        ]
        #expect(message == expected)
    }

    private func bytes(_ hex: String) -> [UInt8] {
        stride(from: 0, to: hex.utf8.count, by: 2).compactMap {
            UInt8(hex.dropFirst($0).prefix(2), radix: 16)
        }
    }
}
