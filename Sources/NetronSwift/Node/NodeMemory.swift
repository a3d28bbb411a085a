// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import NetronEngine
internal import NetronProtocol
internal import NetronWire

// Where members were, so that the next start needs nobody's help.
extension Node {
    /// Members that are written down, those with a session of the longest standing first.
    private static let rememberedMax = 64
    /// Changes that come together are written once, soon after the first of them.
    private static let rememberingDelay = Duration.milliseconds(100)
    /// Between two times that they are written.
    private static let rememberingPause = Duration.seconds(5)

    func rememberPeersSoon() {
        guard stateDirectory != nil, !isRememberingDue else { return }
        isRememberingDue = true
        let due = max(Clock.now() + Self.rememberingDelay, rememberedAt + Self.rememberingPause)
        Task { [weak self, pause = due - Clock.now()] in
            try? await Task.sleep(for: pause)
            await self?.rememberPeers()
        }
    }

    func rememberPeers() {
        guard let stateDirectory, isRememberingDue else { return }
        isRememberingDue = false
        rememberedAt = Clock.now()
        let peers = (device?.peers() ?? []).filter(\.isUp)
            .sorted { ($0.handshake, $0.id) < ($1.handshake, $1.id) }
        // Nobody is there: those of before are still the best guess.
        guard !peers.isEmpty else { return }
        do throws(SystemCall) {
            let remembered = peers.prefix(Self.rememberedMax).map { ($0.id, $0.endpoint) }
            try stateDirectory.remember(remembered)
        } catch {
            logger.warning("members are not remembered for the next start: \(error)")
        }
    }
}

extension StateDirectory {
    private static let peersBytesMax = 16_384

    private var peersFile: String { "\(path)/peers" }

    /// Who was where when the node last wrote it down; lines that say nothing are left out.
    func rememberedPeers() -> [(NodeID, Endpoint)] {
        guard let read = try? Files.read(peersFile, upTo: Self.peersBytesMax) else { return [] }
        return String(decoding: read, as: UTF8.self).split(separator: "\n").compactMap { line in
            let words = line.split(separator: " ")
            guard words.count == 2, let id = NodeID(String(words[0])),
                let endpoint = Endpoint(String(words[1]))
            else { return nil }
            return (id, endpoint)
        }
    }

    fileprivate func remember(_ peers: [(NodeID, Endpoint)]) throws(SystemCall) {
        let lines = peers.map { "\($0.0) \($0.1)\n" }.joined()
        try Files.replace(peersFile, Array(lines.utf8))
    }
}
