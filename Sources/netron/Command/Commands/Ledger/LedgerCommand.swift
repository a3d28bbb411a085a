// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import NetronAPI

/// What the members of the network say.
struct LedgerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ledger",
        abstract: "Read and write what the members say.",
        discussion: """
            Records lie in buckets, by key. In services, files, dns, users and egress a key \
            belongs to the member that has had it for longest; in all others the last write \
            counts, whoever made it. What is written here is on this node's disk when the command \
            returns, and goes with the node when it leaves.
            """,
        subcommands: [
            LedgerGet.self, LedgerPut.self, LedgerDelete.self, LedgerLog.self, LedgerBlocks.self,
            LedgerVerify.self, LedgerStats.self, LedgerExport.self,
        ]
    )
}

/// The path of a bucket, or of a key in it.
func ledgerPath(_ bucket: String, _ key: String? = nil) -> String {
    ["/v1/ledger", bucket, key].compactMap(\.self).enumerated()
        .map { $0 == 0 ? $1 : PercentCoding.encode($1) }
        .joined(separator: "/")
}

/// Shows records.
struct LedgerGet: Asking {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Show the records of a bucket, or the value of a key."
    )

    @Argument(help: "The bucket, for instance notes.")
    var bucket: String

    @Argument(help: "The key; without it all records of the bucket are listed.")
    var key: String?

    @ParentCommand
    var root: Netron

    @OptionGroup
    var place: PlaceFlags

    @OptionGroup
    var answer: AnswerFlags

    func perform(on console: Console, asking node: ControlClient) async throws {
        let bytes = try await node.get(ledgerPath(bucket, key))
        if key == nil {
            try answer.show(bytes, on: console) {
                LedgerText.records($0, of: bucket, at: console.now())
            }
        } else {
            try answer.show(bytes, on: console, LedgerText.value)
        }
    }
}

/// Writes a record.
struct LedgerPut: Asking {
    static let configuration = CommandConfiguration(
        commandName: "put",
        abstract: "Write a value for a key; it is on disk when this returns.",
        discussion: "Without VALUE it is read from standard input, which must be no terminal then."
    )

    @Argument(help: "The bucket, for instance notes.")
    var bucket: String

    @Argument(help: "The key.")
    var key: String

    @Argument(help: "The value; - takes it from standard input, even from a terminal.")
    var value: String?

    @ParentCommand
    var root: Netron

    @OptionGroup
    var place: PlaceFlags

    @OptionGroup
    var answer: AnswerFlags

    func perform(on console: Console, asking node: ControlClient) async throws {
        let bytes = try value(on: console)
        let done = try await node.put(ledgerPath(bucket, key), bytes)
        if answer.asJSON { console.write(json: done) }
    }

    /// Bytes of standard input that are read; a value has far less, and the node says so.
    private static let inputBytesMax = 1 << 16

    private func value(on console: Console) throws(Failure) -> [UInt8] {
        if let value, value != "-" { return Array(value.utf8) }
        guard value == "-" || !console.readsFromTerminal else {
            throw Failure(
                .usage,
                "no value is given; write it behind the key, or let standard input have it, as in"
                    + " `echo hello | netron ledger put \(bucket) \(key)`"
            )
        }
        do throws(System.Failure) {
            return try console.read(Self.inputBytesMax)
        } catch {
            throw Failure(.failed, "standard input cannot be read: \(error)")
        }
    }
}

/// Deletes a record.
struct LedgerDelete: Asking {
    static let configuration = CommandConfiguration(
        commandName: "delete",
        abstract: "Delete what counts for a key."
    )

    @Argument(help: "The bucket, for instance notes.")
    var bucket: String

    @Argument(help: "The key.")
    var key: String

    @ParentCommand
    var root: Netron

    @OptionGroup
    var place: PlaceFlags

    @OptionGroup
    var answer: AnswerFlags

    func perform(on console: Console, asking node: ControlClient) async throws {
        let done = try await node.delete(ledgerPath(bucket, key))
        if answer.asJSON { console.write(json: done) }
    }
}
