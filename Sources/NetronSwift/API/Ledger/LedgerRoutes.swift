// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

extension ControlRoutes.Route {
    /// What members say: `/v1/ledger`, and what is told of it.
    package static func ledger(_ node: some LedgerAccess) -> [Self] {
        [
            Self("GET", "/v1/ledger") { request in
                await answer { () throws(ErrorReport) in
                    let wanted = try LedgerPageQuery(request.query)
                    let page = try await node.bucketPage(from: wanted.cursor, limit: wanted.limit)
                    return LedgerBucketsReport(page, isComplete: await node.isComplete())
                }
            },
            Self("GET", "/v1/ledger/{bucket}") { request in
                await answer { () throws(ErrorReport) in
                    let wanted = try LedgerPageQuery(request.query)
                    let page = try await node.page(
                        of: request.bucket(),
                        from: wanted.cursor,
                        limit: wanted.limit
                    )
                    return LedgerBucketReport(page, isComplete: await node.isComplete())
                }
            },
            Self("GET", "/v1/ledger/{bucket}/{key}") { request in
                await answer { () throws(ErrorReport) in
                    LedgerRecordReport(try await node.found(request.key()))
                }
            },
            Self("PUT", "/v1/ledger/{bucket}/{key}") { request in
                await answer { () throws(ErrorReport) in
                    try await node.put(request.body, for: request.key())
                    return DoneReport()
                }
            },
            Self("DELETE", "/v1/ledger/{bucket}/{key}") { request in
                await answer { () throws(ErrorReport) in
                    try await node.delete(request.key())
                    return DoneReport()
                }
            },
            Self("GET", "/v1/blocks") { _ in ControlResponse(await node.blocks()) },
            Self("GET", "/v1/blocks/{id}") { request in
                await answer { () throws(ErrorReport) in
                    guard let id = request.parameters.first.flatMap({ NodeID($0) }) else {
                        throw ErrorReport(.badRequest, "a member is named by its id, all of it")
                    }
                    let blocks = try await node.blocks(of: id)
                    guard !blocks.isEmpty else {
                        throw ErrorReport(.notFound, "no member is \(id.prefix())")
                    }
                    return blocks
                }
            },
            Self("GET", "/v1/ledger-stats") { _ in
                await answer { () throws(ErrorReport) in try await node.statistics() }
            },
            Self("POST", "/v1/ledger-verify") { _ in
                await answer { () throws(ErrorReport) in
                    try await node.verify()
                }
            },
        ]
    }

    /// The answer that `body` makes, or what it throws.
    static func answer<Report: Encodable>(
        _ body: () async throws(ErrorReport) -> Report
    ) async -> ControlResponse {
        do throws(ErrorReport) {
            return ControlResponse(try await body())
        } catch {
            return ControlResponse(error)
        }
    }
}

extension LedgerAccess {
    /// The record of a key, or that there is none.
    func found(_ key: LedgerKey) async throws(ErrorReport) -> LedgerRecord {
        if let record = try await record(of: key) { return record }
        throw ErrorReport(.notFound, "there is no \(key), as far as this node knows")
    }
}

extension ControlRequest {
    /// The bucket that the path names.
    func bucket() throws(ErrorReport) -> LedgerName {
        if let name = parameters.first.flatMap(LedgerName.init) { return name }
        throw ErrorReport(.badRequest, LedgerName.rule)
    }

    /// The bucket and the key that the path names.
    func key() throws(ErrorReport) -> LedgerKey {
        let bucket = try self.bucket()
        if parameters.count > 1, let key = LedgerKey(bucket, parameters[1]) { return key }
        throw ErrorReport(.badRequest, LedgerKey.rule)
    }
}
