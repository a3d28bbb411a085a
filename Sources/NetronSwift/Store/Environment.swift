// SPDX-License-Identifier: Apache-2.0

internal import CLMDB
internal import Glibc
internal import NetronWire

/// Owns LMDB's handle of one file, and a read transaction that is used again and again.
///
/// LMDB opens the file without its own locks (MDB_NOLOCK): no other process gets as far, a store
/// is no value that two threads can have, and no snapshot outlives the closure that it is lent to.
/// So there is no lock file of LMDB's, no table of readers and nothing that belongs to a thread; a
/// page that was freed is used again two transactions later.
@safe final class Environment {
    let path: StorePath
    let options: StoreOptions
    private let environment: OpaquePointer
    /// LMDB's numbers of the tables, by the tables' own.
    private var handles: [MDB_dbi] = []
    private var reader: OpaquePointer?
    private var readerCount = 0
    private var purpose = Purpose.change
    /// Whether the file is no longer mapped, so that LMDB may not be asked for anything.
    private var isUnmapped = false
    /// What the file had when it was opened, or when it was made of another one: more than it may
    /// have, if the limit was lowered since.
    private var openedBytes: Int

    /// The smaller of LMDB's two lists of pages (MDB_IDL_UM_MAX), in bytes.
    private static let listBytes: Int32 = 1 << 20

    /// What a transaction is for.
    enum Purpose {
        case change
        /// It only removes, or copies what is there, and may use the reserve.
        case removal
    }

    /// Opens a file that was checked.
    convenience init(opening path: StorePath, _ options: StoreOptions) throws(StoreError) {
        let flags = options.isDurable ? 0 : MDB_NOSYNC
        let fileBytes = try StoreFile(path.file, of: path, O_RDONLY).byteCount()
        try self.init(path, file: path.file, fileBytes, options, flags: flags)
        let transaction = try unsafe begin(flags: MDB_RDONLY)
        do throws(StoreError) {
            try unsafe openTables(transaction, flags: 0)
        } catch {
            unsafe mdb_txn_abort(transaction)
            throw error
        }
        try unsafe check(mdb_txn_commit(transaction))
    }

    /// Makes a file with empty tables at the place of the draft.
    ///
    /// It can have `fileBytes` even if the limit was lowered. Nothing is waited for before
    /// `settle()`.
    convenience init(
        drafting path: StorePath,
        _ options: StoreOptions,
        fileBytes: Int = 0
    ) throws(StoreError) {
        try path.removeDraft()
        try self.init(path, file: path.draft, fileBytes, options, flags: MDB_NOSYNC)
        try write(.change) { transaction throws(StoreError) in
            try unsafe openTables(transaction.snapshot.transaction, flags: MDB_CREATE)
            transaction.touch()
        }
    }

    private init(
        _ path: StorePath,
        file: String,
        _ openedBytes: Int,
        _ options: StoreOptions,
        flags: Int32
    ) throws(StoreError) {
        self.path = path
        self.options = options
        self.openedBytes = openedBytes
        // LMDB asks for lists of 1 and 2 MiB and uses little of them. Once such a list was given
        // back, the C library would clear the next one, and so have all of it in memory.
        _ = mallopt(M_MMAP_THRESHOLD, Self.listBytes)
        var made: OpaquePointer?
        var code = unsafe mdb_env_create(&made)
        guard code == MDB_SUCCESS, let made = unsafe made else { throw path.failure(system: code) }
        unsafe environment = made
        unsafe mdb_env_set_maxdbs(made, UInt32(LedgerTable.allCases.count))
        unsafe mdb_env_set_mapsize(made, options.fileBytesMax - options.reserveBytes)
        code = unsafe mdb_env_open(made, file, UInt32(MDB_NOSUBDIR | MDB_NOLOCK | flags), 0o600)
        try check(code)
    }

    deinit {
        unsafe mdb_txn_abort(reader)
        unsafe mdb_env_close(environment)
    }

    /// LMDB's number of a table.
    func handle(of table: LedgerTable) -> MDB_dbi { handles[table.rawValue] }

    /// Lends the records as they are now.
    ///
    /// A snapshot inside of another one is the same.
    func read<Result>(
        _ body: (borrowing Snapshot) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        guard !isUnmapped else { throw path.failure(system: ENOMEM) }
        if readerCount == 0 {
            if let reader = unsafe reader {
                try unsafe check(mdb_txn_renew(reader))
            } else {
                unsafe reader = try begin(flags: MDB_RDONLY)
            }
        }
        guard let reader = unsafe reader else { preconditionFailure("no transaction") }
        readerCount += 1
        defer {
            readerCount -= 1
            if readerCount == 0 { unsafe mdb_txn_reset(reader) }
        }
        return try body(unsafe Snapshot(transaction: reader, environment: self))
    }

