// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import NetronAPI
internal import Testing

@Suite("control server", .timeLimit(.minutes(1)))
struct ControlServerTests {
    @Test("a request is answered, with its query and body")
    func answers() async throws {
        let test = try await ServerOfTest()
        let first = try await test.client.get("/v1/thing?a=1")
        #expect(String(decoding: first, as: UTF8.self) == #"["GET /v1/thing a=1 "]"#)
        let second = try await test.client.post("/", ["text": "ä"])
        let texts = JSON.decode([String].self, from: second)
        #expect(texts == [#"POST /  {"text":"ä"}"#])
        await test.server.stop()
    }

    @Test("only the owner may use the socket")
    func mode() async throws {
        let test = try await ServerOfTest()
        let attributes = try FileManager.default.attributesOfItem(atPath: test.folder.socket)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect(attributes[.type] as? FileAttributeType == .typeSocket)
        await test.server.stop()
    }

    @Test("a connection stays open for more, and requests in one write are answered in order")
    func keepAlive() async throws {
        let test = try await ServerOfTest()
        let both = try await withConnection(to: test.folder.socket) { connection in
            try await connection.write("GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n")
            let two = try await connection.text(through: "GET /2")
            try await connection.write("GET /3 HTTP/1.1\r\nConnection: close\r\n\r\n")
            return (two, try await connection.rest())
        }
        let order = ["/1", "/2"].compactMap { both.0.range(of: "GET \($0)")?.lowerBound }
        #expect(order.count == 2 && order == order.sorted())
        #expect(both.1.contains("GET /3"))
        await test.server.stop()
    }

    @Test("a request may come in pieces")
    func pieces() async throws {
        let test = try await ServerOfTest()
        let answer = try await withConnection(to: test.folder.socket) { connection in
            for piece in ["POST /x HTT", "P/1.0\r\ncontent-le", "ngth: 4\r\n\r\nbo", "dy"] {
                try await connection.write(piece)
            }
            return try await connection.rest()
        }
        #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(answer.hasSuffix(#"["POST /x  body"]"#))
        await test.server.stop()
    }

