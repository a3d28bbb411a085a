// SPDX-License-Identifier: Apache-2.0

internal import NetronAPI
internal import NetronWire
internal import Synchronization
internal import Testing

@testable internal import NetronCommand

/// A record that a member wrote so many seconds before noon.
private func record(
    _ key: String,
    _ value: [UInt8],
    secondsBeforeNoon seconds: UInt64 = 0
) throws -> LedgerRecord {
    let bucket = try #require(LedgerName("notes"))
    let moment = noon.milliseconds - seconds * 1000
    return LedgerRecord(
        try #require(LedgerKey(bucket, key)),
        value: value,
        by: try #require(NodeID(bytes: [UInt8](repeating: 0, count: 32))),
        since: moment,
        time: HybridTime(milliseconds: moment)
    )
}

private func record(
    _ key: String,
    _ text: String,
    secondsBeforeNoon seconds: UInt64 = 0
) throws -> LedgerRecord {
    try record(key, Array(text.utf8), secondsBeforeNoon: seconds)
}

/// The statement of a member, which says something unless its name is empty.
private func block(_ author: String, _ name: String, at time: String) throws -> LedgerBlockReport {
    let state =
        name.isEmpty
        ? #""bytes":null,"root":null,"previous":null"#
        : #""bytes":2048,"root":"00112233445566778899","previous":"aabb""#
    let text = #"""
        {"author":"\#(author)","name":"\#(name)","incarnation":"2026-11-23T11:00:00.000Z",\#
        "height":7,"time":"2026-11-23T\#(time).000Z","end":"2026-11-23T12:30:00.000Z",\#(state)}
        """#
    return try #require(JSON.decode(LedgerBlockReport.self, from: Array(text.utf8)))
}

/// A page that is the only one.
private func onePage(_ records: [LedgerRecord]) -> LedgerPage {
    LedgerPage(records: records, next: nil)
}

@Suite("renderings of the ledger")
struct LedgerTextTests {
    @Test("an empty bucket, known as such or not")
    func empty() {
        let known = LedgerBucketReport(onePage([]), isComplete: true)
        #expect(LedgerText.records(known, of: "notes", at: noon) == "Nothing is in notes.\n")
        let unknown = LedgerBucketReport(onePage([]), isComplete: false)
        #expect(LedgerText.records(unknown, of: "notes", at: noon) == "Nothing is in notes yet.\n")
    }

    @Test("records stand in a table, each a line")
    func records() throws {
        let long = String(repeating: "ä", count: 31)
        let records = [
            try record("a", "hello", secondsBeforeNoon: 3),
            try record("bytes", [0xFF, 0], secondsBeforeNoon: 90),
            try record("empty", ""),
            try record("lines\u{2192}", "one\ntwo\u{1B}[2J", secondsBeforeNoon: 7200),
            try record("long", long),
            try record("whole", String(long.dropLast())),
        ]
        let report = LedgerBucketReport(onePage(records), isComplete: false)
        let most = String(repeating: "ä", count: 30)
        let room = String(repeating: " ", count: 33)
        #expect(
            LedgerText.records(report, of: "notes", at: noon) == """
                KEY     VALUE\(room.dropFirst(5))  AUTHOR           WRITTEN
                a       hello\(room.dropFirst(5))  aaaaaaaa         3 s ago
                bytes   (no text)\(room.dropFirst(9))  aaaaaaaa  1 min 30 s ago
                empty   \(room)  aaaaaaaa         0 s ago
                lines\u{2192}  onetwo[2J...\(room.dropFirst(12))  aaaaaaaa   2 h 0 min ago
                long    \(most)...  aaaaaaaa         0 s ago
                whole   \(most)     aaaaaaaa         0 s ago
                More may be missing here yet.

                """
        )
    }

    @Test("a part of a large bucket says so")
    func page() throws {
        let page = LedgerPage(records: [try record("a", "1")], next: [7])
        let report = LedgerBucketReport(page, isComplete: true)
        #expect(
            LedgerText.records(report, of: "notes", at: noon)
                .hasSuffix("\nThere are more than these 1; `netron ledger export` prints all.\n")
        )
    }

    @Test("statements are listed, the last one first")
    func log() throws {
        let blocks = [
            try block("aaaabbbbcccc", "ann", at: "11:59:00"),
            try block("eeeeffffgggg", "", at: "11:59:57"),
        ]
        #expect(
            LedgerText.log(blocks, at: noon) == """
                       SIGNED  AUTHOR    NAME  HEIGHT   STATE  ROOT
                      3 s ago  eeeeffff  -          7       -  -
                1 min 0 s ago  aaaabbbb  ann        7  2.0 kB  0011223344556677

                """
        )
        #expect(LedgerText.log([], at: noon) == "No member has said anything yet.\n")
    }

    @Test("a statement is shown whole")
    func statement() throws {
        #expect(
            LedgerText.block(try block("aaaabbbbcccc", "ann", at: "11:59:00")) == """
                author       aaaabbbbcccc
                name         ann
                incarnation  2026-11-23T11:00:00.000Z
                height       7
                signed       2026-11-23T11:59:00.000Z
                holds until  2026-11-23T12:30:00.000Z
                state        2048 bytes
                root         00112233445566778899
                previous     aabb

                """
        )
        let silent = LedgerText.block(try block("aaaa", "", at: "11:59:00"))
        #expect(silent.contains("state        none\nroot         -\nprevious     -\n"))
    }

    @Test("figures, of a file or of memory")
    func statistics() {
        var report = LedgerStatisticsReport()
        report.states = 3
        report.records = 12
        report.missing = 1
        report.ownRecords = 2
        report.ownBytes = 345
        report.liveBytes = 4096
        report.budgetBytes = 16_777_216
        #expect(
            LedgerText.statistics(report) == """
                12 records of 3 members
                the records of 1 more member are missing, as far as is known
                2 records of 345 bytes by this node
                4.1 kB in memory, of 16.8 MB that it may have
                room for all that members say

                """
        )
        report.fileBytes = 1_048_576
        #expect(
            LedgerText.statistics(report).contains("\n1.0 MB on disk, 4.1 kB of it in use, of 16.8")
        )
        report.memberBits = 7
        report.stateBits = 2
        #expect(
            LedgerText.statistics(report).contains(
                "\nroom for 1 in 128 members and the records of 1 in 4; others are asked for the"
                    + " rest\n"
            )
        )
    }
}

@Suite("netron ledger", .timeLimit(.minutes(1)))
struct LedgerCommandTests {
    /// What a node was asked, and the routes that note it.
    private final class Notebook: Sendable {
        private let texts = Mutex<[String]>([])

        var lines: [String] { texts.withLock { $0 } }

        func route(
            _ method: String,
            _ path: String,
            _ answer: some Encodable & Sendable
        ) -> ControlRoutes.Route {
            .init(method, path) { request in
                let body = String(decoding: request.body, as: UTF8.self)
                let line = "\(request.method) \(request.parameters) \(body)"
                self.texts.withLock { $0.append(line) }
                return ControlResponse(answer)
            }
        }
    }

    private func text(_ report: some Encodable) -> String {
        String(decoding: JSON.encode(report), as: UTF8.self) + "\n"
    }

    @Test("a value is printed as it is, and bytes in base64")
    func get() async throws {
        for (value, shown) in [(Array("hellö\nyou".utf8), "hellö\nyou\n"), ([0xFF], "/w==\n")] {
            let report = LedgerRecordReport(try record("k", value))
            let notebook = Notebook()
            let route = notebook.route("GET", "/v1/ledger/{bucket}/{key}", report)
            try await withNode([route]) { folder in
                let place = ["--state-dir", folder]
                let ending = await netron("ledger", "get", "notes", "a/b %c", place[0], place[1])
                #expect(ending == Ending(status: .done, output: shown))
                let json = await netron("ledger", "get", "notes", "k", "--json", place[0], place[1])
                #expect(json == Ending(status: .done, output: text(report)))
            }
            #expect(notebook.lines == [#"GET ["notes", "a/b %c"] "#, #"GET ["notes", "k"] "#])
        }
    }

    @Test("a bucket is printed as a table")
    func getBucket() async throws {
        let report = LedgerBucketReport(onePage([try record("k", "v")]), isComplete: true)
        let route = Notebook().route("GET", "/v1/ledger/{bucket}", report)
        try await withNode([route]) { folder in
            let ending = await netron("--state-dir", folder, "ledger", "get", "notes")
            let output = LedgerText.records(report, of: "notes", at: noon)
            #expect(ending == Ending(status: .done, output: output))
            let json = await netron("ledger", "get", "notes", "--json", "--state-dir", folder)
            #expect(json == Ending(status: .done, output: text(report)))
        }
    }

    @Test("writing and deleting say nothing when they are done")
    func write() async throws {
        let notebook = Notebook()
        let path = "/v1/ledger/{bucket}/{key}"
        let routes = ["PUT", "DELETE"].map { notebook.route($0, path, DoneReport()) }
        try await withNode(routes) { folder in
            let commands = [["put", "notes", "a/ä", "v v"], ["delete", "notes", "a/ä"]]
            for command in commands {
                let arguments = ["ledger"] + command + ["--state-dir", folder]
                for (more, output) in [([], ""), (["--json"], text(DoneReport()))] {
                    let transcript = Transcript()
                    let status = await Program.run(arguments + more, on: transcript.console())
                    #expect(status == .done && transcript.complaints.isEmpty)
                    #expect(transcript.output == output)
                }
            }
        }
        let (put, delete) = (#"PUT ["notes", "a/ä"] v v"#, #"DELETE ["notes", "a/ä"] "#)
        #expect(notebook.lines == [put, put, delete, delete])
    }

    @Test("a value that is not in the arguments is read from standard input, unless one would type")
    func input() async throws {
        let notebook = Notebook()
        let route = notebook.route("PUT", "/v1/ledger/{bucket}/{key}", DoneReport())
        try await withNode([route]) { folder in
            let place = ["--state-dir", folder]
            for (value, input) in [([], "piped"), (["-"], "piped too"), (["-"], nil)] {
                let transcript = Transcript()
                let arguments = ["ledger", "put", "notes", "k"] + value + place
                let status = await Program.run(arguments, on: transcript.console(input: input))
                #expect(status == .done && transcript.complaints.isEmpty)
            }
            let ending = await netron("ledger", "put", "notes", "k", "--state-dir", folder)
            #expect(ending.status == .usage)
            #expect(ending.complaints.hasPrefix("netron: no value is given; write it"))
            #expect(ending.complaints.split(separator: "\n").count == 1)
        }
        #expect(
            notebook.lines == ["piped", "piped too", "typed"].map { #"PUT ["notes", "k"] \#($0)"# }
        )
    }

    @Test("what speaks against members is told behind that the file is whole")
    func verified() throws {
        let id = try #require(NodeID(bytes: [UInt8](repeating: 0, count: 32)))
        let order = Presence.Order(incarnation: noon.milliseconds, version: 7)
        let report = LedgerVerifyReport(broken: [.init(author: id, order)])
        #expect(
            LedgerText.verified(report) == """
                All that is kept is whole.
                Statement 7 of aaaaaaaa does not name the one before it.

                """
        )
        var statistics = LedgerStatisticsReport()
        statistics.equivocating = 1
        #expect(
            LedgerText.statistics(statistics)
                .hasSuffix("\n1 member made two different statements with one number\n")
        )
    }

    @Test("statements are the newest of all, or all that are kept of one member")
    func blocks() async throws {
        let blocks = [
            try block("aaaabbbb", "ann", at: "11:59:00"), try block("eeeeffff", "", at: "11:59:57"),
        ]
        let routes = [
            Notebook().route("GET", "/v1/blocks", blocks),
            ControlRoutes.Route("GET", "/v1/blocks/{id}") { request in
                ControlResponse(blocks.filter { [$0.author] == request.parameters })
            },
        ]
        try await withNode(routes) { folder in
            let log = await netron("ledger", "log", "--state-dir", folder)
            #expect(log == Ending(status: .done, output: LedgerText.log(blocks, at: noon)))
            let all = await netron("ledger", "blocks", "--state-dir", folder)
            let both = blocks.map(LedgerText.block).joined(separator: "\n")
            #expect(all == Ending(status: .done, output: both))
            for name in ["ann", "aaaa"] {
                let one = await netron("ledger", "blocks", name, "--json", "--state-dir", folder)
                #expect(one == Ending(status: .done, output: text([blocks[0]])))
            }
            let none = await netron("ledger", "blocks", "eve", "--state-dir", folder)
            let complaint = "netron: no member is eve\n"
            #expect(none == Ending(status: .failed, complaints: complaint))
        }
    }

    @Test("the file's state and figures")
    func file() async throws {
        let routes = [
            Notebook().route("POST", "/v1/ledger-verify", LedgerVerifyReport()),
            Notebook().route("GET", "/v1/ledger-stats", LedgerStatisticsReport()),
        ]
        try await withNode(routes) { folder in
            let verify = await netron("ledger", "verify", "--state-dir", folder)
            #expect(verify == Ending(status: .done, output: "All that is kept is whole.\n"))
            let stats = await netron("ledger", "stats", "--state-dir", folder)
            let output = LedgerText.statistics(LedgerStatisticsReport())
            #expect(stats == Ending(status: .done, output: output))
            let json = await netron("ledger", "stats", "--json", "--state-dir", folder)
            #expect(json == Ending(status: .done, output: text(LedgerStatisticsReport())))
        }
    }

    @Test(
        "an export has a line for each record, and fails if some are missing",
        arguments: [true, false]
    )
    func export(isComplete: Bool) async throws {
        let records = [try record("a", "1"), try record("b", "2")]
        let names = ["notes", "users"].compactMap(LedgerName.init)
        let routes = [
            Notebook().route(
                "GET",
                "/v1/ledger",
                LedgerBucketsReport(
                    LedgerBucketPage(names: names, next: nil),
                    isComplete: isComplete
                )
            ),
            Notebook().route(
                "GET",
                "/v1/ledger/{bucket}",
                LedgerBucketReport(onePage(records), isComplete: isComplete)
            ),
        ]
        try await withNode(routes) { folder in
            let ending = await netron("ledger", "export", "--state-dir", folder)
            let lines = records.map { text(LedgerRecordReport($0)) }.joined()
            #expect(ending.output == lines + lines)
            #expect(ending.status == (isComplete ? .done : .failed))
            #expect(ending.complaints.isEmpty == isComplete)
        }
    }

    @Test("an export asks for all pages of all buckets, and is whole if the last one is")
    func exportPages() async throws {
        let (first, last) = (try record("a", "1"), try record("b", "2"))
        for isComplete in [true, false] {
            let list = ControlRoutes.Route("GET", "/v1/ledger/{bucket}") { request in
                let page =
                    request.query == "from=a4"
                    ? LedgerPage(records: [last], next: nil)
                    : LedgerPage(records: [first], next: [7])
                return ControlResponse(LedgerBucketReport(page, isComplete: isComplete))
            }
            let buckets = ControlRoutes.Route("GET", "/v1/ledger") { request in
                let page =
                    request.query == "from=a4"
                    ? LedgerBucketPage(names: ["notes"].compactMap(LedgerName.init), next: nil)
                    : LedgerBucketPage(names: ["a"].compactMap(LedgerName.init), next: [7])
                return ControlResponse(LedgerBucketsReport(page, isComplete: true))
            }
            let routes = [buckets, list]
            try await withNode(routes) { folder in
                let ending = await netron("ledger", "export", "--state-dir", folder)
                #expect(
                    ending.output
                        == [first, last, first, last].map { text(LedgerRecordReport($0)) }.joined()
                )
                #expect(ending.status == (isComplete ? .done : .failed))
            }
        }
    }

    @Test("what the node refuses is one sentence, in its words")
    func refusal() async throws {
        let report = ErrorReport(.held, "notes/k is member bbbb's; choose another key")
        let refuse: ControlRoutes.Handler = { _ in ControlResponse(report) }
        let path = "/v1/ledger/{bucket}/{key}"
        let routes = ["GET", "PUT", "DELETE"].map { ControlRoutes.Route($0, path, refuse) }
        try await withNode(routes) { folder in
            for command in [["get", "n", "k"], ["put", "n", "k", "v"], ["delete", "n", "k"]] {
                let transcript = Transcript()
                let arguments = ["ledger"] + command + ["--json", "--state-dir", folder]
                #expect(await Program.run(arguments, on: transcript.console()) == .failed)
                #expect(transcript.output.isEmpty)
                #expect(transcript.complaints == "netron: \(report.message)\n")
            }
        }
    }

    @Test(
        "wrong usage ends with 2 and one line",
        arguments: [
            ["what"], ["get"], ["get", "a", "b", "c"], ["put", "a", "b"], ["put", "a"], ["put"],
            ["delete", "a"], ["log", "a"], ["blocks", "a", "b"], ["verify", "a"], ["stats", "-g"],
            ["get", "a", "--port", "1"], ["export", "--token", "x"], ["log", "--light"],
        ]
    )
    func usage(_ arguments: [String]) async {
        let transcript = Transcript()
        let status = await Program.run(["ledger"] + arguments, on: transcript.console())
        #expect(status == .usage && transcript.output.isEmpty)
        #expect(transcript.complaints.hasPrefix("netron: "))
        #expect(transcript.complaints.split(separator: "\n").count == 1)
    }

    @Test("no node is 3")
    func noNode() async throws {
        let folder = try TemporaryFolder()
        for command in [["get", "a"], ["put", "a", "b", "c"], ["log"], ["export"], ["verify"]] {
            let transcript = Transcript()
            let arguments = ["ledger"] + command + ["--state-dir", folder.path]
            #expect(await Program.run(arguments, on: transcript.console()) == .noNode)
        }
    }

    @Test("the word alone is a question for help")
    func help() async {
        let ending = await netron("ledger")
        #expect(ending.status == .done && ending.complaints.isEmpty)
        #expect(ending.output.contains("USAGE: netron ledger"))
    }
}
