// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// How much of the ledger one answer has.
enum LedgerAnswerLimits {
    /// Records.
    static let recordsMax = 10_000
    /// Bytes of keys and values; they are counted once a step, which may go over.
    ///
    /// A byte takes six of JSON at worst, and `ControlLimits.responseBytesMax` has room for that.
    static let bytesMax = 4 << 20
    /// Records that a node is asked for in one step; nobody else waits for longer.
    static let stepMax = 100
    /// Bytes of a place where a page begins.
    static let cursorBytesMax = 255
}

/// Which page of a bucket, or of the list of buckets, is asked for: `?from=PLACE&limit=COUNT`, both
/// as one likes.
struct LedgerPageQuery {
    /// Where the page begins, as the one before said in `next`; nil for the first page.
    private(set) var cursor: [UInt8]?
    /// How many records, or buckets, it has at most.
    private(set) var limit = LedgerAnswerLimits.recordsMax

    /// Reads the two; other names say nothing here.
    init(_ query: String) throws(ErrorReport) {
        for pair in query.split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let text = parts.count == 2 ? parts[1] : ""
            switch parts[0] {
            case "from": cursor = try Self.cursor(text)
            case "limit": limit = try Self.limit(text)
            default: continue
            }
        }
    }

    private static func cursor(_ text: Substring) throws(ErrorReport) -> [UInt8] {
        if let cursor = Base32.decode(text),
            (1...LedgerAnswerLimits.cursorBytesMax).contains(cursor.count)
        {
            return cursor
        }
        throw ErrorReport(.badRequest, "from is not what the page before has as next")
    }

    private static func limit(_ text: Substring) throws(ErrorReport) -> Int {
        let most = LedgerAnswerLimits.recordsMax
        if let number = decimal(text, upTo: UInt64(most)), number > 0 { return Int(number) }
        throw ErrorReport(.badRequest, "limit is a number from 1 to \(most)")
    }
}

extension LedgerAccess {
    /// As many of the buckets in use as one answer has, in the order of their names.
    func bucketPage(
        from cursor: [UInt8]? = nil,
        limit: Int = LedgerAnswerLimits.recordsMax
    ) async throws(ErrorReport) -> LedgerBucketPage {
        var names: [LedgerName] = []
        var cursor = cursor
        repeat {
            let step = min(LedgerAnswerLimits.stepMax, limit - names.count)
            let page = try await buckets(from: cursor, limit: step)
            names += page.names
            cursor = page.next
        } while cursor != nil && names.count < limit
        return LedgerBucketPage(names: names.sorted(), next: cursor)
    }

    /// As many records of a bucket as one answer has, in the order of their keys.
    ///
    /// The order is that of this page alone: which records are in it the node chooses.
    func page(
        of bucket: LedgerName,
        from cursor: [UInt8]? = nil,
        limit: Int = LedgerAnswerLimits.recordsMax
    ) async throws(ErrorReport) -> LedgerPage {
        var room = LedgerAnswerRoom(records: limit)
        return try await page(of: bucket, from: cursor, within: &room)
    }

    /// The same, of an answer that has more than this page; there must be room.
    func page(
        of bucket: LedgerName,
        from cursor: [UInt8]? = nil,
        within room: inout LedgerAnswerRoom
    ) async throws(ErrorReport) -> LedgerPage {
        var records: [LedgerRecord] = []
        var cursor = cursor
        repeat {
            let step = min(LedgerAnswerLimits.stepMax, room.records)
            let page = try await self.records(in: bucket, from: cursor, limit: step)
            records += page.records
            room.take(page.records)
            cursor = page.next
        } while cursor != nil && !room.isFull
        records.sort { $0.key < $1.key }
        return LedgerPage(records: records, next: cursor)
    }
}

/// What may still come into an answer.
struct LedgerAnswerRoom {
    private(set) var records: Int
    private var bytes = LedgerAnswerLimits.bytesMax

    init(records: Int = LedgerAnswerLimits.recordsMax) { self.records = records }

    var isFull: Bool { records <= 0 || bytes <= 0 }

    mutating func take(_ taken: [LedgerRecord]) {
        records -= taken.count
        for record in taken { bytes -= record.key.bytes.count + record.value.count }
    }
}
