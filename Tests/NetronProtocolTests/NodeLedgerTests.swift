// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronWire
import Testing

/// A key of the ledger.
func key(_ bucket: String, _ text: String) -> LedgerKey {
    guard let name = LedgerName(bucket), let key = LedgerKey(name, text) else {
        preconditionFailure("\(bucket)/\(text) is a key")
    }
    return key
}

func put(_ bucket: String, _ text: String, _ value: String) -> LedgerWrite {
    .put(key(bucket, text), Array(value.utf8))
}

extension NodeWorld {
    /// What counts for a key as a node sees it.
    func read(_ bucket: String, _ text: String, at number: UInt8) -> String? {
        record(bucket, text, at: number).map { String(decoding: $0.value, as: UTF8.self) }
    }

    func record(_ bucket: String, _ text: String, at number: UInt8) -> LedgerRecord? {
        try? machines[number]?.ledgerRecord(of: key(bucket, text), at: now)
    }

    /// Starts nodes that all know the first one.
    mutating func start(_ numbers: ClosedRange<UInt8>) {
        for number in numbers { start(number, contacts: contacts(of: number)) }
    }

    private mutating func contacts(of number: UInt8) -> [HostPort] {
        names["one.example"] = [outer(1)]
        return number == 1 ? [] : [contact("one.example:7000")]
    }

    mutating func startAgain(_ number: UInt8) { start(number, contacts: contacts(of: number)) }
}

