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
        let bytes = world.nodes[0].directory.record(of: many(5_000))?.bytes.count ?? 0
        print("newcomer: 10,000 of \(bytes) bytes in \(time), \(world.bytes) bytes")
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
        print("difference of 10: \(world.now - start), \(world.bytes) bytes, \(world.messages)")
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
        print("idle: \(world.bytes) bytes in 3,000 s, \(world.messages) messages")
        #expect(world.bytes.reduce(0, +) < 15 * 3_000)
        #expect(world.messages >= 2 * 80)
    }
}
