// SPDX-License-Identifier: Apache-2.0

internal import Foundation

/// A `NetronStoreWriter` that runs.
final class Writer {
    /// It lies beside the program of the tests.
    static let program: String = {
        let tests = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(fileURLWithPath: tests ?? "").deletingLastPathComponent()
            .appendingPathComponent("NetronStoreWriter").path
    }()

    private let process = Process()
    private let input = Pipe()
    private let output = Pipe()
    private var rest: [UInt8] = []

    convenience init(_ arguments: String...) throws { try self.init(Self.program, arguments) }

    private init(_ program: String, _ arguments: [String]) throws {
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.standardInput = input
        process.standardOutput = output
        try process.run()
    }

    /// What a script writes in a mount namespace of its own.
    static func lines(_ script: String) throws -> [String] {
        let user = getuid() == 0 ? [] : ["--map-root-user"]
        return try Writer("/usr/bin/env", ["unshare", "--mount"] + user + ["sh", "-c", script])
            .lines()
    }

    /// The next line, or nil after the last one.
    func line() throws -> String? {
        while true {
            if let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                defer { rest.removeFirst(end + 1) }
                return String(decoding: rest[..<end], as: UTF8.self)
            }
            let more = output.fileHandleForReading.availableData
            if more.isEmpty { return nil }
            rest += more
        }
    }

    /// All lines until it ends.
    func lines() throws -> [String] {
        var lines: [String] = []
        while let line = try line() { lines.append(line) }
        process.waitUntilExit()
        return lines
    }

    /// Ends it at once, as a loss of power would, and waits until it is gone.
    func kill() throws {
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
    }
}
