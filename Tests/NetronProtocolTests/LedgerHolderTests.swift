// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronWire
import Testing

@Suite("ledger: keys whose holder changes though nobody writes") struct LedgerHolderTests {
    private let first = many(1)
    private let second = many(2)
    private let web = key("services", "web")

    /// What a member says that has the key since then.
    private func claim(since: UInt64) -> LedgerState {
        var state = LedgerState.empty
        let entry = LedgerEntry(
            web,
            since: since,
            time: HybridTime(milliseconds: since),
            value: [1]
        )
        entry.map { state.set($0) }
        return state
    }

    /// Lets a node take in what a member says, with its state; the keys that it tells of.
    private func say(
        _ state: LedgerState,
        by id: NodeID,
        at time: UInt64,
        version: UInt32 = 0,
        to script: inout LedgerScript
    ) -> [LedgerKey] {
        let presence = presence(of: id, with: state, version: version, time: time)
        var changed = script.hear(presence).changed
        changed += script.after(.received(.answer(state, of: presence), from: many(9))).changed
        return changed
    }

    private func script() -> LedgerScript {
        var script = LedgerScript()
        script.after(.neighbourUp(many(9)))
        return script
    }

    @Test("who does not answer a later claim loses the key after 30 s, and watchers are told then")
    func contestEnds() {
        var script = script()
        #expect(say(claim(since: labEpoch), by: first, at: labEpoch, to: &script) == [web])
        let later = labEpoch + 5_000
        script.pass(.seconds(5))
        #expect(say(claim(since: later), by: second, at: later, to: &script) == [web])
        #expect(script.read(web)?.author == first)
        #expect(script.pass(.milliseconds(29_900)).changed.isEmpty)
        #expect(script.read(web)?.author == first)
        #expect(script.pass(.milliseconds(200)).changed == [web])
        #expect(script.read(web)?.author == second)
        // A statement without a change brings it back.
        let answer = presence(
            of: first,
            with: claim(since: labEpoch),
            version: 1,
            time: script.wall
        )
        var effects = script.hear(answer)
        effects += script.pass(.seconds(2))
        #expect(effects.changed == [web])
        #expect(script.read(web)?.author == first)
        #expect(script.pass(.seconds(100)).changed.isEmpty)
    }

    @Test("who answers keeps it, and nobody is told of anything") func contestIsAnswered() {
        var script = script()
        _ = say(claim(since: labEpoch), by: first, at: labEpoch, to: &script)
        let later = labEpoch + 5_000
        script.pass(.seconds(5))
        _ = say(claim(since: later), by: second, at: later, to: &script)
        script.pass(.seconds(5))
        let answer = presence(
            of: first,
            with: claim(since: labEpoch),
            version: 1,
            time: script.wall
        )
        var effects = script.hear(answer)
        effects += script.pass(.seconds(100))
        #expect(effects.changed.isEmpty)
        #expect(script.read(web)?.author == first)
    }

    @Test("when a lease ends watchers are told of all that went with it") func leaseEnds() {
        var script = script()
        _ = say(claim(since: labEpoch), by: first, at: labEpoch, to: &script)
        script.pass(.seconds(5))
        let later = labEpoch + 5_000
        _ = say(claim(since: later), by: second, at: labEpoch + 5_000, to: &script)
        script.heads[first] = nil
        #expect(script.after(.gone(first)).changed == [web])
        #expect(script.read(web)?.author == second)
        script.heads[second] = nil
        #expect(script.after(.gone(second)).changed == [web])
        #expect(script.read(web) == nil)
        #expect(script.pass(.seconds(100)).changed.isEmpty)
    }
}
