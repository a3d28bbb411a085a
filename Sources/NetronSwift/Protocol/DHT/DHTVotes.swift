// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// Where others say that we are, in one family (BEP 42).
struct DHTVotes {
    private struct Vote {
        let voter: UInt64
        let reach: DHTReach
        let endpoint: Endpoint
    }

    private var votes: [Vote] = []
    private var firstAt: Instant?
    /// Whether few votes were counted as enough already.
    private var isPatienceOver = false
    /// What was agreed upon last: the address, and the endpoint if all see the same port.
    private(set) var address: IPAddress?
    private(set) var endpoint: Endpoint?

    /// Takes what somebody says, and says whether it is new; the last word of a network counts.
    mutating func hear(_ endpoint: Endpoint, from voter: Endpoint, at now: Instant) -> Bool {
        let reach = voter.address.reach
        guard endpoint.address.family == voter.address.family, endpoint.port != 0,
            endpoint.address.isHost || endpoint.address.isLoopback,
            endpoint.address.reach >= reach
        else { return false }
        let vote = Vote(voter: voter.address.voterKey, reach: reach, endpoint: endpoint)
        if let index = votes.firstIndex(where: { $0.voter == vote.voter }) {
            guard votes[index].endpoint != endpoint else { return false }
            votes.remove(at: index)
        } else if votes.count >= DHTLimits.votesMax {
            votes.removeFirst()
        }
        votes.append(vote)
        if firstAt == nil { firstAt = now }
        return true
    }

    /// When few votes are enough.
    var deadline: Instant {
        guard let firstAt, !isPatienceOver else { return .never }
        return firstAt + DHTLimits.votesPatience
    }

    /// Counts what was heard.
    ///
    /// Who is far away knows better than who is near: a neighbour sees our private address.
    mutating func settle(at now: Instant) {
        let farthest = votes.map(\.reach).max()
        let counted = votes.filter { $0.reach == farthest }
        let addresses = Self.tally(counted.map(\.endpoint.address))
        let endpoints = Self.tally(counted.map(\.endpoint))
        isPatienceOver = firstAt.map { now >= $0 + DHTLimits.votesPatience } ?? false
        let isPatient = !isPatienceOver
        func isEnough(_ count: Int) -> Bool {
            guard 2 * count > counted.count else { return false }
            // The first to answer may be those who lie, since they are quick.
            guard !isPatient || counted.count >= DHTLimits.votesAtOnce else { return false }
            return count >= min(DHTLimits.votesNeeded, counted.count)
        }
        guard let best = addresses, isEnough(best.count) else { return }
        if address != best.value { endpoint = nil }
        address = best.value
        if let place = endpoints, isEnough(place.count) { endpoint = place.value }
    }

    /// What occurs most often, the first of equals.
    private static func tally<Value: Equatable>(
        _ values: [Value]
    ) -> (value: Value, count: Int)? {
        var best: (value: Value, count: Int)?
        for value in values {
            let count = values.count { $0 == value }
            if count > best?.count ?? 0 { best = (value, count) }
        }
        return best
    }
}
