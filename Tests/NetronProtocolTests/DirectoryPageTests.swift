// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronWire
import Synchronization
import Testing

/// How many signatures a node verified.
private final class Tally: Sendable {
    private let verified = Mutex(0)

    var count: Int { verified.withLock { $0 } }

    func cryptography(of id: NodeID) -> Cryptography {
        let cheap = Cryptography.cheap(id)
        return Cryptography(
            sign: cheap.sign,
            verify: { signature, message, key in
                self.verified.withLock { $0 += 1 }
                return cheap.verify(signature, message, key)
            },
            digest: cheap.digest,
            derive: cheap.derive,
            networkAddress: cheap.networkAddress
        )
    }
}

/// A neighbour that promises much, and answers at once.
private struct Source {
    let id = many(1)
    /// What the pages have in them, by the order in which they are asked for.
    let content: (Int) -> [UInt8]
    private(set) var pages: [ChunkObject] = []

    init(content: @escaping (Int) -> [UInt8]) { self.content = content }

    mutating func answer(_ messages: [DirectoryMessage], to script: inout DirectoryScript) {
        var queue = messages
        while !queue.isEmpty {
            switch queue.removeFirst() {
            case .ask(let range, _):
                let much = DirectoryMessage.Summary(fingerprint: 1, count: 1_000)
                let parts = [DirectoryMessage.Summary](repeating: much, count: 16)
                queue += script.after(.received(.parts(range, parts), from: id)).messages
            case .chunks(.request(let request)):
                for chunk in chunks(for: request) {
                    queue += script.after(.received(.chunks(chunk), from: id)).messages
                }
            default: break
            }
        }
    }

    private mutating func chunks(for request: ChunkMessage.Request) -> [ChunkMessage] {
        if !pages.contains(request.object) { pages.append(request.object) }
        let bytes = content(pages.firstIndex(of: request.object) ?? 0)
        return request.numbers.map {
            .chunk(.init($0, of: bytes, tag: 7, handle: request.handle))
        }
    }
}

/// The bytes of a page.
private func page(_ statements: [[UInt8]]) -> [UInt8] {
    statements.flatMap { [UInt8($0.count >> 8), UInt8($0.count & 0xFF)] + $0 }
}

@Suite("directory: pages") struct DirectoryPageTests {
    @Test("one event verifies 16 signatures of a page at most, and in the end all are verified")
    func turns() {
        let tally = Tally()
        let newcomer = many(2)
        var source = DirectoryScript(many(1))
        for number in 100..<1_100 {
            source.judge(presence(of: many(number), saying: usualFields(number)))
        }
        var world = DirectoryWorld([
            source, DirectoryScript(newcomer, cryptography: tally.cryptography(of: newcomer)),
        ])
        var (most, before) = (0, 0)
        world.connect(1, 0)
        world.run(for: .seconds(60)) { world in
            most = max(most, tally.count - before)
            before = tally.count
            return world.nodes[1].directory.liveCount == 1_000
        }
        #expect(most == DirectoryLimits.recordsPerTurn)
        #expect(tally.count == 1_000)
        #expect(world.nodes[1].directory.summary == world.nodes[0].directory.summary)
    }

    @Test("pages wait until they are read, and no more of them than are pulled at a time")
    func bounded() {
        var script = DirectoryScript()
        var source = Source { number in
            page((0..<20).map { presence(of: many(1_000 + 20 * number + $0)).bytes })
        }
        source.answer(script.after(.neighbourUp(source.id)).messages, to: &script)
        #expect(script.directory.liveCount == DirectoryLimits.recordsPerTurn)
        #expect(source.pages.count == TransferLimits.pullsMax)
        let further = script.pass(.milliseconds(20)).messages
        #expect(script.directory.liveCount == 20 * TransferLimits.pullsMax)
        source.answer(further, to: &script)
        #expect(source.pages.count > TransferLimits.pullsMax)
    }

    @Test("who sent a page is to blame for a forged statement at its end") func forgedLate() {
        var script = DirectoryScript()
        var statements = (100..<120).map { presence(of: many($0)).bytes }
        statements[17][statements[17].count - 1] ^= 1
        var source = Source { _ in page(statements) }
        source.answer(script.after(.neighbourUp(source.id)).messages, to: &script)
        #expect(script.directory.counters.refused == 0)
        script.pass(.milliseconds(1))
        #expect(script.directory.counters.refused == 1)
        #expect(script.directory.liveCount == 17)
        let unheard = script.directory.counters.unheard
        script.after(.received(.same(.all), from: source.id))
        #expect(script.directory.counters.unheard == unheard + 1)
    }
}
