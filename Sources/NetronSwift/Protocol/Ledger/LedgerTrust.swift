// SPDX-License-Identifier: Apache-2.0

package import NetronWire

// Where trust objects lie: beside what members say, in a table of their own.
//
//     table trust    authority (32 bytes)
//                    -> the object's bytes, see TrustObject
//
// They are no part of what is covered: they stay when states of others go for want of room.
extension Ledger {
    /// All that are kept; there are no more than authorities.
    package func trustRecords() throws(StoreError) -> [StoredRecord] {
        try storage.records(in: LedgerRange(.trust), limit: TrustObject.authoritiesMax)
    }

    /// Puts an authority's object in the place of its last one; on disk when this returns.
    ///
    /// In a store that is full, what is kept of others makes room for it.
    package mutating func keepTrust(
        _ object: TrustObject,
        into effects: inout [Effect]
    ) throws(StoreError) {
        var batch = LedgerBatch()
        batch.put(object.encoded(), for: object.authority.bytes, in: .trust)
        while true {
            do throws(StoreError) {
                return try shelf.apply(batch)
            } catch {
                guard error.kind == .full, makeRoom(into: &effects) else { throw error }
            }
        }
    }

    /// Forgets objects, for instance those of who is no authority any more.
    mutating func dropTrust(_ keys: [[UInt8]]) throws(StoreError) {
        var batch = LedgerBatch()
        for key in keys { batch.remove(key, from: .trust) }
        try shelf.apply(batch)
    }
}
