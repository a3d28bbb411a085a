// SPDX-License-Identifier: Apache-2.0

internal import NetronAPI
internal import NetronEngine
public import NetronWire

// Echoes.
extension Node {
    /// How many echoes may be awaited at a time.
    private static let pingsMax = 256

    /// Asks a member for an echo.
    ///
    /// - Returns: The round trip, or nil if nothing came within `timeout`.
    public func ping(_ id: NodeID, timeout: Duration = .seconds(2)) async throws -> Duration? {
        guard phase == .running, let device else {
            throw NodeError(.notRunning, "the node does not run; start it first")
        }
        guard pings.count < Self.pingsMax else {
            throw NodeError(.busy, "\(Self.pingsMax) echoes are awaited; try again later")
        }
        var token = UInt64.random(in: 1...UInt64.max)
        while pings[token] != nil { token &+= 1 }
        let key = token
        do {
            try device.ping(id, token: key)
        } catch .unknownPeer {
            throw NodeError(.unknownNode, "there is no session with \(id.prefix()) now")
        } catch {
            throw NodeError(.system, "no echo can be sent: \(error)")
        }
        let limit = Task { [weak self] in
            try? await Task.sleep(for: timeout)
            await self?.giveUp(key)
        }
        defer { limit.cancel() }
        return await withCheckedContinuation { pings[key] = $0 }
    }

    private func giveUp(_ token: UInt64) {
        pings.removeValue(forKey: token)?.resume(returning: nil)
    }
}

// What commands may ask.
extension Node {
    nonisolated var controlRoutes: ControlRoutes {
        let peers: @Sendable () async -> [PeerReport] = { [weak self] in
            await self?.peers() ?? []
        }
        let echo: @Sendable (String) async throws(ErrorReport) -> Duration? = {
            [weak self] (id: String) async throws(ErrorReport) -> Duration? in
            guard let self else { return nil }
            return try await self.echo(of: id).get()
        }
        return ControlRoutes([
            .status { [weak self, id] in
                guard let self else { return StatusReport(id: id.description, state: .starting) }
                return await self.status()
            },
            .peers(peers),
            .ping(peers: peers, ping: echo),
        ])
    }

    private func echo(of id: String) async -> Result<Duration?, ErrorReport> {
        guard let id = NodeID(id) else {
            return .failure(ErrorReport(.notFound, "there is no such node"))
        }
        do {
            return .success(try await ping(id))
        } catch {
            return .failure(ErrorReport(.unavailable, "\(error)"))
        }
    }
}
