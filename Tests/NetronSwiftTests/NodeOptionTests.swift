// SPDX-License-Identifier: Apache-2.0

import Logging
import NetronConfig
import NetronSwift
import NetronWire
import Testing

/// Texts that a new network is given by.
enum Sample {
    static let network: NetworkConfig = {
        var random = SystemRandomNumberGenerator()
        do { return try .generate(using: &random) } catch { preconditionFailure("\(error)") }
    }()
    static var token: String { network.token() }
    static var yaml: String { network.yaml() }
}

@Suite("node: options") struct NodeOptionTests {
    @Test("the example of the README") func readme() throws {
        let log = Logger(label: "example")
        let options: [NodeOption] = [
            .logger(log), .logLevel(.info), .maxMessageSize(2 << 20), .ephemeral,
            .fromBase64(mdns: true, dht: true, token: Sample.token),
        ]
        _ = try Node(options)
        let vpn = try VPN.register(.interface("netron0"), .address("10.1.0.11/24"), .mtu(1400))
        let node = try Node(options + vpn)
        #expect(node.id.description.utf8.count == NodeID.characterCount)
        _ = try Node(.ephemeral, .fromYAML(Sample.yaml), .peers(["one.example:7000"]), .port(0))
    }

    @Test(
        "what does not fit is said in one sentence",
        arguments: [
            ([], "no network is given"),
            ([.fromBase64(token: "?")], "token"),
            ([.fromYAML("otp: 1")], "otp"),
            ([.fromYAML(Sample.yaml), .port(70_000)], "port 70000"),
            ([.fromYAML(Sample.yaml), .peers(["one.example"])], "has no port"),
            ([.fromYAML(Sample.yaml), .lanes(9)], "lanes 9"),
            ([.fromYAML(Sample.yaml), .announce(["192.0.2.1"])], "announce"),
            (
                [.fromYAML(Sample.yaml), .natmap(false), .announce(["a:1", "b:1", "c:1", "d:1"])],
                "announce is given 4 times"
            ),
            ([.fromYAML(Sample.yaml), .proxy("https://a:1")], "http://HOST:PORT"),
            ([.fromYAML(Sample.yaml), .peers(["tcp://a:1"]), .tcp(false)], "--no-tcp"),
            ([.fromYAML(Sample.yaml), .relayRate(1)], "relay-rate 1"),
            ([.fromYAML(Sample.yaml), .noRelay, .relayCircuits(2)], "relay-circuits"),
            ([.fromYAML(Sample.yaml), .api(listening: "8080")], "api-listen"),
            ([.fromYAML(Sample.yaml), .maxMessageSize(0)], "max_message_size 0"),
        ] as [([NodeOption], String)]
    )
    func refused(options: [NodeOption], part: String) {
        let error = #expect(throws: NodeError.self) { try Node([.ephemeral] + options) }
        #expect(error?.code == .invalidConfig)
        #expect(error?.message.contains(part) == true)
    }

    @Test("a wrong address is found when the interface is registered") func badAddress() {
        let error = #expect(throws: NodeError.self) { try VPN.register(.address("10.1.0/24")) }
        #expect(error?.code == .invalidConfig)
    }

    @Test("what a gateway carries, and who uses it, is said with the interface") func gateways()
        throws
    {
        let options: [NodeOption] = [.ephemeral, .fromYAML(Sample.yaml)]
        let good = try VPN.register(
            .address("10.1.0.11/24"),
            .advertise("192.168.1.0/24"),
            .advertise("::/0"),
            .acceptRoutes,
            .router("10.1.0.1")
        )
        #expect(throws: Never.self) { try Node(options + good) }
        #expect(throws: NodeError.self) { try VPN.register(.advertise("192.168.1.1/24")) }
        #expect(throws: NodeError.self) { try VPN.register(.router("gate")) }
        let own = try VPN.register(.address("10.1.0.11/24"), .advertise("10.1.0.0/24"))
        #expect(throws: NodeError.self) { try Node(options + own) }
    }

    @Test("an impossible interface is found when the node is made") func badInterface() throws {
        let vpn = try VPN.register(.interface("a/b"))
        let options: [NodeOption] = [.ephemeral, .fromYAML(Sample.yaml)]
        #expect(throws: NodeError.self) { try Node(options + vpn) }
    }
}
