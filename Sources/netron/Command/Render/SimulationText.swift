// SPDX-License-Identifier: Apache-2.0

internal import NetronSimulator

/// A simulation for people: a row a span of time, what a node had in it.
enum SimulationText {
    static func render(_ report: SimulationReport) -> String {
        let heading = [
            "TIME", "NODES", "OVERLAYS", "KNOWN", "SESSIONS", "MEAN", "P99", "MOST", "HANDSHAKES",
            "KEEPALIVE", "PATHS", "MESSAGES", "DHT", "MEMORY", "DISK", "EVENTS",
        ]
        let table = Table.render(
            [heading] + report.rows.map(row),
            Array(repeating: .right, count: heading.count)
        )
        let seconds = UInt64(report.elapsedSeconds)
        let last =
            "\(Units.time(seconds: seconds)) of \(report.nodes) nodes with seed \(report.seed) in "
            + "\(Units.fixed(report.wallSeconds, digits: 1)) s: \(report.events) events, "
            + "\(Units.fixed(report.eventsPerSecond, digits: 0)) a second\n"
        return report.rows.isEmpty ? last : "\(table)\n\(last)\(legend)"
    }

    private static let legend = """
        Traffic is of one node, in both directions with IP and UDP headers. Memory is what this \
        process took for each node, with its part of the simulated network.

        """

    private static func row(_ row: SimulationReport.Row) -> [String] {
        let kind = { (kind: Traffic.Kind) in rate(row.trafficByKind["\(kind)"] ?? 0) }
        return [
            Units.time(seconds: UInt64(row.elapsedSeconds)),
            "\(row.nodes)",
            "\(row.overlays)",
            Units.fixed(row.knownMean, digits: 1),
            Units.fixed(row.sessionsMean, digits: 1),
            rate(row.trafficMean),
            rate(row.traffic99),
            rate(row.trafficMost),
            kind(.handshake),
            kind(.keepalive),
            kind(.path),
            kind(.control),
            kind(.dht),
            Units.bytes(UInt64(row.memoryMean)),
            Units.bytes(UInt64(row.diskMean)),
            "\(row.events)",
        ]
    }

    /// How far a run is.
    static func progress(
        _ second: Int,
        of seconds: Int,
        live: Int,
        events: UInt64,
        wall: Duration
    ) -> String {
        let rate = Double(events) / max(0.001, wall / .seconds(1))
        let times = [second, seconds].map { Units.time(seconds: UInt64($0)) }
        return "\(second == 0 ? "starting" : times.joined(separator: " of ")), "
            + "\(live) nodes, \(events) events, \(Units.fixed(rate, digits: 0)) a second"
    }

    /// What a scenario of the soak came to.
    static func line(_ report: ScenarioReport, wall: Duration) -> String {
        let seconds = wall / .seconds(1)
        let rate = Double(report.eventCount) / max(0.001, seconds)
        var parts = [
            "\(report.failure == nil ? "ok" : "FAILED")  \(report.name), seed \(report.seed): "
                + "\(report.eventCount) events in \(Units.fixed(seconds, digits: 1)) s, "
                + "\(Units.fixed(rate, digits: 0)) a second"
        ]
        parts += report.traffic.map { "\(self.rate($0.mean)) a node, p99 \(self.rate($0.p99))" }
        parts += report.reunions.map {
            "one overlay after \(Units.time(seconds: UInt64($0 / .seconds(1))))"
        }
        let missed = report.spreads.reduce(0) { $0 + $1.listenerCount - $1.heardCount }
        if !report.spreads.isEmpty {
            parts.append("\(report.spreads.count) broadcasts, \(missed) listeners missed one")
        }
        return parts.joined(separator: "; ")
    }

    private static func rate(_ bytes: Double) -> String { "\(Units.bytes(UInt64(bytes)))/s" }
}
