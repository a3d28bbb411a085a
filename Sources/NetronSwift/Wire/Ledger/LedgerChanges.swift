// SPDX-License-Identifier: Apache-2.0

/// In what a state differs from the one before.
///
///     count    2 bytes, at most 2,048, then as often, in ascending order of the keys, none twice:
///       kind     1 byte
///         1 set      a record, see LedgerEntry: it is new, or takes the place of another
///         2 remove   bucket and key, see LedgerKey: the record is gone
package struct LedgerChanges: Hashable, Sendable {
    /// How many there can be: all records of one state go, and as many others come.
    package static let countMax = 2 * LedgerStateLimits.most.entries

    package enum Change: Hashable, Sendable {
        case set(LedgerEntry)
        case remove(LedgerKey)

        package var key: LedgerKey {
            switch self {
            case .set(let entry): entry.key
            case .remove(let key): key
            }
        }
    }

    /// Whether these changes may have led to the state: what they set is in it, and what they
    /// remove is not.
    package func fit(_ state: LedgerState) -> Bool {
        list.allSatisfy { change in
            switch change {
            case .set(let entry): state[entry.key] == entry
            case .remove(let key): state[key] == nil
            }
        }
    }

    /// Why changes do not fit a state.
    package enum Misfit: Error, Hashable, Sendable {
        /// What they remove is not there.
        case absent(LedgerKey)
        /// What they set is there already.
        case same(LedgerKey)
    }

    private enum Kind: UInt8 {
        case set = 1
        case remove = 2
    }

    /// The changes, in ascending order of their keys.
    package let list: [Change]

    /// Finds the changes that make `new` of `old`.
    package init(from old: LedgerState, to new: LedgerState) {
        var list: [Change] = []
        var before = 0
        for index in 0..<new.count {
            let key = new.key(at: index)
            while before < old.count, old.key(at: before) < key {
                list.append(.remove(LedgerKey(old.key(at: before))))
                before += 1
            }
            if before < old.count, old.key(at: before) == key {
                before += 1
                if old.record(at: before - 1) == new.record(at: index) { continue }
            }
            list.append(.set(new.entry(at: index)))
        }
        self.list = list + (before..<old.count).map { .remove(LedgerKey(old.key(at: $0))) }
    }

    /// The state that the changes make of this one; it may break rules, see `LedgerState.check`.
    package func applied(to state: LedgerState) throws(Misfit) -> LedgerState {
        var state = state
        for change in list {
            switch change {
            case .set(let entry): if !state.put(entry) { throw .same(entry.key) }
            case .remove(let key): if !state.take(key) { throw .absent(key) }
            }
        }
        return state
    }
}

extension LedgerChanges {
    package func write(to writer: inout ByteWriter) {
        precondition(list.count <= Self.countMax, "\(list.count) changes")
        writer.write(UInt16(list.count))
        for change in list {
            switch change {
            case .set(let entry):
                writer.write(Kind.set.rawValue)
                entry.write(to: &writer)
            case .remove(let key):
                writer.write(Kind.remove.rawValue)
                key.write(to: &writer)
            }
        }
    }

    package init(from reader: inout ByteReader) throws(WireError) {
        let count = Int(try reader.read(UInt16.self))
        guard count <= Self.countMax else { throw .tooMany }
        var list: [Change] = []
        for _ in 0..<count {
            let change = try Self.readChange(from: &reader)
            if let last = list.last, last.key >= change.key { throw .notCanonical }
            list.append(change)
        }
        self.list = list
    }

    private static func readChange(from reader: inout ByteReader) throws(WireError) -> Change {
        guard let kind = Kind(rawValue: try reader.read(UInt8.self)) else { throw .notCanonical }
        switch kind {
        case .set: return .set(try LedgerEntry(from: &reader))
        case .remove: return .remove(try LedgerKey(from: &reader))
        }
    }
}
