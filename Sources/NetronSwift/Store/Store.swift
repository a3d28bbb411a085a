// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// The records of a node on disk: one file, several tables of keys and values.
///
/// One at a time uses it: a store is no value that threads can share, a write cannot begin inside
/// of a read, and what a closure is lent ends with it. So nobody waits for anything but the disk,
/// and pages that no longer count are used again at once: the file stays small however much is
/// written.
///
/// Nothing that the file contains can do harm: it is checked before it is used, and each record
/// when it is read. Only who changes the file while it is open ends the process.
package struct Store: ~Copyable {
    /// What was there when the store was opened.
    package enum Beginning: Hashable, Sendable {
        /// A store.
        case found
        /// Nothing.
        case nothing
        /// A damaged one, which is now the file `aside`.
        case damaged(StoreError, aside: String)
    }

    /// What was there when the store was opened.
    package let beginning: Beginning

    let path: StorePath
    let options: StoreOptions
    var environment: Environment
    private let lock: StoreFile

    /// Opens the store in the file `name`, which is made if it is missing.
    ///
    /// A file that is no store, or one of another network or of a newer version, is refused and
    /// left as it is. So is a damaged one, unless it may be moved aside: it then becomes
    /// `NAME.corrupt-1`, and those that were moved before it get the next number, up to 3.
    package static func open(
        _ name: String,
        _ options: StoreOptions,
        movingCorruptAside: Bool = false
    ) throws(StoreError) -> Store {
        let path = StorePath(file: name)
        let lock = try path.takeLock()
        try path.removeDraft()
        var beginning = Beginning.nothing
        if try path.isThere() {
            do throws(StoreError) {
                let environment = try Self.open(path, options)
                return Store(.found, path, options, environment, lock)
            } catch {
                guard error.kind == .corrupt, movingCorruptAside else { throw error }
                beginning = .damaged(error, aside: try path.moveAside())
            }
        }
        return Store(beginning, path, options, try make(path, options), lock)
    }

    private init(
        _ beginning: Beginning,
        _ path: StorePath,
        _ options: StoreOptions,
        _ environment: Environment,
        _ lock: StoreFile
    ) {
        self.beginning = beginning
        self.path = path
        self.options = options
        self.environment = environment
        self.lock = lock
    }

    /// Lends the records as they are now, which do not change meanwhile.
    package func read<Result>(
        _ body: (borrowing Snapshot) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        try environment.read(body)
    }

    /// Makes the changes that `body` makes: all of them, on disk when the call returns, or none, if
    /// it throws.
    package mutating func write<Result>(
        _ body: (inout Transaction) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        try write(.change, body)
    }

    /// Makes room: like `write(_:)`, but for changes that only remove, which may use what is
    /// reserved for them in a store that is full.
    ///
    /// Each removal can need some pages. If the reserve does not suffice, remove fewer at once, or
    /// neighbours.
    package mutating func prune<Result>(
        _ body: (inout Transaction) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        try write(.removal, body)
    }

    private mutating func write<Result>(
        _ purpose: Environment.Purpose,
        _ body: (inout Transaction) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        do {
            return try environment.write(purpose, body)
        } catch {
            if environment.isStuck, let opened = try? Self.open(path, options) {
                environment = opened
            }
            throw error
        }
    }

    /// Reads all, and throws `.corrupt` if anything is damaged.
    package func verify() throws(StoreError) {
        try StoreCheck.run(path, network: options.network)
        try read { snapshot throws(StoreError) in
            for table in LedgerTable.allCases {
                try snapshot.scan(LedgerRange(table)) { _, _ in true }
            }
        }
    }

    private static func open(
        _ path: StorePath,
        _ options: StoreOptions
    ) throws(StoreError) -> Environment {
        try StoreCheck.run(path, network: options.network)
        return try Environment(opening: path, options)
    }

    private static func make(
        _ path: StorePath,
        _ options: StoreOptions
    ) throws(StoreError) -> Environment {
        let environment = try Environment(drafting: path, options)
        try environment.settle()
        try path.installDraft()
        try path.synchronizeDirectory()
        return environment
    }
}

extension Store: LedgerStorage {
    package func withValue<Result>(
        of key: [UInt8],
        in table: LedgerTable,
        _ body: (Span<UInt8>) -> Result
    ) throws(StoreError) -> Result? {
        try read { snapshot throws(StoreError) in try snapshot.withValue(of: key, in: table, body) }
    }

    package func scan(
        _ range: LedgerRange,
        _ visit: (_ key: Span<UInt8>, _ value: Span<UInt8>) -> Bool
    ) throws(StoreError) {
        try read { snapshot throws(StoreError) in try snapshot.scan(range, visit) }
    }

    package func count(of table: LedgerTable) throws(StoreError) -> Int {
        try read { snapshot throws(StoreError) in try snapshot.count(of: table) }
    }

    package mutating func apply(_ batch: LedgerBatch) throws(StoreError) {
        guard !batch.isEmpty else { return }
        try write(batch.onlyRemoves ? .removal : .change) { transaction throws(StoreError) in
            for change in batch.changes {
                if let value = change.value {
                    try transaction.put(value, for: change.key, in: change.table)
                } else {
                    try transaction.remove(change.key, from: change.table)
                }
            }
        }
    }
}
