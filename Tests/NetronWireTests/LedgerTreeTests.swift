// SPDX-License-Identifier: Apache-2.0

internal import NetronSimulator
internal import NetronWire
internal import Testing

@Suite("ledger tree") struct LedgerTreeTests {
    /// The hash of protocol.md, and a cheap one for many trees.
    private static let real = Blake2b.cryptography
    private static let cheap = Cryptography(
        sign: { _ in [] },
        verify: { _, _, _ in false },
        digest: { message, key in
            var random = SeededRandom(seed: UInt64(key.count))
            for byte in message {
                random = SeededRandom(seed: SeededRandom.mix(random.next(), UInt64(byte)))
            }
            return random.bytes(32)
        },
        derive: { _, _ in [] },
        networkAddress: { _ in IPAddress(.v6, number: 1) }
    )

    private func root(of state: LedgerState) -> [UInt8] {
        StateTree(of: state, with: Self.real).root.bytes
    }

    private func state(_ count: Int) throws -> LedgerState {
        try LedgerSamples.state((0..<count).map { ("notes", "\($0)") })
    }

    @Test("the roots are those that Python's hashlib makes of the drawing") func known() throws {
        var state = LedgerState.empty
        func expectRoot(_ hex: String) { #expect(root(of: state) == LedgerSamples.bytes(hex)) }
        expectRoot("1b063bcff0fcaa50eea021062e7218144f7d8ac02bf6633029437b8398cec9da")
        state.set(try LedgerSamples.machine())
        expectRoot("927ad910ae07f46fb4cd4a555d2a9946d2574c0e20ce1f37d91c74cdaa6032c0")
        state.set(try LedgerSamples.note())
        expectRoot("d81a85420976f0d1f3fd39a99c501cc7c2a7ef8ba64613ebb9e17534b4f370ff")
        state.set(try LedgerSamples.service())
        expectRoot("db2dc09a4cf6003b9d5592800276d41d3580b21c21c77fa2531a2696a6cb64f5")
    }

    /// RFC 9162, section 2.1.1, word by word.
    private func expected(_ records: ArraySlice<[UInt8]>) -> [UInt8] {
        func hash(_ message: [UInt8]) -> [UInt8] {
            Self.cheap.digest(message, Array("netron/1 state".utf8))
        }
        guard let first = records.first else { return hash([]) }
        guard records.count > 1 else { return hash([0] + first) }
        var split = 1
        while 2 * split < records.count { split *= 2 }
        let middle = records.startIndex + split
        return hash([1] + expected(records[..<middle]) + expected(records[middle...]))
    }

    @Test("the root is that of RFC 9162 for every number of records") func roots() throws {
        for count in 0...66 {
            let state = try state(count)
            let records = try state.entries.map { try encoded($0) }
            let root = StateTree(of: state, with: Self.cheap).root
            #expect(root.bytes == expected(records[...]), "\(count)")
        }
    }

    @Test("each record is proved by its path, and no other record and no other place is")
    func paths() throws {
        for count in Array(1...9) + [16, 17] {
            let state = try state(count)
            let tree = StateTree(of: state, with: Self.cheap)
            for (index, entry) in state.entries.enumerated() {
                let path = try #require(tree.path(of: entry.key))
                #expect((path.index, path.count) == (index, count))
                #expect(path.proves(entry, in: tree.root, with: Self.cheap))
                for (other, entry) in state.entries.enumerated() where other != index {
                    #expect(!path.proves(entry, in: tree.root, with: Self.cheap))
                    let moved = StatePath(index: other, count: count, hashes: path.hashes)
                    #expect(!moved.proves(state.entries[index], in: tree.root, with: Self.cheap))
                }
            }
        }
    }

    @Test("a key that is not there has no path") func absent() throws {
        let key = try LedgerSamples.key("notes", "x")
        #expect(StateTree(of: try state(5), with: Self.cheap).path(of: key) == nil)
        #expect(StateTree(of: .empty, with: Self.cheap).path(of: key) == nil)
    }

    @Test("a path that was changed anywhere proves nothing") func changed() throws {
        let state = try state(13)
        let tree = StateTree(of: state, with: Self.cheap)
        let entry = state.entries[9]
        let good = try #require(tree.path(of: entry.key))
        func proves(index: Int = 9, count: Int = 13, _ hashes: [[UInt8]]) -> Bool {
            StatePath(index: index, count: count, hashes: hashes)
                .proves(entry, in: tree.root, with: Self.cheap)
        }
        #expect(proves(good.hashes))
        for place in good.hashes.indices {
            for byte in 0..<32 {
                var hashes = good.hashes
                hashes[place][byte] ^= 1
                #expect(!proves(hashes))
            }
            var hashes = good.hashes
            hashes.remove(at: place)
            #expect(!proves(hashes))
            hashes.insert([], at: place)
            #expect(!proves(hashes))
        }
        #expect(!proves(good.hashes + [good.hashes[0]]))
        #expect(!proves(good.hashes.reversed()))
        let other = try LedgerSamples.entry("notes", entry.key.text, "y")
        #expect(!good.proves(other, in: tree.root, with: Self.cheap))
        let wrong = StateTree(of: .empty, with: Self.cheap).root
        #expect(!good.proves(entry, in: wrong, with: Self.cheap))
    }

    @Test("a path longer than its count allows proves nothing") func tooLong() throws {
        let state = try state(2)
        let tree = StateTree(of: state, with: Self.cheap)
        let path = try #require(tree.path(of: state.entries[1].key))
        let shorter = StatePath(index: 0, count: 1, hashes: path.hashes)
        #expect(path.proves(state.entries[1], in: tree.root, with: Self.cheap))
        #expect(!shorter.proves(state.entries[1], in: tree.root, with: Self.cheap))
    }

    @Test("no index, count or number of hashes makes the check trap") func hostile() throws {
        let entry = try LedgerSamples.machine()
        let root = StateTree(of: LedgerSamples.state(entry), with: Self.cheap).root
        let hash = [UInt8](repeating: 1, count: 32)
        for count in [Int.min, -1, 0, 1, 2, 3, 1_024, 1_025, .max] {
            for index in [Int.min, -1, 0, 1, 2, 1_023, 1_024, .max] {
                for number in [0, 1, 10, 11, 64] {
                    let path = StatePath(
                        index: index,
                        count: count,
                        hashes: [[UInt8]](repeating: hash, count: number)
                    )
                    let isOnly = (index, count, number) == (0, 1, 0)
                    #expect(path.proves(entry, in: root, with: Self.cheap) == isOnly)
                }
            }
        }
    }

    @Test("a path of the fullest state has ten hashes") func longest() throws {
        let state = try state(1_024)
        let tree = StateTree(of: state, with: Self.cheap)
        for index in [0, 511, 1_023] {
            let entry = state.entries[index]
            let path = try #require(tree.path(of: entry.key))
            #expect(path.hashes.count == StatePath.hashesMax)
            #expect(path.proves(entry, in: tree.root, with: Self.cheap))
        }
    }

    @Test("states that differ in one bit have different roots") func different() throws {
        var roots: Set<StateRoot> = []
        let entry = try LedgerSamples.note()
        roots.insert(StateTree(of: .empty, with: Self.real).root)
        roots.insert(StateTree(of: LedgerSamples.state(entry), with: Self.real).root)
        let later = try LedgerSamples.entry("notes", "a", nil, since: entry.since + 1)
        roots.insert(StateTree(of: LedgerSamples.state(later), with: Self.real).root)
        let empty = try LedgerSamples.entry("notes", "a", "", since: entry.since, time: entry.time)
        roots.insert(StateTree(of: LedgerSamples.state(empty), with: Self.real).root)
        #expect(roots.count == 4)
        #expect(StateRoot(bytes: [UInt8](repeating: 0, count: 31)) == nil)
        #expect(StateRoot(bytes: root(of: .empty))?.bytes == root(of: .empty))
    }

    private func encoded(_ entry: LedgerEntry) throws -> [UInt8] {
        Array(LedgerSamples.state(entry).encoded().dropFirst(2))
    }
}
