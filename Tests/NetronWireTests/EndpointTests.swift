// SPDX-License-Identifier: Apache-2.0

internal import NetronWire
internal import Testing

@Suite("endpoint") struct EndpointTests {
    @Test(
        "text comes back",
        arguments: [
            "1.2.3.4:51", "0.0.0.0:0", "255.255.255.255:65535", "[::]:1", "[2001:db8::1]:7000",
            "[fe80::1%3]:51", "[fe80::1%4294967295]:51", "[fe80::1]:51", "tcp://1.2.3.4:51",
            "tcp://[fe80::1%3]:51",
        ]
    )
    func roundTrip(text: String) throws {
        #expect(try #require(Endpoint(text)).description == text)
    }

    @Test(
        "what is no endpoint is refused",
        arguments: [
            "", ":", ":51", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536", "1.2.3.4:051", "1.2.3.4:-1",
            "1.2.3.4:5 ", "::1:51", "[::1]", "[::1]:", "[::1]51", "[::1", "[]:51", "[1.2.3.4]:51",
            "[2001:db8::1%3]:51", "[fe80::1%0]:51", "[fe80::1%]:51", "[fe80::1%eth0]:51",
            "[fe80::1%4294967296]:51", "[fe80::1%3%3]:51", "1.2.3.4%3:51", "host:51",
            "1.2.3.4:\u{301}51", "[::1]:\u{301}51", "[\u{301}::1]:51", "[::1]]:5",
            "circuit:00000001", "tcp://", "tcp://tcp://1.2.3.4:51", "tcp:1.2.3.4:51",
            "udp://1.2.3.4:51",
        ]
    )
    func refused(text: String) { #expect(Endpoint(text) == nil) }

    @Test("only a link-local IPv6 address has a scope") func scopes() throws {
        let linkLocal = try #require(IPAddress("fe80::1"))
        #expect(Endpoint(linkLocal, port: 1, scope: 7).scope == 7)
        #expect(Endpoint(linkLocal, port: 1, scope: 7).unscoped.scope == 0)
        for text in ["2001:db8::1", "1.2.3.4", "169.254.1.1"] {
            let address = try #require(IPAddress(text))
            #expect(Endpoint(address, port: 1, scope: 7).scope == 0)
        }
    }

    @Test("what is reached by TCP is another endpoint than by UDP, behind it in order")
    func transports() throws {
        let udp = try #require(Endpoint("[fe80::1%3]:51"))
        let all = [udp, udp.by(.tcp), udp.by(.tcpIn)]
        #expect(Set(all).count == 3)
        #expect(all.shuffled().sorted() == all)
        #expect(all.map(\.isTCP) == [false, true, true])
        #expect(all.map(\.isUDP) == [true, false, false])
        #expect(all.map(\.isRelayed) == [false, false, false])
        #expect(udp.by(.tcp).by(.udp) == udp)
        let circuit = try #require(CircuitID(7).map { Endpoint($0) })
        #expect(!circuit.isUDP && !circuit.isTCP)
    }

    @Test("a mapped address makes an IPv4 endpoint") func mapped() {
        #expect(Endpoint("[::ffff:1.2.3.4]:51")?.description == "1.2.3.4:51")
    }
}

@Suite("host and port") struct HostPortTests {
    @Test(
        "names and addresses are taken",
        arguments: [
            ("host.example:51", "host.example", 51, false), ("a-b_c:65535", "a-b_c", 65535, false),
            ("1.2.3.4:1", "1.2.3.4", 1, true), ("[2001:db8::1]:9", "2001:db8::1", 9, true),
            ("[fe80::1%eth0]:9", "fe80::1%eth0", 9, false),
        ]
    )
    func taken(text: String, host: String, port: UInt16, isAddress: Bool) throws {
        let parsed = try HostPort(parsing: text)
        #expect(parsed.host == host)
        #expect(parsed.port == port)
        #expect((parsed.address != nil) == isAddress)
        #expect(parsed.description == text)
    }

    @Test(
        "what is refused is told why",
        arguments: [
            ("", "port"), ("host", "port"), ("host:", "port"), ("host:0", "port"),
            ("host:65536", "port"), ("host:x", "port"), (":51", "no host"), ("::1:51", "brackets"),
            ("fd00::1", "brackets"), ("[::1]", "port"), ("[::1:51", "bracket"), ("[]:1", "IPv6"),
            ("[1.2.3.4]:1", "IPv6"), ("[host]:1", "IPv6"), ("[::1]x:1", "bracket"),
            ("[fe80::1%]:1", "zone"), ("[fe80::1%a/b]:1", "zone"),
            ("[fe80::1%0123456789abcdef]:1", "zone"), ("ho st:1", "name"), ("h/x:1", "name"),
            ("h\u{f6}st:1", "ASCII"), ("1.2.3:1", "IPv4"), ("1.2.3.400:1", "IPv4"),
            ("host\u{0}:1", "name"),
        ]
    )
    func refused(text: String, reason: String) {
        let error = #expect(throws: ParseError.self) { try HostPort(parsing: text) }
        #expect(error?.problem.contains(reason) == true, "\(text): \(error?.problem ?? "taken")")
    }

    @Test("a contact may be one of TCP, another host not") func contacts() throws {
        let contact = try HostPort(parsingContact: "tcp://[fd00::1]:443")
        #expect(contact.isTCP)
        #expect(contact.host == "fd00::1")
        #expect(contact.description == "tcp://[fd00::1]:443")
        let plain = try HostPort(parsing: "a:1")
        #expect(try HostPort(parsingContact: "a:1") == plain)
        #expect(throws: ParseError.self) { try HostPort(parsing: "tcp://a:1") }
        #expect(throws: ParseError.self) { try HostPort(parsingContact: "tcp://a") }
        #expect(throws: ParseError.self) { try HostPort(parsingContact: "tcp://tcp://a:1") }
    }

    @Test("a name has 253 bytes at most") func longNames() throws {
        let name = String(repeating: "a", count: 253)
        #expect(try HostPort(parsing: name + ":1").host == name)
        #expect(throws: ParseError.self) { try HostPort(parsing: name + "a:1") }
    }
}
