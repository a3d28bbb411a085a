// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import NetronConfig
internal import NetronEngine
internal import NetronProtocol
internal import NetronStore
internal import NetronWire

/// Somebody who waits until a write is kept.
struct WaitingWrite {
    let write: LedgerWrite
    let continuation: CheckedContinuation<LedgerRefusal?, Never>
}

/// Somebody who is told which keys may have changed.
struct LedgerWatcher {
    let bucket: LedgerName?
    let continuation: AsyncStream<LedgerHandle.Key>.Continuation
}

// Where the ledger is kept.
extension Node {
    /// The file of the ledger in the state directory.
    private static let ledgerFile = "ledger.mdb"

    /// How many bytes the ledger may take.
    nonisolated var ledgerBudget: Int {
        let limits = NodeOptions.Limits.ledgerBudgetsDefault
        return settings.options.ledgerBudget
            ?? min(
                max(Host.memoryBytes / NodeOptions.Limits.ledgerMemoryPart, limits.lowerBound),
                limits.upperBound
            )
    }

    /// Opens the ledger's file, or begins one in memory.
    func openLedger() throws(NodeError) {
        let isOnDisk = settings.options.ledger == .disk && !settings.options.ephemeral
        do throws(StoreError) {
            guard isOnDisk, let stateDirectory else {
                return try machine.keepLedger(in: MemoryStore(bytesMax: ledgerBudget))
            }
            let options = StoreOptions(network: machine.networkName, fileBytesMax: ledgerBudget)
            let store = try Store.open("\(stateDirectory.path)/\(Self.ledgerFile)", options)
            try machine.keepLedger(in: DiskStore(store))
        } catch {
            let advice = "; or keep the ledger in memory with --ledger memory"
            let hasAdvice = error.message.contains("--ledger memory")
            throw NodeError(.badState, error.message + (hasAdvice ? "" : advice))
        }
    }

    /// Tells the user what could not be kept, once as long as it stays so.
    func ledgerFailed(_ error: StoreError) {
        guard ledgerFailure?.kind != error.kind else { return }
        ledgerFailure = error
        logger.error("the ledger cannot be kept: \(error.message)")
    }
}

// Writes.
extension Node {
    /// How many writes may wait at a time.
    private static let writesMax = 1_024

    /// Writes in the ledger; with nil it is on disk when this returns, and on its way to others.
    ///
    /// Writes that come while another is under way are kept together. Who does not keep all asks
    /// first whether another member has the key.
    func write(_ write: LedgerWrite) async throws(NodeError) -> LedgerRefusal? {
        if case .owned(.any) = LedgerBucket(write.key.bucket) { await look(for: write.key) }
        guard phase == .running else {
            throw NodeError(.notRunning, "the node does not run; start it first")
        }
        guard writes.count < Self.writesMax else {
            throw NodeError(.busy, "\(Self.writesMax) writes are awaited; try again later")
        }
        return await withCheckedContinuation { continuation in
            writes.append(WaitingWrite(write: write, continuation: continuation))
            if writes.count == 1 { Task { [weak self] in await self?.commit() } }
        }
    }

    private func commit() {
        let all = writes
        writes = []
        guard !all.isEmpty else { return }
        var effects: [NodeEffect] = []
        let results = machine.write(all.map(\.write), at: Clock.now(), into: &effects)
        for event in carryOut(effects) { feed(event) }
        let isKept = results?.contains(nil) ?? false
        if isKept { ledgerFailure = nil }
        for (number, waiting) in all.enumerated() {
            waiting.continuation.resume(returning: results.map { $0[number] } ?? .clock)
        }
    }

    /// Lets nobody wait any more.
    func refuseWrites() {
        let error = StoreError(.system, "the node stopped before it was kept; start it again")
        for waiting in writes { waiting.continuation.resume(returning: .storage(error)) }
        writes = []
        for key in Array(readers.keys) { ledgerRead(key) }
        for watcher in watchers.values { watcher.continuation.finish() }
        watchers = [:]
    }
}

// Reading what is not kept here.
extension Node {
    /// How many keys may be waited for at a time; of further ones what is here is told.
    private static let readersMax = 256

    /// Asks others for a key, if not all that members say is kept here.
    func look(for key: LedgerKey) async {
        guard phase == .running, !machine.knowsAllKeys else { return }
        guard readers[key] != nil || readers.count < Self.readersMax else { return }
        await withCheckedContinuation { continuation in
            readers[key, default: []].append(continuation)
            if readers[key]?.count == 1 { feed(.ledgerWanted(key)) }
        }
    }

    func ledgerRead(_ key: LedgerKey) {
        for reader in readers.removeValue(forKey: key) ?? [] { reader.resume() }
    }
}

// Who looks on.
extension Node {
    /// How many changes wait for one who watches; of more the last ones are kept.
    private static let changesMax = 256

    /// The keys of a bucket, or of all, whenever they may have changed.
    func watch(_ bucket: LedgerName?) -> AsyncStream<LedgerHandle.Key> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: LedgerHandle.Key.self,
            bufferingPolicy: .bufferingNewest(Self.changesMax)
        )
        nextWaiter += 1
        let number = nextWaiter
        watchers[number] = LedgerWatcher(bucket: bucket, continuation: continuation)
        continuation.onTermination = { [weak self] _ in
            Task { await self?.stopWatching(number) }
        }
        return stream
    }

    private func stopWatching(_ number: UInt64) { watchers[number] = nil }

    func ledgerChanged(_ keys: [LedgerKey]) {
        for watcher in watchers.values {
            for key in keys where watcher.bucket == nil || key.bucket == watcher.bucket {
                watcher.continuation.yield(LedgerHandle.Key(key))
            }
        }
    }
}
