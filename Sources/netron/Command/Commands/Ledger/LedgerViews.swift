// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import NetronAPI

/// Lists the newest statements.
struct LedgerLog: Asking {
    static let configuration = CommandConfiguration(
        commandName: "log",
        abstract: "List the newest statement of each member, the last one first."
    )

    @ParentCommand
    var root: Netron

    @OptionGroup
    var place: PlaceFlags

    @OptionGroup
    var answer: AnswerFlags

    func perform(on console: Console, asking node: ControlClient) async throws {
        try answer.show(await node.get("/v1/blocks"), on: console) {
            LedgerText.log($0, at: console.now())
        }
    }
}

/// Shows the newest statement of a member whole.
struct LedgerBlocks: Asking {
    static let configuration = CommandConfiguration(
        commandName: "blocks",
        abstract: "Show the newest statement of each member, or all that are kept of one.",
        discussion: "How many are kept --ledger-history says, which the node was started with."
    )

    @Argument(help: "The member: its id, the beginning of its id, or its name.")
    var node: String?

    @ParentCommand
    var root: Netron

    @OptionGroup
    var place: PlaceFlags

    @OptionGroup
    var answer: AnswerFlags

    func perform(on console: Console, asking client: ControlClient) async throws {
        let bytes = try await client.get("/v1/blocks")
        var blocks = try report([LedgerBlockReport].self, in: bytes)
        if let node {
            let meant = blocks.filter { $0.author.hasPrefix(node) || $0.name == node }
            guard !meant.isEmpty else { throw Failure(.failed, "no member is \(node)") }
            blocks = []
            for member in meant {
                let kept = try await client.get("/v1/blocks/\(member.author)")
                blocks += try report([LedgerBlockReport].self, in: kept)
            }
        }
        if answer.asJSON {
            console.write(json: JSON.encode(blocks))
        } else {
            console.write(blocks.map(LedgerText.block).joined(separator: "\n"))
        }
    }
}

/// Reads the whole file.
struct LedgerVerify: Asking {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Read all that is kept, and say whether anything is damaged."
    )

    @ParentCommand
    var root: Netron

    @OptionGroup
    var place: PlaceFlags

    @OptionGroup
    var answer: AnswerFlags

    func perform(on console: Console, asking node: ControlClient) async throws {
        let bytes = try await node.post("/v1/ledger-verify", DoneReport())
        try answer.show(bytes, on: console, LedgerText.verified)
    }
}

/// Tells how much is kept.
struct LedgerStats: Asking {
    static let configuration = CommandConfiguration(
        commandName: "stats",
        abstract: "Show how much is kept, and how much room it takes."
    )

    @ParentCommand
    var root: Netron

    @OptionGroup
    var place: PlaceFlags

    @OptionGroup
    var answer: AnswerFlags

    func perform(on console: Console, asking node: ControlClient) async throws {
        let bytes = try await node.get("/v1/ledger-stats")
        try answer.show(bytes, on: console, LedgerText.statistics)
    }
}

/// Prints all records.
struct LedgerExport: Asking {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Print all records, each a line of JSON."
    )

    @ParentCommand
    var root: Netron

    @OptionGroup
    var place: PlaceFlags

    @OptionGroup
    var answer: AnswerFlags

    func perform(on console: Console, asking node: ControlClient) async throws {
        var isComplete = true
        var path: String? = "/v1/ledger"
        while let part = path {
            let buckets: LedgerBucketsReport = try report(in: try await node.get(part))
            for bucket in buckets.buckets {
                let isWhole = try await export(ledgerPath(bucket), on: console, asking: node)
                isComplete = isComplete && isWhole
            }
            path = buckets.next.map { "/v1/ledger?from=\($0)" }
            if path == nil { isComplete = isComplete && buckets.complete }
        }
        guard isComplete else {
            throw Failure(.failed, "not all that members say is here yet; try again later")
        }
    }

    /// Prints a bucket; false if not all of it is here.
    private func export(
        _ path: String,
        on console: Console,
        asking node: ControlClient
    ) async throws -> Bool {
        var part: String? = path
        var isComplete = false
        while let next = part {
            let page: LedgerBucketReport = try report(in: try await node.get(next))
            for record in page.records { console.write(json: JSON.encode(record)) }
            isComplete = page.complete
            part = page.next.map { "\(path)?from=\($0)" }
        }
        return isComplete
    }
}
