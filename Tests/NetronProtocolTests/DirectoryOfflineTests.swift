// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronWire
import Testing

/// What two directories make of it that one counts a member as offline, and the other does not.
@Suite("directory: who is offline for one of two") struct DirectoryOfflineTests {
    private let accuser = many(8)
    private let accused = many(9)
    private let another = many(7)

    /// A directory that knows both, and has said something itself.
    private func node(_ number: Int) -> DirectoryScript {
        var node = DirectoryScript(many(number), seed: UInt64(number))
        for id in [accuser, accused, another] { node.judge(presence(of: id)) }
        node.after(.own(.init(name: "n\(number)")))
        return node
    }

    /// The same, but that it counts some as offline.
    private func doubting(_ number: Int, _ accused: NodeID...) -> DirectoryScript {
        var node = node(number)
        for accused in accused.isEmpty ? [self.accused] : accused {
            let suspicion = Suspicion(
                of: accused,
                .init(incarnation: labEpoch - 1_000, version: 0),
                by: accuser,
                at: node.wall,
                with: (.cheap(accuser), network)
            )
            #expect(node.judge(suspicion.bytes).verdict == .accept)
        }
        node.pass(DirectoryLimits.suspicionTimeout)
        #expect(!node.directory.isOnline(accused.first ?? self.accused))
        return node
    }

    @Test("any number of them shows in the summary") func summaries() {
        let nodes = [
            node(1), doubting(1), doubting(1, another), doubting(1, another, accused),
        ]
        let sums = nodes.map { $0.directory.summary.fingerprint }
        #expect(Set(sums).count == 4)
        #expect(Set(nodes.map { $0.directory.summary.count }) == [4])
    }

    @Test("who holds it to be online asks it aloud, and both hear what becomes of that")
    func aloud() {
        var world = DirectoryWorld([node(1), doubting(2)])
        world.run(for: DirectoryLimits.newFor)
        world.connect(0, 1)
        world.run(for: .seconds(5))
        #expect(world.nodes[0].directory.standing(of: accused) == .suspect)
        #expect(world.broadcasts == 1)
        // It is not asked again in the next rounds, and nothing is gained by them.
        world.run(for: DirectoryLimits.suspicionTimeout)
        #expect(world.nodes[0].directory.standing(of: accused) == .offline)
        #expect(world.nodes[0].directory.summary == world.nodes[1].directory.summary)
        #expect(world.broadcasts == 1)
    }

    @Test("who is new takes the other's word") func newcomer() {
        var world = DirectoryWorld([node(1), doubting(2)])
        world.connect(0, 1)
        world.run(for: .seconds(5))
        #expect(world.nodes[0].directory.standing(of: accused) == .suspect)
        world.run(for: DirectoryLimits.suspicionTimeout)
        #expect(world.nodes[0].directory.standing(of: accused) == .offline)
        #expect(world.broadcasts == 0)
    }

    @Test("who is meant says at once that it is here") func meant() throws {
        var script = DirectoryScript(accused)
        let first = try #require(script.after(.own(.init(name: "me"))).presences.first)
        var other = DirectoryScript(many(2))
        for said in [first, presence(of: accuser)] { other.judge(said) }
        script.judge(presence(of: accuser))
        let doubt = Suspicion(
            of: accused,
            first.order,
            by: accuser,
            at: other.wall,
            with: (.cheap(accuser), network)
        )
        #expect(other.judge(doubt.bytes).verdict == .accept)
        other.pass(DirectoryLimits.suspicionTimeout)
        #expect(!other.directory.isOnline(accused))
        let question = try #require(script.after(.neighbourUp(other.id)).messages.first)
        let answer = try #require(other.after(.received(question, from: accused)).messages.first)
        let said = script.after(.received(answer, from: other.id)).presences
        #expect(said.map(\.order) == [first.order.next])
        for newer in said { other.judge(newer) }
        #expect(other.directory.isOnline(accused))
        #expect(other.directory.summary == script.directory.summary)
    }

    @Test("a newer statement takes the mark away, whoever has it") func newer() {
        var left = node(1)
        left.judge(presence(of: accused, version: 1))
        var world = DirectoryWorld([left, doubting(2)])
        world.connect(0, 1)
        world.run(for: .seconds(5))
        #expect(world.nodes[1].directory.standing(of: accused) == .online)
        #expect(world.nodes[0].directory.summary == world.nodes[1].directory.summary)
        #expect(world.broadcasts == 0)
    }
}
