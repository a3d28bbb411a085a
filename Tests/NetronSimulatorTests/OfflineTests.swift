// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronSimulator
internal import NetronWire
internal import Testing

@Suite("who vanishes without a word is offline for all")
struct OfflineTests {
    /// The last of so many members vanishes, at another moment with each seed; how long the others
    /// take until all of them show it, or nil if they do not.
    private func vanish(among count: Int, seed: UInt64) throws -> Duration? {
        var settings = WorldSettings()
        settings.tellsHosts = true
        let world = World(seed: seed, settings: settings, factory: MachineNode.make)
        for number in 0..<count {
            world.start(world.add(), contacts: number == 0 ? [] : [world.contact(0)])
        }
        try world.run(for: .seconds(300 + Int64(seed) * 7))
        let gone = count - 1
        let id = world.id(of: gone)
        world.crash(gone)
        let begun = world.elapsed
        let isShown = try world.run(atMost: .seconds(100)) { world in
            (0..<gone).allSatisfy { world.node($0)?.machine.isOnline(id) == false }
        }
        return isShown ? world.elapsed - begun : nil
    }

    // Most of 40 have no session with whom a neighbour asks them to look for, and have to dial.
    @Test("within 100 s, in 90 s as a rule", arguments: [3, 10, 40])
    func offline(count: Int) throws {
        var times: [Duration] = []
        for seed in UInt64(1)...6 {
            times.append(try #require(try vanish(among: count, seed: seed), "seed \(seed)"))
        }
        times.sort()
        #expect(times[times.count / 2] < .seconds(90), "\(times)")
    }
}
