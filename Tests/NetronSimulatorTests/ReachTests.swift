// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronSimulator
internal import NetronWire
internal import Testing

@Suite("any two members of a network of many gates reach each other")
struct ReachTests {
    /// Few know each other's neighbours, and nobody has sessions with all.
    private static let count = 30

    // A round trip takes 8 to 360 ms here, and the handshakes on the way several of them.
    @Test("in 2 s as a rule, also where a twentieth of all is lost", arguments: [0, 0.05])
    func reached(loss: Double) throws {
        var times: [Duration] = []
        for seed in UInt64(1)...3 {
            let world = try World.ofGates(Self.count, seed: seed, loss: loss)
            var random = SeededRandom(seed: seed)
            for _ in 0..<20 {
                let number = Int.random(in: 0..<Self.count, using: &random)
                let other = Int.random(in: 0..<Self.count, using: &random)
                guard number != other, !world.hasSession(number, other) else { continue }
                let took = try world.reach(number, other, sendingEach: .milliseconds(50))
                times.append(try #require(took, "seed \(seed): \(number) to \(other)"))
                // Those that were met are forgotten, and so is what led there.
                try world.run(for: .seconds(20))
            }
        }
        times.sort()
        #expect(times.count > 20)
        #expect(times[times.count * 9 / 10] < .seconds(2), "\(times)")
        #expect(times.last ?? .zero < .seconds(5), "\(times)")
    }

    @Test("and nobody takes an answer for a stranger that came in")
    func closed() throws {
        for seed in UInt64(1)...3 {
            let world = try World.ofGates(Self.count, seed: seed, loss: 0)
            for number in 2..<Self.count where [1, 2, 3, 4].contains(number % 6) {
                let isReachable = world.node(number)?.machine.statements.first {
                    $0.author == world.id(of: number)
                }?.isReachable
                #expect(isReachable == false, "seed \(seed): \(number)")
            }
        }
    }
}
