// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronWire
internal import Testing

/// An overlay that is at rest.
private func settled(_ count: Int, seed: UInt64, loss: Int = 0) -> GossipWorld {
    let world = GossipWorld(seed: seed)
    world.lossPerThousand = loss
    world.twicePerThousand = loss / 2
    world.grow(to: count, every: .milliseconds(50))
    world.pass(.seconds(60))
    return world
}

extension GossipWorld {
    /// Broadcasts from anybody, and says which they were when all is quiet again.
    fileprivate func broadcast(times: Int) -> Range<Int> {
        let first = broadcasts.count
        for _ in 0..<times {
            broadcast(from: anyone())
            pass(.seconds(3))
        }
        pass(.seconds(30))
        return first..<broadcasts.count
    }
}

@Suite("gossip world") struct GossipWorldTests {
    @Test("a broadcast reaches all of 200 with 1 % loss, nearly once each, in twelve hops")
    func broadcasts() {
        let world = settled(200, seed: 11, loss: 10)
        #expect(world.isOne)
        _ = world.broadcast(times: 1)
        for index in world.broadcast(times: 5) {
            #expect(world.missed(by: index) == 0)
            #expect(world.broadcasts[index].hopsMax <= 12)
        }
        let payloads = world.broadcasts.suffix(5).reduce(0) { $0 + $1.payloads }
        #expect(Double(payloads) <= 1.1 * 5 * 200)
    }

    @Test("without loss a settled tree carries each payload nearly once, and nobody asks for one")
    func settledTree() {
        let world = settled(60, seed: 2)
        _ = world.broadcast(times: 2)
        let payloads = world.broadcast(times: 5).reduce(0) { $0 + world.broadcasts[$1].payloads }
        #expect(Double(payloads) <= 1.1 * 5 * 60)
        #expect(world.nodes.allSatisfy { $0.machine.counters.sent(.graft).messages == 0 })
    }

