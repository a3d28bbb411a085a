// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronWire
internal import Testing

@Suite("ledger: keys of open buckets that this node deleted") struct LedgerDeletionTests {
    private let other = many(1)

    /// A node that deleted what another member wrote, which then went; the node's own statements
    /// have that lease.
    private func script(lease: UInt32) -> LedgerScript {
        var script = LedgerScript()
        var effects: [LedgerEffect] = []
        _ = script.ledger.begin(at: script.now, wall: script.wall, into: &effects)
        let theirs = state(["a": "theirs"])
        let head = presence(of: other, with: theirs)
        _ = script.judge(
            LedgerChanges(from: .empty, to: theirs),
            of: head,
            from: other,
            isNews: true
        )
        script.pass(.seconds(2))
        #expect(script.write(.delete(key("notes", "a"))).refusal == nil)
        script.after(.said(presence(of: script.id, lease: lease)))
        script.heads[other] = nil
        script.after(.gone(other))
        return script
    }

    private func records(of script: inout LedgerScript) throws -> Int {
        try script.ledger.statistics().ownRecords
    }

    @Test("that they are deleted is forgotten after a day, or a lease that is longer")
    func forgotten() throws {
        for (lease, days) in [(UInt32(4_200), 1), (Presence.leaseMax, 8)] {
            var script = script(lease: lease)
            script.pass(.seconds(days * 86_400 - 600))
            #expect(try records(of: &script) == 1)
            script.pass(.seconds(1_800))
            #expect(try records(of: &script) == 0)
        }
    }

    @Test("who wrote it and is there again finds it deleted") func thereAgain() throws {
        var script = script(lease: 4_200)
        script.pass(.seconds(3_600))
        let theirs = state(["a": "theirs"])
        let again = script.judge(
            LedgerChanges(from: .empty, to: theirs),
            of: presence(of: other, with: theirs, version: 1),
            from: other,
            isNews: true
        )
        #expect(again.isPassed)
        #expect(script.read(key("notes", "a")) == nil)
        #expect(try records(of: &script) == 1)
    }
}
