// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import NIOCore
internal import NetronWire

/// Sends from the port of multicast DNS to one place: the group on one interface, or an asker.
///
/// The socket is connected, so that the kernel hands it nothing of what others say to the port,
/// and there is one for each place, since the first failed send closes a channel.
struct LANSender: Sendable {
    /// What reaches no router has this time to live, and what came from one has less.
    private static let hops = 255

    private let channel: any Channel

    /// Opens a sender to the group on a device's interface.
    init(
        to group: LANGroup,
        by device: NIONetworkDevice,
        on loop: any EventLoop
    ) async throws {
        let source = group.family == .v4 ? device.address?.wireAddress : nil
        channel = try await Self.open(group.family, to: group.address, by: source, on: loop)
    }

    /// Opens a sender to somebody who asked.
    init(to asker: Endpoint, on loop: any EventLoop) async throws {
        let zone = asker.scope == 0 ? "" : "%\(asker.scope)"
        let address = try SocketAddress(
            ipAddress: "\(asker.address)\(zone)",
            port: Int(asker.port)
        )
        channel = try await Self.open(asker.address.family, to: address, by: nil, on: loop)
    }

    private static func open(
        _ family: IPAddress.Family,
        to address: SocketAddress,
        by source: IPAddress?,
        on loop: any EventLoop
    ) async throws -> any Channel {
        let channel = try await LANChannel.bind(family, on: loop, receiving: nil)
        do {
            for (name, value) in options(family) {
                let level: NIOBSDSocket.OptionLevel = family == .v4 ? .ip : .ipv6
                let option = ChannelOptions.Types.SocketOption(level: level, name: name)
                try await channel.setOption(option, value: value).get()
            }
            if let source {
                // The number is in memory what ip(7) wants: `struct ip_mreq` with the group left
                // open, or on a host of 32 bits `struct in_addr`.
                let option = ChannelOptions.Types.SocketOption(level: .ip, name: .ip_multicast_if)
                let value = Int(truncatingIfNeeded: source.number).bigEndian
                try await channel.setOption(option, value: value).get()
            }
            try await channel.connect(to: address).get()
        } catch {
            try? await channel.close()
            throw error
        }
        return channel
    }

    /// Time to live, and that other programs of this host hear us as well.
    private static func options(
        _ family: IPAddress.Family
    ) -> [(NIOBSDSocket.Option, SocketOptionValue)] {
        switch family {
        case .v4:
            [
                (.init(rawValue: IP_TTL), hops), (.ip_multicast_ttl, hops),
                (.ip_multicast_loop, 1),
            ]
        case .v6:
            [
                (.init(rawValue: IPV6_UNICAST_HOPS), hops), (.ipv6_multicast_hops, hops),
                (.ipv6_multicast_loop, 1),
            ]
        }
    }

    /// Sends, and says whether it went out; if not, the sender is of no more use.
    func send(_ bytes: [UInt8]) async -> Bool {
        do {
            try await channel.writeAndFlush(channel.allocator.buffer(bytes: bytes))
            return true
        } catch {
            return false
        }
    }

    func close() async { try? await channel.close() }
}
