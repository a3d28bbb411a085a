// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronWire
internal import Testing

private let ids = (0..<10).map { GossipWorld.id($0) }

/// A node with three neighbours, of which the tree goes to the first.
private func threeNeighbours() -> GossipScript {
    var script = GossipScript()
    for number in 1...3 { script.befriend(number) }
    // Nothing is known of the root, so that the rules are Plumtree's.
    script.hear(.prune, from: 2)
    script.hear(.prune, from: 3)
    return script
}

@Suite("broadcast tree") struct PlumtreeTests {
    @Test("a rumor goes on to the tree at once, and to others as an announcement") func passing() {
        var script = threeNeighbours()
        script.give(.broadcast([1, 2, 3]))
        #expect(script.sent(to: 1) == [.gossip(Rumor([1, 2, 3], hops: 1))])
        #expect(script.sent(to: 2).isEmpty)
        let later = script.pass(GossipLimits.announceAfterMax)
        let id = GossipScript.rumorID([1, 2, 3])
        #expect(GossipScript.sent(later, to: 2).contains(.ihave([id])))
        #expect(GossipScript.sent(later, to: 3).contains(.ihave([id])))
        #expect(!GossipScript.sent(later, to: 1).contains { $0.kind == .ihave })
    }

    @Test("a rumor is delivered, and goes on only when it is accepted") func verdicts() {
        var script = threeNeighbours()
        let rumor = Rumor([5], hops: 1)
        let id = GossipScript.rumorID([5])
        script.hear(.gossip(rumor), from: 2)
        #expect(script.effects == [.deliver(id, [5], from: ids[2])])
        script.give(.judged(id, .accept))
        #expect(script.sent(to: 1) == [.gossip(Rumor([5], hops: 2))])
        script.hear(.gossip(Rumor([6], hops: 1)), from: 2)
        script.give(.judged(GossipScript.rumorID([6]), .refuse))
        #expect(script.effects.isEmpty)
        // It is not asked for again, nor delivered.
        script.hear(.ihave([GossipScript.rumorID([6])]), from: 3)
        script.hear(.gossip(Rumor([6], hops: 1)), from: 1)
        #expect(script.effects.isEmpty)
        #expect(!script.pass(.seconds(10)).contains { $0.isGraft })
    }

    @Test("the second way of a rumor is pruned, whoever it was") func pruning() {
        var script = threeNeighbours()
        script.hear(.gossip(Rumor([5], hops: 1)), from: 1)
        script.give(.judged(GossipScript.rumorID([5]), .accept))
        script.hear(.gossip(Rumor([5], hops: 4)), from: 2)
        #expect(script.sent(to: 2) == [.prune])
        #expect(script.machine.lazy.contains(ids[2]))
        #expect(script.machine.counters.duplicates == 1)
    }

    @Test("what comes twice aside of the tree prunes nothing") func asides() {
        var script = threeNeighbours()
        script.hear(.gossip(Rumor([5], hops: 1)), from: 1)
        script.give(.judged(GossipScript.rumorID([5]), .accept))
        script.hear(.gossip(Rumor([5], hops: 4, isAside: true)), from: 2)
        #expect(script.effects.isEmpty)
    }

    @Test("what was announced and does not come is asked for, of one after the other")
    func grafting() throws {
        var script = threeNeighbours()
        let id = RumorID(number: 99)
        script.hear(.ihave([id]), from: 2)
        script.hear(.ihave([id]), from: 3)
        #expect(!script.effects.contains { $0.isGraft })
        let later = script.pass(.seconds(20)).filter(\.isGraft)
        #expect(later.count == GossipLimits.graftsMax)
        #expect(Set(GossipScript.sent(later, to: 2)) == [.graft([id])])
        #expect(Set(GossipScript.sent(later, to: 3)) == [.graft([id])])
    }

    @Test("what comes in time is not asked for") func inTime() {
        var script = threeNeighbours()
        script.hear(.ihave([GossipScript.rumorID([5])]), from: 2)
        _ = script.pass(.milliseconds(250))
        script.hear(.gossip(Rumor([5], hops: 1)), from: 1)
        script.give(.judged(GossipScript.rumorID([5]), .accept))
        #expect(!script.pass(.seconds(10)).contains { $0.isGraft })
    }

