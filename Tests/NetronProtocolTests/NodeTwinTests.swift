// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronWire
import Testing

/// A node with an address and two neighbours, 1 and 2, that said what it is 300 s ago.
private struct TwinScript {
    var script = NodeScript()

    init() {
        _ = script.start(claims: [claim("10.1.0.9", since: labEpoch)])
        _ = script.after(.clock(wallMilliseconds: labEpoch, isTrusted: true))
        for number in UInt8(1)...2 {
            _ = script.join(number)
            _ = script.hear(.gossip(.neighbour(.high)), from: number)
            _ = script.hear(.gossip(.answer(isAccepted: true)), from: number)
        }
        _ = script.pass(.seconds(300))
    }

    var wall: UInt64 { labEpoch + (script.now.nanoseconds / 1_000_000 - 1_000) }

    /// A statement by anybody's key.
    func statement(
        by id: NodeID,
        _ name: String,
        version: UInt32 = 0,
        incarnation: UInt64 = labEpoch,
        lease: UInt32 = 3_600
    ) -> [UInt8] {
        let secret = weakCryptography(of: node(me)).derive("presence", 0)
        return Presence.Draft(
            by: id,
            .init(incarnation: incarnation, version: version),
            time: wall,
            lease: lease,
            saying: .init(name: name)
        ).signed(
            by: weakCryptography(of: id),
            network: Array(secret.prefix(DirectoryPayload.networkByteCount))
        ).bytes
    }

    /// What the node does when a neighbour passes a payload on.
    mutating func hear(_ payload: [UInt8]) -> [NodeEffect] {
        let message = Message.gossip(.gossip(Rumor(payload, hops: 1))).encoded()
        return handle(.received(from: node(1), message))
    }

    mutating func handle(_ event: NodeEvent) -> [NodeEffect] {
        var effects: [NodeEffect] = []
        script.machine.handle(event, at: script.now, into: &effects)
        return effects
    }
}

extension [NodeEffect] {
    /// The statements by this node that anybody is told.
    fileprivate var ownStatements: [Presence] {
        (messages(to: 1) + messages(to: 2)).compactMap { message in
            guard case .gossip(.gossip(let rumor)) = message,
                let presence = try? Presence(bytes: rumor.payload), presence.author == node(me)
            else { return nil }
            return presence
        }
    }
}

@Suite("node: a key that runs twice") struct NodeTwinTests {
    @Test("one statement of a twin is told of and answered, and nothing more") func once() {
        var script = TwinScript()
        let incarnation = script.wall - 1_000
        let effects = script.hear(
            script.statement(by: node(me), "twin", version: 5, incarnation: incarnation)
        )
        #expect(effects.notices == [.twin])
        #expect(effects.ownStatements.last?.claims == [claim("10.1.0.9", since: labEpoch)])
        #expect(script.script.machine.addresses(of: node(me)) == [ip("10.1.0.9")])
        var others: [NodeEffect] = []
        let written = script.script.machine.write(
            [put("notes", "a", "x")],
            at: script.script.now,
            into: &others
        )
        #expect(written == [nil])
    }

    @Test(
        "another one within ten minutes means that the key runs twice",
        arguments: [(599, true), (601, false)]
    )
    func again(_ seconds: Int, _ isDoubled: Bool) throws {
        var script = TwinScript()
        let incarnation = script.wall - 1_000
        _ = script.hear(
            script.statement(by: node(me), "twin", version: 5, incarnation: incarnation)
        )
        _ = script.script.pass(.seconds(seconds))
        let effects = script.hear(
            script.statement(by: node(me), "twin", version: 99, incarnation: incarnation)
        )
        #expect(effects.notices == (isDoubled ? [.twin, .doubled] : [.twin]))
        let left = isDoubled ? [] : [ip("10.1.0.9")]
        #expect(script.script.machine.addresses(of: node(me)) == left)
    }

    @Test("who is reached elsewhere, or greets anew, is told what was last said with its key")
    func reminded() {
        var script = TwinScript()
        let statement = script.statement(by: node(1), "one")
        let records = Message.directory(.records([statement]))
        _ = script.hear(statement)
        let elsewhere = Endpoint("198.51.100.7:7000")!
        #expect(script.handle(.moved(node(1), elsewhere)).messages(to: 1).contains(records))
        #expect(!script.handle(.moved(node(1), elsewhere)).messages(to: 1).contains(records))
        let hello = Message.hello(Hello(name: "one", version: "", platform: "", claims: []))
        let effects = script.handle(.received(from: node(1), hello.encoded()))
        #expect(effects.messages(to: 1).contains(records))
        // Of the other nothing is known that one could tell it.
        let moved = script.handle(.moved(node(2), Endpoint("198.51.100.8:7000")!))
        #expect(!moved.messages(to: 2).contains { if case .directory = $0 { true } else { false } })
    }

