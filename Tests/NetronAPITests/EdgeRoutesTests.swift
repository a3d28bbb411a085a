// SPDX-License-Identifier: Apache-2.0

internal import NetronAPI
internal import NetronWire
internal import Testing

@Suite("what members say, in EdgeVPN's API")
struct EdgeRoutesTests {
    private static let announcing = #"{"State":"Announcing"}"#

    private let me: NodeID
    private let other: NodeID
    private let ledger: LedgerOfTest
    private let routes: ControlRoutes

    init() throws {
        let me = try member(1)
        (self.me, other) = (me, try member(2))
        ledger = LedgerOfTest(me: me)
        var bob = PeerReport(id: "bbbb")
        bob.name = "bob"
        bob.addresses = ["10.1.0.12", "fd00::2"]
        bob.isOnline = true
        bob.os = "linux"
        bob.arch = "arm64"
        bob.version = "0.1.0"
        var eve = PeerReport(id: "eeee")
        eve.path = .direct
        eve.addresses = ["10.1.0.13"]
        let peers = [bob, eve, PeerReport(id: "gggg")]
        let edge = EdgeRoutes(
            ledger,
            status: {
                var status = StatusReport(id: me.description, state: .up)
                status.name = "ann"
                status.addresses = ["10.1.0.11/24", "10.7.0.1/16"]
                return status
            },
            peers: { peers }
        )
        // As a node has them.
        routes = ControlRoutes(ControlRoutes.Route.ledger(ledger) + edge.all)
    }

    private func ask(_ method: String, _ target: String, _ body: String = "") async -> Answer {
        let request = ControlRequest(method, target, body: Array(body.utf8))
        return Answer(await routes.answer(request))
    }

    private func give(
        _ text: String,
        _ bucket: String,
        _ key: String,
        by author: NodeID
    ) async throws {
        await ledger.give(Array(text.utf8), for: try ledgerKey(bucket, key), by: author)
    }

    // MARK: The ledger

    @Test("what is too large for one answer is refused whole, and the summary goes on")
    func tooLarge() async throws {
        for number in 0..<6_000 {
            for bucket in ["services", "users"] {
                try await give("", bucket, "\(number)", by: me)
            }
        }
        let ledger = await ask("GET", "/api/ledger")
        #expect(ledger.status == 413 && ledger.body.contains("one bucket after the other"))
        #expect(await ask("GET", "/api/blockchain").status == 413)
        #expect(await ask("GET", "/api/ledger/users").status == 200)
        for number in 6_000...10_000 { try await give("", "users", "\(number)", by: me) }
        let users = await ask("GET", "/api/ledger/users")
        #expect(users.status == 413 && users.body.contains("/v1/ledger/users"))
        #expect(await ask("GET", "/api/users").status == 413)
        #expect(await ask("GET", "/api/services").status == 200)
        let summary = await ask("GET", "/api/summary")
        #expect(summary.status == 200 && summary.body.contains(#""Users":10000}"#))
    }