    @Test("who asks gets the payload, as long as it is kept") func answering() {
        var script = threeNeighbours()
        script.give(.broadcast([5]))
        let id = GossipScript.rumorID([5])
        script.hear(.graft([id, RumorID(number: 4)]), from: 2)
        #expect(script.sent(to: 2) == [.gossip(Rumor([5], hops: 1))])
        #expect(script.machine.eager.contains(ids[2]))
        _ = script.pass(GossipLimits.payloadForgottenAfter)
        script.give(.broadcast([6]))
        script.hear(.graft([id]), from: 2)
        #expect(script.sent(to: 2).isEmpty)
    }

    @Test("an announcement is repeated once, with the next") func repeating() {
        var script = threeNeighbours()
        var announced: [RumorID] = []
        for byte in UInt8(0)..<3 {
            script.give(.broadcast([byte]))
            for case .ihave(let some) in GossipScript.sent(script.pass(.seconds(5)), to: 2) {
                announced += some
            }
        }
        let all = (UInt8(0)..<3).map { GossipScript.rumorID([$0]) }
        #expect(announced == [all[0], all[0], all[1], all[1], all[2]])
    }

    @Test("who announced a rumor is not told of it") func silence() {
        var script = threeNeighbours()
        script.give(.broadcast([5]))
        script.hear(.ihave([GossipScript.rumorID([5])]), from: 2)
        #expect(!GossipScript.sent(script.pass(.seconds(5)), to: 2).contains { $0.kind == .ihave })
    }

    @Test("with one neighbour it is told also what it was given") func narrow() {
        var script = GossipScript()
        script.befriend(1)
        script.give(.broadcast([5]))
        let later = GossipScript.sent(script.pass(.seconds(3)), to: 1)
        #expect(later.contains(.ihave([GossipScript.rumorID([5])])))
    }

    @Test("the way to the root is the shortest, and who is on it is told") func routes() {
        var script = GossipScript()
        for number in 1...3 { script.befriend(number) }
        _ = script.pass(.seconds(5))
        script.hear(.route(TreeRoute(root: 1, number: 1, hops: 4), isParent: false), from: 1)
        #expect(script.machine.route == TreeRoute(root: 1, number: 1, hops: 5))
        script.hear(.route(TreeRoute(root: 1, number: 1, hops: 2), isParent: false), from: 2)
        let best = TreeRoute(root: 1, number: 1, hops: 3)
        #expect(script.machine.route == best)
        script.hear(.route(TreeRoute(root: 1, number: 1, hops: 3), isParent: true), from: 3)
        let later = script.pass(.seconds(5))
        #expect(GossipScript.sent(later, to: 2).contains(.route(best, isParent: true)))
        #expect(GossipScript.sent(later, to: 1).contains(.route(best, isParent: false)))
        #expect(script.machine.eager == [ids[2], ids[3]].sorted())
        // An older number, and a greater id, change nothing.
        script.hear(.route(TreeRoute(root: 1, number: 0, hops: 0), isParent: false), from: 1)
        script.hear(.route(TreeRoute(root: 2, number: 9, hops: 0), isParent: false), from: 1)
        #expect(script.machine.route == best)
    }

    @Test("who loses its parent takes none whose way is through here") func orphans() {
        var script = GossipScript()
        for number in 1...3 { script.befriend(number) }
        script.hear(.route(TreeRoute(root: 1, number: 1, hops: 2), isParent: false), from: 1)
        script.hear(.route(TreeRoute(root: 1, number: 1, hops: 4), isParent: true), from: 2)
        script.give(.sessionDown(ids[1], .silent))
        #expect(script.machine.route.hops == TreeRoute.lost)
        script.hear(.route(TreeRoute(root: 1, number: 1, hops: 5), isParent: false), from: 3)
        #expect(script.machine.route.hops == 6)
    }

