// SPDX-License-Identifier: Apache-2.0

internal import NetronWire
internal import Testing

@testable internal import NetronSimulator

@Suite("the world's tables")
struct QueueTests {
    @Test("events come in the order of time, and of their making within a moment")
    func order() {
        var random = SeededRandom(seed: 1)
        var queue = EventQueue()
        var times: [(UInt64, Int)] = []
        for index in 0..<2000 {
            let time = random.next() % 100
            times.append((time, index))
            queue.push(.note, index, at: time)
        }
        times.sort { $0 < $1 }
        for (time, index) in times {
            let entry = queue.pop()
            #expect(entry?.time == time && entry.map { Int($0.index) } == index)
        }
        #expect(queue.pop() == nil && queue.nextTime == nil)
    }

    @Test("a heap that grows and shrinks gives the least each time")
    func mixed() {
        var random = SeededRandom(seed: 2)
        var queue = EventQueue()
        var times: [UInt64] = []
        for _ in 0..<5000 {
            if random.next() % 3 != 0 || times.isEmpty {
                times.append(random.next() % 1000)
                queue.push(.wake, 0, at: times[times.count - 1])
            } else {
                let least = times.min()
                #expect(queue.pop()?.time == least)
                if let place = times.firstIndex(where: { $0 == least }) { times.remove(at: place) }
            }
        }
        #expect(queue.count == times.count)
    }

    @Test("a pair's number is found as in a dictionary")
    func pairs() {
        var random = SeededRandom(seed: 3)
        var table = PairTable()
        var truth: [[Int]: Int] = [:]
        for step in 0..<20_000 {
            let pair = [Int(random.next() % 60), Int(random.next() % 60)].sorted()
            #expect(table[pair[1], pair[0]] == truth[pair])
            if truth[pair] == nil {
                table.insert(step, for: pair[0], pair[1])
                truth[pair] = step
            } else if random.next() % 2 == 0 {
                table.remove(pair[1], pair[0])
                truth[pair] = nil
            }
        }
        #expect(table.count == truth.count)
    }

    @Test("a number that is used again is told from the one before")
    func slab() {
        var slab = Slab(vacant: 0)
        let first = slab.insert(1)
        let generation = slab.generation(of: first)
        #expect(slab.has(first, generation) && slab.count == 1)
        slab.remove(at: first)
        #expect(!slab.has(first, generation) && !slab.has(first, slab.generation(of: first)))
        let second = slab.insert(2)
        #expect(second == first && !slab.has(first, generation) && slab[second] == 2)
        #expect(slab.indices == [second])
    }

    @Test("addresses lead back to their place", arguments: [IPAddress.Family.v4, .v6])
    func addresses(_ family: IPAddress.Family) {
        var seen: Set<IPAddress> = []
        for place in 0..<5000 {
            let address = AddressPlan.address(ofPlace: place, family)
            #expect(seen.insert(address).inserted && AddressPlan.place(of: address) == place)
        }
        let last = AddressPlan.address(ofPlace: AddressPlan.placesMax - 1, family)
        #expect(AddressPlan.place(of: last) == AddressPlan.placesMax - 1)
        for text in ["20.0.0.0", "20.0.0.2", "21.0.0.1", "10.0.0.1", "2600:20::2", "2600:21::1"] {
            #expect(IPAddress(text).flatMap(AddressPlan.place) == nil)
        }
        let inside = AddressPlan.address(ofHost: 7, in: 300)
        #expect(AddressPlan.host(of: inside).map { [$0.site, $0.host] } == [300, 7])
    }

    @Test("chance has the mean that it says")
    func chance() {
        var random = SeededRandom(seed: 4)
        let count = 20_000
        let units = (0..<count).map { _ in random.unit() }
        #expect(units.allSatisfy { (0..<1).contains($0) })
        #expect(abs(units.reduce(0, +) / Double(count) - 0.5) < 0.01)
        let exponentials = (0..<count).map { _ in random.exponential() }
        #expect(abs(exponentials.reduce(0, +) / Double(count) - 1) < 0.03)
        // The share above 1 is 1 / e.
        let share = Double(exponentials.count { $0 > 1 }) / Double(count)
        #expect(abs(share - 0.3679) < 0.015)
        // The published first word of seed 1234567.
        var published = SeededRandom(seed: 1_234_567)
        #expect(published.next() == 6_457_827_717_110_365_317)
    }

    @Test("a quantile is a value that was there")
    func quantiles() {
        let values = (1...100).map(Double.init)
        #expect(TrafficSummary.quantile(0.99, of: values) == 99)
        #expect(TrafficSummary.quantile(0.5, of: values) == 50)
        #expect(TrafficSummary.quantile(0.99, of: [7]) == 7)
        #expect(TrafficSummary.quantile(0.99, of: []) == 0)
    }
}
