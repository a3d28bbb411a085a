// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronSimulator
internal import NetronWire
internal import Testing

/// A network that was split in two halves, each of which lost the other, as when the link between
/// two sites goes for minutes.
@Suite("a network that was split is one again")
struct SplitTests {
    private func areAllOnline(_ world: World<MachineNode>) -> Bool {
        world.live.allSatisfy { one in
            world.live.allSatisfy { other in
                one == other || world.node(one)?.machine.isOnline(world.id(of: other)) == true
            }
        }
    }

    @Test("all are online again for all, and hear each other", arguments: [20, 100, 150, 600])
    func heals(seconds: Int64) throws {
        let count = 24
        let world = try World.ofGates(
            count,
            seed: UInt64(seconds),
            loss: 0.01,
            settling: .seconds(200)
        )
        #expect(areAllOnline(world))
        world.partition([
            Array(stride(from: 0, to: count, by: 2)), Array(stride(from: 1, to: count, by: 2)),
        ])
        try world.run(for: .seconds(seconds))
        #expect(areAllOnline(world) == (seconds < 100))
        world.heal()
        let isWhole = try world.run(atMost: .seconds(90), until: areAllOnline)
        #expect(isWhole)
        // What one of each half says goes to all, and not only where it was known before.
        for speaker in 0..<2 {
            let number = world.perform(on: speaker) { $0.speak(at: $1, into: &$2) } ?? nil
            let said = try #require(number)
            let id = world.id(of: speaker)
            let isHeard = try world.run(atMost: .seconds(20)) { world in
                world.live.allSatisfy {
                    $0 == speaker || world.node($0)?.heard(of: id) ?? 0 >= said
                }
            }
            #expect(isHeard)
        }
    }
}
