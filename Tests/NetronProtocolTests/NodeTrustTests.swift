// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronWire
import Testing

extension NodeWorld {
    /// The serial of the list that a node has of an authority; 0 for none.
    func serial(of authority: UInt8 = 200, at number: UInt8) -> UInt64 {
        list(of: authority, at: number)?.serial ?? 0
    }

    func list(of authority: UInt8 = 200, at number: UInt8) -> TrustObject? {
        machines[number]?.trustObjects.first { $0.authority == node(authority) }?.object
    }

    /// A world whose nodes have two authorities, 200 and 201.
    static func withAuthorities(_ numbers: ClosedRange<UInt8>) -> NodeWorld {
        var world = NodeWorld()
        world.authorities = [node(200), node(201)]
        world.start(numbers)
        world.pass(.seconds(10))
        return world
    }
}

@Suite("what authorities say, of several nodes") struct NodeTrustTests {
    @Test(
        "what one publishes all have within seconds, small or large",
        arguments: [1, 22, 23, 800]
    )
    func spreading(count: Int) {
        var world = NodeWorld.withAuthorities(1...8)
        let object = revoking(0..<count, serial: 1)
        #expect(world.publish(object, at: 3) == nil)
        world.pass(.seconds(10))
        for number in UInt8(1)...8 {
            #expect(world.list(at: number) == object, "node \(number)")
            #expect(world.disk(of: number)?.count(of: .trust) == 1)
            let notice = Notice.revocations(by: node(200), serial: 1, count: count)
            #expect(world.notices[number]?.count { $0 == notice } == 1)
        }
    }

    @Test("who comes later has all of it, and who restarts still has it", arguments: [3, 300])
    func joining(count: Int) {
        var world = NodeWorld.withAuthorities(1...4)
        #expect(world.publish(revoking(0..<count, serial: 7), at: 1) == nil)
        #expect(world.publish(revoking(0..<5, serial: 2, by: 201), at: 2) == nil)
        world.pass(.seconds(10))
        world.start(5...5)
        world.pass(.seconds(10))
        #expect(world.serial(at: 5) == 7 && world.serial(of: 201, at: 5) == 2)
        world.crash(5)
        world.pass(.seconds(30))
        world.startAgain(5)
        // Before it met anybody.
        #expect(world.serial(at: 5) == 7 && world.serial(of: 201, at: 5) == 2)
    }

    @Test("halves that were apart have the newest when they meet", arguments: [2, 200])
    func partition(count: Int) {
        var world = NodeWorld.withAuthorities(1...6)
        #expect(world.publish(revoking(0..<count, serial: 1), at: 1) == nil)
        world.pass(.seconds(10))
        world.cut([1, 2, 3], from: [4, 5, 6])
        world.pass(.seconds(60))
        #expect(world.publish(revoking(0..<count + 1, serial: 2), at: 1) == nil)
        #expect(world.publish(revoking(0..<count, serial: 9, by: 201), at: 5) == nil)
        world.pass(.seconds(30))
        #expect(world.serial(at: 3) == 2 && world.serial(at: 4) == 1)
        #expect(world.serial(of: 201, at: 6) == 9 && world.serial(of: 201, at: 2) == 0)
        world.heal()
        world.pass(.seconds(400))
        for number in UInt8(1)...6 {
            #expect(world.serial(at: number) == 2 && world.serial(of: 201, at: number) == 9)
        }
    }

    @Test("two lists with one number end as one everywhere, and all are told") func doubled() {
        var world = NodeWorld.withAuthorities(1...6)
        world.cut([1, 2, 3], from: [4, 5, 6])
        world.pass(.seconds(60))
        let (left, right) = (revoking(0..<60, serial: 1), revoking(60..<130, serial: 1))
        #expect(world.publish(left, at: 1) == nil && world.publish(right, at: 6) == nil)
        world.pass(.seconds(30))
        world.heal()
        world.pass(.seconds(400))
        let greater = order(of: left) < order(of: right) ? right : left
        for number in UInt8(1)...6 { #expect(world.list(at: number) == greater) }
        let told = world.notices.values.joined().contains(.twoLists(by: node(200), serial: 1))
        #expect(told)
    }

    @Test("a node that names no authority keeps nothing, and one that names another its own")
    func others() {
        var world = NodeWorld.withAuthorities(1...3)
        world.authorities = []
        world.start(4...4)
        world.authorities = [node(201)]
        world.start(5...5)
        world.pass(.seconds(10))
        #expect(world.publish(revoking([1], serial: 1), at: 1) == nil)
        #expect(world.publish(revoking([1], serial: 1, by: 201), at: 1) == nil)
        world.pass(.seconds(200))
        #expect(world.machines[4]?.trustObjects.isEmpty == true)
        #expect(world.disk(of: 4)?.count(of: .trust) == 0)
        #expect(world.list(at: 5) == nil && world.serial(of: 201, at: 5) == 1)
        #expect(world.disk(of: 5)?.count(of: .trust) == 1)
        // One that is no authority any more is forgotten at the next start.
        world.stop(5)
        world.authorities = [node(200)]
        world.startAgain(5)
        #expect(world.disk(of: 5)?.count(of: .trust) == 0)
        world.pass(.seconds(10))
        #expect(world.serial(at: 5) == 1)
    }

    @Test("it is on disk when it is published, or it is not published") func durability() {
        var world = NodeWorld.withAuthorities(1...3)
        world.disk(of: 2)?.failure = StoreError(.diskFull, "full")
        let object = revoking([1], serial: 1)
        #expect(world.publish(object, at: 2) == .storage(StoreError(.diskFull, "full")))
        world.pass(.seconds(100))
        #expect(world.serial(at: 2) == 0 && world.serial(at: 1) == 0)
        // What others publish counts at once, and is on disk as soon as it can be.
        #expect(world.publish(object, at: 1) == nil)
        world.pass(.seconds(10))
        #expect(world.serial(at: 2) == 1)
        #expect(world.disk(of: 2)?.count(of: .trust) == 0)
        // To publish it there again says that it is on disk, or that it is not.
        #expect(world.publish(object, at: 2) != nil)
        world.disk(of: 2)?.failure = nil
        world.pass(.seconds(70))
        #expect(world.disk(of: 2)?.count(of: .trust) == 1)
    }

    @Test("a node that has no room for all members has all of it") func light() {
        var world = NodeWorld()
        world.budget = 1 << 20
        world.authorities = [node(200)]
        world.start(1...3)
        world.pass(.seconds(10))
        let object = revoking(0..<800, serial: 1)
        #expect(world.publish(object, at: 1) == nil)
        world.pass(.seconds(10))
        for number in UInt8(1)...3 { #expect(world.list(at: number) == object) }
    }
}
