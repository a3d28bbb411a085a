// SPDX-License-Identifier: Apache-2.0

internal import NetronAPI
internal import NetronEngine
internal import NetronProtocol
internal import NetronWire

// The buckets that follow from what members say of themselves.
extension Node {
    func computedRecord(of key: LedgerKey, in bucket: ComputedBucket) -> LedgerRecord? {
        machine.computedRecord(of: key.text, in: bucket).map(record)
    }

    func computedPage(
        of bucket: ComputedBucket,
        from cursor: [UInt8]?,
        limit: Int
    ) -> LedgerPage {
        let (records, next) = machine.computedRecords(in: bucket, from: cursor, limit: limit)
        return LedgerPage(records: records.map(record), next: next)
    }

    private func record(_ computed: ComputedRecord) -> LedgerRecord {
        let statement = computed.statement
        let value =
            if let address = computed.address {
                EdgeValues.machine(
                    address,
                    of: statement.author,
                    name: statement.name,
                    hello: hello(of: statement.author)
                )
            } else {
                EdgeValues.healthcheck(milliseconds: statement.time)
            }
        return LedgerRecord(
            computed.key,
            value: value,
            by: statement.author,
            since: computed.since,
            time: HybridTime(milliseconds: statement.time)
        )
    }

    /// What is told in a session, also of this node, which has none with itself.
    private func hello(of id: NodeID) -> Hello? {
        guard id == self.id else { return machine.member(id)?.hello }
        return Hello(
            name: Host.name,
            version: Release.version,
            platform: Host.platform,
            claims: []
        )
    }
}

/// Where a page of buckets begins: so many of those that nobody writes come before, then the
/// ledger's own place.
private struct BucketPlace {
    let unwritten: Int
    /// Nil for the first bucket that members wrote in.
    let written: [UInt8]?

    init(unwritten: Int, written: [UInt8]? = nil) {
        (self.unwritten, self.written) = (unwritten, written)
    }

    init(_ cursor: [UInt8]?) {
        unwritten = Int(cursor?.first ?? 0)
        let rest = cursor?.dropFirst() ?? []
        written = rest.isEmpty ? nil : Array(rest)
    }

    var bytes: [UInt8] { [UInt8(clamping: unwritten)] + (written ?? []) }
}

extension Node {
    /// The buckets that nobody writes, each with whether it has a record.
    private var unwrittenBuckets: [(name: LedgerName, isInUse: Bool)] {
        let computed = ComputedBucket.allCases.map { bucket in
            let first = machine.computedRecords(in: bucket, from: nil, limit: 1).records.first
            return (bucket.name, first != nil)
        }
        let trust = TrustBucket.allCases.map { bucket in
            (bucket.name, !trustPage(of: bucket, from: nil, limit: 1).records.isEmpty)
        }
        return computed + trust
    }

    /// Some of the buckets in use, those that nobody writes first.
    func ledgerBuckets(
        from cursor: [UInt8]?,
        limit: Int
    ) throws(NodeError) -> LedgerBucketPage {
        let place = BucketPlace(cursor)
        var names: [LedgerName] = []
        let unwritten = unwrittenBuckets
        for (number, bucket) in unwritten.enumerated().dropFirst(place.unwritten) {
            guard names.count < limit else {
                return LedgerBucketPage(names: names, next: BucketPlace(unwritten: number).bytes)
            }
            if bucket.isInUse { names.append(bucket.name) }
        }
        guard names.count < limit else {
            return LedgerBucketPage(
                names: names,
                next: BucketPlace(unwritten: unwritten.count).bytes
            )
        }
        let room = limit - names.count
        let written = try reading { () throws(StoreError) in
            try machine.ledgerBuckets(from: place.written, limit: room)
        }
        return LedgerBucketPage(
            names: names + written.names,
            next: written.next.map { BucketPlace(unwritten: unwritten.count, written: $0).bytes }
        )
    }
}
