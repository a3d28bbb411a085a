// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronSimulator
internal import NetronWire
internal import Testing

@Suite("placement: keeping for others") struct PlacementKeepingTests {
    @Test("what a member leaves here is found here, until its lease ends") func lease() {
        var script = PlacementScript()
        #expect(script.store(1) == [script.place(of: 1)])
        #expect(script.ask(script.place(of: 1))?.authors == [many(1)])
        // The statement's lease of 4,200 s, and 120 s for clocks that differ.
        script.pass(.seconds(4_200))
        #expect(script.ask(script.place(of: 1))?.authors == [many(1)])
        let effects = script.pass(.seconds(240))
        #expect(effects.forgotten == [many(1)])
        #expect(script.ask(script.place(of: 1))?.authors == [])
        #expect(script.machine.byteCount == 0)
    }

    @Test("nobody leaves here what another said, or what nobody signed") func forged() {
        var script = PlacementScript()
        #expect(script.store(1, by: 2).isEmpty)
        var bytes = usualPresence(1).bytes
        bytes[bytes.count - 1] ^= 1
        let message = PlacementMessage.store(number: 1, [script.place(of: 1)], bytes)
        #expect(script.after(.received(message, from: many(1))).uses.isEmpty)
        #expect(script.machine.counters.refused == 2)
        #expect(script.machine.placeCount == 0)
    }

    @Test("a place that is no key of the statement, nor can be, is not taken") func noKey() {
        var script = PlacementScript()
        #expect(script.store(1, at: [.init(5)]).isEmpty)
        #expect(script.machine.byteCount == 0)
    }

    @Test("a place is taken only by who is among the nearest that it knows") func near() {
        var script = PlacementScript()
        script.know(15, from: 100)
        #expect(!script.store(1).isEmpty)
        script.know(400, from: 115)
        let results = (2..<80).map { script.store($0).isEmpty }
        #expect(results.contains(true))
        let far = (2..<80).filter { number in
            let place = script.place(of: number)
            let own = script.machine.placeKey.place(of: script.id).number ^ place.number
            return script.known.nearest(to: place, count: 16).allSatisfy {
                $0.place.number ^ place.number < own
            }
        }
        #expect(far.allSatisfy { script.ask(script.place(of: $0), by: $0)?.authors == [] })
    }

    @Test("a key of the ledger is told of when the author's state has it, and else dropped")
    func proof() {
        var script = PlacementScript()
        let (presence, places) = stated(1, keys: 2)
        #expect(script.store(1, at: places, presence) == places)
        #expect(script.ask(places[0])?.authors == [])
        script.after(.stated(many(1), [PlacedKey(place: places[0], rank: 1)]))
        #expect(script.ask(places[0])?.authors == [many(1)])
        #expect(script.machine.placeCount == 1)
        let (other, otherPlaces) = stated(2, keys: 1)
        #expect(script.store(2, at: otherPlaces, other) == otherPlaces)
        #expect(script.machine.wantsState(of: many(2)))
        let effects = script.pass(.seconds(130))
        #expect(effects.forgotten == [many(2)])
    }

    private func stated(_ number: Int, keys: UInt64) -> (Presence, [DirectoryPlace]) {
        let root = StateRoot(bytes: [UInt8](repeating: UInt8(number), count: 32))
        let usual = usualFields(number)
        let fields = Presence.Fields(
            name: usual.name,
            claims: usual.claims,
            endpoints: usual.endpoints,
            ledger: root.flatMap { summary(root: $0) }
        )
        let places = (0..<keys).map { DirectoryPlace(UInt64(number) << 32 | $0) }
        return (presence(of: many(number), saying: fields), places)
    }

    /// A summary that some state may have.
    private func summary(root: StateRoot) -> StateSummary? {
        guard let bucket = LedgerName("dns"), let key = LedgerKey(bucket, "a"),
            let entry = LedgerEntry(
                key,
                since: labEpoch,
                time: HybridTime(number: labEpoch << 16),
                value: root.bytes
            )
        else { return nil }
        var state = LedgerState.empty
        state.set(entry)
        return StateSummary(of: state, with: .cheap(many(0)))
    }

    @Test("of those who have a key the best claims are told first") func best() {
        var script = PlacementScript()
        let place = DirectoryPlace(7)
        for number in 1...6 {
            let (presence, _) = stated(number, keys: 1)
            #expect(script.store(number, at: [place], presence) == [place])
            let rank = UInt64((number * 3) % 7)
            script.after(.stated(many(number), [PlacedKey(place: place, rank: rank)]))
        }
        let expected = (1...6).sorted { ($0 * 3) % 7 < ($1 * 3) % 7 }.map(many)
        let authors = script.ask(place)?.authors ?? []
        #expect(authors.count >= 3)
        #expect(authors == Array(expected.prefix(authors.count)))
    }

    @Test("who claims an address no more is not found by it, and who leaves not at all")
    func changed() {
        var script = PlacementScript()
        #expect(!script.store(1).isEmpty)
        #expect(!script.store(2).isEmpty)
        let other = presence(of: many(1), version: 1, saying: .init(name: "host-1"))
        #expect(script.after(.heard(other)).forgotten == [many(1)])
        #expect(script.ask(script.place(of: 1))?.authors == [])
        let last = presence(of: many(2), version: 1, isLeaving: true)
        #expect(script.after(.heard(last)).forgotten == [many(2)])
        #expect(script.machine.placeCount == 0)
    }

    @Test("an older statement does not come back") func older() {
        var script = PlacementScript()
        let newer = presence(of: many(1), version: 3, saying: usualFields(1))
        #expect(!script.store(1, newer).isEmpty)
        #expect(script.store(1).isEmpty)
        #expect(script.machine.statement(of: many(1)) == newer)
    }

    @Test("with no room left what is farthest goes first, and the budget is kept") func room() {
        let most = 20_000
        var script = PlacementScript(bytesMax: most)
        for number in 1...300 { _ = script.store(number) }
        #expect(script.machine.byteCount <= most)
        #expect((30...60).contains(script.machine.placeCount))
        let own = script.machine.placeKey.place(of: script.id).number
        let sorted = (1...300).sorted {
            script.place(of: $0).number ^ own < script.place(of: $1).number ^ own
        }
        let count = script.machine.placeCount
        for number in sorted.prefix(count) {
            #expect(script.machine.statement(of: many(number)) != nil)
        }
    }

    @Test("one member is answered so often, and another still is") func rate() {
        var script = PlacementScript()
        let count = (0..<500).count { _ in script.ask(.init(1)) != nil }
        #expect(count == 128)
        #expect(script.ask(.init(1), by: 901) != nil)
        script.pass(.seconds(1))
        #expect((0..<100).count { _ in script.ask(.init(1)) != nil } == 16)
    }

    @Test("who asks is told of the nearest members, and not of itself") func nearer() {
        var script = PlacementScript()
        script.know(30)
        let place = DirectoryPlace(99)
        let nearest = script.known.nearest(to: place, count: 13).map(\.id)
        #expect(script.ask(place)?.hints.map(\.id) == Array(nearest.prefix(12)))
        let asker = (1...30).first { many($0) == nearest[0] } ?? 0
        #expect(script.ask(place, by: asker)?.hints.map(\.id) == Array(nearest.dropFirst()))
    }
}
