// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import NIOCore
internal import NIOPosix
internal import NetronWire

/// One version of IP on one interface.
struct LANGroup: Hashable, Sendable {
    let interface: UInt32
    let family: IPAddress.Family
}

extension LANGroup {
    /// The group that a device's address is in.
    init?(_ device: NIONetworkDevice) {
        guard let address = device.address?.wireAddress,
            let index = UInt32(exactly: device.interfaceIndex)
        else { return nil }
        self.init(interface: index, family: address.family)
    }

    /// The address of multicast DNS (RFC 6762 section 3); IPv6 names the interface by its zone.
    var address: SocketAddress {
        get throws {
            let text = family == .v4 ? "224.0.0.251" : "ff02::fb%\(interface)"
            return try SocketAddress(ipAddress: text, port: LANChannel.port)
        }
    }
}

/// How the port of multicast DNS is opened.
enum LANChannel {
    /// The port of multicast DNS.
    static let port = 5353

    /// The longest message, which is never cut.
    private static let receiveBytes = 9_000

    /// Binds the port beside others who have it.
    ///
    /// With SO_REUSEADDR alone unicast answers go to who bound last, who is the one that has just
    /// asked; SO_REUSEPORT would spread them over all. It is taken only if others insist on it.
    static func bind(
        _ family: IPAddress.Family,
        on loop: any EventLoop,
        receiving handler: (any ChannelInboundHandler & Sendable)?
    ) async throws -> any Channel {
        do {
            return try await bind(family, on: loop, sharing: false, receiving: handler)
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            return try await bind(family, on: loop, sharing: true, receiving: handler)
        }
    }

    private static func bind(
        _ family: IPAddress.Family,
        on loop: any EventLoop,
        sharing: Bool,
        receiving handler: (any ChannelInboundHandler & Sendable)?
    ) async throws -> any Channel {
        var bootstrap = DatagramBootstrap(group: loop)
            .channelOption(.socketOption(.so_reuseaddr), value: 1)
            .channelOption(.autoRead, value: handler != nil)
            .channelOption(
                .recvAllocator,
                value: FixedSizeRecvByteBufferAllocator(capacity: receiveBytes)
            )
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let handler { try channel.pipeline.syncOperations.addHandler(handler) }
                }
            }
        if sharing {
            let share = NIOBSDSocket.Option(rawValue: SO_REUSEPORT)
            bootstrap = bootstrap.channelOption(.socketOption(share), value: 1)
        }
        if family == .v6 {
            let only = ChannelOptions.Types.SocketOption(level: .ipv6, name: .ipv6_v6only)
            bootstrap = bootstrap.channelOption(only, value: 1)
        }
        return try await bootstrap.bind(host: family == .v4 ? "0.0.0.0" : "::", port: port).get()
    }
}
