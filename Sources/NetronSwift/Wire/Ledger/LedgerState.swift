// SPDX-License-Identifier: Apache-2.0

/// All that a member says in the ledger: records in ascending order of their keys, none twice.
///
///     count    2 bytes, at most 1,024, then as many records, see LedgerEntry
///
/// All in all the records take at most 65,536 bytes; a network may want fewer of both.
package struct LedgerState: Hashable, Sendable {
    /// The state of who says nothing.
    package static let empty = Self(ascending: [])

    /// The records, in ascending order of their keys.
    package private(set) var entries: [LedgerEntry]

    /// Takes records that are known to be in ascending order, none twice.
    init(ascending entries: [LedgerEntry]) { self.entries = entries }

    /// Whether it is no larger than any network allows.
    package var isWithinMost: Bool {
        let most = LedgerStateLimits.most
        return entries.count <= most.entries && byteCount <= most.bytes
    }

    /// How many bytes the records take when written.
    package var byteCount: Int { entries.reduce(0) { $0 + $1.byteCount } }

    /// The record of a key.
    package subscript(key: LedgerKey) -> LedgerEntry? { index(of: key).map { entries[$0] } }

    /// Where the record of a key is among `entries`.
    func index(of key: LedgerKey) -> Int? {
        let place = place(of: key)
        return place < entries.count && entries[place].key == key ? place : nil
    }

    /// Adds a record, in the place of the one with its key if there is one.
    package mutating func set(_ entry: LedgerEntry) {
        let place = place(of: entry.key)
        if place < entries.count, entries[place].key == entry.key {
            entries[place] = entry
        } else {
            entries.insert(entry, at: place)
        }
    }

    /// Takes the record of a key out, if there is one.
    package mutating func remove(_ key: LedgerKey) {
        if let index = index(of: key) { entries.remove(at: index) }
    }

    /// The first place whose key is not before this one.
    private func place(of key: LedgerKey) -> Int {
        var places = 0..<entries.count
        while !places.isEmpty {
            let middle = places.lowerBound + places.count / 2
            if entries[middle].key < key {
                places = (middle + 1)..<places.upperBound
            } else {
                places = places.lowerBound..<middle
            }
        }
        return places.lowerBound
    }
}

extension LedgerState {
    /// The bytes of the state, which must be within `LedgerStateLimits.most`.
    package func encoded() -> [UInt8] {
        let most = LedgerStateLimits.most
        precondition(entries.count <= most.entries, "a state of \(entries.count) records")
        let byteCount = self.byteCount
        precondition(byteCount <= most.bytes, "a state of \(byteCount) bytes")
        var writer = ByteWriter(reserving: 2 + byteCount)
        writer.write(UInt16(entries.count))
        for entry in entries { entry.write(to: &writer) }
        return writer.bytes
    }

    /// Takes a state from its bytes, and refuses any other form of the same state.
    ///
    /// Whether its author may say all that is another question: `check`.
    package init(bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        let count = Int(try reader.read(UInt16.self))
        let most = LedgerStateLimits.most
        guard count <= most.entries, reader.count <= most.bytes else { throw .tooMany }
        var entries: [LedgerEntry] = []
        entries.reserveCapacity(count)
        for _ in 0..<count {
            let entry = try LedgerEntry(from: &reader)
            if let last = entries.last, last.key >= entry.key { throw .notCanonical }
            entries.append(entry)
        }
        try reader.finish()
        self.entries = entries
    }
}
