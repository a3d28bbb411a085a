// SPDX-License-Identifier: Apache-2.0

internal import Testing

@Suite("placement in a network") struct PlacementWorldTests {
    @Test("members without room for all find every address, name and member, evenly and at once")
    func everything() {
        let all = PlacementFigures.story(among: 300, capacity: 160, lookups: 450)
        for figures in all { print("placement, 300 members: \(figures)") }
        let (whole, tenth, third, renewed) = (all[0], all[1], all[2], all[3])
        #expect(whole.lookups >= 440 && whole.found == whole.lookups)
        #expect(whole.tripsAtMost(5) >= 0.999)
        #expect(whole.load99 <= 2 * whole.loadMean)
        #expect(whole.kept99 <= 2 * whole.keptMean)
        // A tenth of the members vanished.
        #expect(tenth.found == tenth.lookups)
        #expect(tenth.tripsAtMost(6) >= 0.99)
        // And then 30 %: of 8 keepers one is left, but for 7 of 100,000 keys.
        #expect(third.lookups - third.found <= 1)
        #expect(renewed.found == renewed.lookups)
    }
}
