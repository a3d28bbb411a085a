// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Members that were met and that our overlay does not know: newcomers, or another half of it.
///
/// A newcomer joins by itself and the directory soon tells of it. Who is still unknown after that
/// belongs to members with whom nobody of ours has a session.
struct SplitWatch {
    private struct Entry {
        let id: NodeID
        let due: Instant
    }

    /// Both in the order of time.
    private var suspects: [Entry] = []
    private var joined: [Entry] = []

    var deadline: Instant { suspects.first?.due ?? .never }
    var isEmpty: Bool { suspects.isEmpty }

    mutating func suspect(_ id: NodeID, at now: Instant) {
        joined.removeAll { $0.due <= now }
        guard suspects.count < InternetLimits.suspectsMax,
            !suspects.contains(where: { $0.id == id }), !joined.contains(where: { $0.id == id })
        else { return }
        suspects.append(Entry(id: id, due: now + InternetLimits.suspicionTime))
    }

    /// The member is of our overlay, or is gone.
    mutating func clear(_ id: NodeID) {
        if !suspects.isEmpty { suspects.removeAll { $0.id == id } }
    }

    mutating func clear() { suspects = [] }

    /// The next member that is another network's.
    mutating func next(at now: Instant) -> NodeID? {
        guard let first = suspects.first, first.due <= now else { return nil }
        suspects.removeFirst()
        if joined.count >= InternetLimits.suspectsMax { joined.removeFirst() }
        joined.append(Entry(id: first.id, due: now + InternetLimits.joinPause))
        return first.id
    }
}
