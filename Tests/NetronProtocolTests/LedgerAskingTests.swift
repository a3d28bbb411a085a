// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronWire
import Testing

@Suite("ledger: states of others") struct LedgerAskingTests {
    private let author = many(1)
    private let teller = many(2)
    private let other = many(3)

    private func script() -> LedgerScript {
        var script = LedgerScript()
        script.after(.neighbourUp(teller))
        script.after(.neighbourUp(other))
        return script
    }

    @Test("a state is asked of who told of it, kept, and read") func asked() {
        var script = script()
        let state = state(["a": "hello"])
        let presence = presence(of: author, with: state)
        let questions = script.hear(presence, from: teller).questions
        #expect(questions.count == 1 && questions[0].peer == teller)
        #expect(questions[0].wants.map(\.author) == [author])
        #expect(script.read(key("notes", "a")) == nil)
        let effects = script.after(.received(.answer(state, of: presence), from: teller))
        #expect(effects.changed == [key("notes", "a")])
        #expect(script.read(key("notes", "a"))?.value == Array("hello".utf8))
        #expect(script.ledger.isComplete)
        // It is on disk a second later, and not asked for again.
        script.pass(.seconds(1))
        #expect(script.disk.count(of: .states) == 1 && script.disk.count(of: .index) == 1)
        #expect(script.hear(presence, from: other).questions.isEmpty)
    }

    @Test("another state than the author signed is not taken, and who sent it not heard")
    func forged() {
        var script = script()
        let presence = presence(of: author, with: state(["a": "hello"]))
        script.hear(presence, from: teller)
        let forgery = LedgerMessage.answer(state(["a": "other"]), of: presence)
        let effects = script.after(.received(forgery, from: teller))
        #expect(script.ledger.counters.forged == 1)
        #expect(effects.questions.map(\.peer) == [other])
        #expect(script.read(key("notes", "a")) == nil)
        script.after(.received(.answer(state(["a": "hello"]), of: presence), from: teller))
        #expect(script.ledger.counters.unheard == 1)
        script.after(.received(.answer(state(["a": "hello"]), of: presence), from: other))
        #expect(script.read(key("notes", "a")) != nil)
    }

    @Test("what nobody asked for is not taken") func unasked() {
        var script = script()
        let state = state(["a": "hello"])
        let presence = presence(of: author, with: state)
        script.after(.received(.answer(state, of: presence), from: teller))
        #expect(script.ledger.counters.unasked == 1)
        script.hear(presence, from: teller)
        // Asked of another.
        script.after(.received(.answer(state, of: presence), from: other))
        #expect(script.ledger.counters.unasked == 2)
        #expect(script.read(key("notes", "a")) == nil)
    }

    @Test("a state that its author may not have is dropped, and not asked for again")
    func notAllowed() {
        let tooMany = Dictionary(uniqueKeysWithValues: (0..<65).map { ("\($0)", "") })
        let early = state(["a": "x"], time: labEpoch - 2_000)
        var deleted = LedgerState.empty
        for bucket in ["services"] {
            let entry = LedgerEntry(
                key(bucket, "10.1.0.1"),
                since: labEpoch,
                time: HybridTime(milliseconds: labEpoch),
                value: nil
            )
            entry.map { deleted.set($0) }
        }
        for bad in [state(tooMany), early, deleted] {
            var script = script()
            let good = state(["good": "x"])
            let first = presence(of: author, with: good)
            script.hear(first, from: teller)
            script.after(.received(.answer(good, of: first), from: teller))
            script.pass(.milliseconds(5))
            let second = presence(of: author, with: bad, version: 1)
            let answers = script.hear(second, from: teller)
            #expect(answers.questions.count == 1 || bad.byteCount > 1_000)
            guard !answers.questions.isEmpty else { continue }
            script.after(.received(.answer(bad, of: second), from: teller))
            #expect(script.ledger.counters.refused == 1)
            #expect(script.hear(second, from: other).questions.isEmpty)
            script.pass(.seconds(5))
            #expect(script.disk.count(of: .index) == 0)
            #expect(script.read(key("notes", "good")) == nil)
        }
    }

    @Test("who does not answer is left for another, and pauses grow to a minute") func silence() {
        var script = script()
        var questions = script.hear(presence(of: author, with: state(["a": "x"]))).questions
        questions += script.pass(.seconds(10)).questions
        #expect(questions.count == 5)
        #expect(Set(questions.map(\.peer)) == [teller, other])
        script.pass(.seconds(300))
        #expect((5...7).contains(script.pass(.seconds(360)).questions.count))
    }

    @Test("when all lack it, as they are about to get it, they are asked again soon")
    func soon() {
        var script = script()
        script.hear(presence(of: author, with: state(["a": "x"])), from: teller)
        for _ in 0..<2 {
            for peer in [teller, other] { script.after(.received(.lack([author]), from: peer)) }
        }
        #expect(script.pass(LedgerLimits.againFirst).questions.count == 1)
    }

    @Test("the author is asked after who told of it, if it is a neighbour") func ofTheAuthor() {
        var script = script()
        script.after(.neighbourUp(author))
        script.hear(presence(of: author, with: state(["a": "x"])), from: teller)
        let next = script.after(.received(.lack([author]), from: teller)).questions
        #expect(next.map(\.peer) == [author])
    }

