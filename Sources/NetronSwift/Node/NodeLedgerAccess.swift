// SPDX-License-Identifier: Apache-2.0

internal import NetronAPI
internal import NetronEngine
internal import NetronProtocol
internal import NetronWire

/// What commands and the API may do in the ledger of a node, as long as there is one.
struct NodeLedgerAccess: LedgerAccess {
    private weak let node: Node?

    init(_ node: Node) { self.node = node }

    /// The node, if it still runs.
    private func running() throws(ErrorReport) -> Node {
        if let node { return node }
        throw ErrorReport(.unavailable, "the node stops")
    }

    func record(of key: LedgerKey) async throws(ErrorReport) -> LedgerRecord? {
        let node = try running()
        do throws(NodeError) { return try await node.record(key) } catch {
            throw ErrorReport(error)
        }
    }

    func records(
        in bucket: LedgerName,
        from cursor: [UInt8]?,
        limit: Int
    ) async throws(ErrorReport) -> LedgerPage {
        let node = try running()
        do throws(NodeError) {
            return try await node.records(in: bucket, from: cursor, limit: limit)
        } catch {
            throw ErrorReport(error)
        }
    }

    func buckets() async throws(ErrorReport) -> [LedgerName] {
        let node = try running()
        do throws(NodeError) { return try await node.ledgerBuckets() } catch {
            throw ErrorReport(error)
        }
    }

    func isComplete() async -> Bool { await node?.isLedgerComplete ?? false }

    func put(_ value: [UInt8], for key: LedgerKey) async throws(ErrorReport) {
        try await write(.put(key, value))
    }

    func delete(_ key: LedgerKey) async throws(ErrorReport) { try await write(.delete(key)) }

    private func write(_ write: LedgerWrite) async throws(ErrorReport) {
        let node = try running()
        let refusal: LedgerRefusal?
        do throws(NodeError) { refusal = try await node.write(write) } catch {
            throw ErrorReport(error)
        }
        if let refusal { throw ErrorReport(refusal.code, refusal.sentence(about: write.key)) }
    }

    func blocks() async -> [LedgerBlockReport] {
        await node?.ledgerBlocks ?? []
    }

    func statistics() async throws(ErrorReport) -> LedgerStatisticsReport {
        let node = try running()
        do throws(NodeError) { return try await node.ledgerStatistics() } catch {
            throw ErrorReport(error)
        }
    }

    func verify() async throws(ErrorReport) {
        let node = try running()
        do throws(NodeError) { try await node.verifyLedger() } catch { throw ErrorReport(error) }
    }
}

extension ErrorReport {
    fileprivate init(_ error: NodeError) {
        let code: Code =
            switch error.code {
            case .notRunning, .busy: .unavailable
            case .ledgerRefused: .refused
            default: .failed
            }
        self.init(code, error.message)
    }
}

extension LedgerRefusal {
    fileprivate var code: ErrorReport.Code {
        switch self {
        case .held: .held
        case .absent: .notFound
        case .tooLong: .tooLarge
        case .fault: .refused
        case .clock: .unavailable
        case .storage(let error): error.kind == .full || error.kind == .diskFull ? .full : .failed
        }
    }
}

extension Node {
    fileprivate var isLedgerComplete: Bool { machine.isLedgerComplete }

    fileprivate var ledgerBlocks: [LedgerBlockReport] {
        machine.statements.map { LedgerBlockReport($0) }
    }

    func ledgerStatistics() throws(NodeError) -> LedgerStatisticsReport {
        do throws(StoreError) {
            let found = try machine.ledgerStatistics()
            let storage = try machine.ledgerStorage.statistics()
            var report = LedgerStatisticsReport()
            report.states = found.states
            report.records = found.records
            report.missing = found.missing
            report.ownRecords = found.ownRecords
            report.ownBytes = found.ownBytes
            report.fileBytes = storage.fileBytes
            report.liveBytes = storage.liveBytes
            report.budgetBytes = storage.budgetBytes
            report.complete = machine.isLedgerComplete
            return report
        } catch {
            throw NodeError(.ledgerFailed, error.message)
        }
    }

    /// Reads all that is kept, and throws what is damaged.
    func verifyLedger() throws(NodeError) {
        do throws(StoreError) { try machine.ledgerStorage.verify() } catch {
            throw NodeError(.ledgerFailed, error.message)
        }
    }
}
