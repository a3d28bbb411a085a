// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// The states of members as they are kept, and who has which key.
///
/// What is kept of others waits in memory until there is enough to be written at once; all that is
/// asked sees it at once.
///
///     table states   author (32 bytes)
///                    -> root (32 bytes), the state's bytes
///     table index    8 bytes of H(bucket), 16 bytes of H(bucket and key), author (32 bytes)
///                    -> since (8 bytes), time (8 bytes), 1 byte (1 for a deleted key),
///                       bucket with its length (1 byte), key
///     table heads    see LedgerHistory.swift
///     table meta     "own"
///                    -> the own statement that was told last
///     table trust    see LedgerTrust.swift
///
/// H is the keyed BLAKE2b with the key "netron/1 index"; numbers have their most significant byte
/// first.
struct LedgerShelf {
    /// What the index says of one member's record of a key.
    struct Claim: Hashable, OpenWrite {
        let author: NodeID
        let since: UInt64
        let time: HybridTime
        let isDeleted: Bool
    }

    /// A state, and what it is.
    typealias Rooted = (root: StateRoot, state: LedgerState)

    private struct Kept {
        /// Nil for a state that goes.
        var new: Rooted?
        /// What the index does not know yet; nil for a record that goes.
        var rows: [LedgerKey: IndexRow?]
    }

    private static let ownHead = Array("own".utf8)

    var storage: any LedgerStorage
    private let cryptography: Cryptography
    /// What is not written yet.
    private var pending: [NodeID: Kept] = [:]
    /// See LedgerHistory.swift.
    var history = History()

    init(
        _ storage: any LedgerStorage,
        with cryptography: Cryptography,
        history count: Int = 0
    ) {
        history.count = count
        self.storage = storage
        self.cryptography = cryptography
        isEmpty = (try? storage.count(of: .states)) == 0
    }

    /// Whether nothing was ever kept.
    private(set) var isEmpty: Bool

    var pendingCount: Int { pending.count + history.new.count + history.gone.count }

    /// Members of whom a state is kept; of one that is also written it counts twice while it waits.
    var keptCount: Int {
        ((try? storage.count(of: .states)) ?? 0) + pending.values.count { $0.new != nil }
    }

    // MARK: States

    /// What state is kept of a member; nil if none is.
    func root(of author: NodeID) throws(StoreError) -> StateRoot? {
        if let kept = pending[author] { return kept.new?.root }
        let root = try storage.withValue(of: author.bytes, in: .states) { value in
            [UInt8](value.extracting(0..<min(StateRoot.byteCount, value.count)))
        }
        return root.flatMap { StateRoot(bytes: $0) }
    }

    func state(of author: NodeID) throws(StoreError) -> LedgerState? {
        try rooted(of: author)?.state
    }

    /// The state that is kept of a member, and its root; nil if none is.
    func rooted(of author: NodeID) throws(StoreError) -> Rooted? {
        if let kept = pending[author] { return kept.new }
        let found = try storage.withValue(of: author.bytes, in: .states) { value -> Rooted? in
            let cut = min(StateRoot.byteCount, value.count)
            guard let root = StateRoot(bytes: [UInt8](value.extracting(0..<cut))),
                let state = try? LedgerState(bytes: [UInt8](value.extracting(cut..<value.count)))
            else { return nil }
            return (root, state)
        }
        return found.flatMap(\.self)
    }

    /// Some of those whose states are written, in ascending order, behind `last`.
    func authors(after last: NodeID?, limit: Int) throws(StoreError) -> [NodeID] {
        let from = last.map { $0.bytes + [0] } ?? []
        return try storage.records(in: LedgerRange(.states, from: from), limit: limit)
            .compactMap { NodeID(bytes: $0.key) }
    }

    /// Keeps a state in the place of the one before, of which it differs by `changes`.
    mutating func set(
        _ state: LedgerState,
        _ root: StateRoot,
        of author: NodeID,
        by changes: LedgerChanges
    ) {
        isEmpty = false
        replace(by: (root, state), changes, of: author)
    }

