// SPDX-License-Identifier: Apache-2.0

internal import NetronAPI
internal import NetronEngine
internal import NetronProtocol
public import NetronWire

// Echoes.
extension Node {
    /// How many echoes may be awaited at a time.
    private static let pingsMax = 256

    /// Asks a member for an echo; makes a session with it first where there is none.
    ///
    /// - Returns: The round trip, or nil if nothing came within `timeout`.
    public func ping(_ id: NodeID, timeout: Duration = .seconds(2)) async throws -> Duration? {
        guard phase == .running, let device else {
            throw NodeError(.notRunning, "the node does not run; start it first")
        }
        if machine.member(id) == nil { try await connect(to: id) }
        guard pings.count < Self.pingsMax else {
            throw NodeError(.busy, "\(Self.pingsMax) echoes are awaited; try again later")
        }
        let key = freeToken()
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
        return await withCheckedContinuation { pings[key] = .user(id, $0) }
    }

    /// A number that no echo under way has.
    func freeToken() -> UInt64 {
        var token = UInt64.random(in: 1...UInt64.max)
        while pings[token] != nil { token &+= 1 }
        return token
    }

    private func giveUp(_ token: UInt64) {
        guard case .user(let id, let ping)? = pings.removeValue(forKey: token) else { return }
        note(echoOf: id, came: false)
        ping.resume(returning: nil)
    }

    /// Counts an echo that was asked for.
    func note(echoOf id: NodeID, came: Bool) {
        guard machine.member(id) != nil else { return }
        echoes[id, default: EchoHistory()].note(came)
    }
}

/// What became of the last echoes that a member was asked for.
struct EchoHistory {
    /// One bit each, the newest the lowest: whether it did not come.
    private var lost: UInt32 = 0
    private var count = 0

    mutating func note(_ came: Bool) {
        lost = lost << 1 | (came ? 0 : 1)
        count = min(count + 1, UInt32.bitWidth)
    }

    /// The part that did not come, to three digits.
    var loss: Double {
        (Double(lost.nonzeroBitCount) / Double(max(1, count)) * 1000).rounded() / 1000
    }
}

// Sessions that somebody waits for.
extension Node {
    /// How long a session is waited for: a dial whose first message was lost twice comes in time.
    private static let connectPatience = Duration.seconds(5)
    /// How many may wait at a time.
    private static let waitersMax = 256

    /// Wants a session with a member, and waits until it is there.
    private func connect(to id: NodeID) async throws(NodeError) {
        guard waiters.count < Self.waitersMax else {
            throw NodeError(.busy, "\(Self.waitersMax) sessions are awaited; try again later")
        }
        nextWaiter += 1
        let number = nextWaiter
        let limit = Task { [weak self] in
            try? await Task.sleep(for: Self.connectPatience)
            await self?.stopWaiting(number)
        }
        defer { limit.cancel() }
        let isThere = await withCheckedContinuation { continuation in
            waiters[number] = SessionWaiter(id: id, continuation: continuation)
            feed(.wanted(id))
        }
        guard isThere else {
            throw NodeError(
                .unknownNode,
                "\(id.prefix()) does not answer where it is said to be, and nobody leads to it;"
                    + " see `netron netcheck`"
            )
        }
    }

    private func stopWaiting(_ number: UInt64) {
        waiters.removeValue(forKey: number)?.continuation.resume(returning: false)
    }

    /// Tells those who wait for a session with the member that it is there.
    func sessionCame(with id: NodeID) {
        for (number, waiter) in waiters where waiter.id == id {
            waiters[number] = nil
            waiter.continuation.resume(returning: true)
        }
    }
}

/// Somebody who waits for a session.
struct SessionWaiter {
    let id: NodeID
    let continuation: CheckedContinuation<Bool, Never>
}

/// Who waits for an echo.
enum EchoWaiter {
    case user(NodeID, CheckedContinuation<Duration?, Never>)
    /// The machine probes a member.
    case probe(NodeID)
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
        let access = NodeLedgerAccess(self)
        let status: @Sendable () async -> StatusReport = { [weak self, id] in
            guard let self else { return StatusReport(id: id.description, state: .starting) }
            return await self.status()
        }
        let check: @Sendable () async -> NetcheckReport = { [weak self] in
            await self?.netcheck() ?? NetcheckReport()
        }
        let edge = EdgeRoutes(access, status: status, peers: peers)
        return ControlRoutes(
            [
                .status(status),
                .peers(peers),
                .netcheck(check),
                .ping(peers: peers, ping: echo),
            ] + ControlRoutes.Route.ledger(access)
                + ControlRoutes.Route.trust(NodeTrustAccess(self)) + edge.all
        )
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
