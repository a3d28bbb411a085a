// SPDX-License-Identifier: Apache-2.0

internal import CLMDB

// How bytes cross to LMDB and back. LMDB borrows what it is given for one call, and lends what it
// gives until the transaction ends or changes something.

extension MDB_val {
    /// What LMDB lends.
    var lent: UnsafeBufferPointer<UInt8> {
        unsafe UnsafeRawBufferPointer(start: mv_data, count: mv_size).bindMemory(to: UInt8.self)
    }
}

extension [UInt8] {
    /// Lends the bytes to LMDB, which does not change them.
    func withLentValue<Result>(_ body: (inout MDB_val) -> Result) -> Result {
        unsafe withUnsafeBytes { lent in
            var value = unsafe MDB_val(
                mv_size: lent.count,
                mv_data: UnsafeMutableRawPointer(mutating: lent.baseAddress)
            )
            return unsafe body(&value)
        }
    }
}
