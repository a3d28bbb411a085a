// SPDX-License-Identifier: Apache-2.0

internal import NetronAPI
internal import NetronEngine
internal import NetronProtocol
internal import NetronWire

/// What commands and the API may do in the ledger of a node, as long as there is one.
struct NodeLedgerAccess: LedgerAccess {
    private weak let node: Node?

    init(_ node: Node) { self.node = node }

    /// What the node answers, if it still runs.
    private func ask<Answer: Sendable>(
        _ question: (Node) async throws(NodeError) -> Answer
    ) async throws(ErrorReport) -> Answer {
        guard let node else { throw ErrorReport(.unavailable, "the node stops") }
        do throws(NodeError) { return try await question(node) } catch {
            throw ErrorReport(error)
        }
    }

    func record(of key: LedgerKey) async throws(ErrorReport) -> LedgerRecord? {
        try await ask { node async throws(NodeError) in try await node.record(key) }
    }

    func records(
        in bucket: LedgerName,
        from cursor: [UInt8]?,
        limit: Int
    ) async throws(ErrorReport) -> LedgerPage {
        try await ask { node async throws(NodeError) in
            try await node.records(in: bucket, from: cursor, limit: limit)
        }
    }

    func buckets(
        from cursor: [UInt8]?,
        limit: Int
    ) async throws(ErrorReport) -> LedgerBucketPage {
        try await ask { node async throws(NodeError) in
            try await node.ledgerBuckets(from: cursor, limit: limit)
        }
    }

    func isComplete() async -> Bool { await node?.isLedgerComplete ?? false }

    func put(_ value: [UInt8], for key: LedgerKey) async throws(ErrorReport) {
        try await write(.put(key, value))
    }

    func delete(_ key: LedgerKey) async throws(ErrorReport) { try await write(.delete(key)) }

    private func write(_ write: LedgerWrite) async throws(ErrorReport) {
        let refusal = try await ask { node async throws(NodeError) in try await node.write(write) }
        if let refusal { throw ErrorReport(refusal.code, refusal.sentence(about: write.key)) }
    }

    func blocks() async -> [LedgerBlockReport] { await node?.ledgerBlocks ?? [] }

    func statistics() async throws(ErrorReport) -> LedgerStatisticsReport {
        try await ask { node async throws(NodeError) in try await node.ledgerStatistics() }
    }

    func blocks(of id: NodeID) async throws(ErrorReport) -> [LedgerBlockReport] {
        try await ask { node async throws(NodeError) in try await node.ledgerBlocks(of: id) }
    }

    func verify() async throws(ErrorReport) -> LedgerVerifyReport {
        try await ask { node async throws(NodeError) in try await node.verifyLedger() }
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

    fileprivate func ledgerBlocks(of id: NodeID) throws(NodeError) -> [LedgerBlockReport] {
        try reading { () throws(StoreError) in try machine.ledgerHistory(of: id) }
            .map { LedgerBlockReport($0) }
    }

    fileprivate func ledgerStatistics() throws(NodeError) -> LedgerStatisticsReport {
        let found = try reading { () throws(StoreError) in try machine.ledgerStatistics() }
        let storage = try reading { () throws(StoreError) in
            try machine.ledgerStorage.statistics()
        }
        var report = LedgerStatisticsReport()
        report.states = found.states
        report.records = found.records
        report.missing = found.missing
        report.ownRecords = found.ownRecords
        report.ownBytes = found.ownBytes
        report.fileBytes = storage.fileBytes
        report.liveBytes = storage.liveBytes
        report.budgetBytes = storage.budgetBytes
        report.equivocating = machine.allEvidence(at: Clock.now()).count
        (report.memberBits, report.stateBits) = machine.coverageBits
        report.complete = machine.isLedgerComplete
        return report
    }

    /// Reads all that is kept, and throws what is damaged; what speaks against members is told.
    fileprivate func verifyLedger() throws(NodeError) -> LedgerVerifyReport {
        let broken = try reading { () throws(StoreError) in
            try machine.ledgerStorage.verify()
            return try machine.brokenLinks()
        }
        return LedgerVerifyReport(
            evidence: machine.allEvidence(at: Clock.now()).map {
                LedgerEvidenceReport($0.first, $0.second, end: $0.end)
            },
            broken: broken.map { .init(author: $0.author, $0.order) }
        )
    }
}