    /// Keeps no state of a member any more; of the one before all is taken back by `changes`.
    mutating func remove(_ author: NodeID, by changes: LedgerChanges) {
        replace(by: nil, changes, of: author)
    }

    private mutating func replace(
        by new: Rooted?,
        _ changes: LedgerChanges,
        of author: NodeID
    ) {
        var rows = pending[author]?.rows ?? [:]
        for change in changes.list {
            switch change {
            case .set(let entry): rows[entry.key] = .some(IndexRow(entry))
            case .remove(let key): rows[key] = .some(nil)
            }
        }
        pending[author] = Kept(new: new, rows: rows)
    }

    // MARK: Writing

    /// Writes all that waits, and what `more` adds; nothing waits any more, even if it throws.
    mutating func flush(
        _ more: (inout LedgerBatch) -> Void = { _ in }
    ) throws(StoreError) {
        var batch = LedgerBatch()
        let all = pending
        pending = [:]
        var prefixes: [LedgerName: [UInt8]] = [:]
        // Neighbours in a table lie in one page.
        for (author, kept) in all.sorted(by: { $0.key < $1.key }) {
            let id = author.bytes
            for (key, row) in kept.rows {
                let prefix = prefixes[key.bucket] ?? bucketPrefix(key.bucket)
                prefixes[key.bucket] = prefix
                let place = indexKey(key, behind: prefix) + id
                if let row {
                    batch.put(row.bytes, for: place, in: .index)
                } else {
                    batch.remove(place, from: .index)
                }
            }
            if let new = kept.new {
                batch.put(new.root.bytes + new.state.encoded(), for: id, in: .states)
            } else {
                batch.remove(id, from: .states)
            }
        }
        do {
            defer { (history.new, history.gone) = ([], []) }
            try addHistory(to: &batch)
        }
        more(&batch)
        if !batch.isEmpty { try storage.apply(batch) }
    }

    /// Writes changes that do not wait for others.
    mutating func apply(_ batch: LedgerBatch) throws(StoreError) {
        if !batch.isEmpty { try storage.apply(batch) }
    }

    /// Writes all that waits, and makes what is kept as dense as it can be.
    mutating func compact() throws(StoreError) {
        try flush()
        try storage.compact()
    }

    var ownHead: [UInt8]? {
        get throws(StoreError) { try storage.value(of: Self.ownHead, in: .meta) }
    }

    /// Keeps the own statement, or with nil that there is none, with all that waits.
    mutating func keep(ownHead head: [UInt8]?) throws(StoreError) {
        try flush { batch in
            if let head {
                batch.put(head, for: Self.ownHead, in: .meta)
            } else {
                batch.remove(Self.ownHead, from: .meta)
            }
        }
    }
}

// The index.
extension LedgerShelf {
    private static let bucketBytes = 8
    private static let keyBytes = 16

    /// Where a page of a bucket ends and the next one begins.
    typealias Cursor = [UInt8]

    /// The records of a key, of all members of whom states are kept.
    func claims(on key: LedgerKey) throws(StoreError) -> [Claim] {
        var claims: [Claim] = []
        let prefix = indexKey(key)
        try storage.scan(LedgerRange(.index, prefix: prefix)) { found, value in
            if let author = Self.author(of: found), pending[author] == nil,
                let row = IndexRow(value)
            {
                claims.append(Claim(of: author, row))
            }
            return true
        }
        for (author, kept) in pending {
            if let entry = kept.new?.state[key] {
                claims.append(Claim(of: author, entry))
            }
        }
        return claims
    }

    /// Some keys of a bucket that are written, by their hashes, from `cursor` on.
    ///
    /// `next` is where the others begin; nil when there are none.
    func keys(
        in bucket: LedgerName,
        from cursor: Cursor?,
        limit: Int
    ) throws(StoreError) -> (keys: [LedgerKey], next: Cursor?) {
        var keys: [LedgerKey] = []
        var last: Cursor = []
        var next: Cursor?
        let range = LedgerRange(.index, prefix: bucketPrefix(bucket), from: cursor ?? [])
        try storage.scan(range) { found, value in
            let place = [UInt8](found.extracting(0..<(Self.bucketBytes + Self.keyBytes)))
            // Several members have the same key.
            guard place != last else { return true }
            guard keys.count < limit else {
                next = place
                return false
            }
            last = place
            if let row = IndexRow(value) { keys.append(row.key) }
            return true
        }
        return (keys, next)
    }

