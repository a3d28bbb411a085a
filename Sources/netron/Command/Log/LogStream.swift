// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import NetronConfig

/// Writes log lines to the console's complaints.
struct LogStream: LogHandler {
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?

    private let format: LogFormat
    private let console: Console

    private init(_ level: Logger.Level, _ format: LogFormat, _ console: Console) {
        logLevel = level
        self.format = format
        self.console = console
    }

    /// The node's logger, as its options have it.
    static func logger(_ options: NodeOptions, on console: Console) -> Logger {
        let level = Logger.Level(rawValue: options.logLevel.rawValue) ?? .info
        let stream = Self(level, options.logFormat, console)
        return Logger(label: "netron") { _ in stream }
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let line = LogLine(
            time: console.now(),
            level: event.level,
            message: "\(event.message)",
            metadata: metadata.merging(event.metadata ?? [:]) { _, ofLine in ofLine }
        )
        // One write a line: lines of two threads do not mix.
        switch format {
        case .text: console.complain(line.text(isColored: console.complainsToTerminal))
        case .json: console.complain(line.json())
        }
    }
}
