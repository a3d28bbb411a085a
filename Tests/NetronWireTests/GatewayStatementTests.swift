// SPDX-License-Identifier: Apache-2.0

import NetronWire
import Testing

@Suite("what a gateway says") struct GatewayStatementTests {
    private func prefixes(_ texts: [String]) -> [Prefix] { texts.compactMap { Prefix($0) } }

    @Test("ranges are written in ascending order, each once") func value() {
        let statement = GatewayStatement(
            prefixes(["::/0", "10.20.0.0/16", "0.0.0.0/0", "10.20.0.0/16"])
        )
        #expect(statement.value == Array("0.0.0.0/0 10.20.0.0/16 ::/0".utf8))
        #expect(GatewayStatement(value: statement.value) == statement)
    }

    @Test(
        "what is no range of hosts, or not written as it is, does not count",
        arguments: [
            "10.20.0.1/16", "10.20.0.0/33", "10.20.0.0", "010.20.0.0/16", "127.0.0.0/8", "", " ",
            "224.0.0.0/4", "169.254.0.0/16", "fe80::/10", "ff00::/8", "::1/128", "0.0.0.0/8", "x",
            "::ffff:10.0.0.0/104", "FD00::/8",
        ]
    )
    func refused(_ text: String) {
        #expect(GatewayStatement(value: Array(text.utf8)).prefixes == [])
        let both = GatewayStatement(value: Array("10.30.0.0/16 \(text)".utf8))
        #expect(both.prefixes == prefixes(["10.30.0.0/16"]))
    }

    @Test("of too many the first count; whatever the bytes are, nothing traps") func limits() {
        let many = (0..<20).map { "10.\($0).0.0/16" }.joined(separator: " ")
        let most = GatewayStatement.prefixesMax
        let found = GatewayStatement(value: Array(many.utf8)).prefixes
        #expect(found == prefixes((0..<most).map { "10.\($0).0.0/16" }).sorted())
        for byte in UInt8.min...UInt8.max {
            let value = [UInt8](repeating: byte, count: 1_400)
            #expect(GatewayStatement(value: value).prefixes == [])
        }
    }

    @Test("a key is the author's id, which nobody else may write") func key() throws {
        let id = try #require(NodeID(bytes: [UInt8](repeating: 1, count: 32)))
        let other = try #require(NodeID(bytes: [UInt8](repeating: 2, count: 32)))
        let key = try #require(GatewayStatement.key(of: id))
        #expect(key.description == "gateways/\(id)")
        let entry = try #require(
            LedgerEntry(key, since: 1, time: HybridTime(milliseconds: 1), value: [])
        )
        #expect(throws: Never.self) { try entry.check(by: id) }
        #expect(throws: LedgerFault.notOwnID(key)) { try entry.check(by: other) }
    }
}
