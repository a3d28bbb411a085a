// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import NetronAPI
internal import NetronSimulator
internal import Testing

@testable internal import NetronCommand

@Suite("netron simulate")
struct SimulateTests {
    @Test(
        "what is out of bounds ends with 2 and one sentence",
        arguments: [
            ["--nodes", "1"], ["--nodes", "20001"], ["--nodes", "x"], ["--hours", "0"],
            ["--hours", "8761"], ["--hours", "nan"], ["--churn", "-1"], ["--churn", "10001"],
            ["--loss", "51"], ["--loss", "-0.1"], ["--seed", "-1"], ["--soak", "0"], ["more"],
        ]
    )
    func usage(_ arguments: [String]) async {
        let transcript = Transcript()
        let status = await Program.run(["simulate"] + arguments, on: transcript.console())
        #expect(status == .usage && transcript.output.isEmpty)
        #expect(transcript.complaints.hasPrefix("netron: "))
        #expect(transcript.complaints.count { $0 == "\n" } == 1)
    }

    @Test("bounds are said in figures")
    func sentences() async {
        #expect(
            await netron("simulate", "--nodes", "1").complaints
                == "netron: the number of nodes is 2 to 20000; see `netron --help`\n"
        )
        #expect(
            await netron("simulate", "--port", "1").complaints
                == "netron: --port does not go with `netron simulate`\n"
        )
    }

    @Test("a row is an hour, or a sixth of a short run")
    func rows() {
        for (hours, seconds) in [(0.1, 60), (1, 600), (4, 2400), (6, 3600), (99, 3600)] {
            #expect(Simulate.rowSeconds(hours: hours) == seconds)
        }
    }

    @Test("the text is a table and a last line; the terminal sees how far it is")
    func text() async {
        let transcript = Transcript()
        var console = transcript.console()
        console.complainsToTerminal = true
        let arguments = ["simulate", "--nodes", "3", "--hours", "0.1"]
        #expect(await Program.run(arguments, on: console) == .done)
        let lines = transcript.output.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(lines.count == 11 && lines[0].contains("OVERLAYS"))
        #expect(lines[1].contains("1 min 0 s      3         1    2.0"))
        #expect(lines[8].hasPrefix("6 min 0 s of 3 nodes with seed 1 in "))
        // It is too short to be seen on its way.
        #expect(transcript.complaints.isEmpty || transcript.complaints.hasSuffix("\r\u{1B}[K"))
    }

    @Test("the JSON has all keys, and the same figures for the same seed")
    func json() async throws {
        let arguments = ["simulate", "--nodes", "4", "--hours", "0.1", "--loss", "5", "--json"]
        var reports: [[String: Any]] = []
        for _ in 0..<2 {
            let transcript = Transcript()
            #expect(await Program.run(arguments, on: transcript.console()) == .done)
            let object = try JSONSerialization.jsonObject(with: Data(transcript.output.utf8))
            reports.append(try #require(object as? [String: Any]))
        }
        #expect(
            Set(reports[0].keys) == [
                "version", "netron", "nodes", "hours", "churn_percent_per_day", "loss_percent",
                "records", "settled", "seed", "rows", "elapsed_s", "wall_s", "events",
                "events_per_s", "failure",
            ]
        )
        #expect(reports[0]["version"] as? Int == 1 && reports[0]["failure"] is NSNull)
        #expect(reports[0]["events"] as? Int == reports[1]["events"] as? Int)
        let rows = try #require(reports[0]["rows"] as? [[String: Any]])
        let others = try #require(reports[1]["rows"] as? [[String: Any]])
        #expect(rows.count == 6 && rows.last?["elapsed_s"] as? Double == 360)
        for (row, other) in zip(rows, others) {
            #expect(row.keys.count == 18)
            let mean = row["traffic_mean_bytes_per_s"] as? Double
            #expect(mean == other["traffic_mean_bytes_per_s"] as? Double)
            let kinds = try #require(row["traffic_by_kind_bytes_per_s"] as? [String: Double])
            #expect(kinds.count == Traffic.Kind.allCases.count)
            #expect(abs(kinds.values.reduce(0, +) - (mean ?? 0)) < 1)
        }
    }

    @Test("addresses and services cost a little more") func records() async throws {
        var means: [Double] = []
        for flags in [[], ["--records"]] {
            let transcript = Transcript()
            let arguments = ["simulate", "--nodes", "12", "--hours", "0.2", "--json"] + flags
            #expect(await Program.run(arguments, on: transcript.console()) == .done)
            let object = try JSONSerialization.jsonObject(with: Data(transcript.output.utf8))
            let report = try #require(object as? [String: Any])
            #expect(report["records"] as? Bool == !flags.isEmpty)
            let rows = try #require(report["rows"] as? [[String: Any]])
            let all = rows.compactMap { $0["traffic_mean_bytes_per_s"] as? Double }
            means.append(all.reduce(0, +))
        }
        #expect(means[0] < means[1] && means[1] < 1.5 * means[0])
    }

    @Test("where all know each other from the start, so does the first row") func settled() async {
        let ending = await netron(
            "simulate",
            "--settled",
            "--json",
            "--nodes",
            "12",
            "--hours",
            "0.1"
        )
        #expect(ending.status == .done && ending.output.contains(#""settled":true"#))
        #expect(!ending.output.contains(#""known_mean":0"#))
        #expect(ending.output.split(separator: #""known_mean":11"#).count == 7)
    }

    @Test("a run that is stopped tells what there is")
    func stopped() async throws {
        let transcript = Transcript()
        let command = Task {
            await Program.run(["simulate", "--hours", "8000"], on: transcript.console())
        }
        command.cancel()
        #expect(await command.value == .done)
        #expect(transcript.output.contains(" of 100 nodes with seed 1 in "))
    }

    @Test("the soak tells of each scenario")
    func soak() async {
        let ending = await netron("simulate", "--soak", "1", "--nodes", "4", "--hours", "0.1")
        #expect(ending.status == .done && ending.complaints.isEmpty)
        let lines = ending.output.split(separator: "\n")
        #expect(lines.count == 8 && lines.allSatisfy { $0.hasPrefix("ok  ") })
    }
}
