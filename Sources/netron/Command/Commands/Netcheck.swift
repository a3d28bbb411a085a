// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import NetronAPI

/// Tells what the network lets through.
struct Netcheck: Asking {
    static let configuration = CommandConfiguration(
        abstract: "Show what the network between this node and the others lets through.",
        discussion: """
            It asks the running node what it found out: whether UDP works, where others see the \
            node, what kind of NAT stands before it, who relays for it, and what would help.
            """
    )

    @ParentCommand
    var root: Netron

    @OptionGroup
    var place: PlaceFlags

    @OptionGroup
    var answer: AnswerFlags

    func perform(on console: Console, asking node: ControlClient) async throws {
        try answer.show(await node.get("/v1/netcheck"), on: console, NetcheckText.render)
    }
}
