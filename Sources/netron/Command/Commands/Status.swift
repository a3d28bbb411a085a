// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import NetronAPI

/// Tells how the node is doing.
struct Status: Asking {
    static let configuration = CommandConfiguration(
        abstract: "Show whether the node is in, how many it reaches, and what is wrong."
    )

    @ParentCommand
    var root: Netron

    @OptionGroup
    var place: PlaceFlags

    @OptionGroup
    var answer: AnswerFlags

    func perform(on console: Console, asking node: ControlClient) async throws {
        try answer.show(await node.get("/v1/status"), on: console) {
            StatusText.render($0, at: console.now())
        }
    }
}
