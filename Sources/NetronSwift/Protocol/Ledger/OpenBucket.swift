// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// Which of several members' records of one key counts, in a bucket that everybody may write.
///
/// The last writer's: of live authors' records the one with the greatest (time, author). It may
/// say that the key is deleted; then the key is absent, whatever the others say.
package enum OpenBucket {
    /// The write that counts; nil if nobody wrote the key.
    ///
    /// The order of the writes does not matter. It may say that the key was deleted.
    package static func last<Write: OpenWrite>(of writes: some Sequence<Write>) -> Write? {
        writes.max { ($0.time, $0.author) < ($1.time, $1.author) }
    }
}

/// What a live member has of a key.
package protocol OpenWrite {
    var author: NodeID { get }
    var time: HybridTime { get }
}
