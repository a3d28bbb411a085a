// SPDX-License-Identifier: Apache-2.0

/// All that a member says in the ledger: records in ascending order of their keys, none twice.
///
///     count    2 bytes, at most 1,024, then as many records, see LedgerEntry
///
/// All in all the records take at most 65,536 bytes; a network may want fewer of both.
///
/// The value is these bytes, and knows where in them each record ends: a state is read, compared,
/// hashed and written far more often than a record of it is looked at.
package struct LedgerState: Hashable, Sendable {
    /// The state of who says nothing.
    package static let empty = Self()

    private static let countBytes = 2

    /// The state as it is written.
    private var bytes: [UInt8]
    /// Where each record ends in `bytes`.
    private var ends: [UInt32] = []

    private init() { bytes = Array(repeating: 0, count: Self.countBytes) }

    /// How many records there are.
    package var count: Int { ends.count }

    package var isEmpty: Bool { ends.isEmpty }

    /// How many bytes the records take when written.
    package var byteCount: Int { bytes.count - Self.countBytes }

    /// Whether it is no larger than any network allows.
    package var isWithinMost: Bool {
        let most = LedgerStateLimits.most
        return count <= most.entries && byteCount <= most.bytes
    }

    /// The records, in ascending order; they are made of the bytes each time.
    package var entries: [LedgerEntry] { ends.indices.map { entry(at: $0) } }

    /// The record of a key.
    package subscript(key: LedgerKey) -> LedgerEntry? { index(of: key).map { entry(at: $0) } }

    /// Adds a record, in the place of the one with its key if there is one.
    package mutating func set(_ entry: LedgerEntry) { _ = put(entry) }

    /// Takes the record of a key out, if there is one.
    package mutating func remove(_ key: LedgerKey) { _ = take(key) }

    /// Adds a record; false if it is there already.
    mutating func put(_ entry: LedgerEntry) -> Bool {
        let (index, isThere) = place(of: entry.key)
        let new = entry.encoded
        if isThere, record(at: index) == new[...] { return false }
        let old = isThere ? range(at: index) : start(at: index)..<start(at: index)
        if !isThere { ends.insert(UInt32(old.lowerBound), at: index) }
        replace(old, at: index, with: new)
        writeCount()
        return true
    }

    /// Takes the record of a key out; false if there is none.
    mutating func take(_ key: LedgerKey) -> Bool {
        guard let index = index(of: key) else { return false }
        replace(range(at: index), at: index, with: [])
        ends.remove(at: index)
        writeCount()
        return true
    }

    private mutating func replace(_ old: Range<Int>, at index: Int, with new: [UInt8]) {
        bytes.replaceSubrange(old, with: new)
        for place in index..<ends.count {
            ends[place] = UInt32(Int(ends[place]) + new.count - old.count)
        }
    }

    /// Writes how many records there are; more than fit are too many for any network.
    private mutating func writeCount() {
        let count = UInt16(clamping: count)
        (bytes[0], bytes[1]) = (UInt8(count >> 8), UInt8(truncatingIfNeeded: count))
    }
}

// Records where they lie.
extension LedgerState {
    /// The bytes of a record.
    func record(at index: Int) -> ArraySlice<UInt8> { bytes[range(at: index)] }

    func key(at index: Int) -> LedgerKeyParts {
        LedgerKeyParts(read: bytes, at: start(at: index))
    }

    func parts(at index: Int) -> LedgerEntryParts {
        var reader = ByteReader(bytes, at: start(at: index))
        do {
            return try LedgerEntryParts(from: &reader)
        } catch {
            preconditionFailure("a record that was read is refused: \(error)")
        }
    }

    func entry(at index: Int) -> LedgerEntry { LedgerEntry(parts(at: index)) }

    /// Where the record of a key is.
    func index(of key: LedgerKey) -> Int? {
        let (index, isThere) = place(of: key)
        return isThere ? index : nil
    }

    /// The first record whose key is not before this one, and whether it has it.
    private func place(of key: LedgerKey) -> (index: Int, isThere: Bool) {
        let wanted = LedgerKeyParts(key)
        var places = ends.indices
        while !places.isEmpty {
            let middle = places.lowerBound + places.count / 2
            if self.key(at: middle) < wanted {
                places = (middle + 1)..<places.upperBound
            } else {
                places = places.lowerBound..<middle
            }
        }
        let index = places.lowerBound
        return (index, index < count && self.key(at: index) == wanted)
    }

    private func start(at index: Int) -> Int { index == 0 ? Self.countBytes : Int(ends[index - 1]) }

    private func range(at index: Int) -> Range<Int> { start(at: index)..<Int(ends[index]) }
}

extension LedgerState {
    /// The bytes of the state, which must be within `LedgerStateLimits.most`.
    package func encoded() -> [UInt8] {
        precondition(isWithinMost, "a state of \(count) records, \(byteCount) bytes")
        return bytes
    }

    /// Takes a state from its bytes, and refuses any other form of the same state.
    ///
    /// Whether its author may say all that is another question: `check`.
    package init(bytes: [UInt8]) throws(WireError) {
        var reader = ByteReader(bytes)
        let count = Int(try reader.read(UInt16.self))
        let most = LedgerStateLimits.most
        guard count <= most.entries, reader.count <= most.bytes else { throw .tooMany }
        ends.reserveCapacity(count)
        var last: LedgerKeyParts?
        for _ in 0..<count {
            let key = try LedgerEntryParts(from: &reader).key
            if let last, last >= key { throw .notCanonical }
            last = key
            ends.append(UInt32(bytes.count - reader.count))
        }
        try reader.finish()
        self.bytes = bytes
    }
}
