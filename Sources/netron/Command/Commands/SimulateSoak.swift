// SPDX-License-Identifier: Apache-2.0

internal import NetronSimulator

/// All scenarios over many seeds, which `make simulate` runs.
///
/// A seed that fails is named, and fails again when it is run alone.
struct Soak {
    let nodes: Int
    let hours: Int
    let seed: UInt64
    let count: Int

    func run(on console: Console) throws(Failure) {
        var failureCount = 0
        for seed in seed..<(seed + UInt64(count)) {
            for scenario in Scenario.soak(nodes: nodes, hours: hours) {
                guard !Task.isCancelled else { throw Failure(.failed, nil) }
                let begun = ContinuousClock.now
                let report = scenario.run(seed: seed)
                let wall = ContinuousClock.now - begun
                console.write(SimulationText.line(report, wall: wall) + "\n")
                guard let failure = report.failure else { continue }
                failureCount += 1
                console.complain("netron: \(scenario.name): \(failure)\n")
            }
        }
        guard failureCount == 0 else {
            throw Failure(.failed, "\(failureCount) runs broke a rule; their seeds are above")
        }
    }
}
