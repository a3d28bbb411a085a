// SPDX-License-Identifier: Apache-2.0

internal import NetronEngine
internal import NetronProtocol
public import NetronWire

/// What the members of a network say: records by bucket and key.
///
///     try await node.ledger.put("hello", for: "greeting", in: "notes")
///     let record = try await node.ledger.get("greeting", in: "notes")
///     for await key in try await node.ledger.watch("notes") { print(key.key) }
///
/// What a node writes is on its disk when the call returns, and on its way to the others; it is
/// there as long as the node is, and comes back with it. In the buckets `services`, `files`, `dns`,
/// `users` and `egress` a key belongs to the member that has had it for longest, and nobody else
/// can write it; of all others the last write counts, whoever made it. The buckets `machines` and
/// `healthcheck` follow from what members say of themselves, `trustzone` and `trustzoneAuth` from
/// what the network's authorities signed: nobody writes them, and of their changes nobody is told
/// who watches.
public struct LedgerHandle: Sendable {
    /// A record as this node knows it.
    public struct Record: Hashable, Sendable {
        /// The bucket that it is in.
        public let bucket: String
        /// Its key in there.
        public let key: String
        /// What was written.
        public let value: [UInt8]
        /// Who wrote it.
        public let author: NodeID
        /// When it was last written, in milliseconds since 1970; 0 for what authorities say.
        public let time: UInt64

        /// What was written, as text; what is no UTF-8 is replaced.
        public var text: String { String(decoding: value, as: UTF8.self) }

        init(_ record: LedgerRecord) {
            bucket = record.key.bucket.description
            key = record.key.text
            value = record.value
            author = record.author
            time = record.time.milliseconds
        }
    }

    /// What a record is found by.
    public struct Key: Hashable, Sendable {
        /// The bucket that it is in.
        public let bucket: String
        /// Its key in there.
        public let key: String

        init(_ key: LedgerKey) {
            bucket = key.bucket.description
            self.key = key.text
        }
    }

    let node: Node

    /// Writes a value of at most 2,048 bytes.
    ///
    /// - Throws: A `NodeError`: `.ledgerRefused` when another member has the key or no record may
    ///   be like that, `.ledgerFailed` when it cannot be kept.
    public func put(_ value: [UInt8], for key: String, in bucket: String) async throws {
        let key = try Self.key(bucket, key)
        try await node.carryOut(.put(key, value))
    }

    /// Writes a text of at most 2,048 bytes, see `put` of bytes.
    public func put(_ text: String, for key: String, in bucket: String) async throws {
        try await put(Array(text.utf8), for: key, in: bucket)
    }

    /// Deletes what counts for a key.
    ///
    /// - Throws: A `NodeError`, as `put`; also when there is nothing.
    public func delete(_ key: String, in bucket: String) async throws {
        try await node.carryOut(.delete(try Self.key(bucket, key)))
    }

    /// What counts for a key; nil if nothing does, as far as this node knows.
    public func get(_ key: String, in bucket: String) async throws -> Record? {
        try await node.record(try Self.key(bucket, key)).map(Record.init)
    }

    /// All records of a bucket, in the order of their keys.
    public func list(_ bucket: String) async throws -> [Record] {
        let name = try Self.name(bucket)
        var all: [Record] = []
        var cursor: [UInt8]?
        repeat {
            let page = try await node.records(in: name, from: cursor, limit: LedgerLimits.pageMax)
            all += page.records.map(Record.init)
            cursor = page.next
        } while cursor != nil
        return all.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
    }

    /// The buckets in use.
    public func buckets() async throws -> [String] {
        var all: [LedgerName] = []
        var cursor: [UInt8]?
        repeat {
            let page = try await node.ledgerBuckets(from: cursor, limit: LedgerLimits.pageMax)
            all += page.names
            cursor = page.next
        } while cursor != nil
        return all.sorted().map(\.description)
    }

    /// The keys of a bucket, or of all, whenever what counts for them may have changed.
    ///
    /// Of changes that nobody reads the newest 256 are kept.
    public func watch(_ bucket: String? = nil) async throws -> AsyncStream<Key> {
        await node.watch(try bucket.map(Self.name))
    }