    @Test("when 30 % vanish the rest is one overlay in 60 s, and loses no later broadcast")
    func vanishing() {
        let world = settled(100, seed: 21, loss: 10)
        for number in 0..<100 where number % 10 < 3 { world.vanish(number) }
        world.pass(.seconds(60))
        #expect(world.isOne)
        for index in world.broadcast(times: 5) { #expect(world.missed(by: index) == 0) }
        #expect(world.accused.allSatisfy { !world.nodes[$0].isAlive })
        #expect(Set(world.accused).count > 10)
    }

    @Test("two overlays that hear of each other once become one") func merging() {
        let world = GossipWorld(seed: 8)
        world.grow(to: 40, every: .milliseconds(50))
        world.start()
        for _ in 1..<40 {
            world.start(knowing: [40])
            world.pass(.milliseconds(50))
        }
        world.pass(.seconds(60))
        #expect(world.largestPart == 40)
        world.learn(43, at: 2)
        world.learn(5, at: 57)
        world.pass(.seconds(60))
        #expect(world.isOne)
        for index in world.broadcast(times: 5) { #expect(world.missed(by: index) == 0) }
    }

    @Test("an overlay stays one while a tenth goes and comes each minute, for ten minutes")
    func churn() {
        let world = settled(40, seed: 4, loss: 10)
        for step in 0..<40 {
            let victim = world.anyone()
            if step % 2 == 0 { world.vanish(victim) } else { world.leave(victim) }
            world.start(knowing: [world.anyone()])
            world.pass(.seconds(15))
        }
        world.pass(.seconds(60))
        #expect(world.isOne)
        for index in world.broadcast(times: 5) { #expect(world.missed(by: index) == 0) }
    }

    @Test("a root that vanishes is followed by another, and the tree is whole again")
    func anotherRoot() throws {
        let world = settled(60, seed: 6)
        let root = try #require(world.alive.first { world.nodes[$0].machine.route.hops == 0 })
        world.vanish(root)
        world.pass(.seconds(90))
        #expect(Set(world.alive.map { world.nodes[$0].machine.route.root }).count == 1)
        for index in world.broadcast(times: 5) {
            #expect(world.missed(by: index) == 0)
            #expect(world.broadcasts[index].payloads <= 58 + 12)
        }
    }

    @Test("one seed is one course of events, another is another") func deterministic() {
        func trace(_ seed: UInt64) -> UInt64 {
            let world = settled(40, seed: seed, loss: 10)
            _ = world.broadcast(times: 3)
            return world.trace
        }
        #expect(trace(1) == trace(1))
        #expect(trace(1) != trace(2))
    }

    @Test("an idle node of a hundred sends and receives less than 30 B/s for the overlay")
    func idle() {
        let world = settled(100, seed: 3)
        world.pass(.seconds(600))
        let before = world.datagramBytes
        let payloads = world.nodes.reduce(0) {
            $0 + Int($1.machine.counters.sent(.gossip).messages)
        }
        for number in 0..<25 {
            world.broadcast(from: number * 4)
            world.pass(.seconds(18))
        }
        let gossip = world.nodes.reduce(0) {
            $0 + Int($1.machine.counters.sent(.gossip).messages)
        }
        let others = world.datagramBytes - before - (gossip - payloads) * (203 + 62)
        // What one sends another receives.
        #expect(2 * others / 100 / 450 < 30)
    }

    @Test("a hostile member's messages leave all tables bounded and its neighbours at work")
    func hostile() {
        let world = settled(30, seed: 9)
        var random = GossipRandom(seed: 77)
        for round in 0..<2_000 {
            let target = Int.random(in: 1..<30, using: &random)
            world.hear(arbitrary(&random), from: 0, at: target)
            if round % 10 == 0 { world.pass(.milliseconds(100)) }
        }
        for node in world.nodes {
            let sizes = node.machine.sizes
            #expect(sizes.missing <= GossipLimits.missingMax)
            #expect(sizes.pending <= GossipLimits.pendingMax)
            #expect(sizes.rumors <= GossipLimits.rumorsMax)
            #expect(sizes.payloadBytes <= GossipLimits.payloadBytesMax)
            #expect(sizes.paths <= GossipLimits.pathsMax)
            #expect(sizes.attempts <= GossipLimits.attemptsMax)
            #expect(sizes.probes <= GossipLimits.probesMax)
            #expect(sizes.suspects <= GossipLimits.suspectsMax)
            #expect(node.machine.passive.count <= GossipLimits.passiveMax)
            #expect(node.machine.active.count <= GossipLimits.activeMax)
        }
        world.pass(.seconds(120))
        for index in world.broadcast(times: 5) { #expect(world.missed(by: index) == 0) }
    }

    private func arbitrary(_ random: inout GossipRandom) -> GossipMessage {
        let hints = (0..<4).map { _ in
            GossipWorld.hint(Int.random(in: 0..<100, using: &random))
        }
        let distinct = hints.reduce(into: [Hint]()) { list, hint in
            if !list.contains(where: { $0.id == hint.id }) { list.append(hint) }
        }
        let number = UInt32.random(in: 0..<50, using: &random)
        let ids = (0..<20).map { _ in RumorID(number: random.next() % 5_000) }
        let bytes = (0..<20).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        let route = TreeRoute(
            root: random.next() >> Int.random(in: 0..<64, using: &random),
            number: number,
            hops: UInt8.random(in: 0...255, using: &random)
        )
        switch Int.random(in: 0..<15, using: &random) {
        case 0: return .join(GossipWorld.hint(0))
        case 1: return .forwardJoin(hints[0], ttl: UInt8.random(in: 0...8, using: &random))
        case 2: return .neighbour(number % 2 == 0 ? .low : .high)
        case 3: return .answer(isAccepted: number % 2 == 0)
        case 4: return .disconnect
        case 5: return .shuffle(number: number, ttl: 3, distinct)
        case 6: return .shuffleReply(number: number, distinct)
        case 7: return .gossip(Rumor(bytes, hops: 1, isClimbing: true, isAside: number % 2 == 0))
        case 8: return .ihave(ids)
        case 9: return .graft(ids)
        case 10: return .prune
        case 11: return .probeRequest(number: number, hints[1])
        case 12: return .probeAnswer(number: number, isAlive: number % 2 == 0)
        case 13: return .lift(hints[2], ttl: UInt8.random(in: 0...8, using: &random))
        default: return .route(route, isParent: number % 2 == 0)
        }
    }
}
