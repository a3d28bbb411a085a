// SPDX-License-Identifier: Apache-2.0

internal import CLMDB
package import NetronWire

/// The records as they are at one moment; lent to the closure that it is given to.
@safe package struct Snapshot: LedgerReading, ~Copyable {
    let transaction: OpaquePointer
    let environment: Environment

    // Inlined into a generic function it stops the optimizer of Swift 6.3 ("cannot initialize a
    // nonCopyable type with a guaranteed value").
    @inline(never) init(transaction: OpaquePointer, environment: Environment) {
        unsafe self.transaction = transaction
        self.environment = environment
    }

    package func withValue<Result>(
        of key: [UInt8],
        in table: LedgerTable,
        _ body: (Span<UInt8>) -> Result
    ) throws(StoreError) -> Result? {
        guard (1...LedgerTable.keyBytesMax).contains(key.count) else { return nil }
        var found = unsafe MDB_val()
        let code = unsafe key.withLentValue { key in
            unsafe mdb_get(transaction, environment.handle(of: table), &key, &found)
        }
        guard code != MDB_NOTFOUND else { return nil }
        try environment.check(code)
        let stored = unsafe found.lent
        guard let count = unsafe StoreRecord.valueBytes(of: stored.span, key: key.span) else {
            throw environment.damagedRecord
        }
        return unsafe body(stored.span.extracting(0..<count))
    }

    package func scan(
        _ range: LedgerRange,
        _ visit: (_ key: Span<UInt8>, _ value: Span<UInt8>) -> Bool
    ) throws(StoreError) {
        var cursor: OpaquePointer?
        try unsafe environment.check(
            mdb_cursor_open(transaction, environment.handle(of: range.table), &cursor)
        )
        defer { unsafe mdb_cursor_close(cursor) }
        var key = unsafe MDB_val()
        var found = unsafe MDB_val()
        let first = range.first
        var code = unsafe first.withLentValue { lent in
            unsafe key = lent
            return unsafe mdb_cursor_get(
                cursor,
                &key,
                &found,
                first.isEmpty ? MDB_FIRST : MDB_SET_RANGE
            )
        }
        while code != MDB_NOTFOUND {
            try environment.check(code)
            let (lentKey, stored) = unsafe (key.lent, found.lent)
            guard unsafe lentKey.span.starts(with: range.prefix) else { return }
            guard let count = unsafe StoreRecord.valueBytes(of: stored.span, key: lentKey.span)
            else { throw environment.damagedRecord }
            guard unsafe visit(lentKey.span, stored.span.extracting(0..<count)) else { return }
            code = unsafe mdb_cursor_get(cursor, &key, &found, MDB_NEXT)
        }
    }

    package func count(of table: LedgerTable) throws(StoreError) -> Int {
        try statistics(of: environment.handle(of: table)).ms_entries
    }
}
