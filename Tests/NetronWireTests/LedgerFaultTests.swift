// SPDX-License-Identifier: Apache-2.0

internal import NetronWire
internal import Testing

@Suite("ledger rules") struct LedgerFaultTests {
    private static let start = LedgerSamples.start
    /// When the block was signed.
    private static let time = start + 1_000

    private func author() throws -> NodeID {
        try #require(NodeID(bytes: [9] + [UInt8](repeating: 0, count: 31)))
    }

    private func check(
        _ state: LedgerState,
        within limits: LedgerStateLimits = .standard
    ) throws -> LedgerFault? {
        do {
            try state.check(
                by: try author(),
                incarnation: Self.start,
                time: Self.time,
                within: limits
            )
            return nil
        } catch let fault as LedgerFault {
            return fault
        }
    }

    private func check(
        _ bucket: String,
        _ text: String,
        _ value: String? = "x"
    ) throws
        -> LedgerFault?
    {
        let entry = try LedgerSamples.entry(bucket, text, value)
        return try check(LedgerSamples.state(entry))
    }

    @Test("limits are from 1 to what a network can allow") func limits() {
        #expect(LedgerStateLimits() == .standard)
        #expect(
            (LedgerStateLimits.standard.entries, LedgerStateLimits.standard.bytes) == (64, 4_096)
        )
        #expect(LedgerStateLimits(entries: 1_024, bytes: 65_536) == .most)
        #expect(LedgerStateLimits(entries: 1, bytes: 1) != nil)
        #expect(LedgerStateLimits(entries: 0) == nil && LedgerStateLimits(bytes: 0) == nil)
        #expect(LedgerStateLimits(entries: 1_025) == nil && LedgerStateLimits(bytes: 65_537) == nil)
    }

    @Test("a state has as many records and bytes as the network allows, and no more")
    func full() throws {
        let state = try LedgerSamples.state((0..<4).map { ("notes", "\($0)") })
        let bytes = state.byteCount
        func limits(_ entries: Int, _ bytes: Int) throws -> LedgerStateLimits {
            try #require(LedgerStateLimits(entries: entries, bytes: bytes))
        }
        #expect(try check(state, within: limits(4, bytes)) == nil)
        #expect(try check(state, within: limits(3, bytes)) == .tooManyEntries(4))
        #expect(try check(state, within: limits(4, bytes - 1)) == .tooManyBytes(bytes))
        #expect(try check(.empty, within: limits(1, 1)) == nil)
    }

    @Test("users and exits are said of oneself alone", arguments: ["users", "egress"])
    func ownID(bucket: String) throws {
        let own = try author().description
        let other = try #require(NodeID(bytes: [UInt8](repeating: 0, count: 32))).description
        #expect(try check(bucket, own) == nil)
        for text in [other, own.uppercased(), "me"] {
            let key = try LedgerSamples.key(bucket, text)
            #expect(try check(bucket, text) == .notOwnID(key))
        }
    }

    @Test("what is computed and what authorities say is in nobody's state") func notWritable()
        throws
    {
        for bucket in ["machines", "healthcheck", "trustzone", "trustzoneAuth"] {
            let key = try LedgerSamples.key(bucket, "a")
            #expect(try check(bucket, "a") == .notWritable(key))
            #expect(try check(bucket, "a", nil) == .notWritable(key))
        }
    }

    @Test("only in an open bucket a record says that its key is deleted") func deleted() throws {
        #expect(try check("notes", "a", nil) == nil)
        for bucket in ["services", "files", "dns"] {
            let text = "10.1.0.11"
            let key = try LedgerSamples.key(bucket, text)
            #expect(try check(bucket, text) == nil)
            #expect(try check(bucket, text, nil) == .deleted(key))
        }
        #expect(try check("services", "a", "") == nil)
    }

    @Test("since is from the author's start to the block") func since() throws {
        let key = try LedgerSamples.key("notes", "a")
        func check(_ since: UInt64) throws -> LedgerFault? {
            let entry = try LedgerSamples.entry("notes", "a", "x", since: since)
            return try self.check(LedgerSamples.state(entry))
        }
        #expect(try check(Self.start - 1) == .sinceTooEarly(key))
        #expect(try check(Self.start) == nil)
        #expect(try check(Self.time) == nil)
        #expect(try check(Self.time + 1) == .sinceTooLate(key))
    }

    @Test("a write is at most 120 s ahead of its block") func time() throws {
        let key = try LedgerSamples.key("notes", "a")
        func check(_ time: UInt64, _ count: UInt64) throws -> LedgerFault? {
            let time = HybridTime(number: time << 16 | count)
            let entry = try LedgerSamples.entry("notes", "a", "x", time: time)
            return try self.check(LedgerSamples.state(entry))
        }
        #expect(try check(0, 0) == nil)
        #expect(try check(Self.time + 120_000, 0xFFFF) == nil)
        #expect(try check(Self.time + 120_001, 0) == .timeTooLate(key))
    }

    @Test("the fault is that of the first record that has one") func first() throws {
        let state = try LedgerSamples.state([
            ("a", "a"), ("healthcheck", "a"), ("machines", "a"), ("users", "a"),
        ])
        #expect(try check(state) == .notWritable(try LedgerSamples.key("healthcheck", "a")))
    }
}