    @Test("whose key runs twice says and writes nothing any more, not even that it goes")
    func silent() {
        var script = TwinScript()
        let incarnation = script.wall - 1_000
        for version in [UInt32(5), 99] {
            _ = script.hear(
                script.statement(by: node(me), "twin", version: version, incarnation: incarnation)
            )
            _ = script.script.pass(.seconds(20))
        }
        var effects: [NodeEffect] = []
        let written = script.script.machine.write(
            [put("notes", "a", "x")],
            at: script.script.now,
            into: &effects
        )
        guard case .storage(let error)?? = written?.first else {
            Issue.record("it was written")
            return
        }
        #expect(error.message.contains("identity"))
        effects = script.hear(
            script.statement(by: node(me), "twin", version: 200, incarnation: incarnation)
        )
        _ = script.script.pass(.seconds(60))
        effects += script.handle(.stopping)
        #expect(effects.notices.isEmpty && effects.ownStatements.isEmpty)
    }
}

@Suite("node: two statements with one number") struct NodeEvidenceTests {
    @Test("both are kept for as long as they hold, and the user is told once") func kept() throws {
        var script = TwinScript()
        let one = script.statement(by: node(3), "one")
        let other = script.statement(by: node(3), "two")
        #expect(script.hear(one).notices.isEmpty)
        #expect(script.hear(other).notices == [.equivocation(node(3))])
        #expect(script.hear(script.statement(by: node(3), "three")).notices.isEmpty)
        let found = script.script.machine.allEvidence(at: script.script.now)
        #expect(found.map { [$0.first.bytes, $0.second.bytes] } == [[one, other]])
        // The greater one counts, whichever came first.
        let counts = try #require(script.script.machine.record(of: node(3)))
        #expect(!counts.bytes.lexicographicallyPrecedes(one))
        #expect(!counts.bytes.lexicographicallyPrecedes(other))
        // A lease, and by how much clocks may differ.
        _ = script.script.pass(.seconds(3_600 + 119))
        #expect(script.script.machine.allEvidence(at: script.script.now).count == 1)
        _ = script.script.pass(.seconds(2))
        #expect(script.script.machine.allEvidence(at: script.script.now).isEmpty)
    }

    @Test("evidence that comes by reconciliation is seen too") func records() {
        var script = TwinScript()
        _ = script.hear(script.statement(by: node(3), "one"))
        let message = Message.directory(.records([script.statement(by: node(3), "two")]))
        let effects = script.handle(.received(from: node(2), message.encoded()))
        #expect(effects.notices == [.equivocation(node(3))])
    }

    @Test("what the author did not sign proves nothing, nor does the same statement or a newer one")
    func noEvidence() {
        var script = TwinScript()
        let one = script.statement(by: node(3), "one")
        _ = script.hear(one)
        var forged = script.statement(by: node(3), "two")
        forged[forged.count - 1] ^= 1
        for payload in [one, forged, script.statement(by: node(3), "two", version: 1)] {
            #expect(script.hear(payload).notices.isEmpty)
        }
        #expect(script.script.machine.allEvidence(at: script.script.now).isEmpty)
    }

    @Test("of more than 64 authors the pair that ends first goes, and few signatures are looked at")
    func limits() {
        var script = TwinScript()
        var told = 0
        for number in UInt8(1)...66 where number != me {
            for name in ["one", "two"] {
                let lease = UInt32(3_600) + UInt32(number)
                let payload = script.statement(by: node(number), name, lease: lease)
                told += script.hear(payload).notices.count
            }
            _ = script.script.pass(.seconds(1))
        }
        #expect(told == 66)
        let found = script.script.machine.allEvidence(at: script.script.now)
        #expect(found.map(\.author) == (UInt8(3)...66).map(node))
        // With no time between them only so many are looked at.
        script = TwinScript()
        told = 0
        for number in UInt8(1)...66 {
            for name in ["one", "two"] {
                told += script.hear(script.statement(by: node(number), name)).notices.count
            }
        }
        #expect(told == 8)
    }
}
