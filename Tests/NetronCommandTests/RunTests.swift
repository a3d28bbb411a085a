// SPDX-License-Identifier: Apache-2.0

internal import NetronAPI
internal import NetronConfig
internal import NetronSwift
internal import NetronWire
internal import Synchronization
internal import Testing

@testable internal import NetronCommand

@Suite("the command's ends")
struct RunTests {
    @Test("version and help are results")
    func version() async {
        #expect(await netron("--version") == Ending(status: .done, output: "0.1.0\n"))
        for arguments in [["--help"], ["-h"], ["help"], ["help", "ping"], ["status", "--help"]] {
            let transcript = Transcript()
            #expect(await Program.run(arguments, on: transcript.console()) == .done)
            #expect(transcript.output.contains("USAGE: netron "))
            #expect(transcript.complaints.isEmpty)
        }
    }

    @Test(
        "wrong usage ends with 2 and one line",
        arguments: [
            ["--what"], ["what"], ["--mtu"], ["--mtu", "1"], ["ping"], ["ping", "a", "b"],
            ["ping", "a", "-c", "-1"], ["ping", "a", "-c", "1000001"], ["ping", "a", "-i", "0"],
            ["ping", "a", "-i", "nan"], ["-b"], ["--key-otp-interval", "9"], ["status", "-g"],
            ["status", "--token", "x"], ["--mtu", "1400", "peers"], ["start", "-g"],
            ["start", "--address", "10.1.0.1/24"], ["-g", "--key-otp-interval", "0"],
            ["--token", "%"], [], ["start"], ["status", "--state-dir", ""],
            ["status", "--interface", "a/b"], ["status", "--api"],
            ["peers", "--api-listen", "h:1"],
            ["--what\u{1B}[2J"],
        ]
    )
    func usage(_ arguments: [String]) async {
        let transcript = Transcript()
        #expect(await Program.run(arguments, on: transcript.console()) == .usage)
        #expect(transcript.output.isEmpty)
        let complaint = transcript.complaints
        #expect(complaint.hasPrefix("netron: "))
        #expect(complaint.hasSuffix("\n") && complaint.dropLast().isPlain)
    }

    @Test("a complaint is a sentence")
    func complaint() async {
        #expect(
            await netron("status", "--port", "1").complaints
                == "netron: --port does not go with `netron status`\n"
        )
        #expect(
            await netron("--frobnicate-everything").complaints
                == "netron: unknown option '--frobnicate-everything'; see `netron --help`\n"
        )
        #expect(
            await netron("--adress").complaints
                == "netron: unknown option '--adress'; did you mean '--address'? "
                + "see `netron --help`\n"
        )
    }

    @Test("no node is 3", arguments: ["status", "peers", "ping", "netcheck"])
    func noNode(_ command: String) async throws {
        let folder = try TemporaryFolder()
        let place = ["--state-dir", folder.path]
        let who = command == "ping" ? ["bob"] : []
        for arguments in [[command] + who + place, place + [command] + who] {
            let transcript = Transcript()
            #expect(await Program.run(arguments, on: transcript.console()) == .noNode)
            let socket = "\(folder.path)/control.sock"
            #expect(transcript.complaints.contains("nobody listens on \(socket)"))
        }
    }

    @Test("an error has its status")
    func failures() {
        let errors: [(any Error, Outcome)] = [
            (ConfigError("mtu", "is odd", remedy: "make it even"), .usage),
            (NodeError(.invalidConfig, "no"), .usage),
            (NodeError(.notPermitted, "no"), .notPermitted),
            (NodeError(.portInUse, "no"), .failed),
            (ControlError.notPermitted("/a"), .notPermitted),
            (ControlError.noNode("/a"), .noNode),
            (ControlError.refused(ErrorReport(.notFound, "no")), .failed),
            (ControlError.timedOut, .failed),
            (Failure(.notPermitted, nil), .notPermitted),
        ]
        for (error, status) in errors { #expect(Failure(error).status == status) }
        #expect(Failure(NodeError(.busy, "too much")).sentence == "too much")
    }
}

