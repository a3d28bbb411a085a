// SPDX-License-Identifier: Apache-2.0

package import NIOCore
internal import NetronProtocol
package import NetronWire

/// Meets other nodes on the networks that the host is on.
///
/// The shell of `LANDiscovery`: two sockets, a timer, and a look at the host's interfaces every
/// few seconds. Everything that happens goes through one queue, and each event's effects are
/// carried out before the next event is taken.
package actor LANService {
    /// How often the interfaces are looked at.
    private static let lookInterval: TimeAmount = .seconds(5)

    /// How many endpoints wait to be taken from `found`; of more, the latest.
    private static let foundMax = 64

    /// Where nodes may answer, whether of our network or not; ends when the service stops.
    package nonisolated let found: AsyncStream<Endpoint>

    private let group: any EventLoopGroup
    private let tunnel: String?
    private let now: @Sendable () -> Instant
    private let inputs = LANInputs()
    private let finding: AsyncStream<Endpoint>.Continuation
    private var hasStarted = false
    private var running: Task<Void, Never>?

    /// Makes a service that never uses the interface named `tunnel`, which is the node's own.
    package init(
        on group: any EventLoopGroup,
        except tunnel: String?,
        now: @escaping @Sendable () -> Instant
    ) {
        self.group = group
        self.tunnel = tunnel
        self.now = now
        (found, finding) = AsyncStream.makeStream(
            bufferingPolicy: .bufferingNewest(Self.foundMax)
        )
    }

    /// Begins to look for others and to be seen, once in the service's life.
    ///
    /// `label` gives the instance's name, at once and when another is found to have the same: 1 to
    /// 63 bytes, random to the eye, and a different one each time. It throws if the port of
    /// multicast DNS can be had in neither version of IP.
    package func start(
        port: UInt16,
        label: @escaping @Sendable () -> String
    ) async throws {
        precondition(!hasStarted, "a service starts once")
        hasStarted = true
        let loop = group.next()
        let sockets: LANSockets
        do {
            sockets = try await LANSockets(on: loop, into: inputs)
        } catch {
            finding.finish()
            throw error
        }
        let run = LANRun(
            loop: loop,
            tunnel: tunnel,
            label: label,
            inputs: inputs,
            finding: finding,
            now: now
        )
        running = Task { await run.run(sockets, port: port) }
        inputs.put(.look)
        let inputs = inputs
        loop.scheduleRepeatedTask(initialDelay: Self.lookInterval, delay: Self.lookInterval) {
            if !inputs.put(.look) { $0.cancel() }
        }
    }

    /// Names the node's instance anew, so that nobody follows it by its name.
    package func rename(to label: String) { inputs.put(.renamed(label)) }

    /// Looks at the interfaces at once.
    package nonisolated func interfacesMayHaveChanged() { inputs.put(.look) }

    /// Takes the instance back, and ends `found`; a start that is under way ends at once.
    package func stop() async {
        inputs.put(.stop)
        await running?.value
        finding.finish()
    }
}

/// The life of a started service, which one task leads.
private struct LANRun: Sendable {
    let loop: any EventLoop
    let tunnel: String?
    let label: @Sendable () -> String
    let inputs: LANInputs
    let finding: AsyncStream<Endpoint>.Continuation
    let now: @Sendable () -> Instant

    func run(_ opened: LANSockets, port: UInt16) async {
        var sockets = opened
        var machine = LANDiscovery(
            label: label(),
            port: port,
            random: SystemRandomNumberGenerator()
        )
        var timer: Scheduled<Void>?
        for await input in inputs.stream {
            inputs.took(input)
            var event: LANEvent? = await self.event(of: input, following: &sockets)
            while let next = event {
                var effects: [LANEffect] = []
                machine.handle(next, at: now(), into: &effects)
                event = nil
                for effect in effects {
                    switch effect {
                    case .send(let bytes, let interface, let family, let asker):
                        let group = LANGroup(interface: interface, family: family)
                        await send(bytes, to: asker, in: group, by: &sockets)
                    case .found(let endpoint): finding.yield(endpoint)
                    case .needName: event = .nameChanged(label: label())
                    case .wake(let deadline):
                        timer?.cancel()
                        timer = schedule(deadline)
                    }
                }
            }
            if input == .stop { break }
        }
        timer?.cancel()
        inputs.finish()
        await sockets.close()
        finding.finish()
    }

    /// What happened, for the machine; a look at the interfaces is had here.
    private func event(
        of input: LANInputs.Input,
        following sockets: inout LANSockets
    ) async -> LANEvent {
        switch input {
        case .packet(let bytes, let source, let interface):
            return .received(bytes, from: source, interface: interface)
        case .failed(let group):
            return .sendFailed(interface: group.interface, family: group.family)
        case .timeout: return .timeout
        case .renamed(let label): return .nameChanged(label: label)
        case .stop: return .stopped
        case .look:
            let devices = LANDevices.usable(except: tunnel)
            await sockets.follow(devices)
            return .interfacesChanged(LANDevices.interfaces(of: devices))
        }
    }

    private func send(
        _ bytes: [UInt8],
        to asker: Endpoint?,
        in group: LANGroup,
        by sockets: inout LANSockets
    ) async {
        if let asker {
            await sockets.send(bytes, to: asker)
        } else if await !sockets.send(bytes, to: group) {
            inputs.put(.failed(group))
        }
    }

    private func schedule(_ deadline: Instant) -> Scheduled<Void>? {
        guard deadline != .never else { return nil }
        let wait = max(.zero, deadline - now()) / .nanoseconds(1)
        let inputs = inputs
        return loop.scheduleTask(in: .nanoseconds(Int64(wait.rounded(.up)))) {
            inputs.put(.timeout)
        }
    }
}
