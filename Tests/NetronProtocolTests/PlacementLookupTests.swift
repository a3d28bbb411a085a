// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronSimulator
internal import NetronWire
internal import Testing

@Suite("placement: looking up") struct PlacementLookupTests {
    private let target = PlacementTarget.address(usualFields(77).claims[0].address)

    /// The answers of all that were asked, until nobody is asked any more.
    private func answers(
        to asked: [PlacementEffect],
        in script: inout PlacementScript,
        _ answer: (NodeID) -> PlacementMessage?
    ) -> [PlacementEffect] {
        var effects: [PlacementEffect] = []
        var open = asked.asked
        while let (id, number) = open.first {
            open.removeFirst()
            guard case .answer(_, let statements, let hints)? = answer(id) else { continue }
            let message = PlacementMessage.answer(number: number, statements, nearer: hints)
            let more = script.after(.received(message, from: id))
            open += more.asked
            effects += more
        }
        return effects
    }

    private let nothing = PlacementMessage.answer(number: 0, [], nearer: [])

    @Test("four are asked at once, the nearest first, and the eight nearest in all")
    func nearest() {
        var script = PlacementScript()
        script.know(40)
        let first = script.after(.lookUp(target))
        let nearest = script.known.nearest(to: script.place(of: 77), count: 8).map(\.id)
        #expect(first.asked.map(\.id) == Array(nearest.prefix(4)))
        let rest = answers(to: first, in: &script) { _ in nothing }
        #expect(Set(first.asked.map(\.id) + rest.asked.map(\.id)) == Set(nearest))
        #expect(rest.outcomes == [.absent])
        // What was not found is not looked for again at once.
        #expect(script.after(.lookUp(target)).outcomes == [.absent])
        script.pass(.seconds(10))
        #expect(script.after(.lookUp(target)).asked.count == 4)
    }

    @Test("that there is nothing takes the word of five", arguments: [4, 5])
    func absent(answering: Int) {
        var script = PlacementScript()
        script.know(8)
        let willing = (1...answering).map(many)
        var effects = script.after(.lookUp(target))
        let more = answers(to: effects, in: &script) { willing.contains($0) ? nothing : nil }
        effects = more + script.pass(.seconds(1))
        for _ in 0..<8 {
            effects += answers(to: effects, in: &script) {
                willing.contains($0) ? nothing : nil
            }
            effects += script.pass(.seconds(2))
        }
        #expect(effects.outcomes == [answering == 5 ? .absent : .unknown])
    }

    @Test("who knows nobody finds nothing, and says that it does not know") func alone() {
        var script = PlacementScript()
        #expect(script.after(.lookUp(target)).outcomes == [.unknown])
    }

    @Test("hints lead on, and a member is found by the word of one") func hints() {
        var script = PlacementScript()
        script.know(1)
        let sought = PlacementTarget.member(many(77))
        let first = script.after(.lookUp(sought))
        #expect(first.asked.map(\.id) == [many(1)])
        let hint = Hint(many(2), at: [endpoint("192.0.2.2:7000")])
        let second = answers(to: first, in: &script) {
            $0 == many(1)
                ? .answer(number: 0, [], nearer: [hint])
                : .answer(number: 0, [usualPresence(77).bytes], nearer: [])
        }
        #expect(second.asked.map(\.id) == [many(2)])
        #expect(second.outcomes == [.found([usualPresence(77)])])
        #expect(second.uses == [.sought])
        #expect(script.machine.statement(of: many(77)) == usualPresence(77))
    }

    @Test("what is false is not believed: another's claim, a broken signature, an older time")
    func false_() {
        var script = PlacementScript()
        script.know(8)
        var broken = usualPresence(77).bytes
        broken[broken.count - 1] ^= 1
        let old = presence(of: many(77), time: labEpoch - 5_000_000, saying: usualFields(77))
        let lies = [usualPresence(78).bytes, broken, old.bytes, [1, 2, 3]]
        let effects = answers(to: script.after(.lookUp(target)), in: &script) { _ in
            .answer(number: 0, lies, nearer: [])
        }
        #expect(effects.outcomes == [.absent])
        #expect(script.machine.counters.refused == 32)
        #expect(script.machine.byteCount == 0)
    }

    @Test("answers of who was not asked, or that come twice, are not taken") func unasked() {
        var script = PlacementScript()
        script.know(3)
        let asked = script.after(.lookUp(target)).asked
        let answer = PlacementMessage.answer(
            number: asked[0].number,
            [usualPresence(77).bytes],
            nearer: []
        )
        script.after(.received(answer, from: many(50)))
        #expect(script.machine.counters.unasked == 1)
        script.after(.received(answer, from: asked[0].id))
        script.after(.received(answer, from: asked[0].id))
        #expect(script.machine.counters.unasked == 2)
        let other = PlacementMessage.answer(number: 12_345, [], nearer: [])
        script.after(.received(other, from: asked[1].id))
        #expect(script.machine.counters.unasked == 3)
    }

    @Test("who tells of ever more members is not asked for ever") func endless() {
        var script = PlacementScript()
        script.know(8)
        var next = 1_000
        let effects = answers(to: script.after(.lookUp(target)), in: &script) { _ in
            next += 8
            let hints = ((next - 8)..<next).map { Hint(many($0), at: usualFields($0).endpoints) }
            return .answer(number: 0, [], nearer: hints)
        }
        #expect(effects.asked.count <= 40)
        #expect(effects.outcomes == [.absent])
    }

