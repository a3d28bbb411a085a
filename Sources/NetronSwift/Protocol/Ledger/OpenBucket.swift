// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// Which of several members' records of one key counts, in a bucket that everybody may write.
///
/// The last writer's: of live authors' records the one with the greatest (time, author). It may
/// say that the key is deleted; then the key is absent, whatever the others say.
package enum OpenBucket {
    /// What a live member has of the key.
    package struct Write: Hashable, Sendable {
        package let author: NodeID
        package let entry: LedgerEntry

        package init(by author: NodeID, _ entry: LedgerEntry) {
            self.author = author
            self.entry = entry
        }

        /// Whether this one counts and the other does not.
        fileprivate func isAfter(_ other: Self) -> Bool {
            (entry.time, author) > (other.entry.time, other.author)
        }
    }

    /// The write that counts; nil if nobody wrote the key.
    ///
    /// The order of the writes does not matter. The value of the result is nil if the key was
    /// deleted.
    package static func last(of writes: some Sequence<Write>) -> Write? {
        var last: Write?
        for write in writes where last.map({ write.isAfter($0) }) ?? true { last = write }
        return last
    }
}
