// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import NIOCore
internal import NIOPosix
internal import NetronAPI
internal import Testing

@Suite("control client", .timeLimit(.minutes(1)))
struct ControlClientTests {
    @Test("no socket, a dead one and a file are no node")
    func noNode() async throws {
        let folder = try TemporaryFolder()
        let path = folder.socket
        let client = ControlClient(path: path, on: eventLoops)
        await #expect(throws: ControlError.noNode(path)) { try await client.get("/") }
        try await leaveDeadSocket(at: path)
        await #expect(throws: ControlError.noNode(path)) { try await client.get("/") }
        try FileManager.default.removeItem(atPath: path)
        try Data().write(to: URL(fileURLWithPath: path))
        await #expect(throws: ControlError.noNode(path)) { try await client.get("/") }
    }

    @Test("a path that no socket can have is refused")
    func pathTooLong() async throws {
        let path = "/" + String(repeating: "a", count: 103)
        let client = ControlClient(path: path, on: eventLoops)
        await #expect(throws: ControlError.pathTooLong(path)) { try await client.get("/") }
    }

    @Test("a refusal arrives as it was sent")
    func refusal() async throws {
        let report = ErrorReport(.ambiguous, "two of them")
        let test = try await ServerOfTest { _ in ControlResponse(report) }
        await #expect(throws: ControlError.refused(report)) { try await test.client.get("/") }
        await test.server.stop()
    }

    @Test("an answer that does not come in time is no answer")
    func timeOut() async throws {
        let (released, release) = AsyncStream.makeStream(of: Void.self)
        let test = try await ServerOfTest { _ in
            for await _ in released { break }
            return ControlResponse([0])
        }
        var limits = ControlLimits()
        limits.answerMilliseconds = 20
        let client = ControlClient(path: test.folder.socket, on: eventLoops, limits: limits)
        await #expect(throws: ControlError.timedOut) { try await client.get("/") }
        release.finish()
        await test.server.stop()
    }

    @Test("an answer larger than the limit is not taken, and one at the limit is")
    func answerLength() async throws {
        let test = try await ServerOfTest { _ in ControlResponse("12345678") }
        var limits = ControlLimits()
        limits.responseBytesMax = 10
        let exact = ControlClient(path: test.folder.socket, on: eventLoops, limits: limits)
        #expect(try await exact.get("/").count == 10)
        limits.responseBytesMax = 9
        let short = ControlClient(path: test.folder.socket, on: eventLoops, limits: limits)
        await #expect(throws: ControlError.malformed) { try await short.get("/") }
        await test.server.stop()
    }

    @Test(
        "what is no answer is refused",
        arguments: [
            "", "hello\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf",
            "HTTP/1.1 500 No\r\ncontent-length: 4\r\n\r\noops",
        ]
    )
    func malformed(_ text: String) async throws {
        let folder = try TemporaryFolder()
        let server = try await ServerBootstrap(group: eventLoops)
            .childChannelInitializer { $0.pipeline.addHandler(Parrot(text)) }
            .bind(unixDomainSocketPath: folder.socket).get()
        let client = ControlClient(path: folder.socket, on: eventLoops)
        await #expect(throws: ControlError.malformed) { try await client.get("/") }
        try await server.close()
    }

    @Test("who no longer wants the answer need not wait for it")
    func cancellation() async throws {
        let (arrived, arrive) = AsyncStream.makeStream(of: Void.self)
        let (released, release) = AsyncStream.makeStream(of: Void.self)
        let test = try await ServerOfTest { _ in
            arrive.yield()
            for await _ in released { break }
            return ControlResponse([0])
        }
        let client = test.client
        let asking = Task { try await client.get("/") }
        for await _ in arrived { break }
        asking.cancel()
        await #expect(throws: ControlError.malformed) { try await asking.value }
        release.finish()
        await test.server.stop()
    }
}

/// Says one thing to whatever it hears, and closes.
private final class Parrot: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let text: String

    init(_ text: String) { self.text = text }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let channel = context.channel
        channel.writeAndFlush(ByteBuffer(string: text)).whenComplete { _ in
            channel.close(promise: nil)
        }
    }
}
