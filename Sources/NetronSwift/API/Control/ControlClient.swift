// SPDX-License-Identifier: Apache-2.0

package import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// Asks a node over its control socket: a connection a request.
package struct ControlClient: Sendable {
    private let path: String
    private let group: any EventLoopGroup
    private let limits: ControlLimits

    package init(
        path: String,
        on group: any EventLoopGroup,
        limits: ControlLimits = ControlLimits()
    ) {
        self.path = path
        self.group = group
        self.limits = limits
    }

    package func get(_ target: String) async throws(ControlError) -> [UInt8] {
        try await ask(.GET, target, body: [])
    }

    package func post(
        _ target: String,
        _ report: some Encodable
    ) async throws(ControlError) -> [UInt8] {
        try await ask(.POST, target, body: JSON.encode(report))
    }

    package func put(_ target: String, _ body: [UInt8]) async throws(ControlError) -> [UInt8] {
        try await ask(.PUT, target, body: body)
    }

    package func delete(_ target: String) async throws(ControlError) -> [UInt8] {
        try await ask(.DELETE, target, body: [])
    }

    /// The body of a good answer; a bad one is thrown as `ControlError.refused`.
    private func ask(
        _ method: HTTPMethod,
        _ target: String,
        body: [UInt8]
    ) async throws(ControlError) -> [UInt8] {
        let response = try await exchange(method, target, body)
        guard response.status >= 400 else { return response.body }
        guard let report = JSON.decode(ErrorReport.self, from: response.body) else {
            throw .malformed
        }
        throw .refused(report)
    }

    private func exchange(
        _ method: HTTPMethod,
        _ target: String,
        _ body: [UInt8]
    ) async throws(ControlError) -> ControlResponse {
        guard path.utf8.count <= ControlLimits.pathBytesMax else { throw .pathTooLong(path) }
        let answer = group.next().makePromise(of: ControlResponse.self)
        let channel: any Channel
        do {
            channel = try await ClientBootstrap(group: answer.futureResult.eventLoop)
                .channelInitializer { [limits] channel in
                    channel.eventLoop.makeCompletedFuture {
                        let pipeline = channel.pipeline.syncOperations
                        try pipeline.addHTTPClientHandlers()
                        try pipeline.addHandler(ControlAnswer(answer, limits))
                    }
                }
                .connect(unixDomainSocketPath: path).get()
        } catch {
            answer.fail(ControlError.noNode(path))
            throw refusal(of: error)
        }
        send(method, target, body, to: channel)
        do {
            return try await withTaskCancellationHandler {
                try await answer.futureResult.get()
            } onCancel: {
                channel.close(promise: nil)
            }
        } catch let error as ControlError {
            throw error
        } catch {
            throw .malformed
        }
    }

    private func send(
        _ method: HTTPMethod,
        _ target: String,
        _ body: [UInt8],
        to channel: any Channel
    ) {
        let head = HTTPRequestHead(
            version: .http1_1,
            method: method,
            uri: target,
            headers: [
                "host": "netron", "connection": "close",
                "content-type": "application/json", "content-length": "\(body.count)",
            ]
        )
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        let bytes = channel.allocator.buffer(bytes: body)
        channel.write(HTTPClientRequestPart.body(.byteBuffer(bytes)), promise: nil)
        // A write that fails closes the channel, which fails the answer.
        channel.writeAndFlush(HTTPClientRequestPart.end(nil), promise: nil)
    }

    private func refusal(of error: any Error) -> ControlError {
        switch (error as? IOError)?.errnoCode {
        case 1, 13: .notPermitted(path)  // EPERM, EACCES
        case 2, 20, 111: .noNode(path)  // ENOENT, ENOTDIR, ECONNREFUSED
        default: .notOpened(path, reason: reason(of: error))
        }
    }
}

/// Gathers the answer of one request.
private final class ControlAnswer: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    private let answer: EventLoopPromise<ControlResponse>
    private let limits: ControlLimits
    private var response: ControlResponse?
    private var timer: Scheduled<Void>?

    init(_ answer: EventLoopPromise<ControlResponse>, _ limits: ControlLimits) {
        self.answer = answer
        self.limits = limits
    }

    func channelActive(context: ChannelHandlerContext) {
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: limits.answer) {
            self.finish(context, .failure(.timedOut))
        }
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            response = ControlResponse(status: Int(head.status.code), body: [])
        case .body(let bytes):
            let count = (response?.body.count ?? 0) + bytes.readableBytes
            guard count <= limits.responseBytesMax else {
                return finish(context, .failure(.malformed))
            }
            response?.body.append(contentsOf: bytes.readableBytesView)
        case .end:
            finish(context, response.map { .success($0) } ?? .failure(.malformed))
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        finish(context, .failure(.malformed))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        finish(context, .failure(.malformed))
    }

    private func finish(
        _ context: ChannelHandlerContext,
        _ result: Result<ControlResponse, ControlError>
    ) {
        timer?.cancel()
        timer = nil
        // The first to come counts: a promise that is kept stays so.
        answer.completeWith(result.mapError { $0 as any Error })
        context.close(promise: nil)
    }
}