    @Test("who lacks it says so, and another is asked at once") func lacking() {
        var script = script()
        script.hear(presence(of: author, with: state(["a": "x"])), from: teller)
        let effects = script.after(.received(.lack([author]), from: teller))
        #expect(effects.questions.count == 1)
        script.after(.received(.lack([author]), from: many(9)))
        #expect(!script.ledger.isComplete)
    }

    @Test("of more than there is place for the rest is looked for later") func tooMany() {
        var script = script()
        var questions = 0
        for number in 10..<(10 + LedgerLimits.wantsMax + 100) {
            let presence = presence(of: many(number), with: state(["a": "\(number)"]))
            questions += script.hear(presence).questions.flatMap(\.wants).count
        }
        questions += script.pass(.milliseconds(5)).questions.flatMap(\.wants).count
        #expect(questions == LedgerLimits.askedMax)
        #expect(!script.ledger.isComplete)
        // Those who left are not missed any more.
        var effects: [LedgerEffect] = []
        for number in 10..<(10 + LedgerLimits.wantsMax + 100) {
            effects += script.after(.gone(many(number)))
        }
        #expect(effects.filter { $0 == .tellHeads }.count == 1)
        #expect(script.ledger.isComplete)
    }

    @Test("what the disk did not take is asked for again, after longer and longer pauses")
    func lost() {
        var script = script()
        let state = state(["a": "hello"])
        let presence = presence(of: author, with: state)
        script.disk.failure = StoreError(.diskFull, "the disk is full; make room on it")
        var looks: [Instant] = []
        script.hear(presence, from: teller)
        for _ in 0..<200 {
            script.after(.received(.answer(state, of: presence), from: teller))
            script.after(.received(.answer(state, of: presence), from: other))
            guard script.pass(.seconds(60)).contains(.tellHeads) else { continue }
            looks.append(script.now)
            script.hear(presence, from: teller)
        }
        #expect((5...9).contains(looks.count))
        script.disk.failure = nil
        for _ in 0..<70 where !script.pass(.seconds(60)).isEmpty {
            script.hear(presence, from: teller)
            script.after(.received(.answer(state, of: presence), from: teller))
            script.after(.received(.answer(state, of: presence), from: other))
        }
        script.pass(.seconds(2))
        #expect(script.disk.count(of: .states) == 1)
    }

    @Test("a member that asks too much is not heard") func tooOften() {
        var script = script()
        let want = LedgerMessage.want([.init(author, stamp: 1)])
        var answers = 0
        for _ in 0..<1_000 { answers += script.after(.received(want, from: teller)).answers.count }
        #expect(answers < 300 && answers > 100)
        #expect(script.ledger.counters.unheard == 1_000 - answers)
    }

    @Test("a member that leaves takes its state with it") func gone() {
        var script = script()
        let state = state(["a": "hello"])
        let presence = presence(of: author, with: state)
        script.hear(presence, from: teller)
        script.after(.received(.answer(state, of: presence), from: teller))
        script.pass(.seconds(2))
        script.heads[author] = nil
        #expect(script.after(.gone(author)).changed == [key("notes", "a")])
        script.pass(.seconds(2))
        #expect(script.disk.store.byteCount == 0)
    }
}

@Suite("ledger: blocks that are passed on") struct LedgerPassingTests {
    private let author = many(1)
    private let teller = many(2)

    @Test("changes to what is kept need no question") func apply() {
        var script = LedgerScript()
        script.after(.neighbourUp(teller))
        let (old, new) = (state(["a": "1"]), state(["a": "2", "b": "3"]))
        let first = presence(of: author, with: old)
        let changes = LedgerChanges(from: .empty, to: old)
        let begun = script.judge(changes, of: first, from: teller, isNews: true)
        #expect(begun.isPassed && begun.effects.questions.isEmpty)
        #expect(begun.effects.changed == [key("notes", "a")])
        let second = presence(of: author, with: new, version: 1)
        let more = LedgerChanges(from: old, to: new)
        let gone = script.judge(more, of: second, from: teller, isNews: true)
        #expect(gone.isPassed && gone.effects.questions.isEmpty)
        #expect(script.read(key("notes", "b"))?.value == Array("3".utf8))
    }

    @Test("changes to what is not kept make a question") func misfit() {
        var script = LedgerScript()
        script.after(.neighbourUp(teller))
        let (old, new) = (state(["a": "1", "z": "0"]), state(["a": "2"]))
        let presence = presence(of: author, with: new, version: 1)
        let changes = LedgerChanges(from: old, to: new)
        let result = script.judge(changes, of: presence, from: teller, isNews: true)
        #expect(result.isPassed && result.effects.questions.map(\.peer) == [teller])
    }

    @Test("of many that put other changes to a known statement one is passed on") func variants() {
        var script = LedgerScript()
        script.after(.neighbourUp(teller))
        let full = state(["a": "1", "b": "2", "c": "3"])
        let presence = presence(of: author, with: full)
        let changes = LedgerChanges(from: .empty, to: full)
        #expect(script.judge(changes, of: presence, from: teller, isNews: true).isPassed)
        var passed = 0
        for part in [["a": "1"], ["b": "2"], ["a": "1", "c": "3"], ["a": "9"]] {
            let other = LedgerChanges(from: .empty, to: state(part))
            let result = script.judge(other, of: presence, from: teller, isNews: false)
            passed += result.isPassed ? 1 : 0
        }
        #expect(passed == 1)
        let garbage = LedgerChanges(from: .empty, to: state(["a": "9"]))
        #expect(!script.judge(garbage, of: presence, from: teller, isNews: false).isPassed)
    }
}
