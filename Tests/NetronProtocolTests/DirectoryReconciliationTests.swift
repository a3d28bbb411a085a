// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronWire
import Testing

@Suite("directory: reconciliation") struct DirectoryReconciliationTests {
    /// A directory with the statements of nodes with these numbers.
    private func node(
        _ number: Int,
        knowing numbers: some Sequence<Int>,
        version: UInt32 = 0
    ) -> DirectoryScript {
        var node = DirectoryScript(many(number), seed: UInt64(number))
        for number in numbers {
            node.judge(presence(of: many(number), version: version, saying: usualFields(number)))
        }
        return node
    }

    @Test("a newcomer learns 10,000 members at once, and broadcasts none of them")
    func newcomer() {
        let link = DirectoryWorld.Link(delay: .milliseconds(25), rate: 20_000_000)
        var world = DirectoryWorld(
            [node(1, knowing: 100..<10_100), node(2, knowing: [])],
            link: link
        )
        let start = world.now
        world.connect(1, 0)
        world.run(for: .seconds(60)) { $0.nodes[1].directory.liveCount == 10_000 }
        let time = world.now - start
        #expect(world.nodes[1].directory.liveCount == 10_000)
        #expect(world.nodes[1].directory.summary == world.nodes[0].directory.summary)
        #expect(world.broadcasts == 0)
        #expect(time < .seconds(6))
        #expect(world.bytes[0] < 2_600_000)
        #expect(world.bytes[1] < 260_000)
    }

    @Test("two directories of 2,000 that differ in 10 exchange little more than the 10")
    func difference() {
        var left = node(1, knowing: 100..<2_100)
        var right = node(2, knowing: 100..<2_095)
        for number in 100..<105 {
            let newer = presence(of: many(number), version: 1, saying: usualFields(number))
            right.judge(newer)
        }
        left.after(.timeout)
        var world = DirectoryWorld([left, right])
        let start = world.now
        world.connect(0, 1)
        world.run(for: .seconds(20)) {
            $0.nodes[0].directory.summary == $0.nodes[1].directory.summary
        }
        #expect(world.nodes[0].directory.summary == world.nodes[1].directory.summary)
        #expect(world.now - start < .milliseconds(200))
        #expect(world.bytes.reduce(0, +) < 20_000)
        #expect(world.broadcasts == 0)
    }

    @Test("equal directories cost less than 15 B/s") func idle() {
        var world = DirectoryWorld([
            node(1, knowing: 100..<200), node(2, knowing: 100..<200),
        ])
        world.connect(0, 1)
        world.run(for: .seconds(3_000))
        #expect(world.bytes.reduce(0, +) < 15 * 3_000)
        #expect(world.messages >= 2 * 80)
    }

    @Test("halves of a split network of 2,000 become one in two rounds") func halves() {
        var world = DirectoryWorld([
            node(1, knowing: 100..<1_600), node(2, knowing: Array(100..<600) + (1_600..<2_600)),
        ])
        world.connect(0, 1)
        world.run(for: .seconds(160)) {
            $0.nodes[0].directory.summary == $0.nodes[1].directory.summary
        }
        #expect(world.nodes[0].directory.liveCount == 2_500)
        #expect(world.nodes[1].directory.liveCount == 2_500)
        #expect(world.broadcasts == 0)
    }

    @Test("loss of a tenth of all messages delays, and that is all") func loss() {
        var world = DirectoryWorld(
            [node(1, knowing: 100..<1_100), node(2, knowing: [99])],
            link: .init(loss: 100)
        )
        world.connect(0, 1)
        world.run(for: .seconds(400)) {
            $0.nodes[0].directory.summary == $0.nodes[1].directory.summary
        }
        #expect(world.nodes[0].directory.liveCount == 1_001)
        #expect(world.nodes[1].directory.liveCount == 1_001)
    }

