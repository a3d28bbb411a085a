// SPDX-License-Identifier: Apache-2.0

import Logging
import NetronSwift
import NetronWire
import Testing

@Suite("the ledger of a node", .timeLimit(.minutes(2))) struct LedgerTests {
    private func node(_ options: NodeOption...) throws -> Node {
        let network = NodeOption.fromYAML(mdns: false, dht: false, Sample.yaml)
        return try Node([network, .logLevel(.critical), .natmap(false)] + options)
    }

    private func contact(_ node: Node) async throws -> NodeOption {
        let port = try #require(await node.status().port)
        return .peers(["127.0.0.1:\(port)"])
    }

    @Test("what one writes the other is told, reads and lists, and takes away") func two()
        async throws
    {
        let one = try node(.ephemeral)
        try await one.start()
        let other = try await node(.ephemeral, contact(one))
        let changes = try await other.ledger.watch("notes")
        try await other.start()
        try await one.ledger.put("hello", for: "greeting", in: "notes")
        for await change in changes where change.key == "greeting" { break }
        let record = try #require(try await other.ledger.get("greeting", in: "notes"))
        #expect(record.text == "hello" && record.author == one.id)
        #expect(try await other.ledger.list("notes") == [record])
        #expect(try await other.ledger.buckets() == ["healthcheck", "notes"])
        let here = try await other.ledger.list("healthcheck").map(\.key)
        #expect(here == [one.id, other.id].map(\.description).sorted())
        try await other.ledger.delete("greeting", in: "notes")
        #expect(try await other.ledger.get("greeting", in: "notes") == nil)
        let more = try await one.ledger.watch()
        if try await one.ledger.get("greeting", in: "notes") != nil {
            for await _ in more
            where try await one.ledger.get("greeting", in: "notes") == nil { break }
        }
        await other.stop()
        await one.stop()
    }

    @Test("what cannot be written is refused with what to do") func refused() async throws {
        let one = try node(.ephemeral)
        await #expect(throws: NodeError.self) {
            try await one.ledger.put("x", for: "a", in: "notes")
        }
        try await one.start()
        let cases: [(bucket: String, key: String, value: String, words: String)] = [
            ("no bucket", "a", "x", "a bucket's name"),
            ("notes", "", "x", "a key has"),
            ("healthcheck", "a", "x", "computed"),
            ("trustzone", "a", "x", "nobody writes"),
            ("users", "somebody", "x", "node ids"),
            ("notes", "a", String(repeating: "x", count: 2_049), "2048 bytes"),
        ]
        for (bucket, key, value, words) in cases {
            let error = await #expect(throws: NodeError.self) {
                try await one.ledger.put(value, for: key, in: bucket)
            }
            #expect(error?.code == .ledgerRefused)
            #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
        }
        await #expect(throws: NodeError.self) { try await one.ledger.delete("a", in: "notes") }
        for number in 0..<64 { try await one.ledger.put("", for: "\(number)", in: "notes") }
        let full = await #expect(throws: NodeError.self) {
            try await one.ledger.put("", for: "one more", in: "notes")
        }
        #expect(full?.message.contains("65 records") == true)
        await one.stop()
    }

    @Test("many writes at once are all kept, and are there at the next start") func together()
        async throws
    {
        let scratch = Scratch()
        let first = try node(.stateDirectory(scratch.path))
        try await first.start()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<40 {
                group.addTask {
                    try await first.ledger.put("\(number)", for: "key \(number)", in: "notes")
                }
            }
            try await group.waitForAll()
        }
        await first.stop()
        let second = try node(.stateDirectory(scratch.path))
        try await second.start()
        #expect(second.id == first.id)
        let all = try await second.ledger.list("notes")
        #expect(Set(all.map(\.text)) == Set((0..<40).map { "\($0)" }))
        await second.stop()
    }
}
