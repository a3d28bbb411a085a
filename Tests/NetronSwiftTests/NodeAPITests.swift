// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import NIOCore
import NIOPosix
import NetronAPI
import NetronConfig
import NetronWire
import Synchronization
import Testing

@testable import NetronSwift

@Suite("node: API", .timeLimit(.minutes(1))) struct NodeAPITests {
    /// A node without interface, disk, LAN and router.
    private func node(_ options: NodeOption...) throws -> Node { try node(options) }

    private func node(_ options: [NodeOption]) throws -> Node {
        let quiet: [NodeOption] = [
            .ephemeral, .fromYAML(mdns: false, dht: false, Sample.yaml), .logLevel(.critical),
            .natmap(false),
        ]
        return try Node(quiet + options)
    }

    @Test("there is none unless it is asked for") func off() async throws {
        let node = try node()
        try await node.start()
        #expect(await node.apiPlace == nil)
        await node.stop()
    }

    @Test("what is written by a port is in the ledger, and read by both APIs")
    func port() async throws {
        let node = try node(.api(listening: "127.0.0.1:0"))
        try await node.start()
        let place = try #require(await node.apiPlace)
        let put = try await ask(place, "PUT /api/ledger/notes/greeting/hello%20you", host: place)
        #expect(put.hasPrefix("HTTP/1.1 200 OK\r\n") && put.hasSuffix(#"{"State":"Announcing"}"#))
        #expect(try await node.ledger.get("greeting", in: "notes")?.text == "hello you")
        let get = try await ask(place, "GET /v1/ledger/notes/greeting", host: "localhost")
        #expect(get.contains(#""author":"\#(node.id)""#) && get.contains(#""value":"hello you""#))
        let edge = try await ask(place, "GET /api/ledger/notes/greeting", host: place)
        #expect(edge.hasSuffix(#""\"hello you\"""#))
        let status = try await ask(place, "GET /v1/status", host: place)
        #expect(status.contains(#""id":"\#(node.id)""#))
        let page = try await ask(place, "DELETE /v1/ledger/notes/greeting", host: "evil.example")
        #expect(page.hasPrefix("HTTP/1.1 403 "))
        #expect(try await node.ledger.get("greeting", in: "notes") != nil)
        await node.stop()
        await #expect(throws: (any Error).self) { try await ask(place, "GET /", host: place) }
    }

    @Test("a bucket is read page by page, from memory and from disk", arguments: [false, true])
    func pages(isOnDisk: Bool) async throws {
        let folder = "\(NSTemporaryDirectory())netron-\(UInt32.random(in: 0 ... .max))"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let node = try node(isOnDisk ? [.stateDirectory(folder)] : [])
        try await node.start()
        for number in 1...5 { try await node.ledger.put([], for: "\(number)", in: "notes") }
        try await node.ledger.put([], for: "1", in: "others")
        func page(_ query: String) async throws -> LedgerBucketReport {
            let request = ControlRequest("GET", "/v1/ledger/notes?limit=2\(query)")
            let body = await node.controlRoutes.answer(request).body
            return try #require(JSON.decode(from: body))
        }
        var keys: [[String]] = []
        var next: String? = ""
        while let from = next, keys.count < 9 {
            let page = try await page(from)
            keys.append(page.records.map(\.key))
            next = page.next.map { "&from=\($0)" }
        }
        #expect(keys.map(\.count) == [2, 2, 1])
        #expect(keys.joined().sorted() == ["1", "2", "3", "4", "5"])
        // Places that nobody was given.
        let long = String(repeating: "a", count: 408)
        #expect(try await page("&from=aa").records.map(\.key) == keys[0])
        #expect(try await page("&from=\(long)").records.map(\.key) == keys[0])
        #expect(try await page("&from=7777777q").records.isEmpty)
        await node.stop()
    }

    @Test("a socket is for user and group, and gone at the end") func socket() async throws {
        let path = "\(NSTemporaryDirectory())netron-\(UInt32.random(in: 0 ... .max)).sock"
        let node = try node(.api(listening: "unix://\(path)"))
        try await node.start()
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.posixPermissions] as? Int == 0o660)
        let client = ControlClient(path: path, on: MultiThreadedEventLoopGroup.singleton)
        _ = try await client.put("/v1/ledger/notes/a", [1])
        #expect(try await node.ledger.get("a", in: "notes")?.value == [1])
        await node.stop()
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test("a place that is taken keeps the node from starting, and says so") func taken()
        async throws
    {
        let first = try node(.api(listening: "127.0.0.1:0"))
        try await first.start()
        let place = try #require(await first.apiPlace)
        let second = try node(.api(listening: place))
        let error = await #expect(throws: NodeError.self) { try await second.start() }
        #expect(
            error?.message == "the API cannot listen on \(place): Address already in use; "
                + "choose another place with --api-listen"
        )
        #expect(try await ask(place, "GET /v1/peers", host: place).hasSuffix("[]"))
        await first.stop()
    }

    @Test(
        "an address that others reach is worth a warning",
        arguments: [("0.0.0.0:0", 1), ("127.0.0.1:0", 0)]
    )
    func warning(_ place: String, _ count: Int) async throws {
        let record = LogRecord()
        let logger = Logger(label: "test") { _ in record }
        let node = try node(.logger(logger), .logLevel(.info), .api(listening: place))
        try await node.start()
        await node.stop()
        let lines = record.lines.filter { $0.contains("the API") }
        #expect(lines.count { $0.hasPrefix("warning: ") && $0.contains("no secret") } == count)
        #expect(lines.count { $0.hasPrefix("info: the API listens on ") } == 1)
    }
}

/// Asks by TCP, and gives the whole answer.
private func ask(_ place: String, _ request: String, host: String) async throws -> String {
    let place = try HostPort(parsing: place)
    let (texts, continuation) = AsyncStream.makeStream(of: String.self)
    let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .channelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(Reader(continuation))
            }
        }
        .connect(host: place.host, port: Int(place.port)).get()
    let text = "\(request) HTTP/1.1\r\nHost: \(host)\r\nConnection: close\r\n\r\n"
    try await channel.writeAndFlush(ByteBuffer(string: text))
    var answer = ""
    for await text in texts { answer += text }
    return answer
}

private final class Reader: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let texts: AsyncStream<String>.Continuation

    init(_ texts: AsyncStream<String>.Continuation) { self.texts = texts }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        texts.yield(String(buffer: unwrapInboundIn(data)))
    }

    func channelInactive(context: ChannelHandlerContext) { texts.finish() }
}

/// Keeps what is logged.
private final class LogRecord: LogHandler {
    private let texts = Mutex<[String]>([])

    var lines: [String] { texts.withLock { $0 } }

    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }
    var logLevel: Logger.Level {
        get { .info }
        set {}
    }
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) {
        texts.withLock { $0.append("\(event.level): \(event.message)") }
    }
}
