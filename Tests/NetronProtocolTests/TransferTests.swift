// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronSimulator
import NetronWire
import Testing

@Suite("transfer") struct TransferTests {
    private let object = ChunkObject(kind: 9, key: [1])
    private let server = many(1)

    private func bytes(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
        var random = SeededRandom(seed: seed)
        return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }

    private func world(
        _ object: [UInt8],
        _ link: TransferWorld.Link,
        perSecond: Int = 8 << 20
    ) -> TransferWorld {
        var world = TransferWorld(link: link, perSecond: perSecond)
        world.objects[server] = [self.object: object]
        return world
    }

    private func wanted(
        from peer: NodeID? = nil,
        bytesMax: Int = 16 << 20,
        digest: [UInt8]? = nil
    ) -> TransferEvent {
        .wanted(object, from: peer ?? server, bytesMax: bytesMax, digest: digest)
    }

    /// Pulls one object, and says in how many thousandths of the link's rate.
    private func pull(
        _ count: Int,
        over link: TransferWorld.Link
    ) -> (world: TransferWorld, part: Int) {
        let content = bytes(count)
        var world = self.world(content, link)
        let start = world.now
        world.after(wanted())
        world.run(for: .seconds(600)) { !$0.finished.isEmpty }
        #expect(world.finished[object] == content)
        let microseconds = Int((world.now - start) / .microseconds(1))
        let part = count * 8 * 1_000 / ((link.rate ?? 1) / 1_000_000 * microseconds)
        return (world, part)
    }

    @Test("it fills more than 7 tenths of 10 Mbit/s at a round trip of 50 ms") func rate() {
        let (world, part) = pull(2 << 20, over: .init())
        #expect(part > 700)
        // What is sent twice is little.
        #expect(world.chunks < 2_048 + 300)
    }

    @Test("it fills more than 6 tenths of 10 Mbit/s at a round trip of 100 ms") func far() {
        let part = pull(2 << 20, over: .init(delay: .milliseconds(50))).part
        #expect(part > 600)
    }

    @Test("it keeps a tenth of the rate when one in 20 messages is lost") func loss() {
        let (world, part) = pull(1 << 20, over: .init(loss: 50))
        #expect(part > 100)
        #expect(world.chunks < 1_200)
    }

    @Test("reordering by a fifth of the round trip and doubles do no harm") func reordering() {
        let link = TransferWorld.Link(doubled: 50, jitter: .milliseconds(10))
        let (world, part) = pull(1 << 20, over: link)
        #expect(part > 400)
        #expect(world.chunks < 1_200)
    }

    @Test("a slow link with a deep queue is not flooded") func slow() {
        let content = bytes(256 << 10)
        var world = self.world(content, .init(rate: 256_000, queue: .seconds(1)))
        let start = world.now
        world.after(wanted())
        world.run(for: .seconds(600)) { !$0.finished.isEmpty }
        #expect(world.finished[object] == content)
        #expect(world.now - start < .seconds(16))
        #expect(world.chunks < 256 + 80)
    }

    @Test("it keeps to its budget") func budget() {
        let content = bytes(1 << 20)
        var world = self.world(content, .init(rate: nil), perSecond: 1 << 18)
        let start = world.now
        world.after(wanted())
        world.run(for: .seconds(600)) { !$0.finished.isEmpty }
        // 64 KiB may come at once; each chunk counts with its headers.
        #expect(world.now - start > .milliseconds(3_900))
        #expect(world.now - start < .milliseconds(5_500))
    }

    @Test(
        "sizes at the edges of a chunk come whole",
        arguments: [0, 1, 1_023, 1_024, 1_025, 2_048]
    )
    func edges(count: Int) {
        let content = bytes(count)
        var world = self.world(content, .init())
        world.after(wanted(digest: Cryptography.cheap(many(0)).digest(content, [])))
        world.run(for: .seconds(10)) { !$0.finished.isEmpty }
        #expect(world.finished[object] == content)
        #expect(world.transfer.objects.isEmpty)
    }

    @Test("what does not have the digest is not taken") func digest() {
        var world = self.world(bytes(5_000), .init())
        world.after(wanted(digest: [UInt8](repeating: 1, count: 32)))
        world.run(for: .seconds(10)) { !$0.failures.isEmpty }
        #expect(world.failures == [.corrupt])
        #expect(world.finished.isEmpty)
    }

