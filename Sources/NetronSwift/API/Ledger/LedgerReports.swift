// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// A record of the ledger: the answer to `GET /v1/ledger/BUCKET/KEY`.
package struct LedgerRecordReport: Decodable, Hashable, Sendable {
    package var bucket: String
    package var key: String
    /// What was written, as text; nil if it is none.
    package var value: String?
    /// What was written in base64, if it is no text.
    package var base64: String?
    /// Who wrote it.
    package var author: String
    /// When it was last written; nil for what authorities say, which has no time.
    package var time: Timestamp?
    /// From when on the author has the key; nil with the time.
    package var since: Timestamp?

    package init(_ record: LedgerRecord) {
        bucket = record.key.bucket.description
        key = record.key.text
        value = String(validating: record.value, as: UTF8.self)
        base64 = value == nil ? Base64.encode(record.value) : nil
        author = record.author.description
        if record.time.number > 0 {
            time = Timestamp(milliseconds: record.time.milliseconds)
            since = Timestamp(milliseconds: record.since)
        }
    }
}

extension LedgerRecordReport: Encodable {
    private enum CodingKeys: String, CodingKey {
        case bucket
        case key
        case value
        case base64
        case author
        case time
        case since
    }

    /// Writes all keys.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(bucket, forKey: .bucket)
        try container.encode(key, forKey: .key)
        try container.encode(value, forKey: .value)
        try container.encode(base64, forKey: .base64)
        try container.encode(author, forKey: .author)
        try container.encode(time, forKey: .time)
        try container.encode(since, forKey: .since)
    }
}

/// Records of a bucket: the answer to `GET /v1/ledger/BUCKET`.
package struct LedgerBucketReport: Decodable, Hashable, Sendable {
    package var version = 1
    package var records: [LedgerRecordReport]
    /// Where the next page begins, for `?from=`; nil if this is the last one.
    package var next: String?
    /// Whether nothing is missing behind these records, as far as is known.
    package var complete: Bool

    /// Makes the report of a page; `isComplete` says whether the node has all that members say.
    package init(_ page: LedgerPage, isComplete: Bool) {
        records = page.records.map { LedgerRecordReport($0) }
        next = page.next.map { Base32.encode($0) }
        complete = isComplete && page.next == nil
    }
}

extension LedgerBucketReport: Encodable {
    private enum CodingKeys: String, CodingKey {
        case version
        case records
        case next
        case complete
    }

    /// Writes all keys.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(version, forKey: .version)
        try container.encode(records, forKey: .records)
        try container.encode(next, forKey: .next)
        try container.encode(complete, forKey: .complete)
    }
}

/// The buckets in use: the answer to `GET /v1/ledger`.
package struct LedgerBucketsReport: Decodable, Hashable, Sendable {
    package var version = 1
    package var buckets: [String]
    /// Where the next page begins, for `?from=`; nil if this is the last one.
    package var next: String?
    /// Whether no bucket is missing behind these, as far as is known.
    package var complete: Bool

    /// Makes the report of a page; `isComplete` says whether the node has all that members say.
    package init(_ page: LedgerBucketPage, isComplete: Bool) {
        buckets = page.names.map(\.description)
        next = page.next.map { Base32.encode($0) }
        complete = isComplete && page.next == nil
    }
}

extension LedgerBucketsReport: Encodable {
    private enum CodingKeys: String, CodingKey {
        case version
        case buckets
        case next
        case complete
    }

    /// Writes all keys.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(version, forKey: .version)
        try container.encode(buckets, forKey: .buckets)
        try container.encode(next, forKey: .next)
        try container.encode(complete, forKey: .complete)
    }
}

