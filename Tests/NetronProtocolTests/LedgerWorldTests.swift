// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronSimulator
import NetronWire
import Testing

/// Several nodes that write, while links are cut and nodes die and come back.
private struct LedgerChaos {
    static let nodes: ClosedRange<UInt8> = 1...6

    var world = NodeWorld()
    var random: SeededRandom
    var running = Set(nodes)
    /// What each node was told to be kept, and did not delete or overwrite.
    var kept: [UInt8: [LedgerKey: [UInt8]]] = [:]
    private var count = 0

    init(seed: UInt64) {
        random = SeededRandom(seed: seed)
        world.start(Self.nodes)
        world.pass(.seconds(10))
    }

    mutating func step() {
        switch Int.random(in: 0..<20, using: &random) {
        case 0: world.heal()
        case 1:
            let left = Self.nodes.filter { _ in random.happens(0.5) }
            world.cut(left, from: Self.nodes.filter { !left.contains($0) })
        case 2: kill()
        case 3: revive()
        case 4...6: world.pass(.seconds(Int.random(in: 1...40, using: &random)))
        default: write()
        }
        world.pass(.milliseconds(Int.random(in: 0...700, using: &random)))
    }

    private mutating func kill() {
        guard running.count > 2, let number = running.sorted().randomElement(using: &random) else {
            return
        }
        running.remove(number)
        if random.happens(0.3) { world.stop(number) } else { world.crash(number) }
    }

    mutating func revive() {
        let down = Self.nodes.filter { !running.contains($0) }
        guard let number = down.randomElement(using: &random) else { return }
        running.insert(number)
        world.startAgain(number)
    }

    private mutating func write() {
        guard let number = running.sorted().randomElement(using: &random) else { return }
        let bucket = ["notes", "services", "own-\(number)"].randomElement(using: &random) ?? ""
        let key = key(bucket, "k\(random.next() % 6)")
        if random.happens(0.2) {
            guard world.write(.delete(key), at: number) == nil else { return }
            kept[number]?[key] = nil
        } else {
            count += 1
            let value = Array("\(number) wrote \(count)".utf8)
            guard world.write(.put(key, value), at: number) == nil else { return }
            kept[number, default: [:]][key] = value
        }
    }

    /// All come back and meet; long enough for every contest to end.
    mutating func settle() {
        world.heal()
        while running.count < Self.nodes.count { revive() }
        world.pass(.seconds(900))
    }
}

@Suite("the ledger through partitions and crashes") struct LedgerWorldTests {
    @Test(
        "all read the same in the end, and of what was acknowledged nothing is lost",
        arguments: 1...12
    )
    func chaos(seed: UInt64) {
        var chaos = LedgerChaos(seed: seed)
        for _ in 0..<150 { chaos.step() }
        chaos.settle()
        let all = Set(chaos.kept.values.flatMap(\.keys))
        #expect(all.count > 10)
        for key in all {
            let records = LedgerChaos.nodes.map { number in
                try? chaos.world.machines[number]?.ledgerRecord(of: key, at: chaos.world.now)
            }
            #expect(Set(records).count == 1, "\(key)")
        }
        // Nobody else writes in a node's own bucket.
        for (number, records) in chaos.kept {
            for (key, value) in records where key.bucket.description == "own-\(number)" {
                let read = chaos.world.read(key.bucket.description, key.text, at: number % 6 + 1)
                #expect(read.map { Array($0.utf8) } == value, "\(key)")
            }
        }
        for number in LedgerChaos.nodes {
            #expect(chaos.world.machines[number]?.isLedgerComplete == true)
            #expect(chaos.world.notices[number]?.contains(.twin) == false)
        }
    }
}
