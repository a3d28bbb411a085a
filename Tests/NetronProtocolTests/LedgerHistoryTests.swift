// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronWire
import Testing

@Suite("ledger: statements that newer ones replaced") struct LedgerHistoryTests {
    private let author = many(1)

    /// Statements of one member that follow each other, each with the same state.
    private func chain(_ count: Int, by id: NodeID = many(1)) -> [Presence] {
        let state = state(["a": "hello"])
        let summary = StateSummary(of: state, with: .cheap(id))
        var chain: [Presence] = []
        for version in 0..<count {
            let draft = Presence.Draft(
                by: id,
                .init(incarnation: labEpoch - 1_000, version: UInt32(version)),
                time: labEpoch,
                lease: 3_600,
                saying: .init(name: "host", ledger: summary),
                after: chain.last?.digest(with: .cheap(id))
            )
            chain.append(draft.signed(by: .cheap(id), network: network))
        }
        return chain
    }

    private func statement(of id: NodeID, _ version: UInt32) -> Presence {
        presence(of: id, with: .empty, version: version)
    }

    private func script(history: Int, bytesMax: Int = .max) -> LedgerScript {
        LedgerScript(bytesMax: bytesMax, history: history)
    }

    @Test("the last so many are kept, the newest first", arguments: [1, 3, 10])
    func kept(_ count: Int) throws {
        var script = script(history: count)
        let chain = chain(7)
        for presence in chain {
            script.hear(presence)
            script.pass(.seconds(2))
        }
        #expect(try script.ledger.history(of: author) == chain.suffix(count).reversed())
        #expect(script.disk.count(of: .heads) == min(count, 7))
        #expect(try script.ledger.brokenLinks().isEmpty)
    }

    @Test("none is kept unless it was asked for, and what was kept goes") func none() throws {
        var script = script(history: 0)
        for presence in chain(3) { script.hear(presence) }
        script.pass(.seconds(5))
        #expect(try script.ledger.history(of: author).isEmpty)
        #expect(script.disk.count(of: .heads) == 0)
    }

    @Test("a statement that names another one before it is a broken link, and a gap is none")
    func broken() throws {
        var script = script(history: 10)
        let chain = chain(6)
        for place in [0, 1, 4] { script.hear(chain[place]) }
        #expect(try script.ledger.brokenLinks().isEmpty)
        let other = presence(of: author, with: state(["a": "hello"]), version: 5)
        script.hear(other)
        let links = try script.ledger.brokenLinks()
        #expect(links.map(\.author) == [author] && links.map(\.order) == [other.order])
    }

    @Test("it goes with its author") func gone() throws {
        var script = script(history: 10)
        for presence in chain(3) + chain(2, by: many(2)) { script.hear(presence) }
        script.pass(.seconds(2))
        script.heads[author] = nil
        script.after(.gone(author))
        script.pass(.seconds(2))
        #expect(try script.ledger.history(of: author).isEmpty)
        #expect(try script.ledger.history(of: many(2)).count == 2)
    }

    @Test("one's own statements are kept, those without a state too") func own() throws {
        var script = script(history: 4)
        for version in UInt32(0)..<3 {
            let state = version == 1 ? state(["a": "x"]) : .empty
            script.after(.said(presence(of: script.id, with: state, version: version)))
        }
        #expect(try script.ledger.history(of: script.id).map(\.order.version) == [2, 1, 0])
    }

    @Test("where there is no room it goes before anything that counts") func room() throws {
        var script = script(history: 1_000, bytesMax: 40_000)
        script.after(.neighbourUp(many(9)))
        let presence = presence(of: author, with: state(["a": "hello"]), version: 1_000)
        script.hear(presence)
        script.after(.received(.answer(state(["a": "hello"]), of: presence), from: many(9)))
        for version in UInt32(0)..<400 {
            script.after(.said(statement(of: script.id, version)))
            script.pass(.seconds(2))
        }
        #expect(script.disk.count(of: .heads) < 200)
        #expect(script.ledger.coverageBits == 0)
        #expect(script.read(key("notes", "a")) != nil)
        #expect(script.write(put("notes", "b", "x")).refusal == nil)
    }
}
