// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import NetronAPI

/// Lists the members that the node knows.
struct Peers: Asking {
    static let configuration = CommandConfiguration(
        abstract: "List the members that the node knows."
    )

    @ParentCommand
    var root: Netron

    @OptionGroup
    var place: PlaceFlags

    @OptionGroup
    var answer: AnswerFlags

    func perform(on console: Console, asking node: ControlClient) async throws {
        try answer.show(await node.get("/v1/peers"), on: console) {
            PeersText.render($0, at: console.now())
        }
    }
}
