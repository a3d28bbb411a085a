// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import NIOCore
internal import NIOPosix
internal import NetronAPI

/// A new folder, gone with the value.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = "\(NSTemporaryDirectory())netron-\(UInt32.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(
            atPath: path,
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700]
        )
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var socket: String { "\(path)/control.sock" }
}

/// The one event loop that all tests here share.
let eventLoops = MultiThreadedEventLoopGroup(numberOfThreads: 1)

/// Makes the socket that a killed node leaves: a file that nobody listens on.
func leaveDeadSocket(at path: String) async throws {
    let first = path + "1"
    let listening = try await ServerBootstrap(group: eventLoops)
        .bind(unixDomainSocketPath: first).get()
    // Under another name NIO does not find it when it tidies up.
    try FileManager.default.moveItem(atPath: first, toPath: path)
    try await listening.close()
}

/// A server in a folder of its own, for the time of a test.
struct ServerOfTest {
    let folder: TemporaryFolder
    let server: ControlServer

    init(
        limits: ControlLimits = ControlLimits(),
        handler: @escaping ControlServer.Handler = echo
    ) async throws {
        folder = try TemporaryFolder()
        server = try await ControlServer.start(
            at: folder.socket,
            on: eventLoops,
            limits: limits,
            handler: handler
        )
    }

    var client: ControlClient { ControlClient(path: folder.socket, on: eventLoops) }

    /// Writes `text` as it is, and gives what comes back until the server closes.
    func raw(_ text: String) async throws -> String {
        try await withConnection(to: folder.socket) { connection in
            try await connection.write(text)
            return try await connection.rest()
        }
    }
}

/// Answers with what was asked.
@Sendable func echo(_ request: ControlRequest) async -> ControlResponse {
    let body = String(decoding: request.body, as: UTF8.self)
    return ControlResponse(["\(request.method) \(request.path) \(request.query) \(body)"])
}

/// Bytes both ways, as text.
struct RawConnection {
    private let channel: any Channel
    private var texts: AsyncStream<String>.Iterator

    fileprivate init(to address: SocketAddress) async throws {
        let (stream, continuation) = AsyncStream.makeStream(of: String.self)
        texts = stream.makeAsyncIterator()
        channel = try await ClientBootstrap(group: eventLoops)
            .channelInitializer { $0.pipeline.addHandler(Listener(continuation)) }
            .connect(to: address).get()
    }

    fileprivate func close() async { try? await channel.close() }

    func write(_ text: String) async throws {
        // The server may have closed before it read all: what it said of that still comes.
        try? await channel.writeAndFlush(ByteBuffer(string: text))
    }

    /// What comes until `end` came.
    mutating func text(through end: String) async throws -> String {
        var text = ""
        while !text.contains(end), let more = await texts.next(isolation: #isolation) {
            text += more
        }
        return text
    }

    /// What comes until the other side closes.
    mutating func rest() async throws -> String {
        var text = ""
        while let more = await texts.next(isolation: #isolation) { text += more }
        return text
    }
}

func withConnection<Result: Sendable>(
    to path: String,
    _ body: (inout RawConnection) async throws -> Result
) async throws -> Result {
    try await withConnection(to: SocketAddress(unixDomainSocketPath: path), body)
}

func withConnection<Result: Sendable>(
    to address: SocketAddress,
    _ body: (inout RawConnection) async throws -> Result
) async throws -> Result {
    var connection = try await RawConnection(to: address)
    let result = try await body(&connection)
    await connection.close()
    return result
}

/// Hands on what arrives, and that the other side closed.
private final class Listener: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer

    private let texts: AsyncStream<String>.Continuation

    init(_ texts: AsyncStream<String>.Continuation) { self.texts = texts }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        texts.yield(String(buffer: unwrapInboundIn(data)))
    }

    func channelInactive(context: ChannelHandlerContext) { texts.finish() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
