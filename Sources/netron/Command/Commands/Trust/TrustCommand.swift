// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import NetronAPI
internal import NetronSwift
internal import NetronWire

/// What the network's authorities say.
struct TrustCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trust",
        abstract: "See and sign which certificates are revoked.",
        discussion: """
            A network may name authorities in its config, up to \(TrustObject.authoritiesMax) \
            public keys under `authorities`. What one of them revokes all members hold, whether \
            its key's owner is online or not. A key is in a file of its own, and no node gets it.
            """,
        subcommands: [TrustKeyCommand.self, TrustList.self, TrustRevoke.self]
    )
}

/// Makes the key of an authority.
struct TrustKeyCommand: Performing {
    static let configuration = CommandConfiguration(
        commandName: "key",
        abstract: "Make the key of an authority, and print its public part.",
        discussion: """
            What is printed belongs into the config of every member, under `authorities`. The \
            file is for its owner alone; one that is there is not overwritten.
            """
    )

    @Argument(help: "The file that the secret key is written to.")
    var file: String

    @ParentCommand
    var root: Netron

    @OptionGroup
    var answer: AnswerFlags

    func perform(on console: Console) throws {
        let others = root.generate.given + root.network.given + root.interface.given
        try root.refuse(others + root.node.given, with: "trust key")
        let authority = try TrustKey.make(file).description
        if answer.asJSON {
            console.write(json: JSON.encode(["authority": authority]))
        } else {
            console.write(authority + "\n")
        }
    }
}

/// Lists authorities and what they revoked.
struct TrustList: Asking {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "List the authorities, and the certificates that they revoked."
    )

    @ParentCommand
    var root: Netron

    @OptionGroup
    var place: PlaceFlags

    @OptionGroup
    var answer: AnswerFlags

    func perform(on console: Console, asking node: ControlClient) async throws {
        try answer.show(await node.get("/v1/trust"), on: console, TrustText.list)
    }
}
