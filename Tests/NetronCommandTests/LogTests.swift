// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import Logging
internal import NetronAPI
internal import NetronConfig
internal import Testing

@testable internal import NetronCommand

@Suite("log lines")
struct LogTests {
    private let line = LogLine(
        time: noon,
        level: .warning,
        message: "a \"b\"\nc\u{1B}[0m",
        metadata: ["peer": "bob", "text": "x y", "none": "", "quote": "a\"b\\"]
    )

    @Test("people read one line, and no stranger's word steers the terminal")
    func text() {
        #expect(
            line.text(isColored: false)
                == "2026-11-23T12:00:00.000Z WARNING  a \"b\"\\u000ac\\u001b[0m none=\"\" peer=bob"
                + " quote=\"a\\\"b\\\\\" text=\"x y\"\n"
        )
    }

    @Test("the level has a colour on a terminal, and the columns stay")
    func color() {
        let info = LogLine(time: noon, level: .info, message: "m")
        #expect(info.text(isColored: false) == "2026-11-23T12:00:00.000Z INFO     m\n")
        #expect(
            info.text(isColored: true)
                == "2026-11-23T12:00:00.000Z \u{1B}[32mINFO\u{1B}[0m     m\n"
        )
    }

    @Test("programs read JSON with the same texts")
    func json() throws {
        let text = line.json()
        #expect(text.hasSuffix("}\n") && text.dropLast().allSatisfy { $0 != "\n" })
        let fields = try JSONDecoder().decode([String: String].self, from: Data(text.utf8))
        #expect(
            fields == [
                "time": "2026-11-23T12:00:00.000Z", "level": "warning",
                "message": "a \"b\"\nc\u{1B}[0m", "peer": "bob", "text": "x y", "none": "",
                "quote": "a\"b\\",
            ]
        )
    }

    @Test("what belongs to a line does not replace the line")
    func reserved() throws {
        var line = LogLine(time: noon, level: .info, message: "m")
        line.metadata = ["message": "forged", "level": "error"]
        let fields = try JSONDecoder().decode([String: String].self, from: Data(line.json().utf8))
        #expect(fields["message"] == "m" && fields["level"] == "info")
    }

    @Test("characters beyond the first plane are escaped in halves where they are escaped")
    func surrogates() throws {
        let tag = "\u{E0041}"
        let line = LogLine(time: noon, level: .info, message: "a\(tag)😀")
        #expect(line.json().contains("a\\udb40\\udc41😀"))
        let fields = try JSONDecoder().decode([String: String].self, from: Data(line.json().utf8))
        #expect(fields["message"] == "a\(tag)😀")
    }

    @Test("a logger writes what its level lets through, in its format")
    func logger() throws {
        let transcript = Transcript()
        let options = try NodeOptions(logLevel: .notice, logFormat: .json)
        var logger = LogStream.logger(options, on: transcript.console())
        logger[metadataKey: "node"] = "me"
        logger.info("quiet")
        logger.notice("loud", metadata: ["node": "you"])
        #expect(
            transcript.complaints == #"{"level":"notice","message":"loud","node":"you","#
                + #""time":"2026-11-23T12:00:00.000Z"}"# + "\n"
        )
        #expect(transcript.output.isEmpty)
    }

    @Test("every level of the options is one of the logger's", arguments: LogLevel.allCases)
    func levels(_ level: LogLevel) throws {
        let options = try NodeOptions(logLevel: level)
        let logger = LogStream.logger(options, on: Transcript().console())
        #expect(logger.logLevel.rawValue == level.rawValue)
    }
}
