// SPDX-License-Identifier: Apache-2.0

internal import NetronWire
internal import Testing

@Suite("prefix and interface address") struct PrefixTests {
    @Test(
        "bits past the length are 0",
        arguments: [
            ("10.1.0.11/24", "10.1.0.0/24"), ("10.1.0.11/32", "10.1.0.11/32"),
            ("10.1.0.11", "10.1.0.11/32"), ("255.255.255.255/0", "0.0.0.0/0"),
            ("255.255.255.255/1", "128.0.0.0/1"), ("255.255.255.255/31", "255.255.255.254/31"),
            ("fd00::1/64", "fd00::/64"), ("fd00::1", "fd00::1/128"), ("ffff::1/0", "::/0"),
            ("::1:ffff:1.2.3.4/80", "::1:0:0:0/80"), ("ff:ff::/9", "80::/9"),
        ]
    )
    func masks(text: String, masked: String) throws {
        #expect(try #require(Prefix(text)).description == masked)
    }

    @Test(
        "what is no prefix is refused",
        arguments: [
            "", "/", "/24", "10.1.0.0/", "10.1.0.0/33", "10.1.0.0/-1", "10.1.0.0/+8", "10.1.0.0/08",
            "10.1.0.0/24/24", "10.1.0.0/ 24", "fd00::/129", "fd00::/1000000000000000000000",
            "::ffff:10.1.0.0/104", "10.1/16", "10.1.0.0/24\u{301}",
        ]
    )
    func refused(text: String) {
        #expect(Prefix(text) == nil)
        #expect(InterfaceAddress(text) == nil)
    }

    @Test("lengths of no address are refused", arguments: [-1, 33, 129, Int.max, Int.min])
    func lengths(length: Int) throws {
        let address = try #require(IPAddress("10.1.0.11"))
        #expect(Prefix(address, length: length) == nil)
        #expect(InterfaceAddress(address, length: length) == nil)
    }

    @Test(
        "a prefix holds what begins as it does",
        arguments: [
            ("10.1.0.0/24", "10.1.0.255", true), ("10.1.0.0/24", "10.1.1.0", false),
            ("0.0.0.0/0", "1.2.3.4", true), ("0.0.0.0/0", "::1", false), ("::/0", "1.2.3.4", false),
            ("::/0", "ff::", true), ("fd00::1", "fd00::1", true), ("fd00::1", "fd00::2", false),
        ]
    )
    func holds(prefix: String, address: String, isIn: Bool) throws {
        let address = try #require(IPAddress(address))
        #expect(try #require(Prefix(prefix)).contains(address) == isIn)
    }

    @Test("a prefix holds a longer one, not a shorter") func nested() throws {
        let wide = try #require(Prefix("10.0.0.0/8"))
        let narrow = try #require(Prefix("10.0.0.0/16"))
        #expect(wide.contains(narrow))
        #expect(wide.contains(wide))
        #expect(!narrow.contains(wide))
        #expect(wide < narrow)
    }

    @Test("an interface's address keeps its host bits") func interface() throws {
        let address = try #require(InterfaceAddress("10.1.0.11/24"))
        #expect(address.description == "10.1.0.11/24")
        #expect(address.prefix.description == "10.1.0.0/24")
        #expect(address.host.description == "10.1.0.11/32")
    }

    @Test(
        "the first and the last address of an IPv4 range name no host",
        arguments: [
            ("10.1.0.0/24", true), ("10.1.0.255/24", true), ("10.1.0.1/24", false),
            ("10.1.0.0/31", false), ("10.1.0.1/31", false), ("10.1.0.0/32", false),
            ("10.1.0.0/30", true), ("10.1.0.3/30", true), ("fd00::/64", false),
        ]
    )
    func ranges(text: String, isWhole: Bool) throws {
        #expect(try #require(InterfaceAddress(text)).isNetworkOrBroadcast == isWhole)
    }
}