    @Test("what is too large, or not there, fails at the first answer") func refused() {
        var world = self.world(bytes(5_001), .init())
        world.after(wanted(bytesMax: 5_000))
        world.run(for: .seconds(10)) { !$0.failures.isEmpty }
        #expect(world.failures == [.tooLarge])
        world.objects[server] = [:]
        world.after(wanted())
        world.run(for: .seconds(10)) { $0.failures.count == 2 }
        #expect(world.failures == [.tooLarge, .refused])
    }

    @Test("who falls silent is given up, and another goes on where it stopped") func moving() {
        let content = bytes(512 << 10)
        let other = many(2)
        var world = self.world(content, .init())
        world.after(wanted())
        world.run(for: .milliseconds(400)) { _ in false }
        let before = world.chunks
        #expect(before > 100)
        world.objects[server] = nil
        world.run(for: .seconds(60)) { $0.stalls == 1 }
        #expect(world.stalls == 1)
        // Then nothing happens until it is moved.
        let requests = world.requests
        world.run(for: .seconds(60)) { _ in false }
        #expect(world.requests == requests)
        world.objects[other] = [object: content]
        world.after(.moved(object, to: other))
        world.run(for: .seconds(60)) { !$0.finished.isEmpty }
        #expect(world.finished[object] == content)
        #expect(world.chunks < 512 + 60)
    }

    @Test("content that changes is begun anew, but not for ever") func changing() {
        let first = bytes(64 << 10, seed: 1)
        let second = bytes(64 << 10, seed: 2)
        var world = self.world(first, .init(rate: 1_000_000))
        world.after(wanted())
        world.run(for: .milliseconds(200)) { _ in false }
        world.objects[server] = [object: second]
        world.run(for: .seconds(60)) { !$0.finished.isEmpty }
        #expect(world.finished[object] == second)

        world.after(wanted())
        for seed in 3..<60 where world.failures.isEmpty {
            world.objects[server] = [object: bytes(64 << 10, seed: UInt64(seed))]
            world.run(for: .milliseconds(150)) { !$0.failures.isEmpty }
        }
        #expect(world.failures == [.changing])
    }

    @Test("a cancelled pull is forgotten, and late answers with it") func cancelled() {
        var world = self.world(bytes(64 << 10), .init())
        world.after(wanted())
        world.run(for: .milliseconds(120)) { _ in false }
        world.after(.cancelled(object))
        #expect(world.transfer.objects.isEmpty)
        world.run(for: .seconds(60)) { _ in false }
        #expect(world.finished.isEmpty && world.failures.isEmpty && world.stalls == 0)
    }

    @Test("of more objects than are pulled at once the last one is refused") func busy() {
        var world = TransferWorld(link: .init())
        for key in 0...TransferLimits.pullsMax {
            let object = ChunkObject(kind: 1, key: [UInt8(key)])
            world.after(.wanted(object, from: server, bytesMax: 1, digest: nil))
        }
        #expect(world.failures == [.busy])
        #expect(world.transfer.objects.count == TransferLimits.pullsMax)
    }

    @Test("an asker is served at its rate, and others besides") func serving() {
        var server = ChunkServer(bytesPerSecond: 1 << 20)
        let request = ChunkMessage.Request(
            handle: 1,
            object: object,
            tag: 0,
            numbers: Array(0..<16)
        )
        let now = Instant(nanoseconds: 1_000_000_000)
        var served = 0
        for _ in 0..<1_000 { served += server.admit(request, from: many(1), at: now).count }
        #expect(served == (256 << 10) / 1_124)
        let later = now + .seconds(1)
        served = 0
        for _ in 0..<1_000 { served += server.admit(request, from: many(1), at: later).count }
        #expect(served == (256 << 10) / 1_124)
        // All together have no more than that either.
        #expect(server.admit(request, from: many(2), at: later).isEmpty)
        #expect(!server.admit(request, from: many(2), at: later + .seconds(1)).isEmpty)
    }

    @Test("forged answers change nothing") func forged() {
        var world = self.world(bytes(4_096), .init())
        world.after(wanted())
        let wrong = ChunkMessage.Chunk(0, of: [1, 2, 3], tag: 7, handle: 1)
        // From another member, and with a handle that was never used.
        world.after(.received(.chunk(wrong), from: many(9)))
        world.after(.received(.refused(handle: 1), from: many(9)))
        world.after(.received(.refused(handle: 99), from: server))
        #expect(world.finished.isEmpty && world.failures.isEmpty)
        world.run(for: .seconds(10)) { !$0.finished.isEmpty }
        #expect(world.finished[object]?.count == 4_096)
    }
}
