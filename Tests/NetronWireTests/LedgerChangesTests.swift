// SPDX-License-Identifier: Apache-2.0

internal import NetronSimulator
internal import NetronWire
internal import Testing

@Suite("ledger changes") struct LedgerChangesTests {
    /// The machine's record gets another value, the note goes, a service comes.
    private func sample() throws -> (old: LedgerState, new: LedgerState, bytes: [UInt8]) {
        let machine = try LedgerSamples.entry(
            "machines",
            "10.1.0.11",
            "gate",
            time: HybridTime(milliseconds: LedgerSamples.start + 4)
        )
        let bytes = LedgerSamples.bytes(
            """
            0003
            01 086d616368696e6573 0931302e312e302e3131
               000001a3185c5000 01a3185c50040000 0004 67617465
            02 056e6f746573 0161
            01 087365727669636573 03776562 000001a3185c5003 01a3185c50030000 0000
            """
        )
        return (
            LedgerSamples.state(try LedgerSamples.machine(), try LedgerSamples.note()),
            LedgerSamples.state(machine, try LedgerSamples.service()),
            bytes
        )
    }

    private func encoded(_ changes: LedgerChanges) -> [UInt8] {
        var writer = ByteWriter()
        changes.write(to: &writer)
        return writer.bytes
    }

    private func decoded(_ bytes: [UInt8]) throws -> LedgerChanges {
        var reader = ByteReader(bytes)
        let changes = try LedgerChanges(from: &reader)
        try reader.finish()
        return changes
    }

    @Test("the bytes are those of the drawing") func bytes() throws {
        let (old, new, bytes) = try sample()
        let changes = LedgerChanges(from: old, to: new)
        #expect(encoded(changes) == bytes)
        #expect(try decoded(bytes) == changes)
        #expect(try changes.applied(to: old) == new)
        let service = try LedgerSamples.service()
        #expect(changes.list.last == .set(service))
        #expect(changes.list[1] == .remove(try LedgerSamples.key("notes", "a")))
    }

    @Test("between equal states nothing changes") func none() throws {
        let (old, _, _) = try sample()
        #expect(LedgerChanges(from: old, to: old).list.isEmpty)
        #expect(encoded(LedgerChanges(from: .empty, to: .empty)) == [0, 0])
        #expect(try decoded([0, 0]).applied(to: old) == old)
    }

    @Test("the changes from any state to any other make the other", arguments: [UInt64](0..<4))
    func anyTwo(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<500 {
            let old = try LedgerSamples.state(most: 12, of: &random)
            let new = try LedgerSamples.state(most: 12, of: &random)
            let changes = LedgerChanges(from: old, to: new)
            #expect(try changes.applied(to: old) == new)
            #expect(try decoded(encoded(changes)) == changes)
            let keys = changes.list.map(\.key)
            #expect(zip(keys, keys.dropFirst()).allSatisfy { $0 < $1 })
            #expect(changes.list.allSatisfy { old[$0.key] != new[$0.key] })
            #expect(changes.list.isEmpty == (old == new))
        }
    }

    @Test("changes that do not fit a state say why, and at which key") func misfits() throws {
        let (_, new, bytes) = try sample()
        let changes = try decoded(bytes)
        let machine = try LedgerSamples.key("machines", "10.1.0.11")
        let note = try LedgerSamples.key("notes", "a")
        #expect(throws: LedgerChanges.Misfit.absent(note)) { try changes.applied(to: .empty) }
        #expect(throws: LedgerChanges.Misfit.same(machine)) { try changes.applied(to: new) }
        // A deleted key is there: it says so.
        let deleted = LedgerSamples.state(try LedgerSamples.note())
        #expect(try LedgerChanges(from: deleted, to: .empty).applied(to: deleted) == .empty)
    }

    @Test("changes fit no state but those that agree where they change", arguments: [UInt64](0..<4))
    func otherStates(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<500 {
            let old = try LedgerSamples.state(most: 4, of: &random)
            let new = try LedgerSamples.state(most: 4, of: &random)
            let other = try LedgerSamples.state(most: 4, of: &random)
            let changes = LedgerChanges(from: old, to: new)
            let fits = changes.list.allSatisfy { change in
                switch change {
                case .set(let entry): other[entry.key] != entry
                case .remove(let key): other[key] != nil
                }
            }
            let result = try? changes.applied(to: other)
            #expect((result != nil) == fits)
            guard let result else { continue }
            let keys = result.entries.map(\.key)
            #expect(zip(keys, keys.dropFirst()).allSatisfy { $0 < $1 })
            for change in changes.list { #expect(result[change.key] == new[change.key]) }
        }
    }

    @Test("changes cut anywhere are refused, and in other forms") func strict() throws {
        let (_, _, bytes) = try sample()
        for count in 0..<bytes.count {
            #expect(throws: WireError.truncated) { try decoded(Array(bytes.prefix(count))) }
        }
        #expect(throws: WireError.trailing) { try decoded(bytes + [0]) }
        func expectRefused(_ place: Int, _ other: [UInt8], _ error: WireError) {
            var bad = bytes
            bad.replaceSubrange(place..<(place + other.count), with: other)
            #expect(throws: error, "\(other) at \(place)") { try decoded(bad) }
        }
        expectRefused(0, [8, 1], .tooMany)
        expectRefused(2, [0], .notCanonical)
        expectRefused(2, [3], .notCanonical)
        expectRefused(4, [0x6F], .notCanonical)  // "oachines", after "notes"
        let remove: [UInt8] = [2, 1, 0x61, 1, 0x61]
        let set = [1] + LedgerSamples.noteBytes
        #expect(try decoded([0, 2] + remove + set).list.count == 2)
        #expect(throws: WireError.notCanonical) { try decoded([0, 2] + set + remove) }
        #expect(throws: WireError.notCanonical) { try decoded([0, 2] + remove + remove) }
        #expect(throws: WireError.notCanonical) { try decoded([0, 2] + set + set) }
        // Both kinds for one key.
        let both = [2] + LedgerSamples.noteBytes.prefix(8)
        #expect(throws: WireError.notCanonical) { try decoded([0, 2] + set + both) }
        #expect(throws: WireError.notCanonical) { try decoded([0, 2] + both + set) }
    }

    @Test("damaged changes never trap, and what is taken is canonical") func damaged() throws {
        let (old, _, bytes) = try sample()
        for bit in 0..<(8 * bytes.count) {
            var damaged = bytes
            damaged[bit / 8] ^= 1 << UInt8(bit % 8)
            guard let changes = try? decoded(damaged) else { continue }
            #expect(encoded(changes) == damaged)
            _ = try? changes.applied(to: old)
        }
    }

    @Test("two states as different as can be are 2,048 changes") func most() throws {
        let old = try LedgerSamples.state((0..<1_024).map { ("a", "\($0)") })
        let new = try LedgerSamples.state((0..<1_024).map { ("b", "\($0)") })
        let changes = LedgerChanges(from: old, to: new)
        #expect(changes.list.count == LedgerChanges.countMax)
        #expect(try decoded(encoded(changes)).applied(to: old) == new)
    }
}
