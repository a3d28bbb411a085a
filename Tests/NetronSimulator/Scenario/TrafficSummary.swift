// SPDX-License-Identifier: Apache-2.0

/// What the nodes sent and received in a span of time: both directions, with IP and UDP headers.
package struct TrafficSummary: Hashable, Sendable {
    /// Nodes that were up for the whole span; the others are left out.
    package let nodeCount: Int
    /// Bytes a second of a node.
    package let mean: Double
    package let median: Double
    package let p99: Double
    package let most: Double
    /// The mean by kind.
    package let byKind: [Traffic.Kind: Double]
    /// The mean of control messages by family; those that nobody sent are left out.
    package let byFamily: [Int: Double]

    /// - Parameters:
    ///   - rows: what each node sent and received within the span.
    ///   - seconds: how long the span was.
    package init(_ rows: [Traffic], seconds: Double) {
        var sum = Traffic()
        for row in rows { sum.add(row) }
        let rates = rows.map { Double($0.bytes) / seconds }.sorted()
        let share = rows.isEmpty ? 0 : 1 / (seconds * Double(rows.count))
        nodeCount = rows.count
        mean = Double(sum.bytes) * share
        median = Self.quantile(0.5, of: rates)
        p99 = Self.quantile(0.99, of: rates)
        most = rates.last ?? 0
        byKind = Dictionary(
            uniqueKeysWithValues: Traffic.Kind.allCases.map { ($0, Double(sum.bytes($0)) * share) }
        )
        let families = (0..<Traffic.familiesMax).filter { sum.bytes(family: $0) > 0 }
        byFamily = Dictionary(
            uniqueKeysWithValues: families.map { ($0, Double(sum.bytes(family: $0)) * share) }
        )
    }

    /// The least of the sorted values that so many do not pass ("nearest rank").
    static func quantile(_ share: Double, of sorted: [Double]) -> Double {
        guard !sorted.isEmpty else { return 0 }
        let rank = Int(share * Double(sorted.count))
        let isWhole = Double(rank) == share * Double(sorted.count)
        return sorted[min(max(isWhole ? rank - 1 : rank, 0), sorted.count - 1)]
    }
}

/// A moment from which traffic is counted.
package struct TrafficMark {
    fileprivate let time: UInt64
    fileprivate let traffic: [Traffic]
    fileprivate let boots: [UInt32]
}

extension World {
    package var trafficMark: TrafficMark {
        TrafficMark(time: now, traffic: traffic, boots: hosts.map(\.boot))
    }

    /// What was sent and received since a mark, by those that were up all the time.
    package func traffic(since mark: TrafficMark) -> TrafficSummary {
        let rows = live.filter { $0 < mark.boots.count && hosts[$0].boot == mark.boots[$0] }.map {
            traffic[$0].since(mark.traffic[$0])
        }
        return TrafficSummary(rows, seconds: Double(max(1, now - mark.time)) / 1e9)
    }
}