    @Test("a root that went is told of, and forgotten up to its last number") func successors() {
        var script = GossipScript()
        for number in 1...3 { script.befriend(number) }
        let key = ids[1].bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let own = ids[0].bytes.prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard key < own else { return }
        script.hear(.route(TreeRoute(root: key, number: 7, hops: 0), isParent: false), from: 1)
        #expect(script.machine.route == TreeRoute(root: key, number: 7, hops: 1))
        script.give(.sessionDown(ids[1], .silent))
        let gone = TreeRoute(root: key, number: 7, hops: TreeRoute.gone)
        #expect(script.sent(to: 2).contains(.route(gone, isParent: false)))
        script.hear(.route(TreeRoute(root: key, number: 7, hops: 3), isParent: false), from: 2)
        #expect(script.machine.route.root != key)
        script.hear(.route(TreeRoute(root: key, number: 8, hops: 3), isParent: false), from: 2)
        #expect(script.machine.route.root == key)
    }

    @Test("who has only neighbours nearer to the root asks an ancestor for a place")
    func lifting() {
        var script = GossipScript()
        for number in 1...3 { script.befriend(number) }
        for number in 1...3 {
            let told = TreeRoute(root: 1, number: 1, hops: 5 + (number == 3 ? 1 : 0))
            script.hear(.route(told, isParent: false), from: number)
        }
        #expect(script.machine.route.hops == 6)
        let wishes = GossipScript.sent(script.pass(.seconds(60)), to: 1).filter { $0.kind == .lift }
        #expect(!wishes.isEmpty)
        // Not if somebody's way is through here.
        script.hear(.route(TreeRoute(root: 1, number: 1, hops: 7), isParent: true), from: 3)
        #expect(!script.pass(.seconds(600)).contains { $0.isLift })
    }

    @Test("a wish goes up as far as it shall, and then who wished is asked") func fulfilling() {
        var script = GossipScript()
        for number in 1...3 { script.befriend(number) }
        script.hear(.route(TreeRoute(root: 1, number: 1, hops: 2), isParent: false), from: 1)
        script.hear(.route(TreeRoute(root: 1, number: 1, hops: 4), isParent: true), from: 2)
        script.hear(.lift(Hint(ids[2], at: []), ttl: 3), from: 2)
        #expect(script.sent(to: 1) == [.lift(GossipWorld.hint(2), ttl: 2)])
        script.hear(.lift(GossipWorld.hint(9), ttl: 1), from: 2)
        #expect(script.effects.contains(.connect(ids[9], [GossipWorld.endpoint(9)])))
        script.give(.sessionUp(ids[9], GossipWorld.endpoint(9)))
        #expect(script.sent(to: 9) == [.neighbour(.high)])
    }

    @Test("where there is no place a wish goes down once, and no further") func sideways() {
        var script = GossipScript()
        for number in 1...5 { script.befriend(number) }
        script.hear(.route(TreeRoute(root: 1, number: 1, hops: 2), isParent: false), from: 1)
        for number in 2...5 {
            script.hear(
                .route(TreeRoute(root: 1, number: 1, hops: 4), isParent: true),
                from: number
            )
        }
        script.hear(.lift(GossipWorld.hint(9), ttl: 1), from: 2)
        let below = (3...5).flatMap { script.sent(to: $0) }
        #expect(below == [.lift(GossipWorld.hint(9), ttl: 0)])
        #expect(script.sent(to: 1).isEmpty && script.sent(to: 2).isEmpty)
        script.hear(.lift(GossipWorld.hint(9), ttl: 0), from: 1)
        #expect(script.effects.isEmpty)
    }

    @Test("who became a part of the tree meanwhile takes nobody in") func taken() {
        var script = GossipScript()
        for number in 1...5 { script.befriend(number) }
        script.hear(.route(TreeRoute(root: 1, number: 1, hops: 2), isParent: false), from: 1)
        for number in 2...4 {
            script.hear(
                .route(TreeRoute(root: 1, number: 1, hops: 4), isParent: true),
                from: number
            )
        }
        let lazy = TreeRoute(root: 1, number: 1, hops: 3)
        script.hear(.route(lazy, isParent: false), from: 5)
        _ = script.pass(.seconds(10))
        #expect(script.machine.lazy == [ids[5]])
        script.hear(.lift(GossipWorld.hint(9), ttl: 1), from: 2)
        script.give(.sessionUp(ids[9], GossipWorld.endpoint(9)))
        #expect(script.sent(to: 9) == [.neighbour(.high)])
        // The place is needed by now.
        script.hear(.route(TreeRoute(root: 1, number: 1, hops: 4), isParent: true), from: 5)
        script.hear(.answer(isAccepted: true), from: 9)
        #expect(script.sent(to: 9) == [.disconnect])
        #expect(script.machine.active == ids[1...5].sorted())
    }

