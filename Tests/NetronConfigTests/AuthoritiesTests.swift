// SPDX-License-Identifier: Apache-2.0

internal import NetronConfig
internal import NetronSimulator
internal import NetronWire
internal import Testing

private func authority(_ number: UInt8) -> NodeID {
    guard let id = NodeID(bytes: [number] + [UInt8](repeating: 7, count: 31)) else {
        preconditionFailure("\(number) is an id")
    }
    return id
}

private func config(_ lines: String) throws -> NetworkConfig {
    try NetworkConfig(yaml: Array((edgeConfig + lines).utf8))
}

private func list(_ items: [String]) -> String {
    "authorities:\n" + items.map { "  - \($0)\n" }.joined()
}

private let refused: [(String, String)] = [
    ("authorities: \(authority(1))\n", "is not a list"),
    ("authorities: {a: b}\n", "is not a list"),
    (list(["short"]), "as number 1 what is no public key"),
    (list(["\(authority(1))", "[a]"]), "as number 2"),
    (list(["\(authority(1))".uppercased()]), "no public key"),
    (list(["\(authority(1))", "\(authority(2))", "\(authority(1))"]), "twice"),
    (list((UInt8(1)...9).map { "\(authority($0))" }), "9 keys, more than 8"),
]

@Suite("authorities of a config") struct AuthoritiesTests {
    @Test("a network has none unless its config names some") func none() throws {
        #expect(try config("").authorities == [])
        #expect(try config("authorities: ~\n").authorities == [])
        #expect(try config("authorities: []\n").authorities == [])
        #expect(try !config("").yaml().contains("authorities"))
    }

    @Test("they are read in any order, with quotes or without, and written in theirs")
    func reading() throws {
        let text = list(["\"\(authority(9))\"", "\(authority(2))"])
        let network = try config(text)
        #expect(network.authorities == [authority(2), authority(9)])
        #expect(network.unknownFields == [])
        let ordered = "  - \"\(authority(2))\"\n  - \"\(authority(9))\"\n"
        #expect(network.yaml().hasSuffix("authorities:\n" + ordered))
    }

    @Test("they come back from text and token", arguments: [1, 8]) func roundTrip(count: Int) throws
    {
        let network = try config(list((0..<count).map { "\(authority(UInt8($0)))" }))
        #expect(network.authorities.count == count)
        let fromText = try NetworkConfig(yaml: Array(network.yaml().utf8))
        #expect(fromText == network && fromText.yaml() == network.yaml())
        #expect(try NetworkConfig(token: network.token()) == network)
    }

    @Test("who names others is in the same network, and has the same secrets")
    func secrets() throws {
        let (with, without) = (try config(list(["\(authority(1))"])), try config(""))
        #expect(with.networkSecret == without.networkSecret)
        #expect(with.epochSeconds == without.epochSeconds)
        #expect(with != without)
    }

    @Test("a token and a config that name others are refused in those words")
    func resolving() throws {
        let with = try config(list(["\(authority(1))"]))
        let error = #expect(throws: ConfigError.self) {
            try NetworkSource.resolve(
                token: with.token(),
                config: (path: "net.yaml", contents: Array(edgeConfig.utf8))
            )
        }
        #expect(error?.problem == "and config net.yaml name different authorities")
    }

    @Test("what is no list of keys is refused in one sentence", arguments: refused)
    func refusing(text: String, problem: String) throws {
        let error = #expect(throws: ConfigError.self) { try config(text) }
        let sentence = try #require(error).description
        #expect(error?.field == "authorities")
        #expect(sentence.contains(problem), "\(sentence)")
        #expect(sentence.contains("; ") && !sentence.contains("\n"))
    }
}
