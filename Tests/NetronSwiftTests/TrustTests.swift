// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging
import NetronAPI
import NetronWire
import Testing

@testable import NetronSwift

@Suite("what authorities say, of a node", .timeLimit(.minutes(2))) struct NodeTrustTests {
    private let scratch = Scratch()
    private let key: TrustKey

    init() throws {
        let file = "\(scratch.path)-key"
        defer { try? FileManager.default.removeItem(atPath: file) }
        _ = try TrustKey.make(file)
        key = try TrustKey(path: file)
    }

    /// A node whose config names the authority.
    private func node(_ options: NodeOption...) throws -> Node {
        let yaml = Sample.yaml + "\nauthorities: [\(key.authority)]\n"
        let quiet: [NodeOption] = [
            .fromYAML(mdns: false, dht: false, yaml), .logLevel(.critical), .natmap(false),
        ]
        return try Node(quiet + options)
    }

    private func ask(
        _ node: Node,
        _ method: String,
        _ path: String,
        _ body: [UInt8] = []
    ) async
        -> ControlResponse
    {
        await node.controlRoutes.answer(ControlRequest(method, path, body: body))
    }

    private func report(of node: Node) async throws -> TrustReport {
        let body = await ask(node, "GET", "/v1/trust").body
        return try #require(JSON.decode(from: body))
    }

    private func list(_ serial: UInt64, _ count: Int, for node: Node) async throws -> TrustObject {
        var list: [Revocation] = []
        for number in 0..<count {
            var bytes = [UInt8](repeating: 0, count: 24)
            bytes.append(bigEndian: UInt64(number))
            let certificate = try #require(CertificateID(bytes: bytes))
            list.append(Revocation(certificate, expiry: 4_000_000_000_000))
        }
        let digits = Array(try await report(of: node).network).compactMap(\.hexDigitValue)
        let network = stride(from: 0, to: digits.count, by: 2).map {
            UInt8(digits[$0] << 4 | digits[$0 + 1])
        }
        return try #require(key.sign(list, serial: serial, network: network))
    }

    @Test("what is published is told to others, shown in both APIs, and there at the next start")
    func publishing() async throws {
        let one = try node(.stateDirectory(scratch.path))
        try await one.start()
        let port = try #require(await one.status().port)
        let other = try node(.ephemeral, .peers(["127.0.0.1:\(port)"]))
        try await other.start()
        let object = try await list(3, 40, for: one)
        #expect(await ask(one, "PUT", "/v1/trust", object.encoded()).status == 200)
        let base64 = Base64.encode(object.encoded())
        while try await report(of: other).authorities.first?.object != base64 {
            await Task.yield()
        }
        let shown = await ask(other, "GET", "/api/ledger/trustzoneAuth/\(key.authority)")
        #expect(String(decoding: shown.body, as: UTF8.self).contains(#"\"Serial\":3"#))
        let zone = try await other.ledger.list("trustzone")
        #expect(zone.count == 40 && zone.allSatisfy { $0.author == key.authority && $0.time == 0 })
        let buckets = try await other.ledger.buckets()
        #expect(buckets.contains("trustzone") && buckets.contains("trustzoneAuth"))
        let page = await ask(other, "GET", "/v1/ledger/trustzone?limit=7")
        let read: LedgerBucketReport? = JSON.decode(from: page.body)
        #expect(read?.records.count == 7 && read?.next != nil)
        await other.stop()
        await one.stop()
        let again = try node(.stateDirectory(scratch.path))
        try await again.start()
        #expect(try await report(of: again).authorities.first?.object == base64)
        #expect(await ask(again, "POST", "/v1/ledger-verify").status == 200)
        await again.stop()
    }

    @Test("what may not be published is refused with its reason") func refusing() async throws {
        let one = try node(.ephemeral)
        try await one.start()
        let object = try await list(3, 2, for: one)
        #expect(await ask(one, "PUT", "/v1/trust", object.encoded()).status == 200)
        #expect(await ask(one, "PUT", "/v1/trust", object.encoded()).status == 200)
        var forged = try await list(4, 2, for: one).encoded()
        forged[forged.count - 1] ^= 1
        let cases: [([UInt8], Int, String)] = [
            ([4, 1, 2], 400, "no list"), (forged, 422, "did not sign"),
            (try await list(3, 3, for: one).encoded(), 422, "number 3 already"),
            (try await list(4, 1, for: one).encoded(), 422, "leaves out"),
            (try await list(4, 0, for: one).encoded(), 422, "and 1 more"),
        ]
        for (bytes, status, words) in cases {
            let answer = await ask(one, "PUT", "/v1/trust", bytes)
            let text = String(decoding: answer.body, as: UTF8.self)
            #expect(answer.status == status && text.contains(words), "\(text)")
        }
        let write = await ask(one, "PUT", "/api/ledger/trustzone/a/b")
        #expect(write.status == 422)
        #expect(String(decoding: write.body, as: UTF8.self).contains("netron trust"))
        await one.stop()
    }

    @Test("a network without authorities shows none, and takes nothing") func none() async throws {
        let one = try Node(
            .ephemeral,
            .fromYAML(mdns: false, dht: false, Sample.yaml),
            .logLevel(.critical),
            .natmap(false)
        )
        try await one.start()
        #expect(try await report(of: one).authorities == [])
        let object = try await list(1, 1, for: one)
        let answer = await ask(one, "PUT", "/v1/trust", object.encoded())
        #expect(answer.status == 422)
        #expect(String(decoding: answer.body, as: UTF8.self).contains("no authority of this"))
        #expect(try await one.ledger.list("trustzoneAuth") == [])
        await one.stop()
    }
}
