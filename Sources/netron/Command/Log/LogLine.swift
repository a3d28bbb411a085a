// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import NetronAPI
internal import NetronWire

/// One line of the log, before it is text.
struct LogLine {
    var time: Timestamp
    var level: Logger.Level
    var message: String
    var metadata: Logger.Metadata = [:]

    /// For people: time, level, message, and then what belongs to it.
    ///
    /// Messages can hold words of strangers, so nothing in them breaks the line or steers the
    /// terminal.
    func text(isColored: Bool) -> String {
        let name = level.rawValue.uppercased()
        let room = String(repeating: " ", count: max(0, 8 - name.count))
        let level = isColored ? "\u{1B}[\(color)m\(name)\u{1B}[0m" : name
        let pairs = metadata.sorted { $0.key < $1.key }.map { key, value in
            let value = "\(value)"
            let isBare =
                !value.isEmpty && value.utf8.allSatisfy { (0x21...0x7E).contains($0) }
                && !value.contains("\"") && !value.contains("=")
            return " \(Self.visible(key))=\(isBare ? value : Self.quoted(value))"
        }
        return "\(time) \(level)\(room) \(Self.visible(message))\(pairs.joined())\n"
    }

    /// For programs: one object of JSON, its keys in the order of their names.
    func json() -> String {
        var fields = metadata.mapValues { "\($0)" }
        // What a line always has cannot be overwritten by what belongs to it.
        fields["time"] = time.description
        fields["level"] = level.rawValue
        fields["message"] = message
        let pairs = fields.sorted { $0.key < $1.key }.map { key, value in
            "\(Self.quoted(key)):\(Self.quoted(value))"
        }
        return "{\(pairs.joined(separator: ","))}\n"
    }

    private var color: Int {
        switch level {
        case .trace, .debug: 2  // faint
        case .info: 32  // green
        case .notice: 36  // cyan
        case .warning: 33  // yellow
        case .error, .critical: 31  // red
        }
    }

    /// The text with what steers a terminal written as JSON writes it.
    private static func visible(_ text: String) -> String {
        var visible = ""
        for scalar in text.unicodeScalars {
            if "\(scalar)".isPlain {
                visible.unicodeScalars.append(scalar)
            } else {
                visible += escape(scalar)
            }
        }
        return visible
    }

    /// The text as a string of JSON.
    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": quoted += "\\\(scalar)"
            case _ where "\(scalar)".isPlain: quoted.unicodeScalars.append(scalar)
            default: quoted += escape(scalar)
            }
        }
        return quoted + "\""
    }

    private static func escape(_ scalar: Unicode.Scalar) -> String {
        "\(scalar)".utf16.map { unit in
            let digits = String(unit, radix: 16)
            return "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
        }.joined()
    }
}
