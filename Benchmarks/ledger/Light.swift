// SPDX-License-Identifier: Apache-2.0

import NetronEngine
import NetronProtocol
import NetronSimulator
import NetronWire

/// A node with the budget of `--light` in a network that is far too large for it.
enum Light {
    private static let epoch = Author.epoch
    private static let day: UInt64 = 86_400_000
    private static let budget = 1 << 20
    /// How often each says again what it said: in a day.
    private static let rounds = Int(day / Populace.roundMilliseconds)
    /// After which of them it is shown how it is.
    private static let shown: Set = [1, 7, 14, rounds]

    /// How large the file of a light node ever is among so many members.
    static func run(in folder: String, members: Int) throws {
        print(
            "| records | hours | heard | file KiB, at most | with the next one | live KiB | full "
                + "| states | of 1 in | members of 1 in | RssAnon KiB |"
        )
        print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
        for wealth in [Populace.Wealth.usual, .rich] {
            try run(in: folder, members: members, wealth)
            for file in ["ledger.mdb", "ledger.mdb.lock"] { try? Files.remove("\(folder)/\(file)") }
        }
    }

    private static func run(in folder: String, members: Int, _ wealth: Populace.Wealth) throws {
        var random = SeededRandom(seed: 9)
        let seed = try Author.seed(using: &random)
        let cryptography = try SystemCryptography.make(seed: seed, networkSecret: Author.secret)
            .unsigned
        var populace = Populace(members, wealth, from: epoch, cryptography)
        // What all have is in memory before the node is, which is measured.
        for number in 0..<members { _ = populace.words(of: number, in: 0, at: epoch) }
        let before = Memory.anonymousBytes
        var node = try LightNode(
            in: folder,
            budget: budget,
            at: epoch,
            cryptography,
            asking: populace.answer
        )
        let places = PlaceKey(cryptography)
        let own = places.place(of: node.id).number
        // About twice as near as the eighth member that can be reached, which half of them can.
        let near = UInt64.max / UInt64(members) * 32
        for round in 0..<rounds {
            for number in 0..<members {
                let offset = Populace.roundMilliseconds * UInt64(number) / UInt64(members)
                let wall = epoch + UInt64(round) * Populace.roundMilliseconds + offset
                node.pass(to: wall, asking: populace.answer)
                for words in populace.words(of: number, in: round, at: wall) {
                    node.hear(words.payload, asking: populace.answer)
                    let all =
                        words.presence.claims.map { places.place(ofClaimed: $0.address) }
                        + words.keys.map { places.place(of: $0) }
                    let ours = all.filter { $0.number ^ own < near }
                    guard !ours.isEmpty else { continue }
                    node.keep(words.presence, at: ours, asking: populace.answer)
                }
            }
            guard shown.contains(round + 1) else { continue }
            let cells = try cells(of: node).joined(separator: " | ")
            let hours = UInt64(round + 1) * Populace.roundMilliseconds / 3_600_000
            let heard = (round + 1) * members
            print(
                "| \(wealth.rawValue) | \(hours) | \(heard) | \(cells) "
                    + "| \((Memory.anonymousBytes - before) >> 10) |"
            )
        }
        for failure in Set(node.failures.map(\.message)).sorted() { print(failure) }
        precondition(node.storage.fileBytesMost <= budget, "the file is larger than its budget")
    }

    private static func cells(of node: LightNode) throws -> [String] {
        let (file, bits) = (try node.storage.statistics(), node.machine.coverageBits)
        let numbers = [
            node.storage.fileBytesMost >> 10, node.storage.bothBytesMost >> 10,
            file.liveBytes >> 10, node.storage.fullCount, file.records[.states] ?? 0,
            1 << bits.states, 1 << bits.members,
        ]
        return numbers.map(String.init)
    }
}
