// SPDX-License-Identifier: Apache-2.0

internal import NIOCore
internal import NetronWire

/// All sockets of the service, which follow the host's interfaces.
struct LANSockets: Sendable {
    private let loop: any EventLoop
    private let inputs: LANInputs
    private var receivers: [IPAddress.Family: LANReceiver] = [:]
    private var senders: [LANGroup: LANSender] = [:]

    /// By which device each group was joined.
    private var joined: [LANGroup: NIONetworkDevice] = [:]

    /// Opens the port, or throws if it can be had in neither version of IP.
    init(on loop: any EventLoop, into inputs: LANInputs) async throws {
        self.loop = loop
        self.inputs = inputs
        let failure = await openReceivers()
        if let failure, receivers.isEmpty { throw failure }
    }

    /// Opens what is not open, and says what was in the way last.
    private mutating func openReceivers() async -> (any Error)? {
        var failure: (any Error)?
        for family in [IPAddress.Family.v4, .v6] where receivers[family]?.isOpen != true {
            receivers[family] = nil
            joined = joined.filter { $0.key.family != family }
            do {
                receivers[family] = try await LANReceiver(family, on: loop, into: inputs)
            } catch {
                failure = error
            }
        }
        return failure
    }

    /// Joins the groups of new devices, and leaves those of devices that are gone.
    mutating func follow(_ devices: [NIONetworkDevice]) async {
        _ = await openReceivers()
        var wanted: [LANGroup: NIONetworkDevice] = [:]
        for device in devices {
            guard let group = LANGroup(device), wanted[group] == nil else { continue }
            wanted[group] = device
        }
        for (group, device) in joined where wanted[group] != device {
            // Also when the interface has another address now: the old one may be unusable.
            await receivers[group.family]?.leave(group, by: device)
            await senders.removeValue(forKey: group)?.close()
            joined[group] = nil
        }
        for (group, device) in wanted where joined[group] == nil {
            guard let receiver = receivers[group.family] else { continue }
            if await receiver.join(group, by: device) { joined[group] = device }
        }
    }

    /// Sends to a group, and says whether it went out.
    mutating func send(_ bytes: [UInt8], to group: LANGroup) async -> Bool {
        guard let device = joined[group] else { return false }
        var sender = senders[group]
        if sender == nil {
            sender = try? await LANSender(to: group, by: device, on: loop)
            senders[group] = sender
        }
        if await sender?.send(bytes) == true { return true }
        await senders.removeValue(forKey: group)?.close()
        return false
    }

    /// Sends to one asker; nobody waits for it, so a failure is a loss.
    func send(_ bytes: [UInt8], to asker: Endpoint) async {
        guard let sender = try? await LANSender(to: asker, on: loop) else { return }
        _ = await sender.send(bytes)
        await sender.close()
    }

    mutating func close() async {
        for sender in senders.values { await sender.close() }
        for receiver in receivers.values { await receiver.close() }
        senders = [:]
        receivers = [:]
    }
}