@Suite("making a network")
struct GenerateTests {
    @Test("-g prints a config, and -g -b the base64 of one")
    func generate() async throws {
        let config = await netron("-g")
        #expect(config.status == .done && config.complaints.isEmpty)
        let network = try NetworkConfig(yaml: Array(config.output.utf8))
        #expect(network.yaml() == config.output)

        let token = await netron("-g", "-b")
        #expect(token.output.hasSuffix("\n"))
        let bytes = try #require(Base64.decode(String(token.output.dropLast())))
        #expect(try NetworkConfig(yaml: bytes).yaml() == String(decoding: bytes, as: UTF8.self))
        #expect(Base64.encode(bytes) + "\n" == token.output)
    }

    @Test("no two networks are the same, and none is made of the variables")
    func fresh() async {
        let environment = ["NETRONTOKEN": "x", "NETRONMTU": "y"]
        let outputs = [
            await netron("-g").output, await netron("-g").output,
            await netron("-g", environment: environment).output,
        ]
        #expect(Set(outputs).count == 3)
        #expect(outputs.allSatisfy { $0.hasPrefix("otp:\n") })
    }

    @Test("the interval is taken over")
    func interval() async throws {
        let config = await netron("-gb", "--key-otp-interval", "7200")
        let network = try NetworkConfig(token: config.output)
        #expect(network.dht.interval == 7200 && network.crypto.interval == 7200)
    }
}

@Suite("asking a node", .timeLimit(.minutes(1)))
struct AskingTests {
    private static let bob = {
        var peer = PeerReport(id: "bbbbccccdddd")
        peer.name = "bob"
        peer.path = .direct
        return peer
    }()

    private static func routes(_ trips: [Duration?] = []) -> [ControlRoutes.Route] {
        let (answers, continuation) = AsyncStream.makeStream(of: Duration?.self)
        for trip in trips { continuation.yield(trip) }
        return [
            .status { StatusReport(id: "me", state: .alone) },
            .peers { [bob] },
            .netcheck { NetcheckReport() },
            .ping(
                peers: { [bob] },
                ping: { _ throws(ErrorReport) in
                    for await trip in answers { return trip }
                    return nil
                }
            ),
        ]
    }

    @Test("--json prints what the node said, as it is")
    func json() async throws {
        try await withNode(Self.routes()) { folder in
            let status = await netron("status", "--json", "--state-dir", folder)
            let wanted = JSON.encode(StatusReport(id: "me", state: .alone))
            #expect(status.status == .done && status.complaints.isEmpty)
            #expect(status.output == String(decoding: wanted, as: UTF8.self) + "\n")
            let peers = await netron("--state-dir", folder, "peers", "--json")
            #expect(JSON.decode([PeerReport].self, from: Array(peers.output.utf8)) == [Self.bob])
            let check = await netron("netcheck", "--json", "--state-dir", folder)
            let bytes = JSON.encode(NetcheckReport())
            #expect(check.output == String(decoding: bytes, as: UTF8.self) + "\n")
            let text = await netron("netcheck", "--state-dir", folder)
            #expect(text.status == .done && text.output == NetcheckText.render(NetcheckReport()))
        }
    }

    @Test("the place may come from the environment")
    func environment() async throws {
        try await withNode(Self.routes()) { folder in
            let ending = await netron("status", environment: ["NETRONSTATEDIR": folder])
            #expect(ending.status == .done)
            #expect(ending.output.hasPrefix("state        alone: no member is known yet\n"))
            let list = await netron("peers", environment: ["NETRONSTATEDIR": folder])
            #expect(list.output.contains("bbbbcccc  "))
        }
    }