    @Test("values are written by path or body, and read as JSON in a text, as EdgeVPN's are")
    func values() async {
        #expect(await ask("PUT", "/api/ledger/notes/a/hello%20you").body == Self.announcing)
        #expect(await ask("PUT", "/api/ledger/notes/b", #"say "hi""#).body == Self.announcing)
        #expect(await ask("GET", "/api/ledger/notes/a").body == #""\"hello you\"""#)
        #expect(
            await ask("GET", "/api/ledger/notes").body
                == #"{"a":"\"hello you\"","b":"\"say \\\"hi\\\"\""}"#
        )
        #expect(
            await ask("GET", "/api/ledger").body
                == #"{"notes":{"a":"\"hello you\"","b":"\"say \\\"hi\\\"\""}}"#
        )
        // Netron's own routes, and its command, have the value itself.
        let record: LedgerRecordReport? = await ask("GET", "/v1/ledger/notes/a").report()
        #expect(record?.value == "hello you")
    }

    @Test(
        "what is an object or a list already is given as it is",
        arguments: [
            (#"{"PeerID":"a"}"#, true), ("[1]", true), ("{}", true), (#" {"a":null} "#, true),
            ("{a}", false), ("[1", false), ("12", false), ("null", false), (#""a""#, false),
            ("", false), ("eyJhIjoxfQ==", false),
        ]
    )
    func structure(_ value: String, _ isKept: Bool) async throws {
        try await give(value, "notes", "a", by: other)
        let data = try #require(await ask("GET", "/api/ledger/notes/a").report(String.self))
        let wanted = isKept ? value : String(decoding: JSON.encode(value), as: UTF8.self)
        #expect(data == wanted)
    }

    /// A client in Go puts JSON in the URL's base64, and takes the answer for JSON twice.
    @Test("what EdgeVPN's own client writes it reads again")
    func goClient() async throws {
        let base64 = "eyJOYW1lIjoiYcO_In0="
        #expect(await ask("PUT", "/api/ledger/kairos/node/\(base64)").body == Self.announcing)
        let outer = try #require(await ask("GET", "/api/ledger/kairos/node").report(String.self))
        #expect(JSON.decode(String.self, from: Array(outer.utf8)) == base64)
        #expect(await ask("DELETE", "/api/ledger/kairos/node").body == Self.announcing)
        #expect(await ask("GET", "/api/ledger/kairos").body == "{}")
        #expect(await ask("DELETE", "/api/ledger/kairos").body == Self.announcing)
    }

    @Test("a slash in key or value is written with a sign")
    func slashes() async {
        #expect(await ask("PUT", "/api/ledger/notes/a%2Fb/c%2Fd").status == 200)
        #expect(await ask("GET", "/api/ledger/notes/a%2Fb").body == #""\"c/d\"""#)
        #expect(await ask("PUT", "/api/ledger/notes/a/b/c").status == 404)
        #expect(await ask("PUT", "/api/ledger/notes/a/").status == 404)
    }

    @Test("what is no text is given as far as it is text")
    func bytes() async throws {
        await ledger.give([0x61, 0xFF], for: try ledgerKey("notes", "a"), by: me)
        #expect(await ask("GET", "/api/ledger/notes/a").body == #""\"a\#u{FFFD}\"""#)
        #expect(await ask("PUT", "/api/ledger/notes/a/%FF").status == 400)
    }

    @Test("what is not there is not found, and its end is no error")
    func absent() async {
        #expect(await ask("GET", "/api/ledger/notes/a").status == 404)
        #expect(await ask("DELETE", "/api/ledger/notes/a").body == Self.announcing)
        #expect(await ask("GET", "/api/ledger").body == "{}")
    }

    @Test("what others hold stays when a bucket is deleted, and all else goes")
    func deleteBucket() async throws {
        try await give("x", "services", "a", by: other)
        for key in ["b", "c"] { _ = await ask("PUT", "/api/ledger/services/\(key)/mine") }
        #expect(await ask("DELETE", "/api/ledger/services").status == 409)
        #expect(await ask("GET", "/api/ledger/services").body == #"{"a":"\"x\""}"#)
        #expect(await ask("PUT", "/api/ledger/services/a/mine").status == 409)
        #expect(await ask("DELETE", "/api/ledger/services/a").status == 409)
        try await give("x", "notes", "a", by: other)
        #expect(await ask("DELETE", "/api/ledger/notes").body == Self.announcing)
        #expect(await ask("GET", "/api/ledger/notes").body == "{}")
    }

    @Test("what has too long a value, or no such key or bucket, is refused")
    func refused() async {
        let long = String(repeating: "v", count: LedgerOfTest.valueBytesMax + 1)
        #expect(await ask("PUT", "/api/ledger/notes/a/\(long)").status == 413)
        #expect(await ask("PUT", "/api/ledger/notes/a", long).status == 413)
        for (method, path) in [
            ("GET", "n%20s"), ("GET", "n%20s/a"), ("PUT", "n%20s/a/v"), ("PUT", "notes/%0A/v"),
            ("DELETE", "n%20s"), ("DELETE", "notes/%0A"), ("PUT", "notes/%0A"),
        ] {
            #expect(await ask(method, "/api/ledger/\(path)").status == 400)
        }
    }

    @Test("a node that cannot says why", arguments: ledgerFaults)
    func fault(_ code: ErrorReport.Code, _ status: Int) async {
        await ledger.fail(with: ErrorReport(code, "because"))
        for (method, target) in [
            ("GET", "/api/ledger"), ("GET", "/api/ledger/notes"), ("GET", "/api/ledger/notes/a"),
            ("PUT", "/api/ledger/notes/a/v"), ("PUT", "/api/ledger/notes/a"),
            ("DELETE", "/api/ledger/notes/a"), ("DELETE", "/api/ledger/notes"),
            ("GET", "/api/users"), ("GET", "/api/services"), ("GET", "/api/files"),
            ("GET", "/api/dns"), ("GET", "/api/summary"), ("GET", "/api/blockchain"),
        ] {
            let answer = await ask(method, target, "v")
            #expect(answer.status == status)
            #expect(answer.report() == ErrorReport(code, "because"))
        }
    }

    @Test(
        "a wrong method is told the right ones",
        arguments: [
            ("POST", "/api/ledger", ["GET"]), ("PUT", "/api/ledger/a", ["DELETE", "GET"]),
            ("POST", "/api/ledger/a/b", ["DELETE", "GET", "PUT"]),
            ("GET", "/api/ledger/a/b/c", ["PUT"]), ("PUT", "/api/dns", ["GET", "POST"]),
            ("POST", "/api/machines", ["GET"]),
        ]
    )
    func method(_ method: String, _ target: String, _ allowed: [String]) async {
        let response = await routes.answer(ControlRequest(method, target))
        #expect(response.status == 405 && response.allowed == allowed)
    }

    // MARK: Lists

    @Test("machines are addresses, this node's first")
    func machines() async {
        let own = [#"10.1.0.11"#, "10.7.0.1"].map { address in
            #"{"Address":"\#(address)","Arch":"","Connected":true,"Hostname":"ann","OS":"","#
                + #""OnChain":true,"Online":true,"PeerID":"\#(me)","Version":"0.1.0"}"#
        }
        let bobs = ["10.1.0.12", "fd00::2"].map { address in
            #"{"Address":"\#(address)","Arch":"arm64","Connected":false,"Hostname":"bob","#
                + #""OS":"linux","OnChain":true,"Online":true,"PeerID":"bbbb","Version":"0.1.0"}"#
        }
        let eve =
            #"{"Address":"10.1.0.13","Arch":"","Connected":true,"Hostname":"","OS":"","#
            + #""OnChain":true,"Online":true,"PeerID":"eeee","Version":""}"#
        let wanted = "[" + (own + bobs + [eve]).joined(separator: ",") + "]"
        #expect(await ask("GET", "/api/machines").body == wanted)
    }

    @Test("nodes are members, on line or not")
    func nodes() async {
        #expect(
            await ask("GET", "/api/nodes").body
                == #"[{"ID":"bbbb","Online":true},{"ID":"eeee","Online":true},"#
                + #"{"ID":"gggg","Online":false}]"#
        )
    }

    @Test("services, files and users are lists of their buckets")
    func offers() async throws {
        for path in ["services", "files", "users", "dns"] {
            #expect(await ask("GET", "/api/\(path)").body == "[]")
        }
        try await give("tcp", "services", "web", by: other)
        try await give("1", "files", "movie", by: me)
        try await give("2026-11-23", "users", "\(me)", by: me)
        #expect(await ask("GET", "/api/services").body == #"[{"Name":"web","PeerID":"\#(other)"}]"#)
        #expect(await ask("GET", "/api/files").body == #"[{"Name":"movie","PeerID":"\#(me)"}]"#)
        #expect(
            await ask("GET", "/api/users").body
                == #"[{"PeerID":"\#(me)","Timestamp":"2026-11-23"}]"#
        )
        #expect(
            await ask("GET", "/api/summary").body
                == #"{"BlockChain":0,"Files":1,"Machines":5,"NodeID":"\#(me)","OnChainNodes":3,"#
                + #""Peers":3,"Services":1,"Users":1}"#
        )
    }

    @Test("a name of the network is written and listed")
    func names() async throws {
        let body = #"{ "Regex": "foo.bar", "Records": { "A": "10.1.0.2", "AAAA": "fd00::2" } }"#
        #expect(await ask("POST", "/api/dns", body).body == Self.announcing)
        try await give("nonsense", "dns", "z", by: other)
        #expect(
            await ask("GET", "/api/dns").body
                == #"[{"Records":{"A":"10.1.0.2","AAAA":"fd00::2"},"Regex":"foo.bar"},"#
                + #"{"Records":{},"Regex":"z"}]"#
        )
        #expect(
            await ask("GET", "/api/ledger/dns/foo.bar").body
                == #""{\"A\":\"10.1.0.2\",\"AAAA\":\"fd00::2\"}""#
        )
    }

    @Test(
        "what is no name is refused",
        arguments: [
            "", "[]", "{}", #"{"Regex":"a"}"#, #"{"Records":{}}"#, #"{"Regex":"","Records":{}}"#,
            #"{"Regex":"a","Records":{"A":7}}"#, #"{"Regex":"a\n","Records":{}}"#,
        ]
    )
    func noName(_ body: String) async {
        let answer = await ask("POST", "/api/dns", body)
        #expect(answer.status == 400)
        #expect(answer.report(ErrorReport.self)?.error == .badRequest)
    }

    @Test("the last block is this node's last statement, and what all say")
    func block() async throws {
        #expect(
            await ask("GET", "/api/blockchain").body
                == #"{"Hash":"","Index":0,"PrevHash":"","Storage":{},"Timestamp":""}"#
        )
        for (author, height) in [(other, 9), (me, 4)] {
            let text = #"""
                {"author":"\#(author)","bytes":10,"end":"2026-11-23T12:10:00.000Z",\#
                "height":\#(height),"incarnation":"2026-11-23T11:00:00.000Z","name":"ann",\#
                "previous":"0a","root":"0b","time":"2026-11-23T12:00:00.000Z"}
                """#
            let statement = JSON.decode(LedgerBlockReport.self, from: Array(text.utf8))
            await ledger.say(try #require(statement))
        }
        _ = await ask("PUT", "/api/ledger/notes/a/b")
        #expect(
            await ask("GET", "/api/blockchain").body
                == #"{"Hash":"0b","Index":4,"PrevHash":"0a","Storage":{"notes":{"a":"\"b\""}},"#
                + #""Timestamp":"2026-11-23T12:00:00.000Z"}"#
        )
        #expect(await ask("GET", "/api/summary").body.contains(#""BlockChain":4,"#))
    }
}
