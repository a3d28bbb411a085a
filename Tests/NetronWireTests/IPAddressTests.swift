// SPDX-License-Identifier: Apache-2.0

internal import NetronSimulator
internal import NetronWire
internal import Testing

@Suite("ip address") struct IPAddressTests {
    // The IPv6 forms are those of RFC 4291, section 2.2, and RFC 5952, sections 2 and 4.
    @Test(
        "each form is read and written in the one that RFC 5952 asks for",
        arguments: [
            ("0.0.0.0", "0.0.0.0"), ("10.1.0.11", "10.1.0.11"),
            ("255.255.255.255", "255.255.255.255"), ("::", "::"), ("::1", "::1"), ("1::", "1::"),
            ("0:0:0:0:0:0:0:0", "::"),
            ("2001:DB8:0:0:8:800:200C:417A", "2001:db8::8:800:200c:417a"),
            ("2001:0db8::0001", "2001:db8::1"), ("2001:db8:0:0:0:0:2:1", "2001:db8::2:1"),
            ("2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
            ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
            ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("1:0:0:2:3:4:5:6", "1::2:3:4:5:6"),
            ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
            ("1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"),
            ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"), ("::13.1.68.3", "::d01:4403"),
            ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"),
            ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ]
    )
    func forms(text: String, canonical: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == canonical)
        #expect(IPAddress(canonical) == address)
        #expect(IPAddress(bytes: address.bytes) == address)
        #expect(address.bytes.count == address.family.bitCount / 8)
    }

    @Test(
        "what is no address is refused",
        arguments: [
            "", ".", "1", "1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3", "1..2.3", "256.1.1.1",
            "1.2.3.04", "01.2.3.4", "1.2.3.-4", "1.2.3.+4", "1.2.3.4 ", " 1.2.3.4", "0x1.2.3.4",
            "1.2.3.\u{664}", "1.2.3.4\u{301}", ":", ":::", "1:::2", "::1::", "1::2::3", ":1::",
            "::1:",
            "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8",
            "1:2:3:4::5:6:7:8", "12345::", "g::", "+1::", "-1::", "1.2.3.4::", "::1.2.3.4:5",
            "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3", "::1.2.3.400", "fe80::1%3", "[::1]", "::1/128",
            "::\u{661}", "1:2:3:4:5:6:7:8:", ":1:2:3:4:5:6:7:8",
        ]
    )
    func refused(text: String) { #expect(IPAddress(text) == nil) }

    @Test("bytes of another count are refused", arguments: [0, 3, 5, 15, 17])
    func counts(count: Int) {
        #expect(IPAddress(bytes: Array(repeating: 1, count: count)) == nil)
    }

    @Test("a mapped address is the IPv4 address", arguments: ["::ffff:10.1.0.11", "::ffff:a01:b"])
    func mapped(text: String) throws {
        let address = try #require(IPAddress("10.1.0.11"))
        #expect(IPAddress(text) == address)
        #expect(IPAddress(bytes: address.mappedBytes) == address)
        #expect(address.mappedBytes == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 1, 0, 11])
        #expect(address.family == .v4)
    }

    @Test("a neighbour of the mapped range stays IPv6", arguments: ["::fffe:1:2", "::1:ffff:1:2"])
    func neighbours(text: String) { #expect(IPAddress(text)?.family == .v6) }

    @Test("any bytes come back by text", arguments: [4, 16])
    func roundTrip(count: Int) throws {
        var random = SeededRandom(seed: UInt64(count))
        for _ in 0..<500 {
            // Zero groups are rare in chance, and are what the text is about.
            let bytes = random.bytes(count).map { $0 < 140 ? 0 : $0 }
            let address = try #require(IPAddress(bytes: bytes))
            #expect(IPAddress(address.description) == address)
            if address.family.bitCount == count * 8 { #expect(address.bytes == bytes) }
        }
    }

    @Test(
        "only an address that a host can have towards others is a host's",
        arguments: [
            ("10.1.0.11", true), ("1.0.0.0", true), ("0.1.2.3", false), ("127.0.0.1", false),
            ("223.255.255.255", true), ("224.0.0.1", false), ("240.0.0.1", false),
            ("255.255.255.255", false), ("169.254.0.1", true), ("::", false), ("::1", false),
            ("::2", true), ("fd00::1", true), ("fe80::1", true), ("ff02::1", false),
        ]
    )
    func hosts(text: String, isHost: Bool) { #expect(IPAddress(text)?.isHost == isHost) }

    @Test(
        "link-local ranges end where they end",
        arguments: [
            ("169.254.255.255", true), ("169.255.0.0", false), ("fe80::", true),
            ("febf:ffff::", true), ("fec0::", false), ("fe7f::", false),
        ]
    )
    func linkLocal(text: String, isLinkLocal: Bool) {
        #expect(IPAddress(text)?.isLinkLocal == isLinkLocal)
    }

    @Test("IPv4 sorts before IPv6, each by number") func sorts() {
        let texts = ["9.0.0.0", "10.0.0.0", "200.1.1.1", "::", "::1", "1::", "fe80::1"]
        let addresses = texts.compactMap { IPAddress($0) }
        #expect(addresses.reversed().sorted() == addresses)
    }
}