    @Test("when the neighbour goes that all is pulled from, another one gives the rest")
    func sourceGoes() {
        let link = DirectoryWorld.Link(rate: 4_000_000)
        var world = DirectoryWorld(
            [
                node(1, knowing: 100..<2_100), node(2, knowing: 100..<2_100),
                node(3, knowing: []),
            ],
            link: link
        )
        world.connect(2, 0)
        world.connect(2, 1)
        world.run(for: .milliseconds(300))
        #expect(world.nodes[2].directory.liveCount < 2_000)
        let before = world.bytes
        world.disconnect(2, before[0] > before[1] ? 0 : 1)
        world.run(for: .seconds(30)) { $0.nodes[2].directory.liveCount == 2_000 }
        #expect(world.nodes[2].directory.liveCount == 2_000)
        // Both together sent little more than one page twice.
        #expect(world.bytes[0] + world.bytes[1] < 2_000 * 190 + 150_000)
    }

    @Test("of two statements in one order both keep the same one") func equivocation() {
        var left = node(1, knowing: [])
        var right = node(2, knowing: [])
        left.judge(presence(of: many(5), saying: .init(name: "a")))
        right.judge(presence(of: many(5), saying: .init(name: "b")))
        #expect(left.directory.summary != right.directory.summary)
        var world = DirectoryWorld([left, right])
        world.connect(0, 1)
        world.run(for: .seconds(10))
        let records = world.nodes.map { $0.directory.record(of: many(5)) }
        #expect(records[0] == records[1])
        #expect(world.nodes[0].directory.summary == world.nodes[1].directory.summary)
    }

    @Test("each new neighbour is asked, a second after the round before") func newNeighbours() {
        var script = DirectoryScript()
        let first = script.after(.neighbourUp(many(1))).messages
        #expect(first == [.ask(.all, script.directory.summary)])
        #expect(script.after(.neighbourUp(many(2))).messages.isEmpty)
        script.after(.received(.same(.all), from: many(1)))
        #expect(script.directory.isReconciled)
        #expect(script.pass(.milliseconds(999)).messages.isEmpty)
        #expect(script.pass(.milliseconds(1)).sent.map(\.peer) == [many(2)])
        script.after(.received(.same(.all), from: many(2)))
        // Then one by chance, once a minute.
        #expect(script.pass(.seconds(44)).messages.isEmpty)
        var next: [NodeID] = []
        for _ in 0..<31 where next.isEmpty { next = script.pass(.seconds(1)).sent.map(\.peer) }
        #expect(next.count == 1)
        for peer in next { script.after(.received(.same(.all), from: peer)) }
        // After a while one more is asked at once, and so is who is to be.
        script.pass(.seconds(1))
        #expect(script.after(.neighbourUp(many(3))).sent.map(\.peer) == [many(3)])
        script.after(.received(.same(.all), from: many(3)))
        #expect(script.after(.reconcile(many(4))).messages.count == 1)
    }

    @Test("after a round that found much the next is soon, and after what others bring too")
    func goesOn() {
        var script = node(0, knowing: 100..<250)
        script.pass(.seconds(130))
        script.after(.neighbourUp(many(1)))
        script.after(.received(.same(.all), from: many(1)))
        let news = (300..<303).map { presence(of: many($0), saying: usualFields($0)).bytes }
        // Of 150 members one is what may be under way to all just then, and two are more.
        script.after(.received(.records([news[0]]), from: many(1)))
        #expect(script.pass(.seconds(7)).messages.isEmpty)
        script.after(.received(.records(Array(news[1...])), from: many(1)))
        #expect(script.pass(.seconds(7)).messages.count >= 1)
    }

    @Test("what came too often is asked for soon") func tooOften() {
        var script = node(0, knowing: [1, 2])
        script.pass(.seconds(130))
        script.after(.neighbourUp(many(1)))
        script.after(.received(.same(.all), from: many(1)))
        for version in 1...20 {
            script.judge(presence(of: many(2), version: UInt32(version)))
        }
        #expect(script.pass(.seconds(7)).messages.count >= 1)
    }

    @Test("who does not answer is asked three times, and then another one") func silent() {
        var script = DirectoryScript()
        script.after(.neighbourUp(many(1)))
        let again = script.pass(.seconds(7)).messages
        #expect(again.count == 2)
        #expect(!script.directory.isReconciled)
        #expect(!script.pass(.seconds(7)).messages.isEmpty)
    }
}
