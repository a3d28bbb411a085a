// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import NetronWire

/// The command as a process: arguments in, an exit status out.
package enum Program {
    /// Runs the command that the process was started with.
    ///
    /// The thread that calls it waits for signals. The first asks the command to come to its end,
    /// a later one does not ask.
    package static func run() -> Never {
        System.holdStops()
        let command = Task {
            let arguments = Array(CommandLine.arguments.dropFirst())
            System.end(await run(arguments, on: .standard))
        }
        System.waitForStop()
        command.cancel()
        let first = ContinuousClock.now
        repeat { System.waitForStop() } while ContinuousClock.now - first < patience
        System.endAtOnce(.failed)
    }

    /// How soon a second signal is still the first one: terminals and wrappers such as timeout(1)
    /// send the same one to the process and to its group.
    private static let patience = Duration.milliseconds(500)

    /// Runs one command; what is wrong becomes one line of complaint.
    package static func run(_ arguments: [String], on console: Console) async -> Outcome {
        do {
            var command = try Netron.parseAsRoot(arguments)
            if let command = command as? any Performing {
                try await command.perform(on: console)
            } else {
                // One of the parser's own, such as `help`, which throws what it has to say.
                try command.run()
            }
            return .done
        } catch {
            return report(error, on: console)
        }
    }

    private static func report(_ error: any Error, on console: Console) -> Outcome {
        if isOfParser(error) {
            guard Netron.exitCode(for: error) != .success else {
                console.write(Netron.fullMessage(for: error) + "\n")
                return .done
            }
            console.complain("netron: \(complaint(of: error)) see `netron --help`\n")
            return .usage
        }
        let failure = Failure(error)
        if let sentence = failure.sentence { console.complain("netron: \(sentence)\n") }
        return failure.status
    }

    /// Whether it comes from the arguments' parser: those of ours have their own words.
    private static func isOfParser(_ error: any Error) -> Bool {
        error is CleanExit || error is ExitCode || error is ValidationError
            || String(reflecting: type(of: error)).hasPrefix("ArgumentParser.")
    }

    /// The parser's complaint as ours are: one sentence, and no capital in its midst.
    private static func complaint(of error: any Error) -> String {
        let lines = Netron.message(for: error).split(separator: "\n")
        let sentences = (lines.first ?? "the arguments make no sense").split(separator: ". ")
        let text = sentences.map { $0.prefix(1).lowercased() + $0.dropFirst() }
            .joined(separator: "; ").plain(bytesMax: 300)
        return text.hasSuffix("?")
            ? text : (text.hasSuffix(".") ? text.dropLast() : text[...]) + ";"
    }
}

/// A command that does something.
protocol Performing: ParsableCommand {
    func perform(on console: Console) async throws
}