    @Test("ping asks as often as it is told, and sums up")
    func ping() async throws {
        let trips: [Duration?] = [.microseconds(1500), nil, .microseconds(500)]
        try await withNode(Self.routes(trips)) { folder in
            let ending = await netron(
                "ping",
                "bbbb",
                "-c",
                "3",
                "-i",
                "0.01",
                "--state-dir",
                folder
            )
            #expect(
                ending
                    == Ending(
                        status: .done,
                        output: """
                            bob (bbbbcccc), direct: 1.500 ms
                            bob (bbbbcccc), direct: no answer in time
                            bob (bbbbcccc), direct: 0.500 ms
                            3 sent, 2 answered, 33 % lost; \
                            least, average and most 0.500 / 1.000 / 1.500 ms

                            """
                    )
            )
        }
    }

    @Test("ping --until-direct ends with the first echo that came directly, or fails")
    func untilDirect() async throws {
        let (answers, continuation) = AsyncStream.makeStream(of: PeerReport.Path.self)
        for path in [PeerReport.Path.relayed, .relayed, .direct] { continuation.yield(path) }
        let path = Mutex(PeerReport.Path.relayed)
        let bob = Self.bob
        let route = ControlRoutes.Route.ping(
            peers: {
                var peer = bob
                peer.path = path.withLock { $0 }
                return [peer]
            },
            ping: { _ throws(ErrorReport) in
                for await next in answers {
                    path.withLock { $0 = next }
                    break
                }
                return .milliseconds(1)
            }
        )
        try await withNode([route]) { folder in
            let asked = ["ping", "bob", "-i", "0.01", "--until-direct", "--state-dir", folder]
            let transcript = Transcript()
            #expect(await Program.run(asked + ["-c", "2"], on: transcript.console()) == .failed)
            #expect(transcript.complaints.contains("no echo came directly"))
            let ending = Transcript()
            #expect(await Program.run(asked, on: ending.console()) == .done)
            #expect(ending.output.hasPrefix("bob (bbbbcccc), direct: 1.000 ms\n1 sent, "))
        }
    }

    @Test("ping --json prints a line for each echo, and fails if none came")
    func silence() async throws {
        try await withNode(Self.routes([nil, nil])) { folder in
            let ending = await netron(
                "ping",
                "bob",
                "-c",
                "2",
                "-i",
                "0.01",
                "--json",
                "--state-dir",
                folder
            )
            let line =
                #"{"endpoint":null,"id":"bbbbccccdddd","name":"bob","path":"direct","#
                + #""relay":null,"rtt_ms":null,"version":1}"# + "\n"
            #expect(ending == Ending(status: .failed, output: line + line))
        }
    }

    @Test("what the node refuses is told in its words")
    func refusal() async throws {
        try await withNode(Self.routes()) { folder in
            let ending = await netron("ping", "eve", "--state-dir", folder)
            #expect(ending.status == .failed && ending.output.isEmpty)
            #expect(ending.complaints.hasPrefix("netron: no member is called eve; "))
        }
    }

    @Test("an answer that is no report is refused")
    func nonsense() async throws {
        let routes = [
            ControlRoutes.Route("GET", "/v1/status") { _ in ControlResponse(["nonsense"]) }
        ]
        try await withNode(routes) { folder in
            let ending = await netron("status", "--state-dir", folder)
            #expect(ending.status == .failed && ending.output.isEmpty)
            #expect(ending.complaints.contains("makes no sense"))
        }
    }

    @Test("ping without end ends when it is stopped, and sums up")
    func stopped() async throws {
        let (asked, ask) = AsyncStream.makeStream(of: Void.self)
        let bob = Self.bob
        let route = ControlRoutes.Route.ping(
            peers: { [bob] },
            ping: { _ throws(ErrorReport) in
                ask.yield()
                return .milliseconds(1)
            }
        )
        try await withNode([route]) { folder in
            let pinging = Task {
                await netron("ping", "bob", "-c", "0", "-i", "0.01", "--state-dir", folder)
            }
            var count = 0
            for await _ in asked {
                count += 1
                if count == 3 { break }
            }
            pinging.cancel()
            let ending = await pinging.value
            #expect(ending.status == .done && ending.complaints.isEmpty)
            #expect(ending.output.contains(" answered, 0 % lost; least, average and most 1.000 "))
        }
    }
}
