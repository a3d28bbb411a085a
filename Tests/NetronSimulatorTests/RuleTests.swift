// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronSimulator
internal import NetronWire
internal import Testing

@Suite("rules of the world")
struct RuleTests {
    /// The failure that something leads to.
    private func broken(
        _ world: World<Puppet>,
        within span: Duration = .seconds(2)
    ) -> WorldFailure? {
        do throws(WorldFailure) {
            try world.run(for: span)
            return nil
        } catch {
            return error
        }
    }

    @Test("a node that sends to itself, to a stranger or too much is found out")
    func sending() throws {
        let stranger = try #require(NodeID(bytes: [UInt8](repeating: 1, count: 32)))
        for (bytes, number) in [(1, 0), (1, 1), (0, 2), (1151, 2), (1, 3)] {
            let world = World.of(3)
            try world.join(0, 2)
            let id = number == 3 ? stranger : world.id(of: number)
            world.tell(0, .send([UInt8](repeating: 1, count: bytes), to: id))
            let failure = try #require(broken(world))
            #expect(failure.rule == "sending" && failure.node == 0 && failure.seed == 1)
        }
        let world = World.of(3)
        try world.join(0, 2)
        world.tell(0, .send([UInt8](repeating: 1, count: 1150), to: world.id(of: 2)))
        #expect(broken(world) == nil)
    }

    @Test("rules that are not looked at are not broken")
    func lenient() throws {
        var settings = WorldSettings()
        settings.checksRules = false
        let world = World.of([NodeProfile()], settings)
        world.tell(0, .send([1], to: world.id(of: 0)))
        #expect(broken(world) == nil)
    }

    @Test("a failure names its seed, its moment and what happened before")
    func report() throws {
        let world = World.of(2)
        try world.join(0, 1)
        world.checkers = [
            .bounded("events", most: 0) { $0.events.count { $0.event == .timeout } }
        ]
        let start = try #require(world.node(1)?.events.first?.at ?? Instant(nanoseconds: 1))
        world.tell(1, .wake(at: start))
        let failure = try #require(broken(world))
        #expect(failure.rule == "bounds" && failure.node == 1)
        #expect(failure.trace.last?.hasSuffix("node 1: timeout") == true)
        #expect(failure.trace.count <= WorldSettings().traceCount)
        #expect(failure.description.hasPrefix("seed 1, 1.0"))
        // The world stays where it broke.
        #expect(broken(world)?.time == failure.time)
    }

    @Test("checkers of seconds are asked in time, and those of steps with the node")
    func moments() throws {
        let world = World.of(2)
        var (seconds, steps): ([UInt64], [Int?]) = ([], [])
        world.checkers = [
            Checker("a", .seconds(3)) { world, node in
                seconds.append(world.now / 1_000_000_000)
                return node == nil ? nil : "a node"
            },
            Checker("b", .step) { _, node in
                steps.append(node)
                return nil
            },
        ]
        try world.run(for: .seconds(10))
        #expect(seconds == [3, 6, 9] && steps.isEmpty)
        world.sendData(bytes: 1, from: 1, to: 0)
        #expect(steps == [1])
    }

    @Test("views are whole and symmetric, or it is said which are not")
    func overlay() throws {
        let world = World.of(4)
        #expect(world.componentCount() == 4)
        try world.join(0, 1)
        try world.join(2, 3)
        #expect(world.componentCount() == 2 && world.asymmetry() == nil)
        world.checkers = [.isWhole { _ in true }]
        #expect(broken(world)?.text == "there are 2")

        let other = World.of(3)
        try other.join(0, 1)
        try other.join(1, 2)
        other.checkers = [
            .isWhole { _ in true }, .isSymmetric { _ in true }, .knowsAll { _ in false },
        ]
        #expect(broken(other) == nil)
        other.crash(0)
        // Node 1 still believes in it, which is no asymmetry among those that live.
        #expect(broken(other) == nil && other.componentCount() == 1)
        other.checkers = [.knowsAll { _ in true }]
        try other.join(0 + 1, 2)
        #expect(broken(other) == nil)
    }

    @Test("the same seed goes the same way, another one another way")
    func determinism() {
        let scenario = Scenario(
            "trial",
            [
                .grow(12, over: .seconds(10)), .settle(.seconds(20)), .kill(0.3),
                .churn(Churn(perDay: 500), for: .seconds(300)),
            ]
        )
        let reports = [7, 7, 8].map { scenario.run(seed: $0) }
        #expect(reports.allSatisfy { $0.failure == nil && $0.eventCount > 1000 })
        #expect(reports[0].traceHash == reports[1].traceHash)
        #expect(reports[0].eventCount == reports[1].eventCount)
        #expect(reports[0].traffic == reports[1].traffic)
        #expect(reports[0].traceHash != reports[2].traceHash)
    }
}

@Suite("simulated cryptography")
struct SimulatedCryptographyTests {
    private func cryptography(_ number: UInt8, network: Int = 0) throws -> (NodeID, Cryptography) {
        let id = try #require(NodeID(bytes: [UInt8](repeating: number, count: 32)))
        return (id, SimulatedCryptography.of(id, network: network, seed: 1))
    }

    @Test("a signature fits its signer's key and its bytes alone")
    func signatures() throws {
        let (id, one) = try cryptography(1)
        let (otherID, other) = try cryptography(2)
        for count in [0, 1, 7, 8, 9, 700] {
            let message = [UInt8](repeating: 0, count: count)
            let signature = one.sign(message)
            #expect(signature.count == Cryptography.signatureByteCount)
            #expect(other.verify(signature, message, id.bytes))
            #expect(!other.verify(signature, message, otherID.bytes))
            #expect(!other.verify(signature, message + [0], id.bytes))
            #expect(!other.verify(signature.dropLast(), message, id.bytes))
            #expect(!other.verify([], message, id.bytes) && !other.verify(signature, message, []))
            guard count > 0 else { continue }
            for place in Set([0, count - 1]) {
                var changed = message
                changed[place] ^= 0x80
                #expect(!other.verify(signature, changed, id.bytes))
            }
        }
    }

    @Test("digests and secrets depend on all that they are made of")
    func digests() throws {
        let (id, one) = try cryptography(1)
        let (_, two) = try cryptography(2)
        let (_, foreign) = try cryptography(1, network: 1)
        let all = [
            one.digest([1], []), one.digest([1], [1]), one.digest([2], []), one.digest([], []),
            one.derive("a", 0), one.derive("a", 1), one.derive("b", 0), foreign.derive("a", 0),
        ]
        #expect(Set(all).count == all.count && all.allSatisfy { $0.count == 32 })
        #expect(one.derive("a", 5) == two.derive("a", 5))
        #expect(one.digest([1], [2]) == two.digest([1], [2]))
        let address = one.networkAddress(id)
        #expect(address == two.networkAddress(id) && address != foreign.networkAddress(id))
        #expect(address.number >> 120 == 0xFD)
    }
}
