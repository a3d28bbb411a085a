// SPDX-License-Identifier: Apache-2.0

internal import NIOHTTP1
internal import Testing

@testable internal import NetronAPI

@Suite("who may ask on a port")
struct HostCheckTests {
    private let check = HostCheck(name: "Server.Example")

    private func status(_ fields: [(String, String)]) -> Int {
        check.refusal(of: HTTPHeaders(fields))?.error.status ?? 200
    }

    @Test(
        "the host is an address, localhost, or the name that was given",
        arguments: [
            "127.0.0.1", "127.0.0.1:8080", "localhost", "LocalHost:8080", "localhost:",
            "[::1]", "[::1]:8080", "192.0.2.1", "[2001:DB8::1]:1", "server.example:80",
            "SERVER.EXAMPLE",
        ]
    )
    func taken(_ host: String) {
        #expect(status([("Host", host)]) == 200)
    }

    @Test(
        "a name that a page may have turned to this host is refused",
        arguments: [
            "", ":", ":8080", "evil.example", "evil.example:8080", "localhost.evil.example",
            "x.server.example", "localhost.", "127.0.0.1.evil.example", "127.1", "2130706433",
            "0x7f000001", "::1", "[::1", "::1]", "[]", "[127.0.0.1]", "[evil.example]",
            "user@localhost", "localhost:http", "localhost:8080:1", "localhost/", "[::1]8080",
            "localhost, evil.example", "localhost:999999",
        ]
    )
    func refused(_ host: String) {
        #expect(status([("Host", host)]) == 403)
    }

    @Test("there is one host, no more and no less")
    func count() {
        #expect(status([]) == 400)
        #expect(status([("Host", "localhost"), ("host", "localhost")]) == 400)
    }

    @Test(
        "a page may ask the server that it came from, and no other",
        arguments: [
            ("localhost:8080", "http://localhost:8080", 200),
            ("localhost:8080", "HTTP://LOCALHOST:8080", 200),
            ("server.example", "https://server.example", 200),
            ("[::1]:8080", "http://[::1]:8080", 200),
            ("localhost:8080", "http://localhost:3000", 403),
            ("localhost:8080", "http://localhost", 403),
            ("localhost:8080", "http://127.0.0.1:8080", 403),
            ("localhost:8080", "http://evil.example", 403),
            ("localhost:8080", "http://evil.example/?http://localhost:8080", 403),
            ("localhost:8080", "null", 403), ("localhost:8080", "", 403),
            ("localhost:8080", "file://", 403), ("localhost:8080", "localhost:8080", 403),
        ]
    )
    func origin(_ host: String, _ origin: String, _ wanted: Int) {
        #expect(status([("Host", host), ("Origin", origin)]) == wanted)
    }

    @Test("of two origins one is another's")
    func origins() {
        let own = ("Origin", "http://localhost")
        #expect(status([("Host", "localhost"), own, own]) == 200)
        #expect(status([("Host", "localhost"), own, ("Origin", "http://a.example")]) == 403)
    }
}
