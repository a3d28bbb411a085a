// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import NIOCore
internal import NetronEngine
internal import NetronWire

// Meeting on the LAN.
extension Node {
    /// How many bytes of chance make the name on the LAN.
    private static let labelByteCount = 16
    /// How long the name on the LAN is kept: long, since each change is told to all there.
    private static let labelLifetime = Duration.seconds(86_400)

    /// Looks for members on the LAN; nil where that cannot be, which is no reason not to start.
    func startLAN(on group: any EventLoopGroup) async -> LANService? {
        guard let info = device?.info() else { return nil }
        let service = LANService(on: group, except: info.interface, now: Clock.now)
        do {
            try await service.start(port: info.port, label: Self.makeLabel)
        } catch {
            logger.warning("members on the LAN are not looked for: \(error)")
            return nil
        }
        Task { [weak service] in
            while true {
                try? await Task.sleep(for: Self.labelLifetime)
                guard let service else { return }
                await service.rename(to: Self.makeLabel())
            }
        }
        return service
    }

    /// A name on the LAN; nothing of the node or its network is in it.
    private nonisolated static func makeLabel() -> String {
        var random = SystemRandomNumberGenerator()
        let bytes = (0..<labelByteCount).map { _ in
            UInt8.random(in: 0...UInt8.max, using: &random)
        }
        return Base32.encode(bytes)
    }
}
