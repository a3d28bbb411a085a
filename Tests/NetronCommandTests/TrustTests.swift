// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import NetronAPI
internal import NetronSwift
internal import NetronWire
internal import Synchronization
internal import Testing

@testable internal import NetronCommand

private let network = [UInt8](repeating: 9, count: 8)
private let later = noon.milliseconds + 86_400_000

private func certificate(_ number: UInt8) throws -> CertificateID {
    try #require(CertificateID(bytes: [number] + [UInt8](repeating: 0, count: 31)))
}

/// A node that shows a list and takes the next.
private final class Publisher: Sendable {
    private let taken = Mutex<[[UInt8]]>([])
    let report: TrustReport

    init(_ authority: NodeID, _ object: TrustObject?, at time: UInt64? = noon.milliseconds) {
        report = TrustReport(
            network: network,
            time: time,
            authorities: [.init(authority, object)]
        )
    }

    var published: [[UInt8]] { taken.withLock { $0 } }

    var routes: [ControlRoutes.Route] {
        [
            .init("GET", "/v1/trust") { _ in ControlResponse(self.report) },
            .init("PUT", "/v1/trust") { request in
                self.taken.withLock { $0.append(request.body) }
                return ControlResponse(DoneReport())
            },
        ]
    }
}

@Suite("netron trust", .timeLimit(.minutes(1))) struct TrustCommandTests {
    private let folder: TemporaryFolder
    private let file: String

    init() throws {
        folder = try TemporaryFolder()
        file = "\(folder.path)/key"
    }

    private func revoke(
        _ arguments: [String],
        asking publisher: Publisher
    ) async throws -> Ending {
        try await withNode(publisher.routes) { place in
            let transcript = Transcript()
            let all = ["trust", "revoke", "--state-dir", place] + arguments
            let status = await Program.run(all, on: transcript.console())
            return Ending(
                status: status,
                output: transcript.output,
                complaints: transcript.complaints
            )
        }
    }

    @Test("a key is made in a file of its own, for its owner alone, and is not made twice")
    func making() async throws {
        let made = await netron("trust", "key", file)
        let key = try TrustKey(path: file)
        #expect(made == Ending(status: .done, output: "\(key.authority)\n"))
        let attributes = try FileManager.default.attributesOfItem(atPath: file)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        let before = try Data(contentsOf: URL(fileURLWithPath: file))
        let again = await netron("trust", "key", file)
        #expect(again.status == .failed && again.complaints.contains("is there and is left"))
        #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == before)
        let json = await netron("trust", "key", "--json", "\(folder.path)/other")
        #expect(json.output.hasPrefix(#"{"authority":""#) && json.status == .done)
        let nowhere = await netron("trust", "key", "\(folder.path)/none/key")
        #expect(nowhere.status == .failed && nowhere.complaints.split(separator: "\n").count == 1)
    }

    @Test("what is no key, or one that others read, is refused") func reading() async throws {
        let seed = String(repeating: "a", count: 52)
        let publisher = Publisher(try TrustKey(path: madeKey()).authority, nil)
        let files = [
            (try folder.write("\(seed)\n", to: "identity"), "is no authority's key"),
            (try folder.write("netron-authority:short\n", to: "short"), "is no authority's key"),
            (try folder.write("netron-authority:\(seed)aa\n", to: "long"), "is no authority's key"),
            (
                try folder.write("netron-authority:\(seed)\n", to: "open", mode: 0o640),
                "is open to other users"
            ),
            ("\(folder.path)/missing", "cannot be read"),
        ]
        for (path, words) in files {
            let ending = try await revoke(
                ["--key", path, "--until", "2027-01-01", try certificate(1).description],
                asking: publisher
            )
            #expect(ending.status != .done && ending.output.isEmpty)
            #expect(ending.complaints.contains(words), "\(ending.complaints)")
            #expect(!ending.complaints.contains(seed))
        }
        #expect(publisher.published.isEmpty)
    }

    private func madeKey() throws -> String {
        _ = try TrustKey.make(file)
        return file
    }

    @Test("the next list has what is new, and what has not ended") func revoking() async throws {
        let key = try TrustKey(path: madeKey())
        let held = try #require(
            key.sign(
                [
                    Revocation(try certificate(1), expiry: later),
                    Revocation(try certificate(2), expiry: noon.milliseconds - 3_600_000),
                ],
                serial: 7,
                network: network
            )
        )
        let publisher = Publisher(key.authority, held)
        let ids = try [certificate(3), certificate(4)].map(\.description)
        let ending = try await revoke(
            ["--key", file, "--until", "2027-06-30"] + ids,
            asking: publisher
        )
        let words = "List 8 of \(key.authority.prefix()) revokes 3 certificates.\n"
        #expect(ending == Ending(status: .done, output: words))
        let bytes = try #require(publisher.published.first)
        let object = try #require(key.object(bytes))
        let end = try #require(Timestamp("2027-06-30T23:59:59.999Z")).milliseconds
        #expect(object.serial == 8 && object.authority == key.authority)
        #expect(
            object.revocations == [
                Revocation(try certificate(1), expiry: later),
                Revocation(try certificate(3), expiry: end),
                Revocation(try certificate(4), expiry: end),
            ]
        )
        #expect(held.leftOut(by: object, at: noon.milliseconds) == [])
        let again = key.sign(object.revocations, serial: 8, network: network)
        #expect(again == object)
    }

    @Test("the first list is number 1, and JSON is what the node says") func first() async throws {
        let key = try TrustKey(path: madeKey())
        let publisher = Publisher(key.authority, nil)
        let ending = try await revoke(
            [
                "--json", "--key", file, "--until", "2027-06-30T12:00:00Z",
                try certificate(1).description,
            ],
            asking: publisher
        )
        #expect(ending == Ending(status: .done, output: #"{"done":true,"version":1}"# + "\n"))
        let bytes = try #require(publisher.published.first)
        #expect(key.object(bytes)?.serial == 1)
    }

    @Test("without network time nothing is left out") func timeless() async throws {
        let key = try TrustKey(path: madeKey())
        let old = Revocation(try certificate(2), expiry: 1)
        let held = try #require(key.sign([old], serial: 1, network: network))
        let publisher = Publisher(key.authority, held, at: nil)
        _ = try await revoke(
            ["--key", file, "--until", "2027-06-30", try certificate(1).description],
            asking: publisher
        )
        let bytes = try #require(publisher.published.first)
        let object = key.object(bytes)
        #expect(object?.revocations.count == 2)
    }

    @Test("what cannot be is refused before anything is signed") func refusing() async throws {
        let key = try TrustKey(path: madeKey())
        let id = try certificate(1).description
        let last = try #require(key.sign([], serial: .max, network: network))
        let other = try TrustKey.make("\(folder.path)/other")
        let cases: [([String], Publisher, Outcome, String)] = [
            (["--until", "soon", id], Publisher(key.authority, nil), .usage, "no day or moment"),
            (["--until", "2027-02-30", id], Publisher(key.authority, nil), .usage, "no day"),
            (
                ["--until", "2027-06-30", "x"], Publisher(key.authority, nil), .usage,
                "no certificate's id"
            ),
            (
                ["--until", "2026-01-01", id], Publisher(key.authority, nil), .usage,
                "ended at 2026"
            ),
            (
                ["--until", "2027-06-30", id], Publisher(other, nil), .failed,
                "is none of this network"
            ),
            (["--until", "2027-06-30", id], Publisher(key.authority, last), .failed, "at most"),
        ]
        for (arguments, publisher, status, words) in cases {
            let ending = try await revoke(["--key", file] + arguments, asking: publisher)
            #expect(ending.status == status && ending.output.isEmpty)
            #expect(ending.complaints.contains(words), "\(ending.complaints)")
            #expect(ending.complaints.split(separator: "\n").count == 1)
            #expect(publisher.published.isEmpty)
        }
    }

    @Test("authorities are listed with what they revoked") func listing() async throws {
        let key = try TrustKey(path: madeKey())
        let held = try #require(
            key.sign(
                [
                    Revocation(try certificate(1), expiry: later),
                    Revocation(try certificate(2), expiry: noon.milliseconds - 1),
                ],
                serial: 7,
                network: network
            )
        )
        let publisher = Publisher(key.authority, held)
        #expect(
            TrustText.list(publisher.report) == """
                \(key.authority) list 7, 2 certificates revoked
                  CERTIFICATE                                           EXPIRES
                  \(try certificate(1))  2026-11-24T12:00:00.000Z
                  \(try certificate(2))  over

                """
        )
        try await withNode(publisher.routes) { place in
            let ending = await netron("trust", "list", "--state-dir", place)
            #expect(ending == Ending(status: .done, output: TrustText.list(publisher.report)))
            let json = await netron("trust", "list", "--json", "--state-dir", place)
            #expect(
                json.output == String(decoding: JSON.encode(publisher.report), as: UTF8.self) + "\n"
            )
        }
        let empty = TrustText.list(Publisher(key.authority, nil).report)
        #expect(empty == "\(key.authority) has no list yet.\n")
        let none = TrustReport(network: network, time: nil, authorities: [])
        #expect(TrustText.list(none).hasPrefix("This network has no authorities"))
    }
}
