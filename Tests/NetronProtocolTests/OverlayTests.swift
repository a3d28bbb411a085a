// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronWire
internal import Testing

private let ids = (0..<40).map { GossipWorld.id($0) }

@Suite("overlay") struct OverlayTests {
    @Test("with one contact a node dials it, joins, and is its neighbour") func joining() {
        var script = GossipScript()
        script.give(.learned(GossipWorld.hint(1)))
        #expect(script.effects.contains(.connect(ids[1], [GossipWorld.endpoint(1)])))
        script.give(.sessionUp(ids[1], GossipWorld.endpoint(1)))
        #expect(script.sent(to: 1) == [.join(GossipWorld.hint(0))])
        script.hear(.answer(isAccepted: true), from: 1)
        #expect(script.effects.contains(.keep(ids[1])))
        #expect(script.effects.contains(.neighbourUp(ids[1])))
        #expect(script.machine.active == [ids[1]])
    }

    @Test("a request that is not answered is repeated, then given up with a word") func retries() {
        var script = GossipScript()
        script.give(.sessionUp(ids[1], GossipWorld.endpoint(1)))
        let later = GossipScript.sent(script.pass(.seconds(30)), to: 1)
        let joins = later.filter { $0.kind == .join }
        #expect(joins.count == GossipLimits.asksMax - 1)
        #expect(later.last == .disconnect)
        #expect(script.machine.active.isEmpty)
    }

    @Test("who joins is accepted, and walks on to the neighbours") func accepting() {
        var script = GossipScript()
        script.befriend(1)
        script.befriend(2)
        script.give(.sessionUp(ids[3], GossipWorld.endpoint(3)))
        script.hear(.join(Hint(ids[3], at: [])), from: 3)
        #expect(script.sent(to: 3).contains(.answer(isAccepted: true)))
        let walk = GossipMessage.forwardJoin(GossipWorld.hint(3), ttl: GossipLimits.joinWalk)
        #expect(script.sent(to: 1).contains(walk))
        #expect(script.sent(to: 2).contains(walk))
        // Its request came twice; the walks do not.
        script.hear(.join(Hint(ids[3], at: [])), from: 3)
        #expect(script.sent(to: 3) == [.answer(isAccepted: true)])
        #expect(script.sent(to: 1).isEmpty)
    }

    @Test("a join with the id of another is left alone") func forged() {
        var script = GossipScript()
        script.befriend(1)
        script.hear(.join(GossipWorld.hint(7)), from: 1)
        #expect(script.machine.active == [ids[1]])
        #expect(script.effects.isEmpty)
    }

    @Test("a full node refuses a low request, and gives a place to a high one") func priorities() {
        var script = GossipScript()
        for number in 1...5 { script.befriend(number) }
        script.give(.sessionUp(ids[6], GossipWorld.endpoint(6)))
        script.hear(.neighbour(.low), from: 6)
        #expect(script.sent(to: 6) == [.answer(isAccepted: false)])
        script.hear(.neighbour(.high), from: 6)
        #expect(script.sent(to: 6) == [.answer(isAccepted: true)])
        #expect(script.machine.active.count == GossipLimits.activeMax)
        let gone = script.effects.compactMap { effect -> NodeID? in
            guard case .neighbourDown(let id) = effect else { return nil }
            return id
        }
        #expect(gone.count == 1)
        #expect(script.effects.contains(.send(.disconnect, to: gone[0])))
        #expect(script.effects.contains(.release(gone[0])))
    }

    @Test("high requests in a row end neighbourhoods only at a bounded rate") func evictions() {
        var script = GossipScript()
        var evicted = 0
        for number in 1..<40 {
            script.give(.sessionUp(ids[number], GossipWorld.endpoint(number)))
            script.hear(.neighbour(.high), from: number)
            evicted += script.effects.count {
                if case .neighbourDown = $0 { true } else { false }
            }
        }
        #expect(evicted == GossipLimits.evictionsBurst)
    }

    @Test("who is treated as a neighbour and is none says so, at a bounded rate") func strays() {
        var script = GossipScript()
        for number in 1...6 { script.give(.sessionUp(ids[number], GossipWorld.endpoint(number))) }
        var words = 0
        for _ in 0..<100 {
            script.hear(.ihave([RumorID(number: 1)]), from: 6)
            words += script.sent(to: 6).count
        }
        #expect(words == GossipLimits.straysBurst)
    }

