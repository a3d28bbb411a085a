// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
package import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NetronWire

/// Answers requests of HTTP, on a Unix socket or on a TCP port.
///
/// A browser cannot reach a Unix socket, so there it asks for no Host, Origin or secret. On a port
/// every program of the host is answered, and a page of the Web is not: see `HostCheck`.
package final class ControlServer: Sendable {
    package typealias Handler = ControlRoutes.Handler

    /// Where it listens: a path, or address and port.
    package let place: String
    /// Whether it is on an address that other hosts may reach.
    package let isOpenToOthers: Bool

    private let channel: any Channel
    private let connections: ConnectionBook

    private init(channel: any Channel, path: String?, connections: ConnectionBook) {
        self.channel = channel
        self.connections = connections
        let address = channel.localAddress
        place = path ?? address?.authority ?? ""
        isOpenToOthers = path == nil && address?.isLoopback != true
    }

    /// Listens at `path` on one event loop of the group, and lets `handler` answer.
    ///
    /// The socket of a node that died is taken away first. `mode` says who may connect.
    package static func start(
        at path: String,
        mode: Int = 0o600,
        on group: any EventLoopGroup,
        limits: ControlLimits = ControlLimits(),
        handler: @escaping Handler
    ) async throws(ControlError) -> ControlServer {
        let eventLoop = group.next()
        try await clearTheWay(at: path, on: eventLoop)
        let connections = ConnectionBook(eventLoop, most: limits.connectionsMax)
        let bootstrap = bootstrap(eventLoop, connections, limits, check: nil, handler)
        do {
            // Who may not write to the socket cannot connect to it (unix(7)), and the usual umask
            // makes it so from the first; the change of mode holds for all others.
            let channel = try await bootstrap.bind(unixDomainSocketPath: path).get()
            let server = ControlServer(channel: channel, path: path, connections: connections)
            do {
                try FileManager.default.setAttributes(
                    [.posixPermissions: mode],
                    ofItemAtPath: path
                )
            } catch {
                await server.stop()
                throw error
            }
            return server
        } catch {
            throw .notOpened(path, reason: reason(of: error))
        }
    }

    /// Listens on a TCP port of `host`, an address or a name; 0 takes any port that is free.
    package static func start(
        host: String,
        port: UInt16,
        on group: any EventLoopGroup,
        limits: ControlLimits = ControlLimits(),
        handler: @escaping Handler
    ) async throws(ControlError) -> ControlServer {
        let eventLoop = group.next()
        let connections = ConnectionBook(eventLoop, most: limits.connectionsMax)
        let check = HostCheck(name: host)
        do {
            let channel = try await bootstrap(eventLoop, connections, limits, check: check, handler)
                // Connections of a node that ended must not keep the next one from listening.
                .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
                .bind(host: host, port: Int(port)).get()
            return ControlServer(channel: channel, path: nil, connections: connections)
        } catch {
            throw .notOpened("\(host):\(port)", reason: reason(of: error))
        }
    }

    /// Closes all connections and takes the socket away.
    package func stop() async {
        // NIO removes the file together with its socket.
        try? await channel.close()
        await connections.closeAll()
    }

    private static func bootstrap(
        _ eventLoop: any EventLoop,
        _ connections: ConnectionBook,
        _ limits: ControlLimits,
        check: HostCheck?,
        _ handler: @escaping Handler
    ) -> ServerBootstrap {
        ServerBootstrap(group: eventLoop)
            .serverChannelOption(.backlog, value: Int32(limits.connectionsMax))
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try prepare(channel, connections, limits, check, handler)
                }
            }
    }

    private static func prepare(
        _ channel: any Channel,
        _ connections: ConnectionBook,
        _ limits: ControlLimits,
        _ check: HostCheck?,
        _ handler: @escaping Handler
    ) throws {
        var decoding = NIOHTTPDecoderLimitConfiguration()
        decoding.maxHeaderFieldSize = limits.requestBytesMax
        decoding.maxHeaderListSize = limits.requestBytesMax
        let decoder = HTTPRequestDecoder(limitConfiguration: decoding)
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandlers([HTTPResponseEncoder(), ByteToMessageHandler(decoder)])
        let hasRoom = connections.add(channel)
        let connection = ControlConnection(limits, hasRoom: hasRoom, check: check, handler)
        try pipeline.addHandler(connection)
    }
}

extension SocketAddress {
    fileprivate var authority: String? {
        guard let ipAddress, let port else { return nil }
        return ipAddress.contains(":") ? "[\(ipAddress)]:\(port)" : "\(ipAddress):\(port)"
    }

    fileprivate var isLoopback: Bool { ipAddress.flatMap { IPAddress($0) }?.isLoopback ?? false }
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
