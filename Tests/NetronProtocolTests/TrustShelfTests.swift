// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronSimulator
import NetronWire
import Testing

/// Any objects of three authorities, one of which is a stranger; many have a serial in common.
private func objects(_ count: Int, of random: inout SeededRandom) -> [TrustObject] {
    (0..<count).map { _ in
        let first = Int.random(in: 0...3, using: &random)
        return revoking(
            first..<(first + Int.random(in: 0...3, using: &random)),
            serial: UInt64.random(in: 1...4, using: &random),
            by: UInt8.random(in: 200...202, using: &random)
        )
    }
}

private func shelf(of objects: some Sequence<TrustObject>) -> TrustShelf {
    var shelf = TrustShelf([node(200), node(201)])
    for object in objects { shelf.take(object, order(of: object)) }
    return shelf
}

private func merged(_ left: TrustShelf, _ right: TrustShelf) -> TrustShelf {
    var both = left
    both.merge(right)
    return both
}

@Suite("trust shelf") struct TrustShelfTests {
    @Test("the higher serial counts, however little it says") func serials() {
        let (old, new) = (revoking(1...5, serial: 1), revoking([9], serial: 2))
        #expect(shelf(of: [old, new])[node(200)] == new)
        #expect(shelf(of: [new, old])[node(200)] == new)
    }

    @Test("of one serial the greater hash counts") func hashes() {
        let (left, right) = (revoking([1], serial: 7), revoking([2], serial: 7))
        let greater = order(of: left) < order(of: right) ? right : left
        #expect(shelf(of: [left, right])[node(200)] == greater)
        #expect(shelf(of: [right, left])[node(200)] == greater)
    }

    @Test("what is of no authority is not held") func strangers() {
        var shelf = TrustShelf([node(200)])
        let object = revoking([1], serial: 1, by: 201)
        #expect(shelf.take(object, order(of: object)) == .strange)
        #expect(shelf.objects.isEmpty)
        #expect(TrustShelf().standing(order(of: object), of: node(201)) == .strange)
    }

    @Test("an object stands as older, same or newer to what is held") func standing() {
        let held = revoking([1], serial: 5)
        var shelf = shelf(of: [held])
        #expect(shelf.take(held, order(of: held)) == .same)
        let (old, new) = (revoking([1], serial: 4), revoking([1], serial: 6))
        #expect(shelf.take(old, order(of: old)) == .older)
        #expect(shelf[node(200)] == held)
        #expect(shelf.take(new, order(of: new)) == .newer)
        #expect(shelf.order(of: node(200)) == order(of: new))
    }

    @Test("merging is commutative, associative and idempotent", arguments: [UInt64](0..<50))
    func laws(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let (left, middle, right) = (
            shelf(of: objects(6, of: &random)), shelf(of: objects(6, of: &random)),
            shelf(of: objects(6, of: &random))
        )
        #expect(merged(left, right) == merged(right, left))
        #expect(merged(merged(left, middle), right) == merged(left, merged(middle, right)))
        #expect(merged(left, left) == left)
        #expect(merged(merged(left, right), right) == merged(left, right))
    }

    @Test(
        "who was given the same ends alike, in any order and however often",
        arguments: [UInt64](0..<50)
    )
    func convergence(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let all = objects(12, of: &random)
        let first = shelf(of: all)
        for _ in 0..<10 {
            let doubled = (all + all + all.prefix(5)).shuffled(using: &random)
            #expect(shelf(of: doubled) == first)
            // Some hear it one by one, some take what others have.
            let cut = Int.random(in: 0...doubled.count, using: &random)
            let (head, tail) = (shelf(of: doubled.prefix(cut)), shelf(of: doubled.dropFirst(cut)))
            #expect(merged(head, tail) == first)
        }
    }
}
