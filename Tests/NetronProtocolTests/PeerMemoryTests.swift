// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronWire
internal import Testing

/// A memory under a clock that a test turns by hand.
private struct MemoryScript {
    static let wall: UInt64 = 1_800_000_000_000
    static let day: UInt64 = 86_400_000

    var memory: PeerMemory
    private var now = Instant(nanoseconds: 9_000_000_000)
    private var wake = Instant.never
    private(set) var tries: [(seconds: Double, id: NodeID, endpoint: Endpoint)] = []

    init(_ text: String = "", tellsTime: Bool = true) {
        memory = PeerMemory(text, at: now)
        if tellsTime { tell() }
    }

    var seconds: Double { Double(now.nanoseconds) / 1_000_000_000 - 9 }

    var text: String { memory.encoded(at: now) }

    var lines: [Substring] { text.split(separator: "\n") }

    var tried: [NodeID] { tries.map(\.id) }

    mutating func forget() { tries = [] }

    mutating func tell(isTrusted: Bool = true) {
        let wall = Self.wall + UInt64(seconds * 1_000)
        put(.time(wallMilliseconds: wall, isTrusted: isTrusted))
    }

    mutating func put(_ event: PeerMemoryEvent) {
        var effects: [PeerMemoryEffect] = []
        memory.handle(event, at: now, into: &effects)
        for effect in effects {
            switch effect {
            case .attempt(let id, let endpoint): tries.append((seconds, id, endpoint))
            case .wake(let deadline):
                #expect(deadline > now)
                wake = deadline
            }
        }
    }

    mutating func run(for seconds: Double) {
        let end = now + .milliseconds(Int64(seconds * 1_000))
        while wake <= end {
            now = wake
            wake = .never
            put(.timeout)
        }
        now = end
    }

    mutating func up(_ number: Int, isReachable: Bool = false) {
        put(.sessionUp(member(number), outer(number), isReachable: isReachable))
    }

    mutating func online(_ number: Int, isReachable: Bool = false) {
        put(.online(member(number), [outer(number)], isReachable: isReachable))
    }

    mutating func vanish(_ number: Int, isReachable: Bool = false, hasLeft: Bool = false) {
        let endpoints = [outer(number)]
        put(.vanished(member(number), endpoints, isReachable: isReachable, hasLeft: hasLeft))
    }
}

private func member(_ number: Int) -> NodeID { InternetScript.member(number) }
private func outer(_ number: Int) -> Endpoint { InternetScript.outer(number) }

/// The lines of so many members, as versions before wrote them.
private func old(_ numbers: ClosedRange<Int>) -> String {
    numbers.map { "\(member($0)) \(outer($0))\n" }.joined()
}

private let rubbishLines = [
    "", "\n\n\n", "x", "x y", "\u{0}\u{FF}", "\(member(1))", "\(member(1)) 203.0.113.1",
    "\(member(1)) 203.0.113.1:0", "\(member(1)) 127.0.0.1:7",
    "\(member(1)) 203.0.113.1:70000", "\(member(1)) 203.0.113.1:7 x",
    "\(member(1)) 203.0.113.1:7 -1", "\(member(1)) 203.0.113.1:7 99999999999999999999",
    "\(member(1)) 203.0.113.1:7 1 r x",
]

@Suite("Peer memory: trying") struct PeerMemoryTryingTests {
    @Test("at the start the peers of the last run are tried, eight at once and eight each second")
    func start() {
        var script = MemoryScript(old(1...20))
        #expect(script.tries.count == 8 && script.tries.allSatisfy { $0.seconds == 0 })
        script.run(for: 1)
        #expect(script.tries.count == 16)
        script.run(for: 1)
        #expect(Set(script.tried).count == 20 && script.tries.count == 20)
    }

    @Test("one that is alone tries all again after 5 s, 10 s and so on up to 5 min")
    func rounds() {
        var script = MemoryScript(old(1...1))
        script.run(for: 3_000)
        let times = script.tries.map(\.seconds)
        let pauses = zip(times.dropFirst(), times).map { $0 - $1 }
        #expect(pauses.prefix(4).elementsEqual([6, 11, 21, 41]))
        #expect(pauses.last == 301)
    }

