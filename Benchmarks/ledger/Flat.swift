// SPDX-License-Identifier: Apache-2.0

import Glibc
import NetronEngine
import NetronProtocol
import NetronSimulator
import NetronStore
import NetronWire

/// One observer of 100 members, of which 10 are replaced each day, for years.
///
/// The members live in a process of their own, so that what is measured is the observer's alone.
enum Flat {
    fileprivate static let epoch = Author.epoch
    /// Milliseconds.
    fileprivate static let day: UInt64 = 86_400_000
    fileprivate static let count = 100
    fileprivate static let replacedPerDay = 10

    /// Observes for so many days.
    static func run(in folder: String, days: Int) throws {
        var observer = try Observer(in: folder, at: epoch, signed: false, isDurable: false)
        let command = "exec '\(CommandLine.arguments[0])' authors \(days)"
        guard let words = unsafe popen(command, "r") else { fatalError("\(command) did not start") }
        defer { unsafe pclose(words) }
        print("| day | members ever | states | file KiB | live KiB | RssAnon KiB |")
        print("|---:|---:|---:|---:|---:|---:|")
        let shown: Set = [1, 2, 7, 30, 91, 182, 365, 1_000, 1_825, 3_650, days]
        for number in 1...days {
            while let (wall, payload) = unsafe word(from: words) {
                observer.pass(to: wall)
                precondition(observer.hear(payload), "a statement is refused")
            }
            observer.pass(to: epoch + UInt64(number) * day)
            guard shown.contains(number) else { continue }
            let statistics = try observer.disk.statistics()
            let states = statistics.records[.states] ?? 0
            print(
                "| \(number) | \(count + number * replacedPerDay) | \(states) "
                    + "| \(statistics.fileBytes >> 10) | \(statistics.liveBytes >> 10) "
                    + "| \(Memory.anonymousBytes >> 10) |"
            )
        }
    }

    /// What is said next, and when; nil at the end of a day.
    private static func word(from input: UnsafeMutablePointer<FILE>) -> (UInt64, [UInt8])? {
        var head: (at: UInt64, length: UInt64) = (0, 0)
        let isThere = unsafe fread(&head, 16, 1, input) == 1
        precondition(isThere, "the authors have ended")
        if head.length == 0 { return nil }
        let count = Int(head.length)
        let payload = unsafe [UInt8](unsafeUninitializedCapacity: count) { bytes, length in
            length = unsafe fread(bytes.baseAddress, 1, count, input)
        }
        precondition(payload.count == count, "the authors have ended")
        return (head.at, payload)
    }
}

/// The members whom `Flat` observes, in a process of their own.
///
/// What they say goes to the standard output: when, how long it is (8 bytes each, in the order of
/// the host), and then the payload; a length of 0 ends a day.
struct FlatAuthors {
    private var random = SeededRandom(seed: 1)
    private var wall = Flat.epoch
    private var authors: [Author] = []
    private var due: [UInt64] = []
    private var made = 0
    /// What was said today.
    private var said: [UInt8] = []

    init() throws {
        for _ in 0..<Flat.count {
            authors.append(try newcomer())
            due.append(Flat.epoch + random.next() % 1_800_000)
        }
    }

    /// Says all that is said in so many days.
    mutating func speak(days: Int) throws {
        for number in 1...days {
            try replaceSome()
            let end = Flat.epoch + UInt64(number) * Flat.day
            while let place = due.indices.min(by: { due[$0] < due[$1] }), due[place] < end {
                wall = max(wall, due[place])
                speak(place)
            }
            wall = end
            say([])
            flush()
        }
    }

    /// Half of those who go say so, the others are just not heard any more.
    private mutating func replaceSome() throws {
        for turn in 0..<Flat.replacedPerDay {
            let place = Int.random(in: 0..<Flat.count, using: &random)
            if turn % 2 == 0 { say(authors[place].leave(at: wall)) }
            authors[place] = try newcomer()
            due[place] = wall
        }
    }

    private mutating func newcomer() throws -> Author {
        made += 1
        return try Author(made, at: wall, signs: false)
    }

    /// Who is new writes three records; later one statement in twenty has a change.
    private mutating func speak(_ place: Int) {
        let isFirst = authors[place].state.count < 3
        if isFirst || random.happens(0.05) {
            let key = "s\(random.next() % 3)-\(authors[place].id.prefix())"
            let value = (0..<Int.random(in: 20...200, using: &random)).map { UInt8($0) }
            say(authors[place].write("services", key, value, at: wall))
        } else {
            say(authors[place].renew(at: wall))
        }
        due[place] = wall + (isFirst ? 2_000 : 1_800_000 - random.next() % 225_000)
    }

    private mutating func say(_ payload: [UInt8]) {
        for number in [wall, UInt64(payload.count)] {
            unsafe withUnsafeBytes(of: number) { unsafe said.append(contentsOf: $0) }
        }
        said.append(contentsOf: payload)
    }

    private mutating func flush() {
        var rest = said[...]
        while !rest.isEmpty {
            let count = unsafe rest.withUnsafeBytes { unsafe write(1, $0.baseAddress, $0.count) }
            precondition(count > 0, "the observer has ended")
            rest.removeFirst(count)
        }
        said.removeAll(keepingCapacity: true)
    }
}
