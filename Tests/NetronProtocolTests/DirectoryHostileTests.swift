// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronWire
import Testing

@Suite("directory: hostile members") struct DirectoryHostileTests {
    private let liar = many(1)

    private func script(knowing count: Int) -> DirectoryScript {
        var script = DirectoryScript()
        for number in 100..<(100 + count) { script.judge(presence(of: many(number))) }
        return script
    }

    @Test("who always says that something differs gets a bounded number of questions a minute")
    func lyingFingerprints() {
        var script = script(knowing: 500)
        var queue = script.after(.neighbourUp(liar)).messages
        let zero = DirectoryMessage.Summary(fingerprint: 1, count: 30)
        let parts = [DirectoryMessage.Summary](repeating: zero, count: 16)
        var questions = 0
        let end = script.now + .seconds(600)
        while script.now < end {
            while let message = queue.popLast() {
                guard case .ask(let range, _) = message else { continue }
                questions += 1
                let answer: DirectoryMessage =
                    range.bits <= 60 ? .parts(range, parts) : .list(range, [])
                queue += script.after(.received(answer, from: liar)).messages
            }
            queue += script.pass(.seconds(1)).messages
        }
        // A round a minute, each of 512 questions at most.
        #expect(questions > 600)
        #expect(questions <= 512 * 15)
    }

    @Test("who promises very much and has nothing is not asked again for a while")
    func emptyBulk() {
        var script = script(knowing: 10)
        let much = DirectoryMessage.Summary(fingerprint: 1, count: 1_000)
        let parts = [DirectoryMessage.Summary](repeating: much, count: 16)
        var queue = script.after(.neighbourUp(liar)).messages
        var asked = 0
        for _ in 0..<100 {
            while let message = queue.popLast() {
                switch message {
                case .ask(let range, _):
                    queue += script.after(.received(.parts(range, parts), from: liar)).messages
                case .chunks(.request(let request)):
                    asked += 1
                    let none = ChunkMessage.Chunk(0, of: [], tag: 1, handle: request.handle)
                    let answer = DirectoryMessage.chunks(.chunk(none))
                    queue += script.after(.received(answer, from: liar)).messages
                default: break
                }
            }
            queue += script.pass(.seconds(5)).messages
        }
        #expect(asked > 0)
        #expect(asked <= 2 * 128)
        #expect(script.directory.liveCount == 10)
    }

    @Test("who sends a forged statement is not heard for ten minutes") func forged() {
        var script = script(knowing: 10)
        var forged = presence(of: many(300)).bytes
        forged[forged.count - 1] ^= 1
        script.after(.received(.records([forged]), from: liar))
        #expect(script.directory.counters.refused == 1)
        let good = presence(of: many(301)).bytes
        script.after(.received(.records([good]), from: liar))
        #expect(script.directory.counters.unheard == 1)
        #expect(script.directory.record(of: many(301)) == nil)
        script.pass(.seconds(600))
        script.after(.received(.records([good]), from: liar))
        #expect(script.directory.record(of: many(301)) != nil)
    }

    @Test("a forged page is dropped, and another neighbour is pulled from") func forgedPage() {
        var nodes = [DirectoryScript(many(1)), DirectoryScript(many(2)), DirectoryScript(many(3))]
        for number in 100..<1_100 {
            let statement = presence(of: many(number), saying: usualFields(number))
            nodes[0].judge(statement)
            nodes[1].judge(statement)
        }
        var world = DirectoryWorld(nodes)
        world.forge = { node, message in
            guard node == 0, case .chunks(.chunk(let chunk)) = message else { return message }
            let content = [UInt8](repeating: 7, count: chunk.size)
            let handle = chunk.handle
            return .chunks(.chunk(.init(chunk.number, of: content, tag: chunk.tag, handle: handle)))
        }
        world.connect(2, 0)
        world.connect(2, 1)
        world.run(for: .seconds(120)) { $0.nodes[2].directory.liveCount == 1_000 }
        #expect(world.nodes[2].directory.liveCount == 1_000)
        #expect(world.nodes[2].directory.summary == world.nodes[1].directory.summary)
    }

    @Test("a flood of questions is answered up to a limit") func questions() {
        var script = script(knowing: 10)
        let summary = DirectoryMessage.Summary(fingerprint: 1, count: 1)
        var answers = 0
        for _ in 0..<2_000 {
            answers += script.after(.received(.ask(.all, summary), from: liar)).messages.count
        }
        #expect(answers == 640)
        #expect(script.directory.counters.unheard == 1_360)
        // Others are not held up.
        let other = script.after(.received(.ask(.all, summary), from: many(2)))
        #expect(other.messages.count == 1)
    }

    @Test("answers that nobody asked for are dropped") func unasked() {
        var script = script(knowing: 10)
        let zero = DirectoryMessage.Summary(fingerprint: 1, count: 30)
        let parts = DirectoryMessage.parts(.all, .init(repeating: zero, count: 16))
        #expect(script.after(.received(parts, from: liar)).isEmpty)
        #expect(script.after(.received(.same(.all), from: liar)).isEmpty)
        #expect(script.after(.received(.list(.all, []), from: liar)).isEmpty)
        let chunk = ChunkMessage.Chunk(0, of: [1], tag: 1, handle: 1)
        #expect(script.after(.received(.chunks(.chunk(chunk)), from: liar)).isEmpty)
        #expect(script.directory.counters.unasked == 4)
    }

    @Test("a page that is none, or of too much, is refused") func noPage() {
        var script = script(knowing: 1_100)
        let all = ChunkObject(kind: DirectoryLimits.pageKind, key: DirectoryRange.all.encoded)
        for object in [all, ChunkObject(kind: 2, key: [0]), ChunkObject(kind: 1, key: [1])] {
            let request = ChunkMessage.Request(handle: 5, object: object, tag: 0, numbers: [0])
            let answers = script.after(.received(.chunks(.request(request)), from: liar)).messages
            #expect(answers == [.chunks(.refused(handle: 5))])
        }
    }
}