    @Test("with a session the rest is not tried at once but one a minute")
    func inside() {
        var script = MemoryScript(old(1...20))
        script.up(1)
        script.forget()
        script.run(for: 59.9)
        #expect(script.tries.isEmpty)
        script.run(for: 0.1)
        #expect(script.tries.count == 1)
        script.run(for: 600)
        #expect(script.tries.count == 11 && Set(script.tried).count == 11)
    }

    @Test("who is online in our overlay is not tried, who vanished is, each in turn")
    func turns() {
        var script = MemoryScript()
        script.up(1)
        for number in 2...5 { script.online(number) }
        script.run(for: 600)
        #expect(script.tries.isEmpty)
        for number in 2...4 { script.vanish(number) }
        script.run(for: 360)
        #expect(script.tries.count == 6)
        #expect(Set(script.tried.prefix(3)) == Set([2, 3, 4].map(member)))
        script.online(3)
        script.forget()
        script.run(for: 360)
        #expect(Set(script.tried) == Set([member(2), member(4)]))
    }

    @Test("who loses its last session tries all that it remembers at once")
    func alone() {
        var script = MemoryScript()
        script.up(1)
        script.online(2)
        script.vanish(3)
        script.put(.sessionDown(member(1)))
        #expect(Set(script.tried) == Set([1, 2, 3].map(member)))
        script.forget()
        script.run(for: 100)
        #expect(script.tries.count > 6)
        script.forget()
        script.put(.networkChanged)
        #expect(script.tries.count == 3)
    }

    @Test("two halves that are apart for four weeks and forget nobody still try each other")
    func weeks() {
        var script = MemoryScript()
        script.up(1)
        script.vanish(2)
        script.run(for: 29.9 * 86_400)
        script.forget()
        script.run(for: 60)
        #expect(script.tried == [member(2)])
        script.run(for: 0.2 * 86_400)
        script.forget()
        script.run(for: 600)
        #expect(script.tries.isEmpty)
    }

    @Test("those that can be reached are tried first, those that left last")
    func order() {
        var script = MemoryScript()
        script.up(1)
        script.vanish(2, hasLeft: true)
        script.vanish(3)
        script.vanish(4, isReachable: true)
        script.run(for: 180)
        #expect(script.tried == [4, 3, 2].map(member))
    }
}

@Suite("Peer memory: what is kept") struct PeerMemoryKeepingTests {
    @Test("64 that are online and 64 that vanished are kept, of thousands")
    func bounds() {
        var script = MemoryScript()
        script.up(1)
        for number in 2...2_000 {
            script.online(number)
            script.vanish(number + 5_000)
        }
        #expect(script.memory.counts == (64, 64))
        #expect(script.text.utf8.count <= PeerMemoryLimits.bytesMax)
        // Those that vanished last are the more likely to be still there.
        #expect(script.lines.suffix(64).contains { $0.hasPrefix("\(member(7_000)) ") })
        #expect(!script.lines.contains { $0.hasPrefix("\(member(5_002)) ") })
    }

    @Test("a member of many endpoints takes no other member's place, and has four at most")
    func distinct() {
        var script = MemoryScript()
        script.up(1)
        for number in 2...62 { script.online(number) }
        for port in 1...100 {
            let endpoint = InternetScript.endpoint("203.0.113.1:\(port)")
            script.put(.sessionUp(member(1), endpoint, isReachable: true))
        }
        let lines = script.lines.filter { $0.hasPrefix("\(member(1)) ") }
        #expect(lines.count == 3 && script.memory.counts.live == 64)
        #expect(lines.contains { $0.contains("203.0.113.1:100 ") })
        for number in 2...62 {
            #expect(script.lines.contains { $0.hasPrefix("\(member(number)) ") })
        }
        var roomy = MemoryScript()
        for port in 1...100 {
            let endpoint = InternetScript.endpoint("203.0.113.1:\(port)")
            roomy.put(.sessionUp(member(1), endpoint, isReachable: true))
        }
        #expect(roomy.memory.counts.live == 4)
    }

