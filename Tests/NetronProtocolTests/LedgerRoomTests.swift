// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronWire
import Testing

@Suite("ledger: a node that has not room for all") struct LedgerRoomTests {
    private static let bytesMax = 40_000
    private static let count = 200
    private let neighbour = many(1_000)

    /// A node that heard of 200 members, each with a state of about 350 bytes, and asked for them.
    private func script(removingAtOnce most: Int = .max) -> LedgerScript {
        var script = LedgerScript(bytesMax: Self.bytesMax)
        script.disk.removalsMax = most
        script.after(.neighbourUp(neighbour))
        for number in 1...Self.count { hear(number, by: &script) }
        return script
    }

    private func state(_ number: Int) -> LedgerState {
        NetronProtocolTests.state(["key \(number)": String(repeating: "x", count: 300)])
    }

    private func hear(_ number: Int, by script: inout LedgerScript) {
        let presence = presence(of: many(number), with: state(number))
        answer(script.hear(presence, from: neighbour), to: &script)
        answer(script.pass(.milliseconds(50)), to: &script)
    }

    /// Answers all questions, and those that follow.
    private func answer(_ effects: [LedgerEffect], to script: inout LedgerScript) {
        var effects = effects
        while let question = effects.questions.first {
            effects = []
            for want in question.wants {
                guard let number = (1...Self.count).first(where: { many($0) == want.author }),
                    let head = script.heads[want.author]
                else { continue }
                effects += script.after(
                    .received(.answer(state(number), of: head), from: neighbour)
                )
            }
        }
    }

    /// Tells all statements again, as a node does when its ledger wants that.
    private func tellHeads(to script: inout LedgerScript) {
        for head in script.heads.values.sorted(by: { $0.author < $1.author }) {
            answer(script.hear(head, from: neighbour), to: &script)
        }
        answer(script.pass(.seconds(2)), to: &script)
    }

    private func kept(by script: LedgerScript) -> Int {
        (1...Self.count).count { script.read(key("notes", "key \($0)")) != nil }
    }

    @Test("it keeps within its budget, and says that it lacks some") func within() {
        var script = script()
        tellHeads(to: &script)
        #expect(script.ledger.coverageBits > 0)
        #expect(script.disk.store.byteCount <= Self.bytesMax)
        #expect(!script.ledger.isComplete)
        let kept = kept(by: script)
        // Half of those that have room, or more.
        #expect(kept > 20 && kept < 90)
    }

    @Test("where few can be removed at once it keeps as many all the same") func crowded() {
        var roomy = script()
        tellHeads(to: &roomy)
        var crowded = script(removingAtOnce: 2)
        tellHeads(to: &crowded)
        #expect(crowded.ledger.coverageBits == roomy.ledger.coverageBits)
        #expect(kept(by: crowded) == kept(by: roomy))
        #expect(crowded.disk.store.byteCount <= Self.bytesMax)
    }

    @Test("those of whom it keeps the states are the same whoever came first") func same() {
        var forth = script()
        tellHeads(to: &forth)
        var back = LedgerScript(bytesMax: Self.bytesMax)
        back.after(.neighbourUp(neighbour))
        for number in (1...Self.count).reversed() { hear(number, by: &back) }
        tellHeads(to: &back)
        #expect(forth.ledger.coverageBits == back.ledger.coverageBits)
        for number in 1...Self.count {
            let key = key("notes", "key \(number)")
            #expect((forth.read(key) == nil) == (back.read(key) == nil))
        }
    }

    @Test("what this node writes has room all the same") func own() {
        var script = script()
        for number in 0..<10 {
            let value = [UInt8](repeating: 1, count: 350)
            #expect(script.write(.put(key("own", "\(number)"), value)).refusal == nil)
        }
        #expect(script.disk.store.byteCount <= Self.bytesMax)
        for number in 0..<10 { #expect(script.read(key("own", "\(number)")) != nil) }
    }

    @Test("what authorities say has room all the same, and stays when others go") func trust()
        throws
    {
        var script = script()
        let object = revoking(0..<200, serial: 1)
        var effects: [LedgerEffect] = []
        try script.ledger.keepTrust(object, into: &effects)
        tellHeads(to: &script)
        let kept = try script.ledger.trustRecords().map(\.value)
        #expect(kept == [object.encoded()])
        #expect(script.disk.store.byteCount <= Self.bytesMax)
        #expect(script.ledger.coverageBits > 0)
    }

    @Test("when most are gone it keeps all again") func widening() {
        var script = script()
        var effects: [LedgerEffect] = []
        _ = script.ledger.begin(at: script.now, wall: script.wall, into: &effects)
        for number in 21...Self.count {
            script.heads[many(number)] = nil
            script.after(.gone(many(number)))
        }
        for _ in 0..<8 {
            let asked = script.pass(.seconds(3_600))
            if asked.contains(.tellHeads) { tellHeads(to: &script) }
        }
        #expect(script.ledger.coverageBits == 0)
        #expect(kept(by: script) == 20)
        #expect(script.ledger.isComplete)
    }
}
