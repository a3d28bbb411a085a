// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import NetronConfig
internal import NetronEngine
internal import NetronProtocol
internal import NetronWire

// Where members and nodes of the DHT were, and what time it was, so that the next start needs
// nobody's help.
extension Node {
    /// Changes that come together are written once, soon after the first of them.
    private static let rememberingDelay = Duration.milliseconds(100)
    /// Between two times that they are written.
    private static let rememberingPause = Duration.seconds(5)

    func rememberSoon() {
        guard stateDirectory != nil, !isRememberingDue, phase == .running else { return }
        isRememberingDue = true
        let due = max(Clock.now() + Self.rememberingDelay, rememberedAt + Self.rememberingPause)
        Task { [weak self, pause = due - Clock.now()] in
            try? await Task.sleep(for: pause)
            await self?.rememberDue()
        }
    }

    private func rememberDue() {
        guard isRememberingDue, phase == .running else { return }
        rememberNow()
    }

    func rememberNow() {
        guard let stateDirectory else { return }
        isRememberingDue = false
        let now = Clock.now()
        rememberedAt = now
        do throws(SystemCall) {
            try stateDirectory.remember(machine.rememberedPeers(at: now))
            if settings.options.dht { try stateDirectory.save(table: machine.savedTable(at: now)) }
            if let time = machine.persistedMilliseconds(at: now) {
                try stateDirectory.save(time: time)
            }
        } catch {
            logger.warning("members are not remembered for the next start: \(error)")
        }
    }
}

extension StateDirectory {
    private static let peersBytesMax = PeerMemoryLimits.bytesMax
    private static let tableBytesMax = 16_384
    private static let timeBytesMax = 32

    private var peersFile: String { "\(path)/peers" }
    private var tableFile: String { "\(path)/dht" }
    private var timeFile: String { "\(path)/time" }

    /// Who was where when the node last wrote it down.
    func rememberedPeers() -> String {
        let read = (try? Files.read(peersFile, upTo: Self.peersBytesMax)) ?? nil
        return String(decoding: read ?? [], as: UTF8.self)
    }

    /// What the node last knew of the DHT.
    func savedTable() -> [UInt8] {
        ((try? Files.read(tableFile, upTo: Self.tableBytesMax)) ?? nil) ?? []
    }

    /// The network's time when the node last wrote it down, in milliseconds since 1970.
    func savedTime() -> UInt64 {
        let read = ((try? Files.read(timeFile, upTo: Self.timeBytesMax)) ?? nil) ?? []
        return UInt64(String(decoding: read.prefix { $0 != 0x0A }, as: UTF8.self)) ?? 0
    }

    fileprivate func remember(_ peers: String) throws(SystemCall) {
        // Nobody is known: those of before are still the best guess.
        guard !peers.isEmpty else { return }
        try Files.replace(peersFile, Array(peers.utf8))
    }

    fileprivate func save(table: [UInt8]) throws(SystemCall) {
        try Files.replace(tableFile, table)
    }

    fileprivate func save(time: UInt64) throws(SystemCall) {
        try Files.replace(timeFile, Array("\(time)\n".utf8))
    }
}
