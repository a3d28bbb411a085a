// SPDX-License-Identifier: Apache-2.0

internal import NetronWire
internal import Testing

@Suite("what a statement says of the ledger") struct PresenceLedgerTests {
    private let cryptography = PresenceTests.cryptography
    private let previous = [UInt8](repeating: 0xAB, count: 32)

    private func summary() throws -> StateSummary {
        let state = LedgerSamples.state(try LedgerSamples.service())
        return try #require(StateSummary(of: state, with: cryptography))
    }

    private func presence(
        _ summary: StateSummary?,
        after previous: [UInt8]? = nil,
        endpoints: [Endpoint] = []
    ) throws -> Presence {
        let fields = Presence.Fields(name: "ab", endpoints: endpoints, ledger: summary)
        return Presence.Draft(
            by: try PresenceTests.id(9),
            .init(incarnation: 1, version: 3),
            time: 4,
            lease: 5,
            saying: fields,
            after: previous
        ).signed(by: cryptography, network: PresenceTests.network)
    }

    @Test("the bytes are those of the drawing, and are read back") func bytes() throws {
        let summary = try summary()
        let presence = try presence(summary, after: previous)
        let without = try self.presence(nil)
        let tail = summary.root.bytes + [0, 0, 0, UInt8(summary.byteCount)] + previous
        var expected = Array(without.bytes.dropLast(64)) + tail
        expected[58] = 4
        #expect(Array(presence.bytes.dropLast(64)) == expected)
        let read = try Presence(bytes: presence.bytes)
        #expect(read.hasLedger && read.ledger == summary && read.previous == previous)
        #expect(!without.hasLedger && without.ledger == nil && without.previous == nil)
        #expect(try self.presence(summary).previous == [UInt8](repeating: 0, count: 32))
    }

    @Test("who leaves has no state, and no state has no bytes or too many") func refused() throws {
        let good = try presence(summary(), after: previous).bytes
        let size = good.count - 64 - 32 - 4
        for (place, bytes) in [
            (58, [6]), (size, [0, 0, 0, 2]), (size, [0, 1, 0, 3]),
        ] as [(Int, [UInt8])] {
            var bad = good
            bad.replaceSubrange(place..<(place + bytes.count), with: bytes)
            #expect(throws: WireError.notCanonical) { try Presence(bytes: bad) }
        }
        var most = good
        most.replaceSubrange(size..<(size + 4), with: [0, 1, 0, 2])
        #expect(try Presence(bytes: most).ledger?.byteCount == 65_538)
        for count in 0..<good.count {
            #expect(throws: WireError.self) { try Presence(bytes: Array(good.prefix(count))) }
        }
    }

    @Test("the statement before is no news, another state is") func news() throws {
        let summary = try summary()
        let first = try presence(summary, after: previous)
        let second = try presence(summary, after: first.digest(with: cryptography))
        #expect(first.bytes != second.bytes)
        #expect(Presence.saySame(first.bytes, second.bytes))
        let other = LedgerSamples.state(try LedgerSamples.note())
        let third = try presence(StateSummary(of: other, with: cryptography), after: previous)
        #expect(third.bytes.count == first.bytes.count)
        #expect(!Presence.saySame(first.bytes, third.bytes))
    }

    @Test("a summary knows its state, and no other") func summaries() throws {
        let state = LedgerSamples.state(try LedgerSamples.service(), try LedgerSamples.note())
        let summary = try #require(StateSummary(of: state, with: cryptography))
        #expect(summary.byteCount == state.encoded().count)
        #expect(summary.state(state.encoded(), with: cryptography) == state)
        let other = LedgerSamples.state(try LedgerSamples.service())
        #expect(summary.state(other.encoded(), with: cryptography) == nil)
        #expect(summary.state(state.encoded() + [0], with: cryptography) == nil)
        #expect(StateSummary(of: .empty, with: cryptography) == nil)
    }
}
