// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

/// Takes part without an interface.
struct Start: Performing {
    static let configuration = CommandConfiguration(
        abstract: "Join the network without an interface.",
        discussion: """
            The node carries no packets of its own, but meets members and tells them of each \
            other. It needs no right to make an interface; the name of one still says which node \
            of this host it is.
            """
    )

    @ParentCommand
    var root: Netron

    @OptionGroup(title: "Network")
    var network: NetworkFlags

    @OptionGroup(title: "Node")
    var place: PlaceFlags

    @OptionGroup(title: "Node")
    var node: NodeFlags

    func perform(on console: Console) async throws {
        try root.refuse(root.generate.given + root.interface.given, with: "start")
        let plan = try Plan(
            network: network,
            place: place,
            interface: nil,
            node: node,
            on: console
        )
        try await plan.perform(on: console)
    }
}
