// SPDX-License-Identifier: Apache-2.0

internal import NetronWire
internal import Testing

@Suite("ledger: blocks") struct LedgerBlockTests {
    private func changes() throws -> LedgerChanges {
        let old = LedgerSamples.state(try LedgerSamples.note())
        let new = LedgerSamples.state(try LedgerSamples.service())
        return LedgerChanges(from: old, to: new)
    }

    @Test("the bytes are those of the drawing, and are read back") func bytes() throws {
        let head: [UInt8] = [1, 2, 3]
        let block = LedgerBlock(head: head, changes: try changes())
        var writer = ByteWriter()
        try changes().write(to: &writer)
        let bytes = try #require(block.encoded())
        #expect(bytes == [3, 0, 3, 1, 2, 3] + writer.bytes)
        #expect(DirectoryPayload(of: bytes) == .block)
        #expect(try LedgerBlock(bytes: bytes) == block)
        for count in 0..<bytes.count {
            #expect(throws: WireError.truncated) {
                try LedgerBlock(bytes: Array(bytes.prefix(count)))
            }
        }
        #expect(throws: WireError.trailing) { try LedgerBlock(bytes: bytes + [0]) }
        #expect(throws: WireError.notCanonical) { try LedgerBlock(bytes: [1] + bytes.dropFirst()) }
    }

    @Test("what is more than a broadcast holds has no bytes") func tooLong() throws {
        let changes = try changes()
        var writer = ByteWriter()
        changes.write(to: &writer)
        let room = Rumor.payloadBytesMax - 3 - writer.bytes.count
        let most = LedgerBlock(head: [UInt8](repeating: 1, count: room), changes: changes)
        #expect(most.encoded()?.count == Rumor.payloadBytesMax)
        let more = LedgerBlock(head: [UInt8](repeating: 1, count: room + 1), changes: changes)
        #expect(more.encoded() == nil)
    }

    @Test("changes fit the state that they led to") func fit() throws {
        let changes = try changes()
        #expect(changes.fit(LedgerSamples.state(try LedgerSamples.service())))
        #expect(!changes.fit(LedgerSamples.state(try LedgerSamples.note())))
        let both = LedgerSamples.state(try LedgerSamples.service(), try LedgerSamples.note())
        #expect(!changes.fit(both) && !changes.fit(.empty))
    }
}
