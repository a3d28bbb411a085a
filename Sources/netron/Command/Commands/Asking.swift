// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import NIOCore
internal import NIOPosix
internal import NetronAPI

/// A command that asks the running node.
protocol Asking: Performing {
    var root: Netron { get }
    var place: PlaceFlags { get }

    func perform(on console: Console, asking node: ControlClient) async throws
}

extension Asking {
    func perform(on console: Console) async throws {
        let others = root.generate.given + root.network.given + root.interface.given
        try root.refuse(others + root.node.given, with: Self._commandName)
        let socket = try place.controlSocket(on: console)
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let result: Result<Void, any Error>
        do {
            try await perform(on: console, asking: ControlClient(path: socket, on: group))
            result = .success(())
        } catch {
            // Whoever stopped the command knows that it has no answer.
            result = .failure(Task.isCancelled ? Failure(.failed, nil) : error)
        }
        try? await group.shutdownGracefully()
        try result.get()
    }

    /// The report in an answer's bytes.
    func report<Report: Decodable>(
        _ type: Report.Type = Report.self,
        in bytes: [UInt8]
    ) throws(ControlError) -> Report {
        guard let report = JSON.decode(type, from: bytes) else { throw .malformed }
        return report
    }
}

extension Console {
    /// Prints an answer as the node gave it, so that keys this version does not know stay in.
    func write(json bytes: [UInt8]) { write(String(decoding: bytes, as: UTF8.self) + "\n") }
}

/// How the answer is printed.
struct AnswerFlags: ParsableArguments {
    @Flag(name: .customLong("json"), help: "Print JSON, in the form that docs/api.md describes.")
    var asJSON = false

    /// Prints an answer as the node gave it, or else the text that `render` makes of it.
    func show<Report: Decodable>(
        _ bytes: [UInt8],
        on console: Console,
        _ render: (Report) -> String
    ) throws(ControlError) {
        guard !asJSON else { return console.write(json: bytes) }
        guard let report = JSON.decode(Report.self, from: bytes) else { throw .malformed }
        console.write(render(report))
    }
}
