// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// What the routes of the ledger ask a node.
package protocol LedgerAccess: Sendable {
    /// What counts for a key; nil if nothing does, as far as the node knows.
    func record(of key: LedgerKey) async throws(ErrorReport) -> LedgerRecord?

    /// At most `limit` records of a bucket, from where a page before ended.
    ///
    /// Whoever asks may have made the cursor up; all that it may do is to begin somewhere else.
    func records(
        in bucket: LedgerName,
        from cursor: [UInt8]?,
        limit: Int
    ) async throws(ErrorReport) -> LedgerPage

    /// At most `limit` of the buckets in use, from where a page before ended.
    func buckets(
        from cursor: [UInt8]?,
        limit: Int
    ) async throws(ErrorReport) -> LedgerBucketPage

    /// Whether all is here that members say to have, as far as the node knows.
    func isComplete() async -> Bool

    /// Writes; what returns is on disk, and on its way to the others.
    func put(_ value: [UInt8], for key: LedgerKey) async throws(ErrorReport)

    func delete(_ key: LedgerKey) async throws(ErrorReport)

    /// The newest statement of each member that is here, this node's included.
    func blocks() async -> [LedgerBlockReport]

    /// The kept statements of a member, the newest first; none of who is not known.
    func blocks(of id: NodeID) async throws(ErrorReport) -> [LedgerBlockReport]

    func statistics() async throws(ErrorReport) -> LedgerStatisticsReport

    /// Reads all that is kept, and throws what is damaged; what speaks against members is told.
    func verify() async throws(ErrorReport) -> LedgerVerifyReport
}
