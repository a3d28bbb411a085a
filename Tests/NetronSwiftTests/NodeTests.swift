// SPDX-License-Identifier: Apache-2.0

import Logging
import NIOCore
import NIOPosix
import NetronAPI
import NetronSwift
import NetronWire
import Testing

@Suite("node", .timeLimit(.minutes(1))) struct NodeTests {
    /// A node without interface, disk, LAN and router.
    private func node(_ options: NodeOption...) throws -> Node {
        let quiet: [NodeOption] = [
            .ephemeral, .fromYAML(mdns: false, Sample.yaml), .logLevel(.error), .natmap(false),
        ]
        return try Node(quiet + options)
    }

    private func contact(_ node: Node) async throws -> NodeOption {
        .peers(["127.0.0.1:\(try #require(await node.status().port))"])
    }

    /// Waits until members are up.
    private func meet(_ node: Node, _ ids: NodeID...) async {
        var missing = Set(ids)
        for await event in node.events {
            if case .peerUp(let id, _) = event { missing.remove(id) }
            if missing.isEmpty { return }
        }
    }

    @Test("a third node that knows one meets both, and they part with a goodbye")
    func threeNodes() async throws {
        let first = try node()
        try await first.start()
        let second = try await node(contact(first))
        try await second.start()
        await meet(second, first.id)
        let third = try await node(contact(second))
        try await third.start()
        await meet(third, first.id, second.id)

        let report = await third.status()
        #expect(report.state == .up)
        #expect(report.peers.up == 2)
        #expect(report.health.allSatisfy { $0.code != "no_peers" })
        let peers = await third.peers()
        #expect(peers.map(\.id) == [first.id, second.id].map(\.description).sorted())
        #expect(peers.allSatisfy { $0.isUp && $0.ula != nil && $0.endpoint != nil })
        #expect(try await third.ping(first.id) != nil)

        await first.stop()
        for await event in third.events where event == .peerDown(first.id) { break }
        #expect(await third.status().peers.up == 1)
        await second.stop()
        await third.stop()
    }

    @Test("a node of another network is not met") func otherNetwork() async throws {
        let first = try node()
        try await first.start()
        let other = """
            otp:
              dht: {interval: 360, key: abcdefghijklmnopqrstuvwxyz012345, length: 43}
              crypto: {interval: 360, key: abcdefghijklmnopqrstuvwxyz012345, length: 43}
            room: abcdefghijklmnopqrstuvwxyz012345
            rendezvous: abcdefghijklmnopqrstuvwxyz012345
            mdns: abcdefghijklmnopqrstuvwxyz012345
            max_message_size: 20971520
            """
        let stranger = try await Node(
            .ephemeral,
            .fromYAML(mdns: false, other),
            .logLevel(.error),
            .natmap(false),
            contact(first)
        )
        try await stranger.start()
        let friend = try await node(contact(first))
        try await friend.start()
        await meet(friend, first.id)
        #expect(await first.peers().map(\.id) == [friend.id.description])
        for node in [first, stranger, friend] { await node.stop() }
    }

    @Test("a node starts once, and a stopped one stays so") func life() async throws {
        let node = try node()
        #expect(await node.status().state == .starting)
        try await node.start()
        let again = await #expect(throws: NodeError.self) { try await node.start() }
        #expect(again?.code == .alreadyStarted)
        await node.stop()
        await node.stop()
        let late = await #expect(throws: NodeError.self) { try await node.start() }
        #expect(late?.code == .alreadyStarted)
        let ping = await #expect(throws: NodeError.self) { try await node.ping(node.id) }
        #expect(ping?.code == .notRunning)
        for await _ in node.events {}
    }

    @Test("nobody gets an echo of who is not here") func unknownNode() async throws {
        let node = try node()
        try await node.start()
        let error = await #expect(throws: NodeError.self) { try await node.ping(node.id) }
        #expect(error?.code == .unknownNode)
        await node.stop()
    }

    @Test("a port that is taken is named, with the remedy") func portInUse() async throws {
        let first = try node()
        try await first.start()
        let port = try #require(await first.status().port)
        let second = try node(.port(port))
        let error = await #expect(throws: NodeError.self) { try await second.start() }
        #expect(error?.code == .portInUse)
        #expect(error?.message.contains("\(port)") == true)
        await first.stop()
    }

    @Test("commands reach the node by its socket, and one node has the directory")
    func onDisk() async throws {
        let scratch = Scratch()
        let first = try node(.stateDirectory(scratch.path))
        try await first.start()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let client = ControlClient(path: "\(scratch.path)/control.sock", on: group)
        let status: StatusReport? = JSON.decode(from: try await client.get("/v1/status"))
        #expect(status?.id == first.id.description && status?.state == .alone)
        #expect(JSON.decode([PeerReport].self, from: try await client.get("/v1/peers")) == [])
        try await group.shutdownGracefully()
        let second = try node(.stateDirectory(scratch.path))
        let error = await #expect(throws: NodeError.self) { try await second.start() }
        #expect(error?.code == .stateInUse)
        await first.stop()
        let third = try node(.stateDirectory(scratch.path))
        try await third.start()
        await third.stop()
    }

    @Test("an identity on disk outlives the node") func identity() throws {
        let scratch = Scratch()
        let options: [NodeOption] = [.fromYAML(Sample.yaml), .stateDirectory(scratch.path)]
        #expect(try Node(options).id == Node(options).id)
        #expect(try Node(options + [.ephemeral]).id != Node(options).id)
    }
}
