// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// Pulls objects that are larger than a message, chunk by chunk, from members that have them.
///
/// A pure machine: events and the time go in, effects come out. Messages may be lost, doubled and
/// reordered. How much is under way to a member is its path's matter (see `TransferPath`); all
/// together keep to a rate. Objects of one member are pulled in the order in which they were
/// wanted; the first chunk of each is asked for at once, so that the next one's size is known in
/// time. Who serves keeps nothing (see `ChunkServer`).
package struct Transfer: Sendable {
    private let cryptography: Cryptography
    private let bytesPerSecond: Int
    private var budget: ByteBudget?
    private var pulls: [TransferPull] = []
    private var paths: [TransferPath] = []
    private var lastHandle: UInt32 = 0
    /// What the shell was told, or nil when its timer ran out.
    private var wake: Instant? = .never
    private var budgetDue = Instant.never

    package init(
        cryptography: Cryptography,
        bytesPerSecond: Int = TransferLimits.bytesPerSecond
    ) {
        self.cryptography = cryptography
        self.bytesPerSecond = bytesPerSecond
    }

    /// The objects that are being pulled, in the order in which they were wanted.
    package var objects: [ChunkObject] { pulls.map(\.object) }

    package mutating func handle(
        _ event: TransferEvent,
        at now: Instant,
        into effects: inout [TransferEffect]
    ) {
        switch event {
        case .wanted(let object, let peer, let bytesMax, let digest):
            want(object, from: peer, (bytesMax, digest), into: &effects)
        case .moved(let object, let peer): move(object, to: peer)
        case .cancelled(let object): end(object)
        case .received(let message, let peer):
            receive(message, from: peer, at: now, into: &effects)
        case .timeout: wake = nil
        }
        noticeLosses(at: now, into: &effects)
        ask(at: now, into: &effects)
        paths.removeAll { path in !pulls.contains { $0.peer == path.peer && !$0.isStalled } }
        let deadline = pulls.isEmpty ? .never : min(budgetDue, lossDue)
        guard deadline != wake else { return }
        wake = deadline
        effects.append(.wake(at: deadline))
    }

    private var lossDue: Instant { paths.map(\.deadline).min() ?? .never }

    private mutating func nextHandle() -> UInt32 {
        lastHandle &+= 1
        return lastHandle
    }

    // MARK: Pulls

    private mutating func want(
        _ object: ChunkObject,
        from peer: NodeID,
        _ rule: (bytesMax: Int, digest: [UInt8]?),
        into effects: inout [TransferEffect]
    ) {
        guard !pulls.contains(where: { $0.object == object }) else { return }
        guard pulls.count < TransferLimits.pullsMax else {
            effects.append(.failed(object, .busy, from: peer))
            return
        }
        pulls.append(
            TransferPull(
                object,
                from: peer,
                bytesMax: rule.bytesMax,
                digest: rule.digest,
                handle: nextHandle()
            )
        )
        openPath(to: peer)
    }

    private mutating func openPath(to peer: NodeID) {
        if !paths.contains(where: { $0.peer == peer }) { paths.append(TransferPath(to: peer)) }
    }

    private mutating func move(_ object: ChunkObject, to peer: NodeID) {
        guard let index = pulls.firstIndex(where: { $0.object == object }) else { return }
        forgetAsked(of: pulls[index])
        pulls[index].move(to: peer, handle: nextHandle())
        openPath(to: peer)
    }

    private mutating func end(_ object: ChunkObject) {
        guard let index = pulls.firstIndex(where: { $0.object == object }) else { return }
        forgetAsked(of: pulls[index])
        pulls.remove(at: index)
    }

    private mutating func forgetAsked(of pull: TransferPull) {
        guard let path = paths.firstIndex(where: { $0.peer == pull.peer }) else { return }
        paths[path].forget(pull.handle)
    }

    // MARK: Answers

    private mutating func receive(
        _ message: ChunkMessage,
        from peer: NodeID,
        at now: Instant,
        into effects: inout [TransferEffect]
    ) {
        switch message {
        case .request: break  // the matter of a `ChunkServer`
        case .refused(let handle):
            guard let pull = pulls.first(where: { $0.handle == handle && $0.peer == peer }) else {
                return
            }
            end(pull.object)
            effects.append(.failed(pull.object, .refused, from: peer))
        case .chunk(let chunk): receive(chunk, from: peer, at: now, into: &effects)
        }
    }

    private mutating func receive(
        _ chunk: ChunkMessage.Chunk,
        from peer: NodeID,
        at now: Instant,
        into effects: inout [TransferEffect]
    ) {
        guard
            let index = pulls.firstIndex(where: { $0.handle == chunk.handle && $0.peer == peer }),
            let path = paths.firstIndex(where: { $0.peer == peer })
        else { return }
        paths[path].came(chunk.number, of: chunk.handle, at: now)
        var fit = pulls[index].take(chunk)
        if fit == .other, pulls[index].restarts < TransferLimits.restartsMax {
            forgetAsked(of: pulls[index])
            pulls[index].restart(handle: nextHandle())
            fit = pulls[index].take(chunk)
        }
        let pull = pulls[index]
        switch fit {
        case .taken where pull.isComplete: finish(pull, into: &effects)
        case .taken, .known: break
        case .other, .tooLarge:
            end(pull.object)
            let failure: TransferFailure = fit == .other ? .changing : .tooLarge
            effects.append(.failed(pull.object, failure, from: peer))
        }
    }

    private mutating func finish(_ pull: TransferPull, into effects: inout [TransferEffect]) {
        end(pull.object)
        if let digest = pull.digest, cryptography.digest(pull.bytes, []) != digest {
            effects.append(.failed(pull.object, .corrupt, from: pull.peer))
        } else {
            effects.append(.finished(pull.object, pull.bytes, from: pull.peer))
        }
    }

    // MARK: What is lost

    private mutating func noticeLosses(at now: Instant, into effects: inout [TransferEffect]) {
        for path in paths.indices {
            var lost = paths[path].takeLost(at: now)
            let isSilent = paths[path].silenceDue <= now
            if isSilent { lost += paths[path].takeSilence() }
            for chunk in lost.reversed() {
                guard let index = pulls.firstIndex(where: { $0.handle == chunk.handle }) else {
                    continue
                }
                pulls[index].lost(chunk.number)
            }
            guard isSilent, paths[path].silences >= TransferLimits.timeoutsMax else { continue }
            for index in pulls.indices where pulls[index].peer == paths[path].peer {
                guard !pulls[index].isStalled else { continue }
                pulls[index].stall()
                effects.append(.stalled(pulls[index].object, paths[path].peer))
            }
        }
    }

    // MARK: Asking

    private mutating func ask(at now: Instant, into effects: inout [TransferEffect]) {
        var budget =
            self.budget
            ?? ByteBudget(
                perSecond: bytesPerSecond,
                burst: min(TransferLimits.burstBytes, max(bytesPerSecond, 2_048)),
                at: now
            )
        budgetDue = .never
        for path in paths.indices {
            for index in pulls.indices where pulls[index].peer == paths[path].peer {
                while request(of: index, over: path, within: &budget, at: now, into: &effects) {}
            }
        }
        self.budget = budget
    }

    /// Sends one request for chunks of a pull; false if there is nothing to ask for by now.
    private mutating func request(
        of index: Int,
        over path: Int,
        within budget: inout ByteBudget,
        at now: Instant,
        into effects: inout [TransferEffect]
    ) -> Bool {
        let askable = pulls[index].askable
        let room = paths[path].room
        // Not a request for every chunk that comes, or the requests cost as much again.
        let group = min(askable, max(1, paths[path].windowChunks / 4), 4)
        guard askable > 0, room >= group else { return false }
        guard budget.has(group * TransferLimits.chunkCost, at: now) else {
            budgetDue = min(budgetDue, budget.ready(group * TransferLimits.chunkCost))
            return false
        }
        var numbers: [UInt16] = []
        while numbers.count < min(room, ChunkMessage.requestRunsMax),
            budget.has(TransferLimits.chunkCost, at: now), let chunk = pulls[index].take()
        {
            _ = budget.spend(TransferLimits.chunkCost, at: now)
            numbers.append(chunk.number)
            let handle = pulls[index].handle
            paths[path].ask(chunk.number, of: handle, isAgain: chunk.isAgain, at: now)
        }
        guard !numbers.isEmpty else { return false }
        let request = ChunkMessage.Request(
            handle: pulls[index].handle,
            object: pulls[index].object,
            tag: pulls[index].tag,
            numbers: numbers
        )
        // As many as it has runs, so that single chunks fit as well.
        precondition(request.numbers.count == numbers.count, "a request that does not fit")
        effects.append(.send(.request(request), to: pulls[index].peer))
        return true
    }
}
