// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronWire
import Testing

@Suite("buckets that every member computes") struct ComputedBucketTests {
    /// Three nodes that know each other; the second has two addresses, the third none.
    private func world() -> NodeWorld {
        var world = NodeWorld()
        world.names["one.example"] = [outer(1)]
        let contacts = [contact("one.example:7000")]
        world.start(1, claims: [claim("10.1.0.1")])
        world.start(2, claims: [claim("10.1.0.2"), claim("fd09::2")], contacts: contacts)
        world.start(3, contacts: contacts)
        world.pass(.seconds(10))
        return world
    }

    private func all(
        _ bucket: ComputedBucket,
        at number: UInt8,
        in world: NodeWorld,
        limit: Int
    ) throws -> [ComputedRecord] {
        let machine = try #require(world.machines[number])
        var records: [ComputedRecord] = []
        var cursor: [UInt8]?
        repeat {
            let page = machine.computedRecords(in: bucket, from: cursor, limit: limit)
            #expect(page.records.count <= limit)
            records += page.records
            cursor = page.next
        } while cursor != nil && records.count < 100
        return records
    }

    @Test("machines are the addresses of all members, whoever is asked", arguments: [1, 2, 3, 100])
    func machines(_ limit: Int) throws {
        let world = world()
        for number in UInt8(1)...3 {
            let found = try all(.machines, at: number, in: world, limit: limit)
            #expect(
                found.map { "\($0.key.text) \($0.statement.author.bytes[0])" }.sorted()
                    == ["10.1.0.1 1", "10.1.0.2 2", "fd09::2 2"]
            )
            #expect(found.allSatisfy { $0.address?.description == $0.key.text })
        }
    }

    @Test(
        "healthcheck has who runs, and no more who left",
        arguments: [1, 2, 100]
    )
    func healthcheck(_ limit: Int) throws {
        var world = world()
        for number in UInt8(1)...3 {
            let found = try all(.healthcheck, at: number, in: world, limit: limit)
            #expect(found.map(\.key.text).sorted() == (UInt8(1)...3).map { "\(node($0))" }.sorted())
        }
        world.stop(3)
        world.pass(.seconds(2))
        #expect(try all(.healthcheck, at: 1, in: world, limit: limit).count == 2)
        world.stop(2)
        world.pass(.seconds(2))
        #expect(try all(.healthcheck, at: 1, in: world, limit: limit).count == 1)
        #expect(
            try all(.machines, at: 1, in: world, limit: limit).map(\.key.text) == ["10.1.0.1"]
        )
    }

    @Test("a record is found by its key, and by nothing else") func single() throws {
        let machine = try #require(world().machines[3])
        let record = machine.computedRecord(of: "10.1.0.2", in: .machines)
        #expect(record?.statement.author == node(2) && record?.since == 1_000)
        #expect(
            machine.computedRecord(of: "\(node(2))", in: .healthcheck)?.statement.author == node(2)
        )
        for text in ["10.1.0.9", "10.1.0.02", "fd09:0::2", "x", "\(node(2))"] {
            #expect(machine.computedRecord(of: text, in: .machines) == nil)
        }
        for text in ["\(node(9))", "10.1.0.2", ""] {
            #expect(machine.computedRecord(of: text, in: .healthcheck) == nil)
        }
    }

    @Test(
        "a cursor that somebody made up does no harm",
        arguments: [
            [], [0], [0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [0, 0, 0, 0, 200],
            Array(repeating: 1, count: 300),
        ] as [[UInt8]]
    )
    func cursor(_ bytes: [UInt8]) throws {
        let machine = try #require(world().machines[1])
        for bucket in ComputedBucket.allCases {
            #expect(machine.computedRecords(in: bucket, from: bytes, limit: 10).records.count <= 3)
        }
    }

    @Test("nobody writes them, nor deletes in them") func refused() {
        var world = world()
        for bucket in ["machines", "healthcheck", "trustzone"] {
            let record = key(bucket, "10.1.0.1")
            for write in [LedgerWrite.put(record, [1]), .delete(record)] {
                #expect(world.write(write, at: 1) == .fault(.notWritable(record)))
            }
        }
    }
}

@Suite("ledger: the list of buckets") struct LedgerBucketListTests {
    @Test("buckets come in pages, each once", arguments: [1, 2, 5, 7, 100])
    func pages(_ limit: Int) throws {
        var script = LedgerScript()
        let names = (0..<7).map { "bucket-\($0)" }
        for name in names {
            for text in ["a", "b"] { #expect(script.write(put(name, text, "x")).refusal == nil) }
        }
        var found: [String] = []
        var pages = 0
        var cursor: [UInt8]?
        repeat {
            let page = try script.ledger.buckets(from: cursor, limit: limit)
            #expect(page.names.count <= limit)
            found += page.names.map(\.description)
            pages += 1
            cursor = page.next
        } while cursor != nil && pages < 20
        #expect(found.sorted() == names)
        #expect(pages == (names.count + limit - 1) / limit)
    }
}
