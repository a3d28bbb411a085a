// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import NetronAPI

/// The table of commands, whose root is the VPN itself.
struct Netron: Performing {
    static let configuration = CommandConfiguration(
        commandName: "netron",
        abstract: "A decentralized VPN: one token is the network.",
        usage: """
            netron -g > netron.yaml
            netron --config netron.yaml --address 10.1.0.11/24
            netron status | peers | ping NODE | netcheck | ledger | trust | start | simulate
            """,
        discussion: """
            Every host that runs `netron` with the same token, or the config that it stands for, \
            is a member of one encrypted IP network. Members on a LAN find each other; elsewhere \
            --peer names one, and that one tells of the others. Without a command it joins the \
            network with an interface, until it is stopped by SIGINT or SIGTERM.

            Brackets give the environment variable that stands in for a flag, and what holds \
            without both. Lists in variables have commas. Exit status: 0 done, 1 refused or \
            failed, 2 wrong usage, 3 no node running, 4 not permitted.
            """,
        version: Release.version,
        subcommands: [
            Start.self, Status.self, Peers.self, Ping.self, Netcheck.self, LedgerCommand.self,
            TrustCommand.self, Simulate.self,
        ]
    )

    @OptionGroup(title: "Network")
    var network: NetworkFlags

    @OptionGroup(title: "Network")
    var generate: GenerateFlags

    @OptionGroup(title: "Interface")
    var interface: InterfaceFlags

    @OptionGroup(title: "Interface")
    var place: PlaceFlags

    @OptionGroup(title: "Node")
    var node: NodeFlags

    func perform(on console: Console) async throws {
        guard !generate.isWanted else { return try generate.perform(on: console) }
        if let flag = generate.given.first { throw Failure(.usage, "\(flag) goes with -g") }
        let plan = try Plan(
            network: network,
            place: place,
            interface: interface,
            node: node,
            on: console
        )
        try await plan.perform(on: console)
    }

    /// Refuses flags that a command does not have, which the parser takes for the root's.
    func refuse(_ given: [String], with command: String) throws(Failure) {
        guard let flag = given.first else { return }
        throw Failure(.usage, "\(flag) does not go with `netron \(command)`")
    }
}
