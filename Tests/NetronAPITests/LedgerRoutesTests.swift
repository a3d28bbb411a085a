// SPDX-License-Identifier: Apache-2.0

internal import NetronAPI
internal import NetronWire
internal import Testing

@Suite("what members say, in Netron's API")
struct LedgerRoutesTests {
    private let me: NodeID
    private let other: NodeID
    private let ledger: LedgerOfTest
    private let routes: ControlRoutes

    init() throws {
        me = try member(1)
        other = try member(2)
        ledger = LedgerOfTest(me: me)
        routes = ControlRoutes(ControlRoutes.Route.ledger(ledger))
    }

    private func ask(_ method: String, _ target: String, _ body: [UInt8] = []) async -> Answer {
        Answer(await routes.answer(ControlRequest(method, target, body: body)))
    }

    private func put(_ target: String, _ text: String) async -> Answer {
        await ask("PUT", target, Array(text.utf8))
    }

    @Test("what is written is read again, with all keys")
    func record() async {
        let written = await put("/v1/ledger/notes/greeting", #"hellö "you""#)
        #expect(written.status == 200)
        #expect(written.body == #"{"done":true,"version":1}"#)
        let read = await ask("GET", "/v1/ledger/notes/greeting")
        #expect(read.status == 200)
        #expect(
            read.body == #"{"author":"\#(me)","base64":null,"bucket":"notes","key":"greeting","#
                + #""since":"2026-11-23T12:00:00.500Z","time":"2026-11-23T12:00:01.000Z","#
                + #""value":"hellö \"you\""}"#
        )
    }

    @Test("what is no text is given in base64")
    func bytes() async {
        let value: [UInt8] = [0xFF, 0x00, 0x80]
        _ = await ask("PUT", "/v1/ledger/notes/bytes", value)
        let read: LedgerRecordReport? = await ask("GET", "/v1/ledger/notes/bytes").report()
        #expect(read?.value == nil && read?.base64 == "/wCA")
        let list: LedgerBucketReport? = await ask("GET", "/v1/ledger/notes").report()
        #expect(list?.records == [read].compactMap(\.self))
    }

    @Test("a value may be empty, and has a limit")
    func length() async {
        let most = LedgerOfTest.valueBytesMax
        for (count, status) in [(0, 200), (most, 200), (most + 1, 413)] {
            let text = String(repeating: "a", count: count)
            #expect(await put("/v1/ledger/notes/long", text).status == status)
            let read: LedgerRecordReport? = await ask("GET", "/v1/ledger/notes/long").report()
            #expect(read?.value?.count == min(count, most))
        }
    }

    @Test(
        "a key is any text that can be printed",
        arguments: [
            ("a/b", "a%2Fb"), ("..", ".."), ("a b?c#d%", "a%20b%3Fc%23d%25"), ("ä", "%C3%A4"),
            ("ä", "ä"), ("a+b", "a+b"), (String(repeating: "k", count: 255), nil),
        ] as [(String, String?)]
    )
    func key(_ key: String, _ part: String?) async {
        let target = "/v1/ledger/notes/" + (part ?? key)
        #expect(await put(target, "x").status == 200)
        let read: LedgerRecordReport? = await ask("GET", target).report()
        #expect(read?.key == key)
        #expect(await ask("DELETE", "/v1/ledger/notes/\(PercentCoding.encode(key))").status == 200)
        #expect(await ask("GET", target).status == 404)
    }

    @Test("what is no key or bucket is refused", arguments: ["GET", "PUT", "DELETE"])
    func malformed(_ method: String) async {
        let long = String(repeating: "k", count: 256)
        for target in [
            "notes/\(long)", "notes/a%0Ab", "notes/%1B", "notes/%E2%80%AE", "n%20s/a", "n%2Fs/a",
            "%C3%A4/a", "\(long.prefix(33))/a", "notes/%FF", "notes/%zz",
        ] {
            let answer = await ask(method, "/v1/ledger/\(target)", [0])
            #expect(answer.status == 400)
            #expect(answer.report(ErrorReport.self)?.error == .badRequest)
        }
    }

    @Test("a bucket is listed in the order of its keys, however many pages it has")
    func bucket() async throws {
        for number in 0..<1_500 {
            let key = try ledgerKey("notes", "\(number)")
            await ledger.give([UInt8(ascii: "v")], for: key, by: number == 7 ? other : me)
        }
        _ = await put("/v1/ledger/others/a", "x")
        let list: LedgerBucketReport? = await ask("GET", "/v1/ledger/notes").report()
        #expect(list?.records.map(\.key) == (0..<1_500).map { "\($0)" }.sorted())
        #expect(list?.records.filter { $0.author == "\(other)" }.map(\.key) == ["7"])
        #expect(list?.complete == true)
    }