    /// Makes the changes that `body` makes, all or, if it throws, none.
    func write<Result>(
        _ purpose: Purpose,
        _ body: (inout Transaction) throws(StoreError) -> Result
    ) throws(StoreError) -> Result {
        precondition(readerCount == 0, "a write inside of a read")
        guard !isUnmapped else { throw path.failure(system: ENOMEM) }
        try size(for: purpose)
        let handle = try unsafe begin(flags: 0)
        let result: Result
        do throws(StoreError) {
            var transaction = Transaction(unsafe Snapshot(transaction: handle, environment: self))
            result = try body(&transaction)
            if let failure = transaction.failure { throw failure }
            guard transaction.hasChanged else {
                unsafe mdb_txn_abort(handle)
                return result
            }
            try unsafe stamp(handle)
        } catch {
            unsafe mdb_txn_abort(handle)
            throw error
        }
        try unsafe check(mdb_txn_commit(handle))
        return result
    }

    /// Waits until a draft is on disk; from then on it is written as the options say.
    func settle() throws(StoreError) {
        try unsafe check(mdb_env_sync(environment, 1))
        let file = try StoreFile(path.draft, of: path, O_RDONLY)
        try file.synchronize()
        // What it was made of may have been larger.
        openedBytes = try file.byteCount()
        try resize()
        guard options.isDurable else { return }
        try unsafe check(mdb_env_set_flags(environment, UInt32(MDB_NOSYNC), 0))
    }

    /// Whether only opening the file anew helps: LMDB refuses all after a meta page could not be
    /// written.
    var isStuck: Bool {
        if isUnmapped { return true }
        var transaction: OpaquePointer?
        let code = unsafe mdb_txn_begin(environment, nil, UInt32(MDB_RDONLY), &transaction)
        unsafe mdb_txn_abort(transaction)
        return code == MDB_PANIC
    }

    private func mapBytes(for purpose: Purpose) -> Int {
        switch purpose {
        case .change: options.fileBytesMax - options.reserveBytes
        case .removal where openedBytes > options.fileBytesMax:
            openedBytes + options.reserveBytes
        case .removal: options.fileBytesMax
        }
    }

    /// Moves the limit of the file to what the purpose allows; the file never shrinks by that.
    private func size(for purpose: Purpose) throws(StoreError) {
        guard purpose != self.purpose else { return }
        self.purpose = purpose
        try resize()
    }

    private func resize() throws(StoreError) {
        let code = unsafe mdb_env_set_mapsize(environment, mapBytes(for: purpose))
        isUnmapped = code != MDB_SUCCESS
        try check(code)
    }

    private func begin(flags: Int32) throws(StoreError) -> OpaquePointer {
        var transaction: OpaquePointer?
        try unsafe check(mdb_txn_begin(environment, nil, UInt32(flags), &transaction))
        guard let transaction = unsafe transaction else { preconditionFailure("no transaction") }
        return unsafe transaction
    }

    private func openTables(_ transaction: OpaquePointer, flags: Int32) throws(StoreError) {
        for table in LedgerTable.allCases {
            var handle = MDB_dbi()
            try unsafe check(mdb_dbi_open(transaction, table.name, UInt32(flags), &handle))
            handles.append(handle)
        }
    }

    private func stamp(_ transaction: OpaquePointer) throws(StoreError) {
        var main = MDB_dbi()
        try unsafe check(mdb_dbi_open(transaction, nil, 0, &main))
        let number = UInt64(unsafe mdb_txn_id(transaction))
        let stamp = StoreStamp(transaction: number, network: options.network)
        let code = unsafe StoreStamp.key.withLentValue { key in
            unsafe stamp.bytes.withLentValue { value in
                unsafe mdb_put(transaction, main, &key, &value, 0)
            }
        }
        try check(code)
    }
}

extension Environment {
    /// Throws unless a call of LMDB went well.
    func check(_ code: Int32) throws(StoreError) {
        switch code {
        case MDB_SUCCESS: return
        case MDB_MAP_FULL, MDB_TXN_FULL: throw path.full(options.fileBytesMax)
        case MDB_CORRUPTED, MDB_PAGE_NOTFOUND, MDB_INVALID, MDB_INCOMPATIBLE, MDB_BAD_DBI:
            throw path.corrupt(StorePath.text(of: code))
        case EIO where path.isDiskFull(): throw path.diskFull
        default: throw path.failure(system: code)
        }
    }

    /// Why a value is not what was stored.
    var damagedRecord: StoreError { path.corrupt("a record has another checksum") }
}
