// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronSimulator
internal import NetronWire
internal import Testing

extension OpenBucket {
    /// What a live member has of a key.
    fileprivate struct Write: OpenWrite, Hashable {
        let author: NodeID
        let entry: LedgerEntry

        var time: HybridTime { entry.time }

        init(by author: NodeID, _ entry: LedgerEntry) {
            (self.author, self.entry) = (author, entry)
        }
    }
}

@Suite("open bucket") struct LedgerOpenBucketTests {
    private func write(
        _ number: UInt8,
        _ time: UInt64,
        _ value: [UInt8]?
    ) throws
        -> OpenBucket.Write
    {
        let id = try #require(NodeID(bytes: [UInt8](repeating: 0, count: 31) + [number]))
        let key = try #require(LedgerName("notes").flatMap { LedgerKey($0, "a") })
        let time = HybridTime(number: time)
        return .init(by: id, try #require(LedgerEntry(key, since: 0, time: time, value: value)))
    }

    @Test("the last write counts, and of two at once that of the greater id") func last() throws {
        let writes = try [write(3, 5, [1]), write(1, 7, [2]), write(2, 7, [3]), write(4, 6, [4])]
        #expect(OpenBucket.last(of: writes) == writes[2])
        #expect(OpenBucket.last(of: writes.reversed()) == writes[2])
        #expect(OpenBucket.last(of: [OpenBucket.Write]()) == nil)
    }

    @Test("a key that was deleted last is absent, and there again when it is written")
    func deleted() throws {
        let old = try write(1, 5, [1])
        let deleted = try write(2, 6, nil)
        let new = try write(1, 7, [2])
        #expect(try #require(OpenBucket.last(of: [old, deleted])).entry.value == nil)
        #expect(try #require(OpenBucket.last(of: [deleted, new])).entry.value == [2])
        // At one time the greater id counts, also when it deletes.
        #expect(OpenBucket.last(of: [try write(1, 6, [3]), deleted]) == deleted)
        #expect(OpenBucket.last(of: [try write(3, 6, [3]), deleted])?.entry.value == [3])
    }

    @Test("the order of the writes does not matter", arguments: [UInt64](0..<8))
    func order(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let writes = try (UInt8(0)..<8).map {
            let time = UInt64.random(in: 0...3, using: &random)
            return try write($0, time, random.happens(0.3) ? nil : [$0])
        }
        let last = try #require(OpenBucket.last(of: writes))
        for write in writes where write != last {
            #expect((write.entry.time, write.author) < (last.entry.time, last.author))
        }
        for _ in 0..<50 {
            #expect(OpenBucket.last(of: writes.shuffled(using: &random)) == last)
        }
    }
}

@Suite("hybrid time") struct LedgerHybridTimeTests {
    private func time(_ milliseconds: UInt64, _ count: UInt64 = 0) -> HybridTime {
        HybridTime(number: milliseconds << 16 | count)
    }

    @Test("a write has the clock's time, or the first one after what it knows of") func next() {
        #expect(HybridTime.next(after: nil, at: 5) == time(5))
        #expect(HybridTime.next(after: time(4, 9), at: 5) == time(5))
        #expect(HybridTime.next(after: time(5), at: 5) == time(5, 1))
        #expect(HybridTime.next(after: time(6, 3), at: 5) == time(6, 4))
        #expect(HybridTime.next(after: time(6, 0xFFFF), at: 5) == time(7))
    }

    @Test("a write is never further ahead than others believe") func bounded() {
        let most = 5 + Presence.skewMilliseconds
        #expect(HybridTime.next(after: time(most, 0xFFFE), at: 5) == time(most, 0xFFFF))
        #expect(HybridTime.next(after: time(most, 0xFFFF), at: 5) == nil)
        #expect(HybridTime.next(after: time(most + 1), at: 5) == nil)
        #expect(HybridTime.next(after: time(most + 1), at: 6) == time(most + 1, 1))
        #expect(HybridTime.next(after: HybridTime(number: .max), at: .max) == nil)
        #expect(HybridTime.next(after: HybridTime(number: .max), at: 5) == nil)
        #expect(HybridTime.next(after: nil, at: .max) == HybridTime(milliseconds: Presence.timeMax))
    }

    @Test("writers with wrong clocks write one after the other", arguments: [UInt64](0..<4))
    func writers(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let offsets = (0..<5).map { _ in UInt64.random(in: 0...100_000, using: &random) }
        var last: HybridTime?
        var wall: UInt64 = 1_000_000
        for _ in 0..<1_000 {
            wall += UInt64.random(in: 0...50, using: &random)
            let clock = wall + offsets[Int.random(in: 0..<5, using: &random)]
            let next = try #require(HybridTime.next(after: last, at: clock))
            #expect(last.map { $0 < next } ?? true)
            #expect(!next.isAhead(of: wall))
            last = next
        }
    }
}
