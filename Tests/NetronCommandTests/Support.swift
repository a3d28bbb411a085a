// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import NIOCore
internal import NIOPosix
internal import NetronAPI
internal import Synchronization

@testable internal import NetronCommand

/// A console that keeps what is written to it.
final class Transcript: Sendable {
    private let texts = Mutex((output: "", complaints: ""))

    var output: String { texts.withLock { $0.output } }
    var complaints: String { texts.withLock { $0.complaints } }

    /// A console, into which a text is given, or at which somebody sits and types nothing.
    func console(_ environment: [String: String] = [:], input: String? = nil) -> Console {
        var console = Console(
            environment: environment,
            write: { text in self.texts.withLock { $0.output += text } },
            complain: { text in self.texts.withLock { $0.complaints += text } },
            now: { noon }
        )
        console.readsFromTerminal = input == nil
        console.read = { most in Array((input ?? "typed").utf8.prefix(most)) }
        return console
    }
}

/// The moment of all consoles here, 2026-11-23T12:00:00Z.
let noon = Timestamp(milliseconds: 1_795_435_200_000)

/// What a command wrote, and how it ended.
struct Ending: Equatable {
    var status: Outcome
    var output = ""
    var complaints = ""
}

/// Runs the command with these arguments.
func netron(
    _ arguments: String...,
    environment: [String: String] = [:]
) async -> Ending {
    let transcript = Transcript()
    let status = await Program.run(arguments, on: transcript.console(environment))
    return Ending(
        status: status,
        output: transcript.output,
        complaints: transcript.complaints
    )
}

/// A new folder, gone with the value.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = "\(NSTemporaryDirectory())netron-\(UInt32.random(in: 0 ... .max))"
        try FileManager.default.createDirectory(
            atPath: path,
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o700]
        )
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Writes a file that has just these permissions, and gives its path.
    func write(_ text: String, to name: String, mode: Int = 0o600) throws -> String {
        let file = "\(path)/\(name)"
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
        return file
    }
}

private let eventLoops = MultiThreadedEventLoopGroup(numberOfThreads: 1)

/// A control socket that answers as a node would, in a state directory of its own.
func withNode<Result>(
    _ routes: [ControlRoutes.Route],
    _ body: (_ stateDirectory: String) async throws -> Result
) async throws -> Result {
    let folder = try TemporaryFolder()
    let server = try await ControlServer.start(
        at: "\(folder.path)/control.sock",
        on: eventLoops,
        handler: ControlRoutes(routes).answer
    )
    let result = try await body(folder.path)
    await server.stop()
    return result
}
