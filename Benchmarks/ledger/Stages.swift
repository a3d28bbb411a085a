// SPDX-License-Identifier: Apache-2.0

import NetronEngine
import NetronProtocol
import NetronSimulator
import NetronStore
import NetronWire

/// What is measured; each prints a table in Markdown.
enum Stages {
    private static let epoch = Author.epoch

    /// Signed blocks of 1,000 members are judged and kept, durably, in batches.
    static func apply(in folder: String, blocks: Int) throws {
        let count = 1_000
        var authors = try (0..<count).map { try Author($0, at: epoch, signs: true) }
        var payloads: [(at: UInt64, bytes: [UInt8])] = []
        for number in 0..<blocks {
            // So slow that nobody speaks too often.
            let wall = epoch + UInt64(number / count) * 20_000 + UInt64(number % count)
            let text = "\(authors[number % count].id.prefix())-\(number / count % 8)"
            let value = [UInt8](repeating: UInt8(number & 0xFF), count: 100)
            let bytes = authors[number % count].write("notes", text, value, at: wall)
            payloads.append((wall, bytes))
        }
        var observer = try Observer(in: folder, at: epoch, signed: true, isDurable: true)
        let clock = ContinuousClock()
        let begin = clock.now
        let work = Processor.nanoseconds
        for payload in payloads {
            observer.pass(to: payload.at)
            precondition(observer.hear(payload.bytes), "a block is refused")
        }
        observer.pass(to: observer.wall + 2_000)
        let seconds = (clock.now - begin) / .seconds(1)
        let used = (Processor.nanoseconds - work) / 1e9
        let states = try observer.disk.statistics().records[.states] ?? 0
        precondition(states == count, "\(states) states")
        let signature = try signatureSeconds(of: payloads.prefix(4_000).map(\.bytes))
        print(
            """
            \(blocks) blocks, verified and kept: \(Int(Double(blocks) / seconds)) a second, \
            \(Int(Double(blocks) / used)) in a second of one processor
            each \(Int(used / Double(blocks) * 1e6)) us, \
            of which the signature \(Int(signature * 1e6)) us
            """
        )
    }

    /// What it takes to look at one signature, and nothing else.
    private static func signatureSeconds(of blocks: [[UInt8]]) throws -> Double {
        let cryptography = try Author(0, at: epoch, signs: true).cryptography
        let heads = try blocks.map { try Presence(bytes: LedgerBlock(bytes: $0).head) }
        let work = Processor.nanoseconds
        for head in heads {
            precondition(head.isSigned(by: cryptography, network: Author.network), "forged")
        }
        return (Processor.nanoseconds - work) / 1e9 / Double(heads.count)
    }

    /// A node that knows 10,000 members, each with an address, and then with a service too.
    static func full(in folder: String, members: Int) throws {
        var observer = try Observer(in: folder, at: epoch, signed: false, isDurable: false)
        let before = Memory.anonymousBytes
        print("| members with | file KiB | live KiB | bytes of live pages a member | RssAnon KiB |")
        print("|---|---:|---:|---:|---:|")
        for isWriting in [false, true] {
            for number in 0..<members {
                let wall = epoch + UInt64(number) + (isWriting ? 20_000 : 0)
                observer.pass(to: wall)
                var author = try Author(number, at: epoch, signs: false)
                var payload = author.renew(at: wall)
                if isWriting {
                    let value = [UInt8](repeating: 1, count: 60)
                    payload = author.write("services", "s-\(author.id)", value, at: wall)
                }
                precondition(observer.hear(payload), "a statement is refused")
            }
            observer.pass(to: observer.wall + 2_000)
            let statistics = try observer.disk.statistics()
            let what = isWriting ? "an address and a service" : "an address"
            print(
                "| \(what) | \(statistics.fileBytes >> 10) | \(statistics.liveBytes >> 10) "
                    + "| \(statistics.liveBytes / members) "
                    + "| \(Memory.anonymousBytes >> 10), \(before >> 10) before |"
            )
        }
        try lookups(in: observer, members: members)
    }

    private static func lookups(in observer: Observer, members: Int) throws {
        let count = 200_000
        var random = SeededRandom(seed: 5)
        let clock = ContinuousClock()
        let addresses = (0..<1_024).map { _ in
            IPAddress(.v4, number: UInt128(0x0A00_0000 + Int(random.next() % UInt64(members))))
        }
        var found = 0
        let begin = clock.now
        for turn in 0..<count {
            found += observer.directory.holders(of: addresses[turn & 1_023]).count
        }
        let address = (clock.now - begin) / .nanoseconds(1) / Double(count)
        precondition(found == count, "an address is not found")
        let keys = try (0..<1_024).compactMap { _ in
            let number = Int(random.next() % UInt64(members))
            let author = try Author(number, at: epoch, signs: false)
            return LedgerName("services").flatMap { LedgerKey($0, "s-\(author.id)") }
        }
        let second = clock.now
        for turn in 0..<count {
            let record = try observer.read(keys[turn & 1_023])
            precondition(record != nil, "a record is not found")
        }
        let record = (clock.now - second) / .nanoseconds(1) / Double(count)
        print("\nan address is looked up in \(Int(address)) ns, a record in \(Int(record)) ns")
    }
}