    /// Asks for one page of notes after the other, until the last one came.
    private func pages(limit: Int? = nil) async throws -> [LedgerBucketReport] {
        var pages: [LedgerBucketReport] = []
        repeat {
            let from = pages.last?.next.map { "from=\($0)" }
            let query = [limit.map { "limit=\($0)" }, from].compactMap(\.self)
            let target = "/v1/ledger/notes?" + query.joined(separator: "&")
            pages.append(try #require(await ask("GET", target).report()))
        } while pages.last?.next != nil && pages.count < 100
        return pages
    }

    @Test(
        "pages have as many records as they are asked for, and none is left out",
        arguments: [
            (1, 7, [1, 1, 1, 1, 1, 1, 1]), (3, 7, [3, 3, 1]), (7, 7, [7]), (8, 7, [7]),
            (250, 501, [250, 250, 1]),
        ]
    )
    func pages(_ limit: Int, _ count: Int, _ counts: [Int]) async throws {
        let names = (0..<count).map { "\($0)" }
        for name in names { await ledger.give([], for: try ledgerKey("notes", name), by: me) }
        let pages = try await pages(limit: limit)
        #expect(pages.map(\.records.count) == counts)
        #expect(pages.flatMap(\.records).map(\.key).sorted() == names.sorted())
        #expect(pages.map(\.complete) == pages.map { $0.next == nil })
        await ledger.lackSomething()
        #expect(try await self.pages(limit: limit).allSatisfy { !$0.complete })
    }

    @Test("a page ends after 10,000 records")
    func recordsMax() async throws {
        for number in 0..<10_001 {
            await ledger.give([], for: try ledgerKey("notes", "\(number)"), by: me)
        }
        #expect(try await pages().map(\.records.count) == [10_000, 1])
    }

    @Test("a page ends after 4 MiB of keys and values, give or take a step")
    func bytesMax() async throws {
        let value = [UInt8](repeating: 1, count: LedgerOfTest.valueBytesMax)
        for number in 0..<2_300 {
            await ledger.give(value, for: try ledgerKey("notes", "\(number)"), by: me)
        }
        let answer = await ask("GET", "/v1/ledger/notes")
        #expect(answer.body.utf8.count < ControlLimits().responseBytesMax)
        let pages = try await pages()
        #expect(pages.count == 2 && pages.map(\.records.count).reduce(0, +) == 2_300)
        #expect((2_040...2_148).contains(pages[0].records.count))
    }

    @Test(
        "a page that nobody could ask for is refused",
        arguments: [
            "limit=0", "limit=10001", "limit=-1", "limit=+1", "limit=", "limit", "limit=1.5",
            "limit=99999999999999999999", "from=", "from", "from=A", "from=a", "from=%61a",
            "from=\(String(repeating: "a", count: 416))", "limit=1&from=!",
        ]
    )
    func refusedPage(_ query: String) async {
        let answer = await ask("GET", "/v1/ledger/notes?\(query)")
        #expect(answer.status == 400)
        #expect(answer.report(ErrorReport.self)?.error == .badRequest)
    }

    @Test(
        "of a query that says something else nothing is taken",
        arguments: [
            "", "pretty", "pretty=1&=&&=x", "limits=0", "FROM=!",
        ]
    )
    func otherQuery(_ query: String) async {
        _ = await put("/v1/ledger/notes/a", "x")
        let list: LedgerBucketReport? = await ask("GET", "/v1/ledger/notes?\(query)").report()
        #expect(list?.records.count == 1)
    }

    @Test("an empty bucket, or none, is no error")
    func empty() async {
        #expect(
            await ask("GET", "/v1/ledger/notes").body
                == #"{"complete":true,"next":null,"records":[],"version":1}"#
        )
        #expect(
            await ask("GET", "/v1/ledger").body
                == #"{"buckets":[],"complete":true,"next":null,"version":1}"#
        )
        #expect(await ask("GET", "/v1/blocks").body == "[]")
    }

    @Test("buckets are listed, and deleted ones no more")
    func buckets() async {
        for bucket in ["b", "A", "c"] { _ = await put("/v1/ledger/\(bucket)/k", "v") }
        _ = await ask("DELETE", "/v1/ledger/c/k")
        let list: LedgerBucketsReport? = await ask("GET", "/v1/ledger").report()
        #expect(list?.buckets == ["A", "b"])
    }

    @Test(
        "the list of buckets has pages of as many as are asked for",
        arguments: [(1, [1, 1, 1, 1, 1, 1, 1]), (4, [4, 3]), (7, [7]), (8, [7])]
    )
    func bucketPages(_ limit: Int, _ counts: [Int]) async throws {
        let names = (0..<7).map { "bucket-\($0)" }
        for name in names { _ = await put("/v1/ledger/\(name)/k", "v") }
        var pages: [LedgerBucketsReport] = []
        repeat {
            let from = pages.last?.next.map { "&from=\($0)" } ?? ""
            let target = "/v1/ledger?limit=\(limit)\(from)"
            pages.append(try #require(await ask("GET", target).report()))
        } while pages.last?.next != nil && pages.count < 100
        #expect(pages.map(\.buckets.count) == counts)
        #expect(pages.flatMap(\.buckets).sorted() == names)
        #expect(pages.map(\.complete) == pages.map { $0.next == nil })
        for query in ["limit=0", "from=!"] {
            #expect(await ask("GET", "/v1/ledger?\(query)").status == 400)
        }
    }

    @Test("the kept statements of a member, and of nobody") func history() async throws {
        let text = #"""
            {"author":"\#(me)","bytes":null,"end":"2026-11-23T12:10:00.000Z","height":4,\#
            "incarnation":"2026-11-23T11:00:00.000Z","name":"ann","previous":null,"root":null,\#
            "time":"2026-11-23T12:00:00.000Z"}
            """#
        let statement = JSON.decode(LedgerBlockReport.self, from: Array(text.utf8))
        await ledger.say(try #require(statement))
        #expect(await ask("GET", "/v1/blocks/\(me)").body == "[\(text)]")
        #expect(await ask("GET", "/v1/blocks/\(other)").status == 404)
        for id in ["x", "\(me.prefix())", "\(me)a"] {
            #expect(await ask("GET", "/v1/blocks/\(id)").status == 400)
        }
    }

    @Test("what is not all there says so")
    func incomplete() async {
        await ledger.lackSomething()
        for path in ["/v1/ledger", "/v1/ledger/notes", "/v1/ledger-stats"] {
            let answer = await ask("GET", path)
            #expect(answer.status == 200 && answer.body.contains(#""complete":false"#))
        }
    }

    @Test("what is not there is not found, and cannot be deleted")
    func absent() async {
        for method in ["GET", "DELETE"] {
            let answer = await ask(method, "/v1/ledger/notes/nothing")
            #expect(answer.status == 404)
            #expect(answer.body.contains("there is no notes/nothing"))
        }
    }

    @Test("another's key in a bucket of owners is refused, and stays")
    func held() async throws {
        await ledger.give([1], for: try ledgerKey("services", "web"), by: other)
        #expect(await put("/v1/ledger/services/web", "mine").status == 409)
        #expect(await ask("DELETE", "/v1/ledger/services/web").status == 409)
        let read: LedgerRecordReport? = await ask("GET", "/v1/ledger/services/web").report()
        #expect(read?.author == "\(other)")
    }

    @Test("a node that cannot says why", arguments: ledgerFaults)
    func fault(_ code: ErrorReport.Code, _ status: Int) async {
        await ledger.fail(with: ErrorReport(code, "because"))
        for (method, target) in [
            ("GET", "/v1/ledger"), ("GET", "/v1/ledger/notes"), ("GET", "/v1/ledger/notes/a"),
            ("PUT", "/v1/ledger/notes/a"), ("DELETE", "/v1/ledger/notes/a"),
            ("GET", "/v1/ledger-stats"), ("POST", "/v1/ledger-verify"),
        ] {
            let answer = await ask(method, target, [1])
            #expect(answer.status == status)
            #expect(answer.report() == ErrorReport(code, "because"))
        }
    }

    @Test("statements, figures and the look at the file")
    func others() async throws {
        let text = #"""
            {"author":"a","bytes":null,"end":"2026-11-23T12:10:00.000Z","height":4,\#
            "incarnation":"2026-11-23T11:00:00.000Z","name":"ann","previous":null,"root":null,\#
            "time":"2026-11-23T12:00:00.000Z"}
            """#
        let statement = JSON.decode(LedgerBlockReport.self, from: Array(text.utf8))
        await ledger.say(try #require(statement))
        #expect(await ask("GET", "/v1/blocks").body == "[\(text)]")
        _ = await put("/v1/ledger/notes/a", "x")
        #expect(
            await ask("GET", "/v1/ledger-stats").body
                == #"{"budget_bytes":0,"complete":true,"equivocating":0,"file_bytes":0,"#
                + #""live_bytes":0,"member_bits":0,"missing":0,"own_bytes":0,"#
                + #""own_records":0,"records":1,"state_bits":0,"states":0,"version":1}"#
        )
        #expect(
            await ask("POST", "/v1/ledger-verify").body
                == #"{"broken":[],"done":true,"evidence":[],"version":1}"#
        )
    }

    @Test(
        "a wrong method is told the right ones",
        arguments: [
            ("POST", "/v1/ledger", ["GET"]), ("PUT", "/v1/ledger/notes", ["GET"]),
            ("DELETE", "/v1/ledger/notes", ["GET"]),
            ("POST", "/v1/ledger/notes/a", ["DELETE", "GET", "PUT"]),
            ("GET", "/v1/ledger-verify", ["POST"]), ("POST", "/v1/blocks", ["GET"]),
        ]
    )
    func method(_ method: String, _ target: String, _ allowed: [String]) async {
        let response = await routes.answer(ControlRequest(method, target))
        #expect(response.status == 405 && response.allowed == allowed)
    }
}