    @Test("who is silent is passed over after a second, and all ends in time") func silent() {
        var script = PlacementScript()
        script.know(20)
        #expect(script.after(.lookUp(target)).asked.count == 4)
        #expect(script.pass(.seconds(1)).asked.count == 4)
        let effects = script.pass(.seconds(15))
        #expect(effects.outcomes == [.unknown])
        #expect(script.pass(.seconds(60)).isEmpty)
    }

    @Test("who cannot be reached is passed over at once") func unreachable() {
        var script = PlacementScript()
        script.know(20)
        let asked = script.after(.lookUp(target)).asked
        #expect(script.after(.unreachable(asked[0].id)).asked.count == 1)
    }

    @Test("lookups beyond those that can wait fail") func many_() {
        var script = PlacementScript()
        script.know(20)
        let most = PlacementLimits.lookupsMax + PlacementLimits.waitingMax
        var outcomes: [PlacementOutcome] = []
        for number in 0..<(most + 5) {
            let target = PlacementTarget.address(usualFields(1_000 + number).claims[0].address)
            outcomes += script.after(.lookUp(target)).outcomes
        }
        #expect(outcomes == [PlacementOutcome](repeating: .unknown, count: 5))
    }

    @Test("what was looked for is remembered for a while, and only so much of it") func found() {
        var script = PlacementScript()
        script.know(1)
        for number in 100..<(100 + PlacementLimits.foundMax + 10) {
            let effects = script.after(.lookUp(.member(many(number))))
            _ = answers(to: effects, in: &script) { _ in
                .answer(number: 0, [usualPresence(number).bytes], nearer: [])
            }
            script.pass(.milliseconds(100))
        }
        #expect(script.machine.statement(of: many(109)) == nil)
        #expect(script.machine.statement(of: many(110)) != nil)
        let forgotten = script.pass(.seconds(700)).forgotten
        #expect(forgotten.count == PlacementLimits.foundMax)
        #expect(script.machine.byteCount == 0)
    }
}

@Suite("placement: leaving with others") struct PlacementStoringTests {
    /// Lets all that are asked answer that they know nothing, and some of them keep what comes.
    private func run(
        _ script: inout PlacementScript,
        for duration: Duration,
        from first: [PlacementEffect] = [],
        keepers: (NodeID) -> Bool
    ) -> [PlacementEffect] {
        var all = first
        var open = first
        let end = script.now + duration
        while script.now < end || !open.isEmpty {
            let effects = open
            open = []
            for effect in effects {
                guard case .send(let message, let id, _) = effect else { continue }
                switch message {
                case .ask(let number, _):
                    let answer = PlacementMessage.answer(number: number, [], nearer: [])
                    open += script.after(.received(answer, from: id))
                case .store(let number, let places, _):
                    guard keepers(id) else { continue }
                    let answer = PlacementMessage.kept(number: number, places)
                    open += script.after(.received(answer, from: id))
                default: break
                }
            }
            if open.isEmpty { open = script.pass(.milliseconds(100)) }
            all += open
        }
        return all
    }

    @Test("what this node says is left with the eight nearest each of its keys") func eight() {
        var script = PlacementScript()
        script.know(50)
        let own = presence(of: script.id, saying: usualFields(0))
        let first = script.after(.said(own, keys: []))
        let effects = run(&script, for: .seconds(30), from: first) { _ in true }
        let nearest = script.known.nearest(to: script.place(of: 0), count: 8).map(\.id)
        #expect(effects.stores.sorted() == nearest.sorted())
        // Who asks this node is answered as well.
        #expect(script.ask(script.place(of: 0))?.authors == [script.id])
    }

    @Test("who does not answer is told twice, and with too few keepers it is tried again later")
    func again() {
        var script = PlacementScript()
        script.know(8)
        let own = presence(of: script.id, saying: usualFields(0))
        let first = script.after(.said(own, keys: []))
        let effects = run(&script, for: .seconds(30), from: first) { $0 == many(1) }
        #expect(effects.stores.count { $0 == many(1) } == 1)
        #expect(effects.stores.count { $0 == many(2) } == 2)
        let later = run(&script, for: .seconds(60)) { _ in true }
        #expect(later.stores.count == 8)
        #expect(run(&script, for: .seconds(3_600)) { _ in true }.stores.isEmpty)
    }

    @Test("with many keys it goes at a measured pace") func pace() {
        var script = PlacementScript()
        script.know(50)
        let own = presence(of: script.id, saying: usualFields(0))
        let bucket = LedgerName("dns")
        let keys = (0..<20).compactMap { number in bucket.flatMap { LedgerKey($0, "n\(number)") } }
        let first = script.after(.said(own, keys: keys))
        let effects = run(&script, for: .seconds(2), from: first) { _ in true }
        #expect((1...80).contains(effects.stores.count))
        let rest = run(&script, for: .seconds(30)) { _ in true }
        #expect(effects.stores.count + rest.stores.count == 21 * 8)
    }

    @Test("who leaves tells nobody") func leaving() {
        var script = PlacementScript()
        script.know(50)
        let last = presence(of: script.id, isLeaving: true)
        #expect(script.after(.said(last, keys: [])).isEmpty)
    }
}
