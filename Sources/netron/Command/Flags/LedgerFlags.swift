// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import NetronConfig

/// Where the ledger is kept, and how large it may be.
struct LedgerFlags: ParsableArguments {
    @Option(
        name: .customLong("ledger"),
        help: Variable.ledger.help(
            "Where to keep what members say in the ledger: disk, or memory until the node ends.",
            default: LedgerPlace.disk.rawValue,
            valueName: "place"
        )
    )
    var place: String?

    @Option(
        name: .customLong("ledger-budget"),
        help: Variable.ledgerBudget.help(
            "How many bytes the ledger may take, such as 16M.",
            default: "1/\(NodeOptions.Limits.ledgerMemoryPart) of the host's memory, 1M to 64M",
            valueName: "size"
        )
    )
    var budget: String?

    @Flag(help: Variable.light.help("The same as --ledger-budget 1M.", default: "false"))
    var light = false

    @Option(
        name: .customLong("ledger-history"),
        help: Variable.ledgerHistory.help(
            "How many statements of each member to keep, to see what they said before; at most "
                + "\(NodeOptions.Limits.ledgerHistories.upperBound).",
            default: "0",
            valueName: "count"
        )
    )
    var history: String?

    var given: [String] {
        [
            place.map { _ in "--ledger" }, budget.map { _ in "--ledger-budget" },
            light ? "--light" : nil, history.map { _ in "--ledger-history" },
        ].compactMap(\.self)
    }
}

/// How much the node spends for the network's sake.
struct BudgetFlags: ParsableArguments {
    @Option(
        name: .customLong("gossip-budget"),
        help: Variable.gossipBudget.help(
            "How many bytes a second it may take to know who is there; the same at all members.",
            default: "4K",
            valueName: "rate"
        )
    )
    var gossip: String?

    @Option(
        name: .customLong("sync-budget"),
        help: Variable.syncBudget.help(
            "At how many bytes a second to pull what is missing, and to serve what others miss.",
            default: "1M",
            valueName: "rate"
        )
    )
    var sync: String?

    var given: [String] {
        [gossip.map { _ in "--gossip-budget" }, sync.map { _ in "--sync-budget" }]
            .compactMap(\.self)
    }
}