/// The newest statement of a member: an element of the answer to `GET /v1/blocks`.
package struct LedgerBlockReport: Decodable, Hashable, Sendable {
    /// Who made it.
    package var author: String
    package var name: String
    /// When the author started, and the number of the statement from then on.
    package var incarnation: Timestamp
    package var height: UInt32
    /// When it was signed, and until when it holds.
    package var time: Timestamp
    package var end: Timestamp
    /// The root of the author's state, in hexadecimal; nil if it says nothing.
    package var root: String?
    /// Bytes of the state.
    package var bytes: Int?
    /// The hash of the author's statement before, in hexadecimal.
    package var previous: String?

    package init(_ presence: Presence) {
        author = presence.author.description
        name = presence.name
        incarnation = Timestamp(milliseconds: presence.order.incarnation)
        height = presence.order.version
        time = Timestamp(milliseconds: presence.time)
        end = Timestamp(milliseconds: presence.end)
        root = presence.ledger?.root.bytes.hexadecimal
        bytes = presence.ledger?.byteCount
        previous = presence.previous?.hexadecimal
    }
}

extension LedgerBlockReport: Encodable {
    private enum CodingKeys: String, CodingKey {
        case author
        case name
        case incarnation
        case height
        case time
        case end
        case root
        case bytes
        case previous
    }

    /// Writes all keys.
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(author, forKey: .author)
        try container.encode(name, forKey: .name)
        try container.encode(incarnation, forKey: .incarnation)
        try container.encode(height, forKey: .height)
        try container.encode(time, forKey: .time)
        try container.encode(end, forKey: .end)
        try container.encode(root, forKey: .root)
        try container.encode(bytes, forKey: .bytes)
        try container.encode(previous, forKey: .previous)
    }
}

/// What is kept: the answer to `GET /v1/ledger-stats`.
package struct LedgerStatisticsReport: Codable, Hashable, Sendable {
    package var version = 1
    /// Members of whom a state is kept, this node included.
    package var states = 0
    package var records = 0
    /// States that are missing.
    package var missing = 0
    /// Records and bytes that this node wrote.
    package var ownRecords = 0
    package var ownBytes = 0
    /// Bytes of the file, 0 in memory; of what counts in it; and of what it may have.
    package var fileBytes = 0
    package var liveBytes = 0
    package var budgetBytes = 0
    /// Members that made two different statements with one number.
    package var equivocating = 0
    /// Of how many bits the places of members begin alike of whom all is known, and of whom all
    /// states are kept; 0 where these are all members.
    package var memberBits = 0
    package var stateBits = 0
    package var complete = false

    package init() {}

    private enum CodingKeys: String, CodingKey {
        case version
        case equivocating
        case states
        case records
        case missing
        case ownRecords = "own_records"
        case ownBytes = "own_bytes"
        case fileBytes = "file_bytes"
        case liveBytes = "live_bytes"
        case budgetBytes = "budget_bytes"
        case memberBits = "member_bits"
        case stateBits = "state_bits"
        case complete
    }
}

/// Two different statements of one author with one number.
package struct LedgerEvidenceReport: Codable, Hashable, Sendable {
    package var author: String
    package var incarnation: Timestamp
    package var height: UInt32
    /// The two statements, in base64: whoever has them can prove it.
    package var statements: [String]
    /// Until when they hold.
    package var end: Timestamp

    package init(_ first: Presence, _ second: Presence, end: UInt64) {
        author = first.author.description
        incarnation = Timestamp(milliseconds: first.order.incarnation)
        height = first.order.version
        statements = [first, second].map { Base64.encode($0.bytes) }
        self.end = Timestamp(milliseconds: end)
    }
}

/// All that is kept is whole: the answer to `POST /v1/ledger-verify`.
package struct LedgerVerifyReport: Codable, Hashable, Sendable {
    package var version = 1
    package var done = true
    /// What was found against members, which is no damage.
    package var evidence: [LedgerEvidenceReport]
    /// Kept statements that do not name the one before them.
    package var broken: [Link]

    /// Which statement it is.
    package struct Link: Codable, Hashable, Sendable {
        package var author: String
        package var incarnation: Timestamp
        package var height: UInt32

        package init(author: NodeID, _ order: Presence.Order) {
            self.author = author.description
            incarnation = Timestamp(milliseconds: order.incarnation)
            height = order.version
        }
    }

    package init(evidence: [LedgerEvidenceReport] = [], broken: [Link] = []) {
        (self.evidence, self.broken) = (evidence, broken)
    }
}

/// What a route without an answer of its own says: it was done.
package struct DoneReport: Codable, Hashable, Sendable {
    package var version = 1
    package var done = true

    package init() {}
}
