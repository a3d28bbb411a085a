// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import NetronAPI
internal import NetronConfig

/// Asks a member for echoes.
struct Ping: Asking {
    static let configuration = CommandConfiguration(
        abstract: "Ask a member for echoes through the encrypted path.",
        discussion: """
            It measures the path between the two nodes, and needs neither an interface nor the \
            other host's answer to ICMP. Each line says by which path the echo came. The exit \
            status is 0 if any echo came; with --until-direct, if one came directly.
            """
    )

    enum Limits {
        static let countDefault = 4
        static let countUntilDirect = 10
        static let counts = 0...1_000_000
        static let intervals = 0.01...3600.0
    }

    @Argument(
        help: ArgumentHelp(
            "The member: its id, \(PeerQuery.idCharactersMin) characters or more from the id's "
                + "beginning, its name, or an inner address.",
            valueName: "node"
        )
    )
    var node: String

    @Option(
        name: [.customShort("c"), .customLong("count")],
        help: ArgumentHelp(
            "How many echoes to ask for; 0 goes on until it is stopped. "
                + "[default: \(Limits.countDefault); with --until-direct at most "
                + "\(Limits.countUntilDirect)]"
        )
    )
    var wantedCount: Int?

    @Option(
        name: [.customShort("i"), .customLong("interval")],
        help: ArgumentHelp("Seconds between two of them.", valueName: "seconds")
    )
    var interval = 1.0

    @Flag(
        name: .customLong("until-direct"),
        help: "End with the first echo that came directly, through no other member."
    )
    var untilDirect = false

    @ParentCommand
    var root: Netron

    @OptionGroup
    var place: PlaceFlags

    @OptionGroup
    var answer: AnswerFlags

    private var count: Int {
        wantedCount ?? (untilDirect ? Limits.countUntilDirect : Limits.countDefault)
    }

    func validate() throws {
        guard Limits.counts.contains(count) else {
            throw ValidationError("the count is a number from 0 to \(Limits.counts.upperBound)")
        }
        guard Limits.intervals.contains(interval) else {
            throw ValidationError("the interval is 0.01 to 3600 seconds")
        }
    }

    func perform(on console: Console, asking node: ControlClient) async throws {
        var trips: [Double?] = []
        var isDirect = false
        while !Task.isCancelled, count == 0 || trips.count < count, !(untilDirect && isDirect) {
            if !trips.isEmpty {
                // Stopped, it returns early, and the loop ends.
                try? await Task.sleep(for: .seconds(interval))
                if Task.isCancelled { break }
            }
            guard let bytes = try await echo(from: node) else { break }
            let pong = try report(PingReport.self, in: bytes)
            trips.append(pong.rttMilliseconds)
            isDirect = pong.rttMilliseconds != nil && pong.path != .relayed
            if answer.asJSON {
                console.write(json: bytes)
            } else {
                console.write(PingText.line(pong) + "\n")
            }
        }
        if !answer.asJSON, !trips.isEmpty { console.write(PingText.summary(trips) + "\n") }
        if untilDirect, !isDirect, !Task.isCancelled {
            throw Failure(
                .failed,
                "no echo came directly; see `netron netcheck` for what would help"
            )
        }
        if !trips.contains(where: { $0 != nil }) { throw Failure(.failed, nil) }
    }

    /// The answer to one request, or nil if the command was stopped meanwhile.
    private func echo(from node: ControlClient) async throws -> [UInt8]? {
        do {
            return try await node.post("/v1/ping", PingRequest(node: self.node))
        } catch {
            guard Task.isCancelled else { throw error }
            return nil
        }
    }
}
