// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronSimulator
internal import NetronWire
internal import Testing

/// Every other member can be reached from everywhere.
private func member(_ number: Int, version: UInt32 = 0, isLeaving: Bool = false) -> Presence {
    let fields = Presence.Fields(
        name: "n",
        endpoints: usualFields(number).endpoints,
        isReachable: !isLeaving && number % 2 == 0
    )
    return presence(of: many(number), version: version, isLeaving: isLeaving, saying: fields)
}

private let places = PlaceKey(.cheap(many(0)))

extension DirectoryScript {
    /// Hears of members, some at a time as broadcasts bring them.
    fileprivate mutating func hear(_ numbers: some Sequence<Int>) {
        for (index, number) in numbers.enumerated() {
            judge(member(number))
            if index % 16 == 0 { pass(.seconds(1)) }
        }
    }

    /// Whether everybody at the place of a member is to be here.
    fileprivate func covers(_ number: Int) -> Bool {
        let bits = directory.coverageBits
        let place = places.place(of: many(number))
        return DirectoryRange(bits: bits, around: .init(0)).contains(place)
            || DirectoryRange(bits: bits, around: places.place(of: id)).contains(place)
    }

    fileprivate func knows(_ number: Int) -> Bool { directory.record(of: many(number)) != nil }

    /// What it has of the places that all members keep.
    fileprivate func common(bits: Int) -> [NodeID] {
        let range = DirectoryRange(bits: bits, around: .init(0))
        return directory.members(from: 0, count: 20_000).ids
            .filter { range.contains(places.place(of: $0)) }.sorted()
    }
}

@Suite("a directory without room for all") struct DirectoryRoomTests {
    private let all = 1...1_000
    private let most = 200

    /// Directories that heard of all, each in another order.
    private func heard(_ count: Int) -> [DirectoryScript] {
        var random = SeededRandom(seed: 11)
        return (0..<count).map { index in
            var script = DirectoryScript(many(3_000 + index), membersMax: most)
            script.hear(all.shuffled(using: &random))
            return script
        }
    }

    @Test("it keeps all of the lowest places and of those near its own, and some of the others")
    func parts() {
        for script in heard(3) {
            let covered = all.filter { script.covers($0) }
            #expect((20...most / 2).contains(covered.count))
            #expect(covered.allSatisfy { script.knows($0) })
            #expect(script.directory.liveCount == most)
            #expect(!script.directory.keepsAll)
            // Of the others, those that can be reached.
            let others = all.filter { script.knows($0) && !script.covers($0) }
            #expect(others.count { $0 % 2 == 0 } == others.count)
            #expect((700...1_500).contains(script.directory.estimatedCount))
        }
    }

    @Test("contacts are as many at each distance, and others for each member") func contacts() {
        let scripts = heard(2)
        let known = scripts.map { script in
            all.filter { script.knows($0) && !script.covers($0) }
        }
        let shared = Set(known[0]).intersection(known[1])
        #expect(shared.count < known[0].count / 2)
        let own = places.place(of: scripts[0].id).number
        var counts: [Int: Int] = [:]
        for number in known[0] {
            let distance = places.place(of: many(number)).number ^ own
            counts[distance.leadingZeroBitCount, default: 0] += 1
        }
        #expect((0..<3).allSatisfy { (15...60).contains(counts[$0] ?? 0) })
    }

    @Test("all agree on the common part, and on who announces the network") func common() {
        var scripts = heard(3)
        let bits = scripts.map(\.directory.coverageBits).max() ?? 0
        let common = scripts[0].common(bits: bits)
        #expect(common.count > 20)
        #expect(scripts.allSatisfy { $0.common(bits: bits) == common })
        let announcers = scripts.indices.map { scripts[$0].directory.announcers(epoch: 7) }
        #expect(announcers.allSatisfy { $0 == announcers[0] && $0.count == 8 })
        #expect(announcers[0].allSatisfy { common.contains($0) })
    }

    @Test("who has a place is still heard, and the node itself has its own") func own() {
        var script = heard(1)[0]
        let kept = all.first { script.knows($0) } ?? 0
        #expect(script.judge(member(kept, version: 1)).verdict == .accept)
        script.after(.own(.init(name: "me")))
        #expect(script.directory.liveCount == most + 1)
    }

    @Test("who left gives way before who is here, but not where all are kept") func left() {
        var script = heard(1)[0]
        let known = all.filter { script.knows($0) }
        let leaving = known.filter { $0 % 3 == 0 }
        for number in leaving { script.judge(member(number, version: 1, isLeaving: true)) }
        let others = all.filter { !script.knows($0) && $0 % 2 == 0 }
        #expect(others.count > leaving.count)
        script.hear(others.prefix(leaving.count * 2))
        for number in leaving { #expect(script.knows(number) == script.covers(number)) }
        for number in known where number % 3 != 0 && script.covers(number) {
            #expect(script.knows(number))
        }
    }

    @Test("when members go there is room for more, and at last for all") func wider() {
        var script = heard(1)[0]
        let bits = script.directory.coverageBits
        // The statements end, and only some of the members say another one.
        for round in 1...12 {
            script.pass(.seconds(900))
            for number in 1...100 {
                script.judge(
                    presence(
                        of: many(number),
                        version: UInt32(round),
                        time: script.wall,
                        saying: .init(name: "n")
                    )
                )
            }
        }
        #expect(bits > 0)
        #expect(script.directory.keepsAll)
        #expect(script.directory.estimatedCount == 100)
        #expect((1...100).allSatisfy { script.knows($0) })
    }

    @Test("the nearest members that can be reached are told, the nearest first") func nearest() {
        let script = heard(1)[0]
        for number in 1...40 {
            let place = places.place(of: many(5_000 + number))
            let known = all.filter { script.knows($0) && $0 % 2 == 0 }
            let expected = known.map(many).sorted {
                places.place(of: $0).number ^ place.number
                    < places.place(of: $1).number ^ place.number
            }
            let nearest = script.directory.nearest(to: place, count: 8)
            #expect(nearest.map(\.id) == Array(expected.prefix(8)))
            #expect(nearest.allSatisfy { !$0.endpoints.isEmpty })
        }
    }
}

@Suite("reconciliation without room for all") struct DirectoryPartTests {
    private let all = 1...800