    @Test(
        "what is no HTTP gets 400 and the door",
        arguments: [
            "hello\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\r\n\r\n",
            "GET / HTTP/1.1\r\ncontent-length: -4\r\n\r\n", "GET\r\n\r\n",
            "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        ]
    )
    func malformed(_ text: String) async throws {
        let test = try await ServerOfTest()
        let answer = try await test.raw(text)
        #expect(answer.hasPrefix("HTTP/1.1 400 Bad Request\r\n"))
        #expect(answer.contains("connection: close"))
        #expect(answer.hasSuffix(#""version":1}"#))
        // It serves the next one as before.
        _ = try await test.client.get("/")
        await test.server.stop()
    }

    @Test("a body of 64 KiB passes, and one byte more does not", arguments: [false, true])
    func body(isChunked: Bool) async throws {
        let most = ControlLimits().requestBytesMax
        #expect(most == 65_536)
        let test = try await ServerOfTest { ControlResponse([$0.body.count]) }
        for (count, wanted) in [(most, "[\(most)]"), (most + 1, "too_large")] {
            let text = String(repeating: "a", count: count)
            let framed =
                isChunked
                ? "transfer-encoding: chunked\r\n\r\n\(String(count, radix: 16))\r\n\(text)\r\n"
                    + "0\r\n\r\n"
                : "content-length: \(count)\r\n\r\n\(text)"
            let answer = try await test.raw("POST / HTTP/1.1\r\nconnection: close\r\n\(framed)")
            #expect(answer.contains(wanted))
        }
        await test.server.stop()
    }

    enum Large: CaseIterable {
        case field
        case target
        case fields
    }

    @Test("headers and the request line have 64 KiB at most", arguments: Large.allCases)
    func headers(_ large: Large) async throws {
        let much = String(repeating: "a", count: 65_536)
        let text =
            switch large {
            case .field: "GET / HTTP/1.1\r\nx: \(much)\r\n\r\n"
            case .target: "GET /\(much) HTTP/1.1\r\n\r\n"
            case .fields:
                "GET / HTTP/1.1\r\n" + String(repeating: "x: \(much.prefix(999))\r\n", count: 66)
            }
        let test = try await ServerOfTest()
        let answer = try await test.raw(text)
        #expect(answer.hasPrefix("HTTP/1.1 413 "))
        await test.server.stop()
    }

    @Test("one connection too many is told so")
    func connections() async throws {
        var limits = ControlLimits()
        limits.connectionsMax = 1
        let test = try await ServerOfTest(limits: limits)
        let path = test.folder.socket
        try await withConnection(to: path) { connection in
            try await connection.write("GET / HTTP/1.1\r\n\r\n")
            _ = try await connection.text(through: "]")
            let second = try await test.raw("")
            #expect(second.hasPrefix("HTTP/1.1 503 "))
        }
        await test.server.stop()
    }

    @Test("who is silent, or brings a request too slowly, is let go", arguments: ["", "GET / HT"])
    func idle(_ begun: String) async throws {
        var limits = ControlLimits()
        limits.idleMilliseconds = 20
        let test = try await ServerOfTest(limits: limits)
        #expect(try await test.raw(begun) == "")
        await test.server.stop()
    }

    @Test("stopping takes the socket away and closes what is open")
    func stop() async throws {
        let test = try await ServerOfTest()
        let path = test.folder.socket
        let rest = try await withConnection(to: path) { connection in
            try await connection.write("GET / HTTP/1.1\r\n\r\n")
            _ = try await connection.text(through: "]")
            await test.server.stop()
            return try await connection.rest()
        }
        #expect(rest == "")
        #expect(!FileManager.default.fileExists(atPath: path))
    }
}

@Suite("a control socket's place", .timeLimit(.minutes(1)))
struct ControlSocketTests {
    private func start(at path: String) async throws(ControlError) -> ControlServer {
        try await ControlServer.start(at: path, on: eventLoops, handler: echo)
    }

    @Test("the socket of a dead node is replaced")
    func stale() async throws {
        let folder = try TemporaryFolder()
        try await leaveDeadSocket(at: folder.socket)
        #expect(FileManager.default.fileExists(atPath: folder.socket))
        let server = try await start(at: folder.socket)
        _ = try await ControlClient(path: folder.socket, on: eventLoops).get("/")
        await server.stop()
    }

    @Test("the socket of a living node is not touched")
    func inUse() async throws {
        let test = try await ServerOfTest()
        let path = test.folder.socket
        await #expect(throws: ControlError.inUse(path)) { try await start(at: path) }
        _ = try await test.client.get("/")
        await test.server.stop()
    }

    @Test("a file that is no socket is not touched")
    func notASocket() async throws {
        let folder = try TemporaryFolder()
        let contents = Data("kept".utf8)
        try contents.write(to: URL(fileURLWithPath: folder.socket))
        let path = folder.socket
        await #expect(throws: ControlError.notASocket(path)) { try await start(at: path) }
        #expect(FileManager.default.contents(atPath: path) == contents)
    }

    @Test("a path is as long as a socket's name may be, or refused")
    func length() async throws {
        let folder = try TemporaryFolder()
        let room = 103 - folder.path.utf8.count - 1
        let fitting = "\(folder.path)/\(String(repeating: "s", count: room))"
        try await start(at: fitting).stop()
        let long = fitting + "s"
        await #expect(throws: ControlError.pathTooLong(long)) { try await start(at: long) }
    }

    @Test("a folder that is not there is said in the system's words")
    func missingFolder() async throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/missing/control.sock"
        let error = ControlError.notOpened(path, reason: "No such file or directory")
        await #expect(throws: error) { try await start(at: path) }
    }
}
