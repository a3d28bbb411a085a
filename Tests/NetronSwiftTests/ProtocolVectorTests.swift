// SPDX-License-Identifier: Apache-2.0

import Foundation
import NetronConfig
import NetronEngine
import NetronWire
import Testing

/// The part of Tests/Vectors/protocol.json that is above the packet core; all bytes in hexadecimal.
private struct Vectors: Decodable {
    struct Config: Decodable {
        let yaml: String
        let networkSecret: String
    }

    struct Control: Decodable {
        let idText: String
        let hello: String
        let join: String
        let contested: String
        let observed: String
    }

    struct Handshake: Decodable {
        let networkSecret: String
        let initiatorSeed: String
        let initiatorId: String
        let initiatorAddress: String
        let responderId: String
        let networkName: String
    }

    let config: Config
    let control: Control
    let vectors: [Handshake]

    static func load() throws -> Self {
        let path = URL(fileURLWithPath: #filePath + "/../../Vectors/protocol.json").standardized
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .convertFromSnakeCase
        return try decoder.decode(Self.self, from: Data(contentsOf: path))
    }
}

@Suite("the figures of docs/protocol.md") struct ProtocolVectorTests {
    @Test("a config makes the network secret") func config() throws {
        let vectors = try Vectors.load()
        let network = try NetworkConfig(yaml: Array(vectors.config.yaml.utf8))
        #expect(hex(network.networkSecret) == vectors.config.networkSecret)
        #expect(network.epochSeconds == 7200)
    }

    @Test("a seed makes the id and the own address") func member() throws {
        for vector in try Vectors.load().vectors {
            let id = try Identity.id(of: bytes(vector.initiatorSeed))
            let secret = bytes(vector.networkSecret)
            let address = Identity.networkAddress(networkSecret: secret, id: id)
            let name = Identity.deriveSecret(
                networkSecret: secret,
                label: "network name",
                epoch: 0
            )
            #expect(hex(id.bytes) == vector.initiatorId)
            #expect(hex(address.bytes) == vector.initiatorAddress)
            #expect(hex(Array(name.prefix(4))) == vector.networkName)
        }
    }

    @Test("control messages have these bytes") func control() throws {
        let vectors = try Vectors.load()
        let id = try #require(NodeID(vectors.control.idText))
        #expect(hex(id.bytes) == vectors.vectors.first?.responderId)
        let host = try #require(IPAddress("10.1.0.11"))
        let other = try #require(IPAddress("fd00::"))
        let endpoint = try #require(Endpoint("192.0.2.1:4242"))
        let hello = Hello(
            name: "host",
            version: "0.1.0",
            platform: "linux x86_64",
            claims: [.init(other, since: .max), .init(host, since: 1_800_000_000_000)]
        )
        let messages: [(Message, String)] = [
            (.hello(hello), vectors.control.hello),
            (.gossip(.join(Hint(id, at: [endpoint]))), vectors.control.join),
            (.contested(host, holder: id), vectors.control.contested),
            (.observed(endpoint), vectors.control.observed),
        ]
        for (message, expected) in messages {
            #expect(hex(message.encoded()) == expected)
            #expect(try Message.decode(bytes(expected)) == message)
        }
    }

    private func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private func bytes(_ hex: String) -> [UInt8] {
        let digits = hex.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count - 1, by: 2).map {
            UInt8(digits[$0] << 4 | digits[$0 + 1])
        }
    }
}
