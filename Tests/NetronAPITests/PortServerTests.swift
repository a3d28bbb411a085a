// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import NIOCore
internal import NetronAPI
internal import Testing

@Suite("a server on a port", .timeLimit(.minutes(1)))
struct PortServerTests {
    private func start(
        host: String = "127.0.0.1",
        port: UInt16 = 0
    ) async throws(ControlError) -> ControlServer {
        try await ControlServer.start(host: host, port: port, on: eventLoops, handler: echo)
    }

    private func port(of server: ControlServer) throws -> UInt16 {
        try #require(server.place.split(separator: ":").last.flatMap { UInt16($0) })
    }

    /// Writes `text` as it is, and gives what comes back until the server closes.
    private func raw(_ text: String, to server: ControlServer) async throws -> String {
        let port = Int(try port(of: server))
        let address = try SocketAddress(ipAddress: "127.0.0.1", port: port)
        return try await withConnection(to: address) { connection in
            try await connection.write(text)
            return try await connection.rest()
        }
    }

    private func request(_ method: String, _ headers: String...) -> String {
        let lines = headers + ["content-length: 4", "connection: close"]
        return "\(method) /x HTTP/1.1\r\n\(lines.joined(separator: "\r\n"))\r\n\r\nbody"
    }

    @Test("a request is answered as on the socket")
    func answers() async throws {
        let server = try await start()
        for host in ["localhost", server.place, "[::1]:1"] {
            let answer = try await raw(request("PUT", "Host: \(host)"), to: server)
            #expect(answer.hasPrefix("HTTP/1.1 200 OK\r\n"))
            #expect(answer.hasSuffix(#"["PUT /x  body"]"#))
        }
        await server.stop()
    }

    @Test(
        "what a page of the Web may have sent is not",
        arguments: ["GET", "PUT", "POST", "DELETE"]
    )
    func pages(_ method: String) async throws {
        let server = try await start()
        for headers in [
            ["Host: evil.example", "Origin: http://evil.example"], ["Host: evil.example", "a: b"],
            ["Host: \(server.place)", "Origin: http://evil.example"],
            ["Host: \(server.place)", "Origin: null"],
        ] {
            let answer = try await raw(request(method, headers[0], headers[1]), to: server)
            #expect(answer.hasPrefix("HTTP/1.1 403 Forbidden\r\n"))
            #expect(answer.contains("connection: close\r\n"))
            #expect(answer.contains(#""error":"forbidden""#))
            #expect(!answer.contains("access-control"))
        }
        let nameless = try await raw("GET / HTTP/1.1\r\n\r\n", to: server)
        #expect(nameless.hasPrefix("HTTP/1.1 400 "))
        await server.stop()
    }

    @Test("a refused request is the last of its connection")
    func pipelined() async throws {
        let server = try await start()
        let bad = "GET /1 HTTP/1.1\r\nHost: evil.example\r\n\r\n"
        let good = "GET /2 HTTP/1.1\r\nHost: localhost\r\n\r\n"
        let answer = try await raw(bad + good, to: server)
        #expect(answer.hasPrefix("HTTP/1.1 403 "))
        #expect(!answer.contains("GET /2"))
        await server.stop()
    }

    @Test("the name that was given may be asked for")
    func name() async throws {
        let server = try await start(host: "localhost")
        #expect(!server.isOpenToOthers)
        await server.stop()
    }

    @Test("an address of more than the host itself is known as such")
    func openToOthers() async throws {
        for (host, isOpen) in [("127.0.0.1", false), ("127.1.2.3", false), ("0.0.0.0", true)] {
            let server = try await start(host: host)
            #expect(server.isOpenToOthers == isOpen)
            #expect(server.place.hasPrefix("\(host):"))
            #expect(try port(of: server) != 0)
            await server.stop()
        }
    }

    @Test("a port that is taken is said in the system's words, and is free after the end")
    func inUse() async throws {
        let first = try await start()
        let port = try port(of: first)
        _ = try await raw(request("GET", "Host: localhost"), to: first)
        let error = ControlError.notOpened("127.0.0.1:\(port)", reason: "Address already in use")
        await #expect(throws: error) { try await start(port: port) }
        #expect(error.problem == "Address already in use")
        await first.stop()
        try await start(port: port).stop()
    }

    @Test("a socket may be for a group too")
    func mode() async throws {
        let folder = try TemporaryFolder()
        let server = try await ControlServer.start(
            at: folder.socket,
            mode: 0o660,
            on: eventLoops,
            handler: echo
        )
        let attributes = try FileManager.default.attributesOfItem(atPath: folder.socket)
        #expect(attributes[.posixPermissions] as? Int == 0o660)
        #expect(!server.isOpenToOthers && server.place == folder.socket)
        // No browser gets here, so that any Host is as good as none.
        _ = try await ControlClient(path: folder.socket, on: eventLoops).get("/")
        await server.stop()
    }
}