    private static func name(_ bucket: String) throws(NodeError) -> LedgerName {
        if let name = LedgerName(bucket) { return name }
        throw NodeError(.ledgerRefused, LedgerName.rule)
    }

    private static func key(_ bucket: String, _ text: String) throws(NodeError) -> LedgerKey {
        if let key = LedgerKey(try name(bucket), text) { return key }
        throw NodeError(.ledgerRefused, LedgerKey.rule)
    }
}

extension Node {
    /// What the members say.
    public nonisolated var ledger: LedgerHandle { LedgerHandle(node: self) }

    /// Makes a write, or throws why not.
    func carryOut(_ write: LedgerWrite) async throws(NodeError) {
        if let refusal = try await self.write(write) { throw NodeError(refusal, of: write.key) }
    }

    /// What counts for a key; who does not keep all asks others first.
    func record(_ key: LedgerKey) async throws(NodeError) -> LedgerRecord? {
        if let bucket = ComputedBucket(key.bucket) { return computedRecord(of: key, in: bucket) }
        if let bucket = TrustBucket(key.bucket) { return trustRecord(of: key, in: bucket) }
        await look(for: key)
        return try reading { () throws(StoreError) in
            try machine.ledgerRecord(of: key, at: Clock.now())
        }
    }

    func records(
        in bucket: LedgerName,
        from cursor: [UInt8]?,
        limit: Int
    ) throws(NodeError) -> LedgerPage {
        if let bucket = ComputedBucket(bucket) {
            return computedPage(of: bucket, from: cursor, limit: limit)
        }
        if let bucket = TrustBucket(bucket) {
            return trustPage(of: bucket, from: cursor, limit: limit)
        }
        return try reading { () throws(StoreError) in
            try machine.ledgerRecords(in: bucket, from: cursor, limit: limit, at: Clock.now())
        }
    }

    /// What `body` reads of the ledger, or why it cannot be read.
    func reading<Result>(
        _ body: () throws(StoreError) -> Result
    ) throws(NodeError) -> Result {
        do throws(StoreError) { return try body() } catch {
            throw NodeError(.ledgerFailed, error.message)
        }
    }
}

extension NodeError {
    /// Why a write was not made, in a sentence.
    init(_ refusal: LedgerRefusal, of key: LedgerKey) {
        switch refusal {
        case .storage(let error): self.init(.ledgerFailed, error.message)
        default: self.init(.ledgerRefused, refusal.sentence(about: key))
        }
    }
}

extension LedgerRefusal {
    /// One sentence that says why not, and what to do.
    func sentence(about key: LedgerKey) -> String {
        switch self {
        case .held(let holder):
            "\(key) is member \(holder.prefix())'s; choose another key, or have that member delete"
                + " it"
        case .absent: "there is no \(key), as far as this node knows"
        case .tooLong:
            "the value is longer than \(LedgerEntry.valueBytesMax) bytes; write less, or in several"
                + " keys"
        case .clock:
            "the time is not known well enough to write \(key); set the clock, and try again"
        case .fault(let fault): fault.sentence
        case .storage(let error): error.message
        }
    }
}

extension LedgerFault {
    fileprivate var sentence: String {
        switch self {
        case .tooManyEntries(let count):
            "this node would have \(count) records, more than the network allows each member;"
                + " delete some first"
        case .tooManyBytes(let count):
            "this node's records would take \(count) bytes, more than the network allows each"
                + " member; delete some first"
        case .notWritable(let key):
            LedgerBucket(key.bucket) == .trust
                ? "nobody writes in the bucket \(key.bucket): it shows what authorities sign; see"
                    + " `netron trust`"
                : "nobody writes in the bucket \(key.bucket): it is computed from what members say"
                    + " of themselves; choose another"
        case .notOwnID(let key): "the keys of \(key.bucket) are node ids; write this node's own"
        case .deleted(let key): "\(key) cannot be kept as deleted; delete it"
        case .sinceTooEarly(let key), .sinceTooLate(let key), .timeTooLate(let key):
            "\(key) would be of another time than now; set the clock, and try again"
        }
    }
}
