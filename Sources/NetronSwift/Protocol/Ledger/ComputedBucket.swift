// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// A bucket that nobody writes: every member computes its records from what the others say of
/// themselves.
package enum ComputedBucket: String, CaseIterable, Sendable {
    /// Of each member that is here its own id, and when it last said so.
    case healthcheck
    /// Each inner address that a member has, but for those that are made of ids.
    case machines

    /// The bucket of that name, if it is one of these.
    package init?(_ name: LedgerName) { self.init(rawValue: name.description) }

    package var name: LedgerName {
        guard let name = LedgerName(rawValue) else { preconditionFailure("no name: \(rawValue)") }
        return name
    }
}

/// A record of such a bucket; what its value looks like is the API's matter.
package struct ComputedRecord: Hashable, Sendable {
    package let key: LedgerKey
    /// The statement that it follows from.
    package let statement: Presence
    /// The address, of a record of `machines`.
    package let address: IPAddress?
    /// From when on the member has the key, in milliseconds since 1970.
    package let since: UInt64
}

// What is computed.
extension NodeMachine {
    /// The record of a key in a computed bucket; nil if there is none.
    package func computedRecord(
        of text: String,
        in bucket: ComputedBucket
    ) -> ComputedRecord? {
        switch bucket {
        case .healthcheck:
            NodeID(text).flatMap { computedRecords(of: $0, in: bucket).first }
        case .machines:
            IPAddress(text).flatMap { addresses.holder(of: $0) }.flatMap { id in
                computedRecords(of: id, in: bucket).first { $0.key.text == text }
            }
        }
    }

    /// Some records of a computed bucket, and where the others begin; nil when there are none.
    ///
    /// Whoever made the cursor up begins somewhere else.
    package func computedRecords(
        in bucket: ComputedBucket,
        from cursor: [UInt8]?,
        limit: Int
    ) -> (records: [ComputedRecord], next: [UInt8]?) {
        var place = ComputedPlace(cursor)
        var records: [ComputedRecord] = []
        while records.count < max(limit, 1) {
            let (ids, next) = directory.members(from: place.member, count: 1)
            for id in ids {
                let all = computedRecords(of: id, in: bucket).dropFirst(place.record)
                let room = max(limit, 1) - records.count
                records += all.prefix(room)
                guard all.count <= room else {
                    place.record += room
                    return (records, place.bytes)
                }
            }
            guard let next else { return (records, nil) }
            place = ComputedPlace(member: next)
        }
        return (records, place.bytes)
    }

    /// What follows from a member's statement, in an order that stays.
    private func computedRecords(
        of id: NodeID,
        in bucket: ComputedBucket
    ) -> [ComputedRecord] {
        guard let head = directory.head(of: id) else { return [] }
        func record(_ text: String, _ address: IPAddress?, _ since: UInt64) -> ComputedRecord? {
            LedgerKey(bucket.name, text).map {
                ComputedRecord(key: $0, statement: head, address: address, since: since)
            }
        }
        switch bucket {
        case .healthcheck:
            guard directory.isOnline(id) else { return [] }
            return [record(id.description, nil, head.order.incarnation)].compactMap(\.self)
        case .machines:
            return addresses.held(by: id).compactMap { address in
                let claim = addresses.claims(of: id).first { $0.address == address }
                let since = min(claim?.since ?? head.time, head.time)
                return record(address.description, address, since)
            }
        }
    }
}

/// Where a page of a computed bucket begins: at a place of the directory, and behind so many
/// records of the member there.
private struct ComputedPlace {
    var member: Int
    var record = 0

    init(member: Int) { self.member = member }

    init(_ cursor: [UInt8]?) {
        var reader = ByteReader(cursor ?? [])
        member = Int((try? reader.read(UInt32.self)) ?? 0)
        record = Int((try? reader.read(UInt8.self)) ?? 0)
    }

    var bytes: [UInt8] {
        var writer = ByteWriter(reserving: 5)
        writer.write(UInt32(clamping: member))
        writer.write(UInt8(clamping: record))
        return writer.bytes
    }
}
