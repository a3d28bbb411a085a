// SPDX-License-Identifier: Apache-2.0

internal import NetronAPI
internal import NetronWire

/// A ledger in a dictionary, of a node whose disk and network are as the test wants them.
actor LedgerOfTest: LedgerAccess {
    /// Bytes of a value that are taken.
    static let valueBytesMax = 2_048

    let me: NodeID
    private var records: [LedgerKey: LedgerRecord] = [:] {
        didSet { listed = nil }
    }
    /// The records of the bucket that was listed last, the last key first.
    private var listed: (bucket: LedgerName, records: [LedgerRecord])?
    private var isWhole = true
    private var fault: ErrorReport?
    private var statements: [LedgerBlockReport] = []
    /// 2026-11-23T12:00:00Z, and a second more with each write.
    private var milliseconds: UInt64 = 1_795_435_200_000

    init(me: NodeID) { self.me = me }

    // MARK: What the test does

    /// Writes as another member would.
    func give(_ value: [UInt8], for key: LedgerKey, by author: NodeID) {
        records[key] = record(key, value, by: author)
    }

    /// Lets everything fail from now on.
    func fail(with fault: ErrorReport) { self.fault = fault }

    func lackSomething() { isWhole = false }

    func say(_ statement: LedgerBlockReport) { statements.append(statement) }

    // MARK: What the routes ask

    func record(of key: LedgerKey) throws(ErrorReport) -> LedgerRecord? {
        try check()
        return records[key]
    }

    /// Gives at most 70 at a time, in no order, as a store may.
    func records(
        in bucket: LedgerName,
        from cursor: [UInt8]?,
        limit: Int
    ) throws(ErrorReport) -> LedgerPage {
        try check()
        let all = list(bucket)
        let start = cursor.flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 0
        let page = all.dropFirst(start).prefix(min(limit, 70))
        let next = page.endIndex < all.endIndex ? Array("\(page.endIndex)".utf8) : nil
        return LedgerPage(records: Array(page), next: next)
    }

    private func list(_ bucket: LedgerName) -> [LedgerRecord] {
        if let listed, listed.bucket == bucket { return listed.records }
        let found = records.values.filter { $0.key.bucket == bucket }.sorted { $0.key > $1.key }
        listed = (bucket, found)
        return found
    }

    /// Gives at most 3 at a time, the last one first.
    func buckets(
        from cursor: [UInt8]?,
        limit: Int
    ) throws(ErrorReport) -> LedgerBucketPage {
        try check()
        let all = Set(records.keys.map(\.bucket)).sorted { $0 > $1 }
        let start = cursor.flatMap { Int(String(decoding: $0, as: UTF8.self)) } ?? 0
        let page = all.dropFirst(start).prefix(min(limit, 3))
        let next = page.endIndex < all.endIndex ? Array("\(page.endIndex)".utf8) : nil
        return LedgerBucketPage(names: Array(page), next: next)
    }

    func isComplete() -> Bool { isWhole }

    func put(_ value: [UInt8], for key: LedgerKey) throws(ErrorReport) {
        try check()
        try checkOwner(of: key)
        guard value.count <= Self.valueBytesMax else { throw ErrorReport(.tooLarge, "too long") }
        records[key] = record(key, value, by: me)
    }

    func delete(_ key: LedgerKey) throws(ErrorReport) {
        try check()
        guard records[key] != nil else { throw ErrorReport(.notFound, "there is no \(key)") }
        try checkOwner(of: key)
        records[key] = nil
    }

    func blocks() -> [LedgerBlockReport] { statements }

    func blocks(of id: NodeID) throws(ErrorReport) -> [LedgerBlockReport] {
        try check()
        return statements.filter { $0.author == id.description }
    }

    func statistics() throws(ErrorReport) -> LedgerStatisticsReport {
        try check()
        var report = LedgerStatisticsReport()
        report.records = records.count
        report.complete = isWhole
        return report
    }

    func verify() throws(ErrorReport) -> LedgerVerifyReport {
        try check()
        return LedgerVerifyReport()
    }

    private func check() throws(ErrorReport) {
        if let fault { throw fault }
    }

    private func checkOwner(of key: LedgerKey) throws(ErrorReport) {
        guard key.bucket.description == "services", let author = records[key]?.author else {
            return
        }
        guard author == me else { throw ErrorReport(.held, "\(key) is another's") }
    }

    private func record(_ key: LedgerKey, _ value: [UInt8], by author: NodeID) -> LedgerRecord {
        milliseconds += 1000
        return LedgerRecord(
            key,
            value: value,
            by: author,
            since: milliseconds - 500,
            time: HybridTime(milliseconds: milliseconds)
        )
    }
}

/// The member of that number.
func member(_ number: UInt8) throws -> NodeID {
    guard let id = NodeID(bytes: [UInt8](repeating: number, count: 31) + [0]) else {
        throw NoSuchThing()
    }
    return id
}

private struct NoSuchThing: Error {}

func ledgerKey(_ bucket: String, _ key: String) throws -> LedgerKey {
    guard let key = LedgerName(bucket).flatMap({ LedgerKey($0, key) }) else {
        throw NoSuchThing()
    }
    return key
}

/// What came of a request.
struct Answer {
    let status: Int
    let body: String

    init(_ response: ControlResponse) {
        status = response.status
        body = String(decoding: response.body, as: UTF8.self)
    }

    /// The body as a report.
    func report<Report: Decodable>(_ type: Report.Type = Report.self) -> Report? {
        JSON.decode(type, from: Array(body.utf8))
    }
}

/// How a node fails to do what it is asked, and the status that says so.
let ledgerFaults: [(ErrorReport.Code, Int)] = [
    (.held, 409), (.refused, 422), (.failed, 500), (.unavailable, 503), (.full, 507),
    (.tooLarge, 413),
]
