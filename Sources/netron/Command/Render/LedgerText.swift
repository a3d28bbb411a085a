// SPDX-License-Identifier: Apache-2.0

internal import NetronAPI
internal import NetronWire

/// What is said in the ledger, for people.
enum LedgerText {
    private static let idCharacters = 8
    /// How much of a value a list shows.
    private static let valueBytes = 60

    static func records(
        _ report: LedgerBucketReport,
        of bucket: String,
        at now: Timestamp
    ) -> String {
        guard !report.records.isEmpty else {
            return "Nothing is in \(bucket)" + (report.complete ? ".\n" : " yet.\n")
        }
        let rows = report.records.map { record in
            [
                record.key, beginning(of: record), String(record.author.prefix(idCharacters)),
                record.time.map { Units.ago($0, at: now) } ?? "-",
            ]
        }
        let table = Table.render(
            [["KEY", "VALUE", "AUTHOR", "WRITTEN"]] + rows,
            [.left, .left, .left, .right]
        )
        return table + rest(report)
    }

    private static func rest(_ report: LedgerBucketReport) -> String {
        if report.next != nil {
            return "There are more than these \(report.records.count); "
                + "`netron ledger export` prints all.\n"
        }
        return report.complete ? "" : "More may be missing here yet.\n"
    }

    /// A value as it is, but for what would steer a terminal: anybody may have written it.
    static func value(_ record: LedgerRecordReport) -> String {
        let text = record.value ?? record.base64 ?? ""
        // By scalars: a line may also end with two of them, which are one character.
        let lines = text.unicodeScalars.split(separator: "\n", omittingEmptySubsequences: false)
        return lines.map { String($0).plain(bytesMax: .max) }.joined(separator: "\n") + "\n"
    }

    /// The beginning of a value, in one line.
    private static func beginning(of record: LedgerRecordReport) -> String {
        guard let text = record.value else { return "(no text)" }
        let line = text.plain(bytesMax: valueBytes)
        return line == text ? line : line + "..."
    }

    private static func count(_ number: Int, _ what: String) -> String {
        number == 1 ? "1 \(what)" : "\(number) \(what)s"
    }

    static func log(_ blocks: [LedgerBlockReport], at now: Timestamp) -> String {
        guard !blocks.isEmpty else { return "No member has said anything yet.\n" }
        let rows = blocks.sorted { ($1.time, $0.author) < ($0.time, $1.author) }.map { block in
            [
                Units.ago(block.time, at: now), String(block.author.prefix(idCharacters)),
                block.name.isEmpty ? "-" : block.name, "\(block.height)",
                block.bytes.map { Units.bytes(UInt64($0)) } ?? "-",
                block.root.map { String($0.prefix(16)) } ?? "-",
            ]
        }
        return Table.render(
            [["SIGNED", "AUTHOR", "NAME", "HEIGHT", "STATE", "ROOT"]] + rows,
            [.right, .left, .left, .right, .right, .left]
        )
    }

    static func block(_ block: LedgerBlockReport) -> String {
        """
        author       \(block.author)
        name         \(block.name)
        incarnation  \(block.incarnation)
        height       \(block.height)
        signed       \(block.time)
        holds until  \(block.end)
        state        \(block.bytes.map { "\($0) bytes" } ?? "none")
        root         \(block.root ?? "-")
        previous     \(block.previous ?? "-")

        """
    }

    private static func equivocating(_ report: LedgerStatisticsReport) -> String {
        report.equivocating == 0
            ? ""
            : "\(count(report.equivocating, "member")) made two different statements with one"
                + " number\n"
    }

    /// What came of a look at all that is kept.
    static func verified(_ report: LedgerVerifyReport) -> String {
        let broken = report.broken.map {
            "Statement \($0.height) of \($0.author.prefix(8)) does not name the one before it.\n"
        }
        let evidence = report.evidence.map {
            "Member \($0.author.prefix(8)) made two different statements \($0.height); they are in"
                + " the answer to --json.\n"
        }
        return "All that is kept is whole.\n" + (broken + evidence).joined()
    }

    static func statistics(_ report: LedgerStatisticsReport) -> String {
        let place =
            report.fileBytes > 0
            ? "\(Units.bytes(UInt64(report.fileBytes))) on disk, "
                + "\(Units.bytes(UInt64(report.liveBytes))) of it in use"
            : "\(Units.bytes(UInt64(report.liveBytes))) in memory"
        let missing =
            report.missing == 0
            ? "nothing is missing"
            : "the records of \(count(report.missing, "more member")) are missing"
        return """
            \(count(report.records, "record")) of \(count(report.states, "member"))
            \(missing), as far as is known
            \(count(report.ownRecords, "record")) of \(count(report.ownBytes, "byte")) by this node
            \(place), of \(Units.bytes(UInt64(report.budgetBytes))) that it may have
            room for \(coverage(report))

            """ + equivocating(report)
    }

    private static func coverage(_ report: LedgerStatisticsReport) -> String {
        func part(_ bits: Int) -> String { bits == 0 ? "all" : "1 in \(1 << bits)" }
        guard report.memberBits > 0 || report.stateBits > 0 else { return "all that members say" }
        return "\(part(report.memberBits)) members and the records of \(part(report.stateBits));"
            + " others are asked for the rest"
    }
}
