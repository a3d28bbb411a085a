// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
package import NetronAPI

/// What a command has around it.
package struct Console: Sendable {
    package var environment: [String: String]
    /// Where results go.
    package var write: @Sendable (String) -> Void
    /// Where complaints and log lines go.
    package var complain: @Sendable (String) -> Void
    /// Whether somebody sees the complaints as they come.
    package var complainsToTerminal: Bool
    package var now: @Sendable () -> Timestamp
    /// Whether somebody would have to type what is read.
    package var readsFromTerminal = false
    /// So many bytes of what is given to the command, or fewer if there are no more.
    var read: @Sendable (Int) throws(System.Failure) -> [UInt8] = { _ in [] }

    package init(
        environment: [String: String],
        write: @escaping @Sendable (String) -> Void,
        complain: @escaping @Sendable (String) -> Void,
        complainsToTerminal: Bool = false,
        now: @escaping @Sendable () -> Timestamp = { Timestamp(milliseconds: 0) }
    ) {
        self.environment = environment
        self.write = write
        self.complain = complain
        self.complainsToTerminal = complainsToTerminal
        self.now = now
    }

    /// That of the process.
    static var standard: Self {
        var console = Self(
            environment: ProcessInfo.processInfo.environment,
            write: { text in
                do throws(System.Failure) {
                    try System.write(text, to: System.standardOutput)
                } catch {
                    // Half a config on a full disk must not look like a whole one.
                    complain("netron: the output cannot be written: \(error)\n")
                    System.end(.failed)
                }
            },
            complain: complain,
            complainsToTerminal: System.isTerminal(System.standardError),
            now: { Timestamp(milliseconds: System.wallMilliseconds()) }
        )
        console.readsFromTerminal = System.isTerminal(System.standardInput)
        console.read = { most throws(System.Failure) in try System.read("-", upTo: most) }
        return console
    }

    /// Nobody may hear it, and that is no reason to end a node.
    private static let complain: @Sendable (String) -> Void = { text in
        try? System.write(text, to: System.standardError)
    }

    /// The value of a variable, unless it is not set or empty.
    func value(of variable: Variable) -> String? {
        environment[variable.rawValue].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The values of a variable that holds several, with commas between them.
    func values(of variable: Variable) -> [String] {
        let parts = (value(of: variable) ?? "").split(separator: ",")
        return parts.compactMap { part in
            let text = part.drop { $0 == " " }
            let end = text.lastIndex { $0 != " " }
            return end.map { String(text[...$0]) }
        }
    }
}
