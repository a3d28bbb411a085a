// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
package import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// Answers requests on a Unix socket that only its owner may use.
///
/// A browser cannot reach such a socket, so the server asks for no Host, Origin or secret.
package final class ControlServer: Sendable {
    package typealias Handler = ControlRoutes.Handler

    /// Where it listens.
    package let path: String

    private let channel: any Channel
    private let connections: ConnectionBook

    private init(path: String, channel: any Channel, connections: ConnectionBook) {
        self.path = path
        self.channel = channel
        self.connections = connections
    }

    /// Listens at `path` on one event loop of the group, and lets `handler` answer.
    ///
    /// The socket of a node that died is taken away first.
    package static func start(
        at path: String,
        on group: any EventLoopGroup,
        limits: ControlLimits = ControlLimits(),
        handler: @escaping Handler
    ) async throws(ControlError) -> ControlServer {
        let eventLoop = group.next()
        try await clearTheWay(at: path, on: eventLoop)
        let connections = ConnectionBook(eventLoop, most: limits.connectionsMax)
        let bootstrap = ServerBootstrap(group: eventLoop)
            .serverChannelOption(.backlog, value: Int32(limits.connectionsMax))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try prepare(channel, connections, limits, handler)
                }
            }
        do {
            // Who may not write to the socket cannot connect to it (unix(7)), and the usual umask
            // makes it so from the first; the change of mode holds for all others.
            let channel = try await bootstrap.bind(unixDomainSocketPath: path).get()
            let server = ControlServer(path: path, channel: channel, connections: connections)
            do {
                try FileManager.default.setAttributes(
                    [.posixPermissions: 0o600],
                    ofItemAtPath: path
                )
            } catch {
                await server.stop()
                throw error
            }
            return server
        } catch let error as IOError {
            throw .notOpened(path, reason: reason(of: error))
        } catch {
            throw .notOpened(path, reason: "\(error)")
        }
    }

    /// Closes all connections and takes the socket away.
    package func stop() async {
        // NIO removes the file together with its socket.
        try? await channel.close()
        await connections.closeAll()
    }

    private static func prepare(
        _ channel: any Channel,
        _ connections: ConnectionBook,
        _ limits: ControlLimits,
        _ handler: @escaping Handler
    ) throws {
        var decoding = NIOHTTPDecoderLimitConfiguration()
        decoding.maxHeaderFieldSize = limits.requestBytesMax
        decoding.maxHeaderListSize = limits.requestBytesMax
        let decoder = HTTPRequestDecoder(limitConfiguration: decoding)
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandlers([HTTPResponseEncoder(), ByteToMessageHandler(decoder)])
        let hasRoom = connections.add(channel)
        try pipeline.addHandler(ControlConnection(limits, hasRoom: hasRoom, handler))
    }
}

/// Removes a socket that nobody listens on any more; anything else stays, and is an error.
private func clearTheWay(
    at path: String,
    on eventLoop: any EventLoop
) async throws(ControlError) {
    guard path.utf8.count <= ControlLimits.pathBytesMax else { throw .pathTooLong(path) }
    guard let kind = kind(of: path) else { return }
    guard kind == .typeSocket else { throw .notASocket(path) }
    do {
        let answering = try await ClientBootstrap(group: eventLoop)
            .connect(unixDomainSocketPath: path).get()
        try? await answering.close()
    } catch {
        // Refused: whoever bound it is gone. Anything else shows when the path is bound.
        try? FileManager.default.removeItem(atPath: path)
        return
    }
    throw .inUse(path)
}

/// What lies at the path itself; nil if there is nothing.
private func kind(of path: String) -> FileAttributeType? {
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    return attributes?[.type] as? FileAttributeType
}

/// The open connections of a server, all on one event loop.
private final class ConnectionBook: Sendable {
    private let eventLoop: any EventLoop
    private let most: Int
    private let channels: NIOLoopBoundBox<[ObjectIdentifier: any Channel]>

    init(_ eventLoop: any EventLoop, most: Int) {
        self.eventLoop = eventLoop
        self.most = most
        channels = .makeBoxSendingValue([:], eventLoop: eventLoop)
    }

    /// Counts a connection in until it closes; whether there was room for it.
    func add(_ channel: any Channel) -> Bool {
        let hasRoom = channels.value.count < most
        let key = ObjectIdentifier(channel)
        channels.value[key] = channel
        channel.closeFuture.whenComplete { [channels] _ in channels.value[key] = nil }
        return hasRoom
    }

    func closeAll() async {
        let open = try? await eventLoop.submit { [channels] in
            channels.value.values.map { $0 }
        }.get()
        for channel in open ?? [] { try? await channel.close() }
    }
}