    /// Some buckets that anybody has a record in, of those that are written, by their hashes, from
    /// `cursor` on; `next` is where the others begin.
    func buckets(
        from cursor: Cursor?,
        limit: Int
    ) throws(StoreError) -> (names: [LedgerName], next: Cursor?) {
        var names: [LedgerName] = []
        var from: Cursor? = cursor ?? []
        while let start = from {
            from = nil
            try storage.scan(LedgerRange(.index, from: start)) { found, value in
                if let row = IndexRow(value) { names.append(row.key.bucket) }
                from = Self.end(of: [UInt8](found.extracting(0..<Self.bucketBytes)))
                return false
            }
            guard names.count >= limit, let next = from else { continue }
            let isMore = try !storage.records(in: LedgerRange(.index, from: next), limit: 1).isEmpty
            return (names, isMore ? next : nil)
        }
        return (names, nil)
    }

    /// The first key that does not begin with these bytes and comes after those that do; nil if
    /// there is none.
    private static func end(of prefix: [UInt8]) -> [UInt8]? {
        guard let last = prefix.lastIndex(where: { $0 < .max }) else { return nil }
        return prefix[..<last] + [prefix[last] + 1]
    }

    private func bucketPrefix(_ bucket: LedgerName) -> [UInt8] {
        Array(hash(Array(bucket.description.utf8)).prefix(Self.bucketBytes))
    }

    private func indexKey(_ key: LedgerKey) -> [UInt8] {
        indexKey(key, behind: bucketPrefix(key.bucket))
    }

    private func indexKey(_ key: LedgerKey, behind prefix: [UInt8]) -> [UInt8] {
        let whole = Array(key.bucket.description.utf8) + [0] + key.bytes
        return prefix + hash(whole).prefix(Self.keyBytes)
    }

    private func hash(_ bytes: [UInt8]) -> [UInt8] {
        cryptography.digest(bytes, Array("netron/1 index".utf8))
    }

    private static func author(of key: Span<UInt8>) -> NodeID? {
        NodeID(bytes: [UInt8](key.extracting((bucketBytes + keyBytes)..<key.count)))
    }
}

/// What the index says of one record.
private struct IndexRow {
    let since: UInt64
    let time: HybridTime
    let isDeleted: Bool
    let key: LedgerKey

    init(_ entry: LedgerEntry) {
        (since, time, key) = (entry.since, entry.time, entry.key)
        isDeleted = entry.value == nil
    }

    init?(_ value: Span<UInt8>) {
        var reader = ByteReader([UInt8](value))
        guard let since = try? reader.read(UInt64.self), let time = try? reader.read(UInt64.self),
            let deleted = try? reader.read(UInt8.self),
            let text = try? reader.read(textUpTo: LedgerName.bytesMax),
            let bytes = try? reader.read(bytes: reader.count),
            let bucket = LedgerName(text),
            let key = LedgerKey(bucket, String(decoding: bytes, as: UTF8.self))
        else { return nil }
        (self.since, self.time, self.key) = (since, HybridTime(number: time), key)
        isDeleted = deleted == 1
    }

    var bytes: [UInt8] {
        var writer = ByteWriter(reserving: 8 + 8 + 1 + key.byteCount)
        writer.write(since)
        writer.write(time.number)
        writer.write(UInt8(isDeleted ? 1 : 0))
        writer.write(text: key.bucket.description)
        writer.write(key.bytes)
        return writer.bytes
    }
}

extension LedgerShelf.Claim {
    init(of author: NodeID, _ entry: LedgerEntry) { self.init(of: author, IndexRow(entry)) }

    fileprivate init(of author: NodeID, _ row: IndexRow) {
        self.init(author: author, since: row.since, time: row.time, isDeleted: row.isDeleted)
    }
}
