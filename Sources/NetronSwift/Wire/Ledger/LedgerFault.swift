// SPDX-License-Identifier: Apache-2.0

/// Which rule a state breaks, and the key of the record that does so.
///
/// The rules need nothing but the state and the block that it belongs to, so all members judge
/// alike.
package enum LedgerFault: Error, Hashable, Sendable {
    /// It has more records than the network allows.
    case tooManyEntries(Int)
    /// Its records take more bytes than the network allows.
    case tooManyBytes(Int)
    /// Of that bucket no member's state holds anything.
    case notWritable(LedgerKey)
    /// The key is not the author's id.
    case notOwnID(LedgerKey)
    /// A deleted key in a bucket of owners, where what is not there is free.
    case deleted(LedgerKey)
    /// The author had the key before it started.
    case sinceTooEarly(LedgerKey)
    /// The author has the key from a time after the block.
    case sinceTooLate(LedgerKey)
    /// It was written after the block, by more than clocks may differ.
    case timeTooLate(LedgerKey)
}

extension LedgerState {
    /// Refuses a state that its author may not have.
    ///
    /// - Parameters:
    ///   - author: Whose state it is.
    ///   - incarnation: When the author started, in milliseconds since 1970.
    ///   - time: When the block was signed, in milliseconds since 1970.
    ///   - limits: Those of the network.
    /// - Throws: The first rule that it breaks.
    package func check(
        by author: NodeID,
        incarnation: UInt64,
        time: UInt64,
        within limits: LedgerStateLimits
    ) throws(LedgerFault) {
        guard count <= limits.entries else { throw .tooManyEntries(count) }
        guard byteCount <= limits.bytes else { throw .tooManyBytes(byteCount) }
        for index in 0..<count {
            let parts = parts(at: index)
            let bucket = LedgerBucket(LedgerName(parts.key))
            // Nearly all are of a bucket in which a record can be anything.
            if bucket != .open { try entry(at: index).check(by: author) }
            guard parts.since >= incarnation else { throw .sinceTooEarly(LedgerKey(parts.key)) }
            guard parts.since <= time else { throw .sinceTooLate(LedgerKey(parts.key)) }
            guard !parts.time.isAhead(of: time) else { throw .timeTooLate(LedgerKey(parts.key)) }
        }
    }
}

extension LedgerEntry {
    /// Refuses a record that a member cannot have in that bucket, whenever it says so.
    package func check(by author: NodeID) throws(LedgerFault) {
        switch LedgerBucket(key.bucket) {
        case .open: return
        case .computed, .trust: throw .notWritable(key)
        case .owned(let keys):
            guard value != nil else { throw .deleted(key) }
            switch keys {
            case .any: return
            case .ownID:
                guard NodeID(key.text) == author else { throw .notOwnID(key) }
            }
        }
    }
}
