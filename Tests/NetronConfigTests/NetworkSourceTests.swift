// SPDX-License-Identifier: Apache-2.0

internal import NetronConfig
internal import Testing

@Suite("network source") struct NetworkSourceTests {
    private static let file = (path: "net.yaml", contents: Array(edgeConfig.utf8))

    private func problem(
        _ token: String?,
        _ config: (path: String, contents: [UInt8])?
    ) -> ConfigError? {
        #expect(throws: ConfigError.self) {
            try NetworkSource.resolve(token: token, config: config)
        }
    }

    @Test("either is enough") func either() throws {
        let network = try NetworkSource.resolve(token: nil, config: Self.file)
        #expect(try NetworkSource.resolve(token: edgeToken, config: nil) == network)
    }

    @Test("both are fine when they say the same, in whatever form") func both() throws {
        let network = try NetworkSource.resolve(token: edgeToken, config: Self.file)
        #expect(try NetworkSource.resolve(token: network.token(), config: Self.file) == network)
    }

    @Test("two networks at once are refused") func different() throws {
        let other = edgeConfig.replacing("interval: 9000", with: "interval: 9001")
        let error = problem(edgeToken, (path: "other.yaml", contents: Array(other.utf8)))
        #expect(error?.field == "token")
        #expect(error?.problem.contains("other.yaml") == true)
    }

    @Test("none is refused, with the way to make one") func none() {
        #expect(problem(nil, nil)?.remedy.contains("netron -g") == true)
    }

    @Test("a wrong one is refused, though the other is right") func oneWrong() {
        #expect(problem("!", Self.file)?.field == "token")
        #expect(problem(edgeToken, (path: "net.yaml", contents: []))?.field == "config")
    }

    @Test("a file that cannot be read is named") func unreadable() {
        let error = ConfigError.unreadable(path: "/a/b", reason: "no such file")
        #expect(error.field == "config")
        #expect(error.description.contains("/a/b"))
        #expect(error.description.contains("no such file"))
    }
}
