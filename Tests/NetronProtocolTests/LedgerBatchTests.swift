// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronWire
import Testing

@Suite("ledger: many states at once") struct LedgerBatchTests {
    private let hello = state(["a": "hello"])

    /// A node with two neighbours that heard of so many states and asked for some.
    private func script(_ count: Int) -> (LedgerScript, [LedgerEffect]) {
        var script = LedgerScript()
        for number in 1...2 { script.after(.neighbourUp(many(number))) }
        var effects: [LedgerEffect] = []
        for number in 0..<count { effects += script.hear(statement(number)) }
        effects += script.pass(.milliseconds(5))
        return (script, effects)
    }

    private func statement(_ number: Int) -> Presence {
        presence(of: many(10 + number), with: hello)
    }

    @Test("further questions are made when a message can be full of them, and not before")
    func full() {
        var (script, effects) = script(300)
        #expect(effects.questions.flatMap(\.wants).count == 192)
        // Of whom it was asked the answers come, one at a time.
        var asked: [(LedgerMessage.Want, NodeID)] = []
        for question in effects.questions {
            asked += question.wants.map { ($0, question.peer) }
        }
        var later: [(wants: [LedgerMessage.Want], peer: NodeID)] = []
        for (want, peer) in asked.prefix(24) {
            #expect(later.isEmpty)
            let answer = LedgerMessage.states([.init(want, hello.encoded())])
            later += script.after(.received(answer, from: peer)).questions
        }
        #expect(later.map(\.wants.count) == [24])
    }

    @Test("what is wanted first is asked for at once, what comes within 5 ms of that together")
    func together() {
        var (script, _) = script(0)
        #expect(script.hear(statement(0)).questions.flatMap(\.wants).count == 1)
        for number in 1..<10 { #expect(script.hear(statement(number)).questions.isEmpty) }
        #expect(script.pass(.microseconds(4_999)).questions.isEmpty)
        let questions = script.pass(.microseconds(1)).questions
        #expect(questions.map(\.wants.count) == [9])
        // So many that a message is full of them do not wait.
        var later: [Int] = []
        for number in 10..<34 {
            later += script.hear(statement(number)).questions.map(\.wants.count)
        }
        #expect(later == [24])
    }

    @Test("answers to questions are heard however many come, and others are not") func heard() {
        var (script, effects) = script(192)
        var count = 0
        for question in effects.questions {
            for want in question.wants {
                let answer = LedgerMessage.states([.init(want, hello.encoded())])
                script.after(.received(answer, from: question.peer))
                count += 1
            }
        }
        #expect(count == 192 && script.ledger.isComplete)
        for _ in 0..<201 {
            script.after(.received(.answer(hello, of: statement(0)), from: many(1)))
        }
        #expect(script.ledger.counters.unasked == 200)
        #expect(script.ledger.counters.unheard == 1)
    }
}
