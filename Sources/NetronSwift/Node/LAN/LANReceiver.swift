// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import NIOCore
internal import NetronWire

/// Hears what is sent to the port of multicast DNS in one version of IP, on all interfaces.
///
/// It sends nothing, since a send that fails would close it.
struct LANReceiver: Sendable {
    private let channel: any Channel

    init(
        _ family: IPAddress.Family,
        on loop: any EventLoop,
        into inputs: LANInputs
    ) async throws {
        channel = try await LANChannel.bind(family, on: loop, receiving: LANInbound(inputs))
        do {
            try await channel.setOption(.receivePacketInfo, value: true).get()
        } catch {
            try? await channel.close()
            throw error
        }
    }

    var isOpen: Bool { channel.isActive }

    func close() async { try? await channel.close() }

    /// Joins the group on a device, and says whether the socket is in it now.
    func join(_ group: LANGroup, by device: NIONetworkDevice) async -> Bool {
        guard let channel = channel as? any MulticastChannel, let address = try? group.address
        else { return false }
        let promise = channel.eventLoop.makePromise(of: Void.self)
        channel.joinGroup(address, device: device, promise: promise)
        do {
            try await promise.futureResult.get()
            return true
        } catch let error as IOError where error.errnoCode == EADDRINUSE {
            return true
        } catch {
            return false
        }
    }

    /// Leaves the group on a device, which may be gone.
    func leave(_ group: LANGroup, by device: NIONetworkDevice) async {
        guard let channel = channel as? any MulticastChannel, let address = try? group.address
        else { return }
        let promise = channel.eventLoop.makePromise(of: Void.self)
        channel.leaveGroup(address, device: device, promise: promise)
        try? await promise.futureResult.get()
    }
}

/// Puts what comes in into the service's queue.
private final class LANInbound: ChannelInboundHandler, Sendable {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    private let inputs: LANInputs

    init(_ inputs: LANInputs) { self.inputs = inputs }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let envelope = unwrapInboundIn(data)
        // A packet from before the kernel was asked for it does not say where it came in.
        guard let index = envelope.metadata?.packetInfo?.interfaceIndex,
            let interface = UInt32(exactly: index),
            let address = envelope.remoteAddress.wireAddress,
            let port = envelope.remoteAddress.port.flatMap(UInt16.init(exactly:))
        else { return }
        let source = Endpoint(address, port: port, scope: interface)
        let bytes = [UInt8](envelope.data.readableBytesView)
        inputs.put(.packet(bytes, source, interface: interface))
    }

    // A failed receive is a lost packet.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {}
}