    @Test("a neighbour that begins anew is asked, and goes if it refuses") func restart() {
        var script = GossipScript()
        script.befriend(1)
        script.give(.sessionUp(ids[1], GossipWorld.endpoint(1)))
        #expect(script.sent(to: 1) == [.neighbour(.high)])
        #expect(script.effects.contains(.keep(ids[1])))
        script.hear(.answer(isAccepted: false), from: 1)
        #expect(script.effects.contains(.neighbourDown(ids[1])))
    }

    @Test("who is of another part is made a neighbour, though enough are there, once in 30 s")
    func bridge() {
        var script = GossipScript()
        for number in 1...5 { script.befriend(number) }
        // With a session it is a candidate already.
        for (number, asked) in [(8, [GossipMessage.neighbour(.high)]), (9, [])] {
            script.give(.sessionUp(ids[number], GossipWorld.endpoint(number)))
            script.give(.learned(GossipWorld.hint(number)))
            #expect(script.sent(to: number) == asked)
        }
        _ = script.pass(GossipLimits.bridgePause)
        script.give(.learned(GossipWorld.hint(9)))
        #expect(script.sent(to: 9) == [.neighbour(.high)])
    }

    @Test("the last that could be asked gone, the node says that it is isolated, once")
    func isolated() {
        var script = GossipScript()
        script.give(.learned(GossipWorld.hint(1)))
        script.give(.connectFailed(ids[1]))
        #expect(script.effects.contains(.isolated))
        #expect(!script.pass(.seconds(600)).contains(.isolated))
        #expect(script.machine.passive.isEmpty)
    }

    @Test("one neighbour cannot fill the passive view, nor push out what was learned elsewhere")
    func flushing() {
        var script = GossipScript()
        script.befriend(1)
        script.befriend(2)
        for number in 3...5 { script.befriend(number) }
        for number in 10..<18 { script.give(.learned(GossipWorld.hint(number))) }
        for round in 0..<200 {
            let hints = (0..<8).map { GossipWorld.hint(1_000 + round * 8 + $0) }
            script.hear(.shuffle(number: UInt32(round), ttl: 0, hints), from: 1)
            _ = script.pass(.milliseconds(250))
        }
        let told = script.machine.passive.filter { !ids.contains($0.id) }
        #expect(told.count <= GossipLimits.passivePerTellerMax)
        #expect(script.machine.passive.count <= GossipLimits.passiveMax)
        for number in 11..<18 { #expect(script.machine.passive.contains { $0.id == ids[number] }) }
    }

    @Test("a shuffle's answer goes back the way that the shuffle came") func shuffles() throws {
        var script = GossipScript()
        script.befriend(1)
        script.befriend(2)
        script.hear(.shuffle(number: 77, ttl: 3, [GossipWorld.hint(9)]), from: 1)
        let onward = try #require(script.sent(to: 2).last)
        #expect(onward == .shuffle(number: 77, ttl: 2, [GossipWorld.hint(9)]))
        let reply = GossipMessage.shuffleReply(number: 77, [GossipWorld.hint(8)])
        script.hear(reply, from: 1)
        #expect(script.effects.isEmpty)
        script.hear(reply, from: 2)
        #expect(script.sent(to: 1) == [reply])
        script.hear(reply, from: 2)
        #expect(script.effects.isEmpty)
    }

    @Test("up to six nodes are all neighbours of each other", arguments: 2...6)
    func fullMesh(count: Int) {
        for seed in UInt64(0)..<2 {
            let world = GossipWorld(seed: seed)
            world.lossPerThousand = 20
            world.grow(to: count, every: .milliseconds(30))
            world.pass(.seconds(120))
            for number in 0..<count { #expect(world.neighbours(of: number).count == count - 1) }
        }
    }

    @Test("fifty nodes that join at one contact at once are one overlay") func burst() {
        let world = GossipWorld(seed: 5)
        world.lossPerThousand = 10
        world.start()
        for _ in 1..<50 { world.start(knowing: [0]) }
        world.pass(.seconds(120))
        #expect(world.isOne)
        #expect(world.alive.allSatisfy { world.neighbours(of: $0).count >= 3 })
    }

    @Test("a node that begins anew with its id is back") func returned() {
        let world = GossipWorld(seed: 3)
        world.grow(to: 20)
        world.pass(.seconds(60))
        world.restart(4, knowing: [9])
        world.pass(.seconds(90))
        #expect(world.isOne)
        #expect(world.neighbours(of: 4).count >= 3)
        for number in world.alive {
            #expect(world.neighbours(of: number).count == world.nodes[number].machine.active.count)
        }
    }
}