    private func script(_ number: Int, most: Int) -> DirectoryScript {
        var script = DirectoryScript(many(number), membersMax: most, seed: UInt64(number))
        script.hear(all)
        // The clocks of all begin together.
        script.now = Instant(nanoseconds: 1_000_000_000)
        script.wall = labEpoch
        return script
    }

    @Test("members of other places compare what both keep, and have no more to exchange")
    func equal() {
        var world = DirectoryWorld([script(3_000, most: 200), script(3_001, most: 200)])
        world.connect(0, 1)
        world.run(for: .seconds(600))
        let before = world.messages
        world.run(for: .seconds(600))
        // About ten rounds each way, of two questions with short answers.
        #expect(world.messages - before <= 20 * 4 + 8)
        #expect(world.nodes.allSatisfy { $0.directory.isReconciled })
    }

    @Test("what one missed of the common part comes from the other") func missed() {
        var (left, right) = (script(3_000, most: 260), script(3_001, most: 260))
        let bits = max(left.directory.coverageBits, right.directory.coverageBits)
        let range = DirectoryRange(bits: bits, around: .init(0))
        let common = (5_000...9_000).filter { range.contains(places.place(of: many($0))) }
            .prefix(5)
        #expect(common.count == 5)
        for number in common.prefix(3) { left.judge(member(number)) }
        for number in common.suffix(2) { right.judge(member(number)) }
        var world = DirectoryWorld([left, right])
        world.connect(0, 1)
        world.run(for: .seconds(300))
        for node in world.nodes { #expect(common.allSatisfy { node.knows($0) }) }
    }

    @Test("who has no room for all that another has takes its parts of it", arguments: [0, 200])
    func joiner(room: Int) {
        let other = script(3_000, most: room == 0 ? DirectoryLimits.membersMax : room)
        var world = DirectoryWorld([other, DirectoryScript(many(3_001), membersMax: 150)])
        world.connect(0, 1)
        world.run(for: .seconds(300))
        let joiner = world.nodes[1]
        #expect(!joiner.directory.keepsAll)
        #expect(joiner.directory.isReconciled)
        #expect(joiner.directory.liveCount <= 150)
        #expect((550...1_200).contains(joiner.directory.estimatedCount))
        let common = DirectoryRange(bits: joiner.directory.coverageBits, around: .init(0))
        let missing = all.filter {
            common.contains(places.place(of: many($0))) && !joiner.knows($0)
        }
        #expect(missing.isEmpty)
    }

    @Test("who has room for all knows that a neighbour without it has told a part only")
    func large() {
        var world = DirectoryWorld([script(3_000, most: 200), DirectoryScript(many(3_001))])
        world.connect(0, 1)
        world.run(for: .seconds(300))
        let joiner = world.nodes[1].directory
        #expect(joiner.isReconciled && !joiner.keepsAll)
        #expect(joiner.coverageBits == 0)
        #expect((550...1_200).contains(joiner.estimatedCount))
        // And that it was told all, when one with room for all is its neighbour.
        world.disconnect(0, 1)
        var full = DirectoryWorld([script(3_002, most: 5_000), world.nodes[1]])
        full.connect(0, 1)
        full.run(for: .seconds(900))
        #expect(full.nodes[1].directory.keepsAll)
    }

    @Test("who is said to have more than there is room for makes nobody keep less by that alone")
    func boast() {
        var script = DirectoryScript(many(1))
        for number in 2...100 { script.judge(member(number)) }
        let much = DirectoryMessage.Summary(fingerprint: 1, count: .max)
        let parts = [DirectoryMessage.Summary](repeating: much, count: 16)
        var open = script.after(.neighbourUp(many(200))).messages
        var questions = 0
        while let message = open.popLast(), questions < 10_000 {
            guard case .ask(let range, _) = message else { continue }
            questions += 1
            let answer: DirectoryMessage =
                range.bits <= 60 ? .parts(range, parts) : .list(range, [])
            open += script.after(.received(answer, from: many(200))).messages
        }
        #expect(questions <= 512)
        #expect(script.directory.coverageBits == 0)
        #expect(script.directory.liveCount == 99)
    }

    @Test("who says again and again that it keeps less ends the round") func liar() {
        var world = DirectoryWorld([DirectoryScript(many(1)), DirectoryScript(many(2))])
        world.forge = { node, message in
            guard node == 0, case .same(let range) = message else { return message }
            return .keeps(range, bits: min(range.bits + 1, 64))
        }
        world.connect(0, 1)
        world.run(for: .seconds(120))
        #expect(world.messages < 1_000)
        #expect(world.nodes[1].directory.coverageBits == 0)
    }
}
