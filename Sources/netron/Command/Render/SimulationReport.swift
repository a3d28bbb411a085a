// SPDX-License-Identifier: Apache-2.0

internal import NetronAPI
internal import NetronSimulator

/// What `netron simulate --json` prints; docs/simulation.md describes it.
struct SimulationReport: Encodable {
    /// A span of the run.
    struct Row: Encodable {
        /// Its end, in seconds since the beginning.
        var elapsedSeconds: Double
        var nodes: Int
        var overlays: Int
        var knownMean: Double
        var sessionsMean: Double
        /// Bytes a second of a node, both directions, with headers.
        var trafficMean: Double
        var trafficMedian: Double
        var traffic99: Double
        var trafficMost: Double
        var trafficByKind: [String: Double]
        var trafficByFamily: [String: Double]
        var memoryMean: Double
        var memoryOwnMean: Double?
        var memoryOwnMost: Int?
        var diskMean: Double
        var diskMost: Int
        var events: UInt64
        var eventsPerSecond: Double

        private enum CodingKeys: String, CodingKey {
            case elapsedSeconds = "elapsed_s"
            case nodes
            case overlays
            case knownMean = "known_mean"
            case sessionsMean = "sessions_mean"
            case trafficMean = "traffic_mean_bytes_per_s"
            case trafficMedian = "traffic_median_bytes_per_s"
            case traffic99 = "traffic_p99_bytes_per_s"
            case trafficMost = "traffic_most_bytes_per_s"
            case trafficByKind = "traffic_by_kind_bytes_per_s"
            case trafficByFamily = "traffic_by_family_bytes_per_s"
            case memoryMean = "memory_mean_bytes"
            case memoryOwnMean = "memory_counted_mean_bytes"
            case memoryOwnMost = "memory_counted_most_bytes"
            case diskMean = "disk_mean_bytes"
            case diskMost = "disk_most_bytes"
            case events
            case eventsPerSecond = "events_per_s"
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(elapsedSeconds, forKey: .elapsedSeconds)
            try container.encode(nodes, forKey: .nodes)
            try container.encode(overlays, forKey: .overlays)
            try container.encode(knownMean, forKey: .knownMean)
            try container.encode(sessionsMean, forKey: .sessionsMean)
            try container.encode(trafficMean, forKey: .trafficMean)
            try container.encode(trafficMedian, forKey: .trafficMedian)
            try container.encode(traffic99, forKey: .traffic99)
            try container.encode(trafficMost, forKey: .trafficMost)
            try container.encode(trafficByKind, forKey: .trafficByKind)
            try container.encode(trafficByFamily, forKey: .trafficByFamily)
            try container.encode(memoryMean, forKey: .memoryMean)
            // All keys are always there.
            try container.encode(memoryOwnMean, forKey: .memoryOwnMean)
            try container.encode(memoryOwnMost, forKey: .memoryOwnMost)
            try container.encode(diskMean, forKey: .diskMean)
            try container.encode(diskMost, forKey: .diskMost)
            try container.encode(events, forKey: .events)
            try container.encode(eventsPerSecond, forKey: .eventsPerSecond)
        }
    }

    /// The shape of the report; a change that breaks readers raises it.
    var version = 1
    var netron = Release.version
    var nodes: Int
    var hours: Double
    var churnPercentPerDay: Double
    var lossPercent: Double
    /// Whether nodes had addresses and services.
    var records: Bool
    /// Whether all nodes knew each other when it began.
    var settled: Bool
    var seed: UInt64
    var rows: [Row] = []
    var elapsedSeconds = 0.0
    var wallSeconds = 0.0
    var events: UInt64 = 0
    var eventsPerSecond = 0.0
    /// The rule that was broken, with what led to it.
    var failure: String?

    private enum CodingKeys: String, CodingKey {
        case version
        case netron
        case nodes
        case hours
        case churnPercentPerDay = "churn_percent_per_day"
        case lossPercent = "loss_percent"
        case records
        case settled
        case seed
        case rows
        case elapsedSeconds = "elapsed_s"
        case wallSeconds = "wall_s"
        case events
        case eventsPerSecond = "events_per_s"
        case failure
    }

    init(of command: Simulate) {
        nodes = command.nodes
        hours = command.hours
        churnPercentPerDay = command.churn
        lossPercent = command.loss
        records = command.records
        settled = command.settled
        seed = command.seed
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(version, forKey: .version)
        try container.encode(netron, forKey: .netron)
        try container.encode(nodes, forKey: .nodes)
        try container.encode(hours, forKey: .hours)
        try container.encode(churnPercentPerDay, forKey: .churnPercentPerDay)
        try container.encode(lossPercent, forKey: .lossPercent)
        try container.encode(records, forKey: .records)
        try container.encode(settled, forKey: .settled)
        try container.encode(seed, forKey: .seed)
        try container.encode(rows, forKey: .rows)
        try container.encode(elapsedSeconds, forKey: .elapsedSeconds)
        try container.encode(wallSeconds, forKey: .wallSeconds)
        try container.encode(events, forKey: .events)
        try container.encode(eventsPerSecond, forKey: .eventsPerSecond)
        try container.encode(failure, forKey: .failure)
    }

    /// Takes in a span of the run.
    ///
    /// - Parameters:
    ///   - row: what the planner says of it.
    ///   - resident: bytes of memory that the process took since the run began.
    ///   - wall: how long the span took to run.
    mutating func add(_ row: Planner.Row, resident: UInt64, wall: Duration) {
        let traffic = row.traffic
        let kinds = traffic.byKind.map { ("\($0.key)", tenths($0.value)) }
        let families = traffic.byFamily.map { ("\($0.key)", tenths($0.value)) }
        rows.append(
            Row(
                elapsedSeconds: tenths(row.elapsed / .seconds(1)),
                nodes: row.liveCount,
                overlays: row.overlayCount,
                knownMean: tenths(row.knownMean),
                sessionsMean: tenths(row.sessionMean),
                trafficMean: tenths(traffic.mean),
                trafficMedian: tenths(traffic.median),
                traffic99: tenths(traffic.p99),
                trafficMost: tenths(traffic.most),
                trafficByKind: Dictionary(uniqueKeysWithValues: kinds),
                trafficByFamily: Dictionary(uniqueKeysWithValues: families),
                memoryMean: (Double(resident) / Double(max(1, row.liveCount))).rounded(),
                memoryOwnMean: row.memoryMean?.rounded(),
                memoryOwnMost: row.memoryMost,
                diskMean: row.diskMean.rounded(),
                diskMost: row.diskMost,
                events: row.eventCount,
                eventsPerSecond: rate(row.eventCount, wall)
            )
        )
    }

    /// Takes in what the whole run came to.
    mutating func end(events: UInt64, seconds: Duration, wall: Duration) {
        self.events = events
        elapsedSeconds = tenths(seconds / .seconds(1))
        wallSeconds = tenths(wall / .seconds(1))
        eventsPerSecond = rate(events, wall)
    }
}

/// A number with one digit behind the point.
private func tenths(_ value: Double) -> Double { (value * 10).rounded() / 10 }

private func rate(_ events: UInt64, _ wall: Duration) -> Double {
    let seconds = wall / .seconds(1)
    return seconds > 0 ? (Double(events) / seconds).rounded() : 0
}