    @Test("one that can be reached displaces one that cannot, and by hearsay nothing else does")
    func reachable() {
        var script = MemoryScript()
        for number in 1...64 { script.online(number) }
        script.online(65)
        #expect(!script.text.contains("\(member(65)) "))
        script.online(66, isReachable: true)
        #expect(script.text.contains("\(member(66)) ") && script.memory.counts.live == 64)
        script.up(67)
        #expect(script.text.contains("\(member(67)) "))
    }

    @Test("members of the last run that did not come in 10 min count as vanished")
    func former() {
        var script = MemoryScript(old(1...30))
        script.up(1)
        script.run(for: 599)
        #expect(script.memory.counts == (30, 0))
        script.run(for: 1)
        #expect(script.memory.counts == (1, 29))
    }

    @Test("a clock that nobody vouches for makes nobody be forgotten")
    func untrusted() {
        let seen = MemoryScript.wall - 31 * MemoryScript.day
        let line = "\(member(2)) \(outer(2)) \(seen)\n"
        var script = MemoryScript(line, tellsTime: false)
        script.tell(isTrusted: false)
        #expect(script.memory.counts.live == 1)
        script.tell()
        #expect(script.memory.counts.live == 0)
    }
}

@Suite("Peer memory: written down") struct PeerMemoryTextTests {
    @Test("what is written is read again, to the letter")
    func roundTrip() {
        var script = MemoryScript()
        script.up(1, isReachable: true)
        script.online(2)
        script.vanish(3)
        script.vanish(4, isReachable: true, hasLeft: true)
        let text = script.text
        let wall = MemoryScript.wall
        let lines = [
            "\(member(1)) \(outer(1)) \(wall) rm", "\(member(2)) \(outer(2)) \(wall)",
            "\(member(3)) \(outer(3)) \(wall) v", "\(member(4)) \(outer(4)) \(wall) rlv",
        ]
        #expect(script.lines.map(String.init) == lines)
        #expect(text.hasSuffix("\n"))
        #expect(MemoryScript(text).text == text)
        #expect(MemoryScript(text).memory.counts == (2, 2))
    }

    @Test("lines of versions before are read, and their 30 days begin now")
    func oldLines() {
        let script = MemoryScript(old(1...3))
        #expect(script.memory.counts.live == 3)
        #expect(script.lines.allSatisfy { $0.hasSuffix(" \(MemoryScript.wall)") })
    }

    @Test("rubbish is left out, whatever it is", arguments: rubbishLines)
    func rubbish(line: String) {
        #expect(MemoryScript(line).memory.counts == (0, 0))
        let mixed = MemoryScript(line + "\n" + old(2...2) + line)
        #expect(mixed.memory.counts.live == 1)
    }

    @Test("a time in the future is taken for now, so that it does not last for ever")
    func future() {
        let line = "\(member(2)) \(outer(2)) \(UInt64.max) rm\n"
        #expect(MemoryScript(line).lines == ["\(member(2)) \(outer(2)) \(MemoryScript.wall) rm"])
    }

    @Test("before the time is known nothing is written that would be long ago")
    func timeless() {
        var script = MemoryScript(tellsTime: false)
        script.up(1)
        #expect(script.lines == ["\(member(1)) \(outer(1)) 0 m"])
    }

    @Test("of a file that is too long the first 16 KiB are read, and no line that is cut")
    func long() {
        let line = "\(member(1)) 203.0.113.1:7000\n"
        let padding = String(repeating: "\n", count: PeerMemoryLimits.bytesMax - line.utf8.count)
        #expect(MemoryScript(padding + line).memory.counts.live == 1)
        #expect(MemoryScript(padding + "\n" + line).memory.counts.live == 0)
        let cut = padding + "\(member(1)) 203.0.113.1:70001\n"
        #expect(MemoryScript(cut).memory.counts.live == 0)
    }

    @Test("an endpoint that stands there twice is one, and of 200 members 64 are kept")
    func many() {
        #expect(MemoryScript(old(1...2) + old(1...2)).memory.counts.live == 2)
        #expect(MemoryScript(old(1...200)).memory.counts.live == 64)
    }
}
