// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import NIOHTTP1

/// One connection to a server: requests in, answers out, in the same order.
///
/// One timer holds each connection to its time: from the last answer (or the beginning) to the end
/// of the next request, so that neither silence nor a drop of bytes now and then keeps it open.
final class ControlConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let limits: ControlLimits
    private let hasRoom: Bool
    /// What a request's head must not have; nil if it may have anything.
    private let check: HostCheck?
    private let handler: ControlRoutes.Handler

    /// The request that is coming in.
    private var head: HTTPRequestHead?
    private var body: [UInt8] = []
    /// Whole requests that wait for their turn.
    private var waiting: [(request: ControlRequest, isLast: Bool)] = []
    private var isAnswering = false
    /// Nothing is read any more; the connection closes after the answer in hand.
    private var isOver = false
    private var idleTimer: Scheduled<Void>?

    init(
        _ limits: ControlLimits,
        hasRoom: Bool,
        check: HostCheck? = nil,
        _ handler: @escaping ControlRoutes.Handler
    ) {
        self.limits = limits
        self.hasRoom = hasRoom
        self.check = check
        self.handler = handler
    }

    func channelActive(context: ChannelHandlerContext) {
        if hasRoom {
            startTimer(context)
        } else {
            let most = limits.connectionsMax
            refuse(context, .unavailable, "\(most) connections are open; close one, or try later")
        }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        idleTimer?.cancel()
        isOver = true
        waiting = []
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isOver else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            if let refusal = check?.refusal(of: head.headers) {
                return refuse(context, refusal.error, refusal.message)
            }
            self.head = head
            body = []
        case .body(let bytes):
            guard body.count + bytes.readableBytes <= limits.requestBytesMax else {
                let most = limits.requestBytesMax
                return refuse(context, .tooLarge, "a request has \(most) bytes at most")
            }
            body.append(contentsOf: bytes.readableBytesView)
        case .end:
            guard let head else { return }
            self.head = nil
            take(head, context)
        }
    }

    /// The decoder found no HTTP.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error as? HTTPParserError {
        case .headerOverflow?:
            let most = limits.requestBytesMax
            refuse(context, .tooLarge, "the headers of a request have \(most) bytes at most")
        case .some:
            refuse(context, .badRequest, "this is not a request of HTTP/1.1")
        case nil:
            context.close(promise: nil)
        }
    }

    private func take(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let request = ControlRequest(head.method.rawValue, head.uri, body: body)
        body = []
        guard waiting.count < ControlLimits.waitingMax else {
            return refuse(context, .tooLarge, "too many requests wait on this connection")
        }
        waiting.append((request, isLast: !head.isKeepAlive))
        answerNext(context)
    }

    private func answerNext(_ context: ChannelHandlerContext) {
        guard !isAnswering, !waiting.isEmpty else { return }
        isAnswering = true
        idleTimer?.cancel()
        let (request, isLast) = waiting.removeFirst()
        let handler = handler
        context.eventLoop.makeFutureWithTask { await handler(request) }
            .assumeIsolated()
            .whenSuccess { response in
                self.isAnswering = false
                // It went away, or was refused, meanwhile.
                guard context.channel.isActive else { return }
                self.write(response, context, isLast: isLast || self.isOver)
                guard !isLast, !self.isOver else { return }
                self.startTimer(context)
                self.answerNext(context)
            }
    }

    /// Says no and reads no more; what is in hand is still answered, but not what waits.
    private func refuse(
        _ context: ChannelHandlerContext,
        _ code: ErrorReport.Code,
        _ message: String
    ) {
        guard !isOver else { return }
        isOver = true
        waiting = []
        idleTimer?.cancel()
        // An answer here would be taken for the one that is still in hand.
        guard !isAnswering else { return }
        write(ControlResponse(ErrorReport(code, message)), context, isLast: true)
    }

    private func write(
        _ response: ControlResponse,
        _ context: ChannelHandlerContext,
        isLast: Bool
    ) {
        var headers: HTTPHeaders = [
            "content-type": "application/json",
            "content-length": "\(response.body.count)",
            "cache-control": "no-store",
        ]
        if !response.allowed.isEmpty {
            headers.add(name: "allow", value: response.allowed.joined(separator: ", "))
        }
        if isLast { headers.add(name: "connection", value: "close") }
        let head = HTTPResponseHead(
            version: .http1_1,
            status: HTTPResponseStatus(statusCode: response.status),
            headers: headers
        )
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        let bytes = context.channel.allocator.buffer(bytes: response.body)
        context.write(wrapOutboundOut(.body(.byteBuffer(bytes))), promise: nil)
        let written = context.writeAndFlush(wrapOutboundOut(.end(nil)))
        guard isLast else { return }
        isOver = true
        written.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
    }

    private func startTimer(_ context: ChannelHandlerContext) {
        idleTimer?.cancel()
        idleTimer = context.eventLoop.assumeIsolated().scheduleTask(in: limits.idle) {
            context.close(promise: nil)
        }
    }
}