    @Test("who gets further from the root by the loss of its parent asks for a place, too")
    func sinking() {
        var script = GossipScript()
        for number in 1...3 { script.befriend(number) }
        let least = (1...3).filter { ids[$0] < ids[0] }
        guard let level = least.first, let above = (1...3).first(where: { $0 != level }) else {
            return
        }
        let route = TreeRoute(root: 1, number: 1, hops: 4)
        script.hear(.route(route, isParent: false), from: above)
        for number in 1...3 where number != above {
            let told = TreeRoute(root: 1, number: 1, hops: 5)
            script.hear(.route(told, isParent: false), from: number)
        }
        #expect(script.machine.route.hops == 5)
        script.give(.sessionDown(ids[above], .silent))
        #expect(script.machine.route.hops == 6)
        let later = script.pass(.seconds(60))
        #expect(GossipScript.sent(later, to: level).contains { $0.kind == .lift })
    }

    @Test("a new link is lazy for who has a place in the tree, and eager for who has none")
    func newLinks() {
        var script = GossipScript()
        script.befriend(1)
        #expect(script.machine.eager == [ids[1]])
        script.befriend(2)
        #expect(script.machine.eager == [ids[1], ids[2]].sorted())
        script.hear(.route(TreeRoute(root: 1, number: 1, hops: 2), isParent: false), from: 1)
        script.befriend(3)
        #expect(script.machine.lazy.contains(ids[3]))
        // It gets what begins here by an announcement, until it has told where it sees the root.
        script.give(.broadcast([5]))
        #expect(script.sent(to: 3).isEmpty)
        let later = script.pass(GossipLimits.announceAfterMax)
        #expect(GossipScript.sent(later, to: 3).contains(.ihave([GossipScript.rumorID([5])])))
        script.hear(.route(TreeRoute(root: 1, number: 1, hops: 4), isParent: true), from: 3)
        #expect(script.machine.eager.contains(ids[3]))
    }

    @Test("one neighbour's announcements take a bounded place") func bounded() {
        var script = threeNeighbours()
        for round in 0..<100 {
            let some = (0..<100).map { RumorID(number: UInt64(round * 1_000 + $0)) }
            script.hear(.ihave(some), from: 2)
        }
        #expect(script.machine.sizes.missing == GossipLimits.missingPerPeerMax)
        script.hear(.ihave([RumorID(number: 999)]), from: 3)
        #expect(script.machine.sizes.missing == GossipLimits.missingPerPeerMax + 1)
    }

    @Test("payloads take a bounded place, and grafts are answered at a bounded rate")
    func payloads() {
        var script = threeNeighbours()
        for number in 0..<400 {
            var payload = [UInt8](repeating: 1, count: 1_000)
            payload[0] = UInt8(number & 255)
            payload[1] = UInt8(number >> 8)
            script.give(.broadcast(payload))
        }
        #expect(script.machine.sizes.payloadBytes <= GossipLimits.payloadBytesMax)
        var payload = [UInt8](repeating: 1, count: 1_000)
        payload[0] = UInt8(399 & 255)
        let id = GossipScript.rumorID(payload)
        var bytes = 0
        for _ in 0..<1_000 {
            script.hear(.graft([id]), from: 2)
            bytes += script.sent(to: 2).count * 1_000
        }
        #expect(bytes <= GossipLimits.graftBytesBurst)
    }
}

extension GossipEffect {
    fileprivate var isLift: Bool {
        if case .send(.lift, _) = self { true } else { false }
    }

    fileprivate var isGraft: Bool {
        if case .send(.graft, _) = self { true } else { false }
    }
}
