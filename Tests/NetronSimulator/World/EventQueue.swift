// SPDX-License-Identifier: Apache-2.0

/// What is to happen, in the order of (time, sequence).
///
/// A heap with four children a place: entries are 24 bytes and never move out of one array, so
/// that an event costs some tens of nanoseconds. What an entry needs more lies in a `Slab`.
struct EventQueue {
    /// What sort of thing happens.
    enum Kind: UInt8 {
        /// A node's deadline; the index is the node.
        case wake
        /// A datagram comes in; the index is a packet.
        case packet
        /// A handshake's deadline; the index is a dial.
        case dial
        /// A look at a session; the index is a session.
        case session
        /// Something that a node is told; the index is a note.
        case note
        /// A step of the script; the index is an action.
        case action
        /// The world's second.
        case tick
    }

    struct Entry {
        /// Nanoseconds of the world's clock.
        let time: UInt64
        /// The sequence number, with the kind in its lowest 8 bits.
        private let order: UInt64
        let index: UInt32
        /// What shows that the entry still counts.
        let token: UInt32

        init(time: UInt64, sequence: UInt64, kind: Kind, index: Int, token: UInt32) {
            self.time = time
            order = sequence << 8 | UInt64(kind.rawValue)
            self.index = UInt32(index)
            self.token = token
        }

        var kind: Kind {
            guard let kind = Kind(rawValue: UInt8(truncatingIfNeeded: order)) else {
                preconditionFailure("an entry of no kind")
            }
            return kind
        }

        static func < (left: Self, right: Self) -> Bool {
            left.time < right.time || left.time == right.time && left.order < right.order
        }
    }

    private var entries: [Entry] = []
    private var sequence: UInt64 = 0

    var count: Int { entries.count }

    var nextTime: UInt64? { entries.first?.time }

    mutating func push(_ kind: Kind, _ index: Int, token: UInt32 = 0, at time: UInt64) {
        sequence += 1
        let entry = Entry(time: time, sequence: sequence, kind: kind, index: index, token: token)
        var place = entries.count
        entries.append(entry)
        while place > 0 {
            let parent = (place - 1) / 4
            guard entry < entries[parent] else { break }
            entries[place] = entries[parent]
            place = parent
        }
        entries[place] = entry
    }

    mutating func pop() -> Entry? {
        guard let first = entries.first, let last = entries.popLast() else { return nil }
        if !entries.isEmpty { sink(last) }
        return first
    }

    /// Puts an entry where the first one was, and then down to its place.
    private mutating func sink(_ entry: Entry) {
        let count = entries.count
        var place = 0
        while true {
            let first = 4 * place + 1
            guard first < count else { break }
            var least = first
            for child in (first + 1)..<max(first + 1, min(first + 4, count))
            where entries[child] < entries[least] {
                least = child
            }
            guard entries[least] < entry else { break }
            entries[place] = entries[least]
            place = least
        }
        entries[place] = entry
    }
}
