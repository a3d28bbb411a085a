// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import NIOEmbedded
internal import NIOHTTP1
internal import Testing

@testable internal import NetronAPI

/// A connection on a loop whose clock the test turns.
@Suite("a control connection's time", .timeLimit(.minutes(1)))
struct ControlConnectionTests {
    private let idle: TimeAmount = ControlLimits().idle
    private let released: AsyncStream<Void>
    private let release: AsyncStream<Void>.Continuation
    private let channel: NIOAsyncTestingChannel

    init() async throws {
        let (released, release) = AsyncStream.makeStream(of: Void.self)
        (self.released, self.release) = (released, release)
        let channel = NIOAsyncTestingChannel()
        self.channel = channel
        try await channel.testingEventLoop.executeInContext {
            let connection = ControlConnection(ControlLimits(), hasRoom: true) { request in
                if request.path == "/slow" {
                    for await _ in released { break }
                }
                return ControlResponse([request.path])
            }
            try channel.pipeline.syncOperations.addHandler(connection)
        }
        try await channel.connect(to: SocketAddress(unixDomainSocketPath: "/x")).get()
    }

    private func write(_ parts: HTTPServerRequestPart...) async throws {
        for part in parts { try await channel.writeInbound(part) }
    }

    private func head(_ target: String) -> HTTPServerRequestPart {
        .head(HTTPRequestHead(version: .http1_1, method: .GET, uri: target))
    }

    private func pass(_ time: TimeAmount) async {
        await channel.testingEventLoop.advanceTime(by: time)
    }

    /// The body of the next answer.
    private func answer() async throws -> String {
        var text = ""
        while true {
            switch try await channel.waitForOutboundWrite(as: HTTPServerResponsePart.self) {
            case .head: continue
            case .body(.byteBuffer(let bytes)): text += String(buffer: bytes)
            case .body: continue
            case .end: return text
            }
        }
    }

    @Test("silence ends it, and not a moment too early")
    func silence() async throws {
        await pass(idle - .nanoseconds(1))
        #expect(channel.isActive)
        await pass(.nanoseconds(1))
        #expect(!channel.isActive)
    }

    @Test("a request that dribbles in has no more time than silence")
    func dribble() async throws {
        await pass(idle - .seconds(1))
        try await write(head("/"))
        await pass(.milliseconds(500))
        try await write(.body(ByteBuffer(string: "a")))
        await pass(.milliseconds(500))
        #expect(!channel.isActive)
    }

    @Test("an answer may take longer, and begins the time anew")
    func slowAnswer() async throws {
        try await write(head("/slow"), .end(nil))
        await pass(idle + idle)
        #expect(channel.isActive)
        release.yield()
        #expect(try await answer() == #"["/slow"]"#)
        await pass(idle - .nanoseconds(1))
        #expect(channel.isActive)
        try await write(head("/again"), .end(nil))
        #expect(try await answer() == #"["/again"]"#)
        await pass(idle)
        #expect(!channel.isActive)
    }

    @Test("of requests that wait for their turn there is a limit")
    func waiting() async throws {
        try await write(head("/slow"), .end(nil))
        for _ in 0..<ControlLimits.waitingMax { try await write(head("/next"), .end(nil)) }
        try await write(head("/over"), .end(nil))
        release.yield()
        // The one in hand is answered as the last; those that waited are dropped with the rest.
        #expect(try await answer() == #"["/slow"]"#)
        try await channel.closeFuture.get()
    }
}
