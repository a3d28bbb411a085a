// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// An endpoint at which a member was.
struct RememberedPeer: Sendable {
    enum State: Sendable {
        /// It is in our overlay.
        case online
        /// It was when the last run ended, and has not been seen in this one.
        case former
        /// It was in our overlay once.
        case vanished
    }

    /// When something was seen: in this run, or in milliseconds since 1970, 0 if nobody knows.
    enum Seen: Sendable {
        case moment(Instant)
        case wall(UInt64)
    }

    let id: NodeID
    let endpoint: Endpoint
    var seen: Seen
    var state = State.former
    /// Whether a stranger can come in there.
    var isReachable = false
    /// Whether we had a session there ourselves.
    var wasMet = false
    /// Whether it said goodbye.
    var hasLeft = false
    /// Whether it had its turn in this round of one who is alone.
    var isTried = false
    var tried = Instant(nanoseconds: 0)

    init(id: NodeID, endpoint: Endpoint, seen: Seen) {
        self.id = id
        self.endpoint = endpoint
        self.seen = seen
    }

    /// Whether a member that others tell of is worth more.
    func givesWay(toReachable isBetter: Bool) -> Bool {
        state == .former || state == .online && isBetter && !isReachable
    }
}

// ID ENDPOINT [SEEN [MARKS]]: `seen` in milliseconds since 1970, and letters for what else is so.
extension RememberedPeer {
    /// Takes a line, or nil if it is none; those without the time are of versions before.
    init?(line: String) {
        let words = line.split(separator: " ")
        guard (2...4).contains(words.count), let id = NodeID(String(words[0])),
            let endpoint = Endpoint(String(words[1])), endpoint.port != 0,
            endpoint.address.isHost
        else { return nil }
        var seen: UInt64 = 0
        if words.count > 2 {
            guard let number = UInt64(words[2]) else { return nil }
            seen = number
        }
        self.init(id: id, endpoint: endpoint, seen: .wall(seen))
        let marks = words.count > 3 ? words[3] : ""
        isReachable = marks.contains("r")
        wasMet = marks.contains("m")
        hasLeft = marks.contains("l")
        state = marks.contains("v") ? .vanished : .former
    }

    /// The line, with its end.
    func line(seen: UInt64) -> String {
        var marks = ""
        if isReachable { marks += "r" }
        if wasMet { marks += "m" }
        if hasLeft { marks += "l" }
        if state == .vanished { marks += "v" }
        return "\(id) \(endpoint) \(seen)\(marks.isEmpty ? "" : " ")\(marks)\n"
    }
}

/// What an endpoint is worth to one who seeks the network, the least first.
struct PeerRank: Comparable {
    /// Whether no other endpoint of the member is remembered.
    let isOnlyOne: Bool
    let entry: RememberedPeer
    /// In milliseconds since 1970.
    let seen: UInt64
    /// Of two that were seen at one moment, the one that was noted later.
    let order: Int

    static func < (left: Self, right: Self) -> Bool {
        let (first, second) = (left.marks, right.marks)
        if first != second { return first < second }
        if left.seen != right.seen { return left.seen < right.seen }
        return left.order < right.order
    }

    static func == (left: Self, right: Self) -> Bool { !(left < right) && !(right < left) }

    private var marks: UInt8 {
        (isOnlyOne ? 16 : 0) + (entry.hasLeft ? 0 : 8) + (entry.state == .vanished ? 0 : 4)
            + (entry.isReachable ? 2 : 0) + (entry.wasMet ? 1 : 0)
    }
}

extension WallClock {
    func wall(of seen: RememberedPeer.Seen) -> UInt64 {
        switch seen {
        case .moment(let moment): wall(at: moment)
        case .wall(let milliseconds): milliseconds
        }
    }
}
