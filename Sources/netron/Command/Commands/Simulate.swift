// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import NetronAPI
internal import NetronSimulator

/// Runs a whole network of real nodes in this process, to see what one of them costs.
struct Simulate: Performing {
    static let configuration = CommandConfiguration(
        abstract: "Run a network of many nodes in memory, and show what each costs.",
        discussion: """
            The nodes are the real ones; only hosts and links are made up: with delays as on the \
            Internet, and with loss and churn if you ask for it. Nothing is sent, no node \
            has to run, and the same seed gives the same figures. Each row tells of the time since \
            the one before; SIGINT ends the run with what there is.
            """
    )

    enum Limits {
        static let nodes = 2...20_000
        static let hours = 0.1...8760.0
        static let percentPerDay = 0.0...10_000.0
        static let lossPercent = 0.0...50.0
        static let soakSeeds = 1...10_000
        /// Rows of up to an hour; shorter ones where the run is short.
        static let rowSecondsMax = 3600
        static let rowsLeast = 6
    }

    @Option(help: ArgumentHelp("How many nodes the network has.", valueName: "number"))
    var nodes = 100

    @Option(
        help: ArgumentHelp("How long it runs, once all nodes have started.", valueName: "hours")
    )
    var hours = 1.0

    @Option(
        help: ArgumentHelp(
            "How many of 100 nodes go in a day; each comes back half an hour later, in the mean.",
            valueName: "percent-per-day"
        )
    )
    var churn = 0.0

    @Option(help: ArgumentHelp("How many of 100 datagrams get lost.", valueName: "percent"))
    var loss = 0.0

    @Flag(help: "Give each node an address, and one in ten a service in the ledger.")
    var records = false

    @Flag(help: "Begin with nodes that all know each other, and not with ones that start.")
    var settled = false

    @Option(help: ArgumentHelp("What all chance is drawn from.", valueName: "number"))
    var seed: UInt64 = 1

    @Flag(name: .customLong("json"), help: "Print JSON, in the form of docs/simulation.md.")
    var asJSON = false

    @Option(
        help: ArgumentHelp(
            "Run every scenario of the soak instead, with so many seeds from --seed on.",
            visibility: .hidden
        )
    )
    var soak: Int?

    @ParentCommand
    var root: Netron

    func validate() throws {
        guard Limits.nodes.contains(nodes) else {
            throw ValidationError("the number of nodes is 2 to \(Limits.nodes.upperBound)")
        }
        guard Limits.hours.contains(hours) else {
            throw ValidationError("the number of hours is 0.1 to 8760")
        }
        guard Limits.percentPerDay.contains(churn) else {
            throw ValidationError("the churn is 0 to 10000 percent a day")
        }
        guard Limits.lossPercent.contains(loss) else {
            throw ValidationError("the loss is 0 to 50 percent")
        }
        if let soak, !Limits.soakSeeds.contains(soak) {
            throw ValidationError("the number of seeds is 1 to \(Limits.soakSeeds.upperBound)")
        }
    }

    func perform(on console: Console) async throws {
        let others = root.generate.given + root.network.given + root.interface.given
        try root.refuse(others + root.node.given, with: "simulate")
        if let soak {
            try Soak(nodes: nodes, hours: Int(hours), seed: seed, count: soak).run(on: console)
        } else {
            try plan(on: console)
        }
    }

    private func plan(on console: Console) throws {
        var simulation = Simulation(of: self)
        let failure = simulation.run(on: console)
        let report = simulation.report
        console.write(
            asJSON
                ? String(decoding: JSON.encode(report), as: UTF8.self) + "\n"
                : SimulationText.render(report)
        )
        if let failure { throw Failure(.failed, "the simulation broke a rule: \(failure)") }
    }

    /// How long a row is, in seconds: a sixth of the run, in whole minutes, an hour at most.
    static func rowSeconds(hours: Double) -> Int {
        let share = Int(hours * 3600) / Limits.rowsLeast
        return min(Limits.rowSecondsMax, max(60, share / 60 * 60))
    }
}

/// A run under way.
private struct Simulation {
    private let planner: Planner
    private let seconds: Int
    private let rowSeconds: Int
    private let residentBefore: UInt64
    private let begun = ContinuousClock.now
    private var rowBegun = ContinuousClock.now
    private(set) var report: SimulationReport

    init(of command: Simulate) {
        var settings = Planner.Settings(nodeCount: command.nodes, seed: command.seed)
        settings.churnPerDay = command.churn / 100
        settings.loss = command.loss / 100
        settings.isSettled = command.settled
        settings.hasRecords = command.records
        residentBefore = System.residentBytes()
        planner = Planner(settings)
        seconds = Int(command.hours * 3600)
        rowSeconds = Simulate.rowSeconds(hours: command.hours)
        report = SimulationReport(of: command)
    }

    /// Runs until the end, a broken rule or a stop.
    mutating func run(on console: Console) -> WorldFailure? {
        var progress = SimulationProgress(on: console, seconds: seconds)
        defer { progress.clear() }
        var failure: WorldFailure?
        var second = 0
        while second < seconds, failure == nil, !Task.isCancelled {
            do throws(WorldFailure) {
                try planner.advance(by: .seconds(1))
            } catch {
                failure = error
            }
            progress.show(second, events: planner.eventCount, live: planner.liveCount)
            // Time counts from when all nodes have started.
            guard planner.elapsed > .zero else {
                rowBegun = ContinuousClock.now
                continue
            }
            second += 1
            if second % rowSeconds == 0 { endRow() }
        }
        // What there is of a row that did not come to its end.
        if second % rowSeconds != 0 { endRow() }
        report.end(
            events: planner.eventCount,
            seconds: planner.elapsed,
            wall: ContinuousClock.now - begun
        )
        report.failure = failure.map { "\($0)" }
        return failure
    }

    private mutating func endRow() {
        let now = ContinuousClock.now
        let resident = System.residentBytes()
        let taken = resident > residentBefore ? resident - residentBefore : 0
        report.add(planner.row(), resident: taken, wall: now - rowBegun)
        rowBegun = now
    }
}

/// How far the run is, on a line of the terminal that changes.
private struct SimulationProgress {
    private static let pause = Duration.milliseconds(250)

    private let console: Console
    private let seconds: Int
    private let begun = ContinuousClock.now
    private var shown: ContinuousClock.Instant?

    init(on console: Console, seconds: Int) {
        self.console = console
        self.seconds = seconds
    }

    mutating func show(_ second: Int, events: UInt64, live: Int) {
        let now = ContinuousClock.now
        guard console.complainsToTerminal, now - (shown ?? begun) >= Self.pause else { return }
        shown = now
        let line = SimulationText.progress(
            second,
            of: seconds,
            live: live,
            events: events,
            wall: now - begun
        )
        console.complain("\r\(line)\u{1B}[K")
    }

    func clear() {
        if shown != nil { console.complain("\r\u{1B}[K") }
    }
}
