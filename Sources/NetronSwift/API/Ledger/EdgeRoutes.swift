// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// The paths of EdgeVPN's API.
package struct EdgeRoutes<Access: LedgerAccess>: Sendable {
    let node: Access
    let status: @Sendable () async -> StatusReport
    let peers: @Sendable () async -> [PeerReport]

    package init(
        _ node: Access,
        status: @escaping @Sendable () async -> StatusReport,
        peers: @escaping @Sendable () async -> [PeerReport]
    ) {
        (self.node, self.status, self.peers) = (node, status, peers)
    }

    package var all: [ControlRoutes.Route] { reading + writing + lists }

    private typealias Route = ControlRoutes.Route

    private var reading: [Route] {
        [
            Route("GET", "/api/ledger") { _ in
                await Route.answer { () throws(ErrorReport) in try await storage() }
            },
            Route("GET", "/api/ledger/{bucket}") { request in
                await Route.answer { () throws(ErrorReport) in
                    Self.values(try await whole(request.bucket()))
                }
            },
            Route("GET", "/api/ledger/{bucket}/{key}") { request in
                await Route.answer { () throws(ErrorReport) in
                    Self.data(try await node.found(request.key()))
                }
            },
            Route("GET", "/api/blockchain") { _ in
                await Route.answer { () throws(ErrorReport) in try await block() }
            },
        ]
    }

    private var writing: [Route] {
        [
            Route("PUT", "/api/ledger/{bucket}/{key}/{value}") { request in
                await put(Array(request.parameters[2].utf8), request)
            },
            Route("PUT", "/api/ledger/{bucket}/{key}") { request in
                await put(request.body, request)
            },
            Route("DELETE", "/api/ledger/{bucket}/{key}") { request in
                await Route.answer { () throws(ErrorReport) in
                    try await delete(request.key())
                    return EdgeState()
                }
            },
            Route("DELETE", "/api/ledger/{bucket}") { request in
                await Route.answer { () throws(ErrorReport) in
                    try await deleteAll(in: request.bucket())
                    return EdgeState()
                }
            },
            Route("POST", "/api/dns") { request in
                await Route.answer { () throws(ErrorReport) in
                    guard let name = JSON.decode(EdgeName.self, from: request.body),
                        let bucket = LedgerName("dns"), let key = LedgerKey(bucket, name.regex)
                    else {
                        let form = #"{"Regex": "a name", "Records": {"A": "10.1.0.11"}}"#
                        throw ErrorReport(.badRequest, "the body is not \(form)")
                    }
                    try await node.put(JSON.encode(name.records), for: key)
                    return EdgeState()
                }
            },
        ]
    }

    private var lists: [Route] {
        [
            Route("GET", "/api/machines") { _ in ControlResponse(await machines()) },
            Route("GET", "/api/nodes") { _ in
                let all = await peers().map { EdgeNode(id: $0.id, online: $0.isOnline ?? $0.isUp) }
                return ControlResponse(all)
            },
            Route("GET", "/api/users") { _ in
                await list("users") { record in
                    EdgeUser(peerID: record.key.text, timestamp: Self.text(record))
                }
            },
            Route("GET", "/api/services") { _ in await list("services", Self.offer) },
            Route("GET", "/api/files") { _ in await list("files", Self.offer) },
            Route("GET", "/api/dns") { _ in
                await list("dns") { record in
                    EdgeName(
                        regex: record.key.text,
                        records: JSON.decode(from: record.value) ?? [:]
                    )
                }
            },
            Route("GET", "/api/summary") { _ in
                await Route.answer { () throws(ErrorReport) in try await summary() }
            },
        ]
    }

    // MARK: Answers

    private func put(_ value: [UInt8], _ request: ControlRequest) async -> ControlResponse {
        await Route.answer { () throws(ErrorReport) in
            try await node.put(value, for: request.key())
            return EdgeState()
        }
    }

    /// Deletes a record; what is not there is as good as deleted, and EdgeVPN does not refuse it.
    private func delete(_ key: LedgerKey) async throws(ErrorReport) {
        do throws(ErrorReport) {
            try await node.delete(key)
        } catch {
            guard error.error == .notFound else { throw error }
        }
    }

    /// Deletes what this node may; what others hold stays, and is told at the end.
    private func deleteAll(in bucket: LedgerName) async throws(ErrorReport) {
        let page = try await node.page(of: bucket)
        var refusal: ErrorReport?
        for record in page.records {
            do throws(ErrorReport) {
                try await delete(record.key)
            } catch {
                guard error.error == .held else { throw error }
                refusal = refusal ?? error
            }
        }
        if let refusal { throw refusal }
        guard page.next == nil else {
            throw ErrorReport(.unavailable, "\(bucket) has more records; delete it once more")
        }
    }

    private func list<Element: Encodable>(
        _ bucket: String,
        _ element: @Sendable (LedgerRecord) -> Element
    ) async -> ControlResponse {
        await Route.answer { () throws(ErrorReport) in
            try await records(of: bucket).map { element($0) }
        }
    }

    private func records(of bucket: String) async throws(ErrorReport) -> [LedgerRecord] {
        guard let name = LedgerName(bucket) else { return [] }
        return try await whole(name)
    }

    /// All records of a bucket, or a refusal: EdgeVPN's form cannot say that some are left out.
    private func whole(_ bucket: LedgerName) async throws(ErrorReport) -> [LedgerRecord] {
        let page = try await node.page(of: bucket)
        guard page.next == nil else {
            let remedy = "ask for /v1/ledger/\(bucket), which has pages"
            throw ErrorReport(.tooLarge, "\(bucket) is too large for one answer; \(remedy)")
        }
        return page.records
    }

    private func storage() async throws(ErrorReport) -> [String: [String: String]] {
        var storage: [String: [String: String]] = [:]
        var room = LedgerAnswerRoom()
        let remedy = "ask for one bucket after the other"
        let tooLarge = ErrorReport(.tooLarge, "the ledger is too large for one answer; \(remedy)")
        let buckets = try await node.bucketPage()
        guard buckets.next == nil else { throw tooLarge }
        for bucket in buckets.names {
            let page = room.isFull ? nil : try await node.page(of: bucket, within: &room)
            guard let page, page.next == nil else { throw tooLarge }
            storage[bucket.description] = Self.values(page.records)
        }
        return storage
    }

    /// How many records a bucket has, of so many as one answer has.
    private func count(of bucket: String) async throws(ErrorReport) -> Int {
        guard let name = LedgerName(bucket) else { return 0 }
        return try await node.page(of: name).records.count
    }

    private func machines() async -> [EdgeMachine] {
        let status = await status()
        var machines = status.addresses.map { address in
            // Without the length of its range, as others' addresses have none.
            let address = address.split(separator: "/").first.map { String($0) } ?? address
            return EdgeMachine(
                peerID: status.id,
                hostname: status.name ?? "",
                os: "",
                arch: "",
                address: address,
                version: status.netron,
                connected: true,
                onChain: true,
                online: true
            )
        }
        for peer in await peers() {
            for address in peer.addresses {
                machines.append(EdgeMachine(peer, at: address))
            }
        }
        return machines
    }

    private func summary() async throws(ErrorReport) -> EdgeSummary {
        let status = await status()
        let peers = await peers()
        let own = await node.blocks().first { $0.author == status.id }
        return EdgeSummary(
            files: try await count(of: "files"),
            machines: await machines().count,
            users: try await count(of: "users"),
            services: try await count(of: "services"),
            blockChain: Int(own?.height ?? 0),
            onChainNodes: peers.count { $0.isOnline ?? $0.isUp } + 1,
            peers: peers.count,
            nodeID: status.id
        )
    }

    private func block() async throws(ErrorReport) -> EdgeBlock {
        let id = await status().id
        let own = await node.blocks().first { $0.author == id }
        return EdgeBlock(
            index: Int(own?.height ?? 0),
            timestamp: own?.time.description ?? "",
            storage: try await storage(),
            hash: own?.root ?? "",
            prevHash: own?.previous ?? ""
        )
    }

    private static func values(_ records: [LedgerRecord]) -> [String: String] {
        var values: [String: String] = [:]
        for record in records { values[record.key.text] = data(record) }
        return values
    }

    /// A value as EdgeVPN's clients read it, who take what they get for JSON once more.
    ///
    /// An object or a list is given as it was written, all else as a text of JSON.
    private static func data(_ record: LedgerRecord) -> String {
        let text = text(record)
        if JSON.isStructure(record.value) { return text }
        return String(decoding: JSON.encode(text), as: UTF8.self)
    }

    private static func text(_ record: LedgerRecord) -> String {
        String(decoding: record.value, as: UTF8.self)
    }

    private static func offer(_ record: LedgerRecord) -> EdgeOffer {
        EdgeOffer(peerID: record.author.description, name: record.key.text)
    }
}

extension EdgeMachine {
    fileprivate init(_ peer: PeerReport, at address: String) {
        self.init(
            peerID: peer.id,
            hostname: peer.name ?? "",
            os: peer.os ?? "",
            arch: peer.arch ?? "",
            address: address,
            version: peer.version ?? "",
            connected: peer.isUp,
            onChain: true,
            online: peer.isOnline ?? peer.isUp
        )
    }
}