@Suite("the ledger of several nodes") struct NodeLedgerTests {
    @Test("what one writes all read, also who comes later") func spreading() {
        var world = NodeWorld()
        world.start(1...6)
        world.pass(.seconds(10))
        #expect(world.write(put("notes", "a", "hello"), at: 3) == nil)
        world.pass(.seconds(2))
        for number in UInt8(1)...6 { #expect(world.read("notes", "a", at: number) == "hello") }
        world.start(7...7)
        world.pass(.seconds(5))
        #expect(world.read("notes", "a", at: 7) == "hello")
        #expect(world.record("notes", "a", at: 7)?.author == node(3))
    }

    @Test("a state that no message holds comes in chunks") func large() {
        var world = NodeWorld()
        world.start(1...3)
        world.pass(.seconds(10))
        let value = String(repeating: "x", count: 1_300)
        for text in ["a", "b", "c"] {
            #expect(world.write(put("notes", text, value), at: 2) == nil)
        }
        world.pass(.seconds(10))
        for text in ["a", "b", "c"] { #expect(world.read("notes", text, at: 3) == value) }
        world.start(4...4)
        world.pass(.seconds(10))
        for text in ["a", "b", "c"] { #expect(world.read("notes", text, at: 4) == value) }
    }

    @Test("halves that wrote apart read all when they meet again") func partition() {
        var world = NodeWorld()
        world.start(1...6)
        world.pass(.seconds(10))
        world.cut([1, 2, 3], from: [4, 5, 6])
        world.pass(.seconds(60))
        for number in UInt8(1)...6 {
            #expect(world.write(put("notes", "of \(number)", "\(number)"), at: number) == nil)
            // Of two that write the same key the later one counts.
            #expect(world.write(put("notes", "all", "\(number)"), at: number) == nil)
            world.pass(.seconds(3))
        }
        #expect(world.read("notes", "of 5", at: 1) == nil)
        #expect(world.read("notes", "all", at: 1) == "3")
        world.heal()
        world.pass(.seconds(400))
        for number in UInt8(1)...6 {
            for other in UInt8(1)...6 {
                #expect(world.read("notes", "of \(other)", at: number) == "\(other)")
            }
            #expect(world.read("notes", "all", at: number) == "6")
        }
    }

    @Test("a deleted key of an open bucket is gone for all, whoever wrote it") func deleting() {
        var world = NodeWorld()
        world.start(1...3)
        world.pass(.seconds(10))
        #expect(world.write(put("notes", "a", "first"), at: 1) == nil)
        world.pass(.seconds(2))
        #expect(world.write(.delete(key("notes", "a")), at: 2) == nil)
        world.pass(.seconds(2))
        for number in UInt8(1)...3 { #expect(world.read("notes", "a", at: number) == nil) }
        #expect(world.write(.delete(key("notes", "a")), at: 3) == .absent)
        #expect(world.write(put("notes", "a", "again"), at: 1) == nil)
        world.pass(.seconds(2))
        for number in UInt8(1)...3 { #expect(world.read("notes", "a", at: number) == "again") }
    }

    @Test("a key that a live member has is refused to others, and free when it has gone")
    func ownership() {
        var world = NodeWorld()
        world.start(1...3)
        world.pass(.seconds(10))
        #expect(world.write(put("services", "ssh", "one"), at: 1) == nil)
        world.pass(.seconds(2))
        #expect(world.write(put("services", "ssh", "two"), at: 2) == .held(by: node(1)))
        #expect(world.write(.delete(key("services", "ssh")), at: 3) == .held(by: node(1)))
        #expect(world.write(put("services", "ssh", "changed"), at: 1) == nil)
        world.pass(.seconds(2))
        #expect(world.read("services", "ssh", at: 2) == "changed")
        world.stop(1)
        world.pass(.seconds(2))
        #expect(world.read("services", "ssh", at: 2) == nil)
        #expect(world.write(put("services", "ssh", "two"), at: 2) == nil)
        world.pass(.seconds(2))
        #expect(world.read("services", "ssh", at: 3) == "two")
    }

    @Test("of two that claimed a key apart one has it, alike everywhere, and the other is told")
    func contest() {
        var world = NodeWorld()
        world.start(1...4)
        world.pass(.seconds(10))
        world.cut([1, 2], from: [3, 4])
        world.pass(.seconds(60))
        #expect(world.write(put("services", "web", "one"), at: 1) == nil)
        world.pass(.seconds(5))
        #expect(world.write(put("services", "web", "three"), at: 3) == nil)
        world.pass(.seconds(5))
        #expect(world.read("services", "web", at: 4) == "three")
        world.heal()
        world.pass(.seconds(300))
        for number in UInt8(1)...4 { #expect(world.read("services", "web", at: number) == "one") }
        let told = Notice.keyTaken(key("services", "web"), by: node(1))
        #expect(world.notices[3]?.contains(told) == true)
        #expect(world.notices[1]?.contains { $0.isAboutAKey } == false)
        // When it goes, the other has it, and is told.
        world.stop(1)
        world.pass(.seconds(5))
        for number in UInt8(2)...4 { #expect(world.read("services", "web", at: number) == "three") }
        #expect(
            world.notices[3]?.last { $0.isAboutAKey } == .keyTaken(key("services", "web"), by: nil)
        )
    }

    @Test("what was written is there after a crash, in the same life") func crash() {
        var world = NodeWorld()
        world.start(1...3)
        world.pass(.seconds(10))
        #expect(world.write(put("services", "ssh", "one"), at: 2) == nil)
        #expect(world.write(put("notes", "a", "hello"), at: 2) == nil)
        world.pass(.seconds(5))
        let before = world.record("services", "ssh", at: 1)
        world.crash(2)
        world.pass(.seconds(20))
        world.startAgain(2)
        world.pass(.milliseconds(1))
        #expect(world.read("notes", "a", at: 2) == "hello")
        world.pass(.seconds(10))
        #expect(world.record("services", "ssh", at: 1) == before && before != nil)
        #expect(world.record("services", "ssh", at: 2) == before)
        #expect(world.notices[2]?.contains(.twin) == false)
        // Written, and gone before anybody could hear of it.
        world.cut([2], from: [1, 3])
        #expect(world.write(put("notes", "b", "late"), at: 2) == nil)
        world.crash(2)
        world.pass(.seconds(20))
        #expect(world.read("notes", "b", at: 1) == nil)
        world.heal()
        world.startAgain(2)
        world.pass(.seconds(10))
        #expect(world.read("notes", "b", at: 1) == "late")
    }

    @Test("what a member said goes with it, and comes back with it") func leaving() {
        var world = NodeWorld()
        world.start(1...3)
        world.pass(.seconds(10))
        #expect(world.write(put("services", "ssh", "three"), at: 3) == nil)
        world.pass(.seconds(5))
        world.stop(3)
        world.pass(.seconds(5))
        for number in UInt8(1)...2 { #expect(world.read("services", "ssh", at: number) == nil) }
        #expect(world.disk(of: 1)?.count(of: .states) == 0)
        #expect(world.disk(of: 1)?.count(of: .index) == 0)
        world.startAgain(3)
        world.pass(.seconds(5))
        for number in UInt8(1)...3 { #expect(world.read("services", "ssh", at: number) == "three") }
    }

    @Test("a write that the disk does not take is refused, and nothing of it is told")
    func fullDisk() {
        var world = NodeWorld()
        world.start(1...2)
        world.pass(.seconds(10))
        #expect(world.write(put("notes", "a", "kept"), at: 2) == nil)
        let failure = StoreError(.diskFull, "the disk is full; make room on it")
        world.disk(of: 2)?.failure = failure
        #expect(world.write(put("notes", "b", "lost"), at: 2) == .storage(failure))
        world.pass(.seconds(5))
        for number in UInt8(1)...2 {
            #expect(world.read("notes", "a", at: number) == "kept")
            #expect(world.read("notes", "b", at: number) == nil)
        }
        world.disk(of: 2)?.failure = nil
        #expect(world.write(put("notes", "b", "kept"), at: 2) == nil)
        world.pass(.seconds(5))
        #expect(world.read("notes", "b", at: 1) == "kept")
    }
}

extension Notice {
    fileprivate var isAboutAKey: Bool {
        if case .keyTaken = self { true } else { false }
    }
}
