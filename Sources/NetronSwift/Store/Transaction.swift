// SPDX-License-Identifier: Apache-2.0

internal import CLMDB
internal import Glibc
package import NetronWire

/// Changes that are made together; lent to the closure that it is given to.
///
/// After an error nothing of it is kept, whatever the closure does.
@safe package struct Transaction: ~Copyable {
    /// The records as this transaction sees them, its own changes included.
    package let snapshot: Snapshot

    /// Whether anything was put or removed.
    private(set) var hasChanged = false

    /// The first error.
    private(set) var failure: StoreError?

    init(_ snapshot: consuming Snapshot) { self.snapshot = snapshot }

    /// Puts a record in the place of one that may be there.
    ///
    /// The key has 1 to `LedgerTable.keyBytesMax` bytes, the value up to `valueBytesMax`. Throws
    /// `.full` when the file may not grow any more.
    package mutating func put(
        _ value: [UInt8],
        for key: [UInt8],
        in table: LedgerTable
    ) throws(StoreError) {
        try put(value, for: key, in: table, flags: 0)
    }

    /// Puts a record behind all others of its table, whose pages are filled to the end by that.
    mutating func append(
        _ value: [UInt8],
        for key: [UInt8],
        in table: LedgerTable
    ) throws(StoreError) {
        try put(value, for: key, in: table, flags: MDB_APPEND)
    }

    private mutating func put(
        _ value: [UInt8],
        for key: [UInt8],
        in table: LedgerTable,
        flags: Int32
    ) throws(StoreError) {
        LedgerTable.check(key: key, value: value)
        var room = unsafe MDB_val(mv_size: value.count + StoreRecord.checksumBytes, mv_data: nil)
        let code = unsafe key.withLentValue { key in
            unsafe mdb_put(
                snapshot.transaction,
                snapshot.environment.handle(of: table),
                &key,
                &room,
                UInt32(MDB_RESERVE | flags)
            )
        }
        try check(code)
        let output = unsafe UnsafeMutableRawBufferPointer(start: room.mv_data, count: room.mv_size)
        unsafe output.copyBytes(from: value)
        let checksum = CRC32C.checksum(key.span, value.span)
        unsafe output.storeBytes(
            of: checksum.littleEndian,
            toByteOffset: value.count,
            as: UInt32.self
        )
        hasChanged = true
    }

    /// Removes a record; answers whether it was there.
    @discardableResult
    package mutating func remove(
        _ key: [UInt8],
        from table: LedgerTable
    ) throws(StoreError) -> Bool {
        LedgerTable.check(key: key)
        let code = unsafe key.withLentValue { key in
            unsafe mdb_del(snapshot.transaction, snapshot.environment.handle(of: table), &key, nil)
        }
        if code == MDB_NOTFOUND { return false }
        try check(code)
        hasChanged = true
        return true
    }

    /// Has the transaction written, whatever it changes.
    mutating func touch() { hasChanged = true }

    private mutating func check(_ code: Int32) throws(StoreError) {
        do {
            try snapshot.environment.check(code)
        } catch {
            failure = failure ?? error
            throw error
        }
    }
}
