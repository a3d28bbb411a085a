// SPDX-License-Identifier: Apache-2.0

internal import NetronConfig
internal import NetronWire
internal import Testing

/// How one option reads on the command line and in the environment.
struct OptionCase: Sendable, CustomTestStringConvertible {
    let flags: [String]
    let variable: String
    let text: String
    let show: @Sendable (NodeOptions) -> String
    let fromFlags: String
    let fromVariable: String
    let byDefault: String

    var testDescription: String { variable }

    static let all: [Self] = [
        Self(
            flags: ["--address", "10.1.0.11/24", "--address", "fd00::b/64"],
            variable: "ADDRESS",
            text: "10.9.0.1/16, fd09::1 ,",
            show: { "\($0.addresses)" },
            fromFlags: "[10.1.0.11/24, fd00::b/64]",
            fromVariable: "[10.9.0.1/16, fd09::1/128]",
            byDefault: "[]"
        ),
        Self(
            flags: ["--dhcp"],
            variable: "DHCP",
            text: "true",
            show: { "\($0.leaseRanges)" },
            fromFlags: "[10.1.0.0/24]",
            fromVariable: "[10.1.0.0/24]",
            byDefault: "[]"
        ),
        Self(
            flags: ["--advertise", "192.168.1.0/24", "--advertise", "0.0.0.0/0"],
            variable: "NETRONADVERTISE",
            text: "fd01::/64, ::/0",
            show: { "\($0.advertised)" },
            fromFlags: "[0.0.0.0/0, 192.168.1.0/24]",
            fromVariable: "[::/0, fd01::/64]",
            byDefault: "[]"
        ),
        Self(
            flags: ["--accept-routes"],
            variable: "NETRONACCEPTROUTES",
            text: "1",
            show: { "\($0.acceptsRoutes)" },
            fromFlags: "true",
            fromVariable: "true",
            byDefault: "false"
        ),
        Self("--router", "10.1.0.1", "ROUTER", "fd01::1", byDefault: "none") {
            $0.router.map { "\($0)" } ?? "none"
        },
        Self("--interface", "vpn1", "IFACE", "vpn2", byDefault: "netron0") { $0.interfaceName },
        Self("--mtu", "1280", "NETRONMTU", "1420", byDefault: "1400") { "\($0.mtu)" },
        Self("--port", "7000", "NETRONPORT", "7001", byDefault: "0") { "\($0.port)" },
        Self(
            flags: ["--peer", "a.example:1", "--peer", "[fd00::1]:2"],
            variable: "NETRONPEER",
            text: "b.example:3,192.0.2.1:4",
            show: { "\($0.peers)" },
            fromFlags: "[a.example:1, [fd00::1]:2]",
            fromVariable: "[b.example:3, 192.0.2.1:4]",
            byDefault: "[]"
        ),
        Self(
            flags: ["--mdns"],
            variable: "NETRONMDNS",
            text: "false",
            show: { "\($0.mdns)" },
            fromFlags: "true",
            fromVariable: "false",
            byDefault: "true"
        ),
        Self(
            flags: ["--no-dht"],
            variable: "NETRONDHT",
            text: "true",
            show: { "\($0.dht)" },
            fromFlags: "false",
            fromVariable: "true",
            byDefault: "true"
        ),
        Self(
            flags: [
                "--bootstrap", "a.example:1", "--discovery-bootstrap-peers", "/ip4/192.0.2.1/udp/2",
            ],
            variable: "NETRONBOOTSTRAPPEERS",
            text: "b.example:3,/dns4/c.example/udp/4",
            show: { "\($0.bootstrap)" },
            fromFlags: "[a.example:1, 192.0.2.1:2]",
            fromVariable: "[b.example:3, c.example:4]",
            byDefault: "[]"
        ),
        Self(
            flags: ["--no-tcp"],
            variable: "NETRONTCP",
            text: "true",
            show: { "\($0.tcp)" },
            fromFlags: "false",
            fromVariable: "true",
            byDefault: "true"
        ),
        Self("--discovery-interval", "60", "NETRONDHTINTERVAL", "720", byDefault: "usual") {
            $0.discoveryInterval.map { "\($0)" } ?? "usual"
        },
        Self("--state-dir", "/a", "NETRONSTATEDIR", "/b", byDefault: "usual") {
            $0.stateDirectory ?? "usual"
        },
        Self(
            flags: ["--ephemeral"],
            variable: "NETRONEPHEMERAL",
            text: "1",
            show: { "\($0.ephemeral)" },
            fromFlags: "true",
            fromVariable: "true",
            byDefault: "false"
        ),
        Self("--ledger", "memory", "NETRONLEDGER", "memory", byDefault: "disk") {
            $0.ledger.rawValue
        },
        Self("--ledger-history", "10", "NETRONLEDGERHISTORY", "3", byDefault: "0") {
            "\($0.ledgerHistory)"
        },
        Self("--gossip-budget", "8KiB", "NETRONGOSSIPBUDGET", "2K", byDefault: "usual") {
            $0.gossipBudget.map { "\($0 >> 10)" + ($0 == 8 << 10 ? "KiB" : "K") } ?? "usual"
        },
        Self("--sync-budget", "2M", "NETRONSYNCBUDGET", "512K", byDefault: "usual") {
            $0.syncBudget.map { $0 == 2 << 20 ? "2M" : "\($0 >> 10)K" } ?? "usual"
        },
        Self(
            flags: ["--no-multicast"],
            variable: "NETRONMULTICAST",
            text: "true",
            show: { "\($0.multicast)" },
            fromFlags: "false",
            fromVariable: "true",
            byDefault: "true"
        ),
        Self("--ledger-budget", "16M", "NETRONLEDGERBUDGET", "2048K", byDefault: "as fits") {
            switch $0.ledgerBudget {
            case 16_777_216?: "16M"
            case 2_097_152?: "2048K"
            default: $0.ledgerBudget.map { "\($0)" } ?? "as fits"
            }
        },
        Self(
            flags: ["--light"],
            variable: "NETRONLIGHT",
            text: "yes",
            show: { "\($0.ledgerBudget ?? 0)" },
            fromFlags: "1048576",
            fromVariable: "1048576",
            byDefault: "0"
        ),
        Self(
            flags: ["--api"],
            variable: "API",
            text: "true",
            show: { $0.api.map { "\($0)" } ?? "none" },
            fromFlags: "127.0.0.1:8080",
            fromVariable: "127.0.0.1:8080",
            byDefault: "none"
        ),
        Self(
            "--api-listen",
            "unix:///run/api.sock",
            "APILISTEN",
            "localhost:8081",
            byDefault: "none"
        ) {
            $0.api.map { "\($0)" } ?? "none"
        },
        Self(
            flags: ["--no-relay"],
            variable: "NETRONRELAY",
            text: "0",
            show: { "\($0.relay)" },
            fromFlags: "false",
            fromVariable: "false",
            byDefault: "true"
        ),
        Self("--relay-rate", "2M", "NETRONRELAYRATE", "512K", byDefault: "no limit") {
            $0.relayRate.map { $0 == 2 << 20 ? "2M" : "\($0 >> 10)K" } ?? "no limit"
        },
        Self("--relay-circuits", "8", "NETRONRELAYCIRCUITS", "9", byDefault: "usual") {
            $0.relayCircuits.map { "\($0)" } ?? "usual"
        },
        Self("--lanes", "1", "NETRONLANES", "4", byDefault: "as fits") {
            $0.lanes.map { "\($0)" } ?? "as fits"
        },
        Self(
            flags: ["--no-natmap"],
            variable: "NETRONNATMAP",
            text: "true",
            show: { "\($0.mapsPort)" },
            fromFlags: "false",
            fromVariable: "true",
            byDefault: "true"
        ),
        Self(
            flags: ["--announce", "a.example:1", "--announce", "[2001:db8::1]:2"],
            variable: "NETRONANNOUNCE",
            text: "192.0.2.1:7000, b.example:3",
            show: { "\($0.announced)" },
            fromFlags: "[a.example:1, [2001:db8::1]:2]",
            fromVariable: "[192.0.2.1:7000, b.example:3]",
            byDefault: "[]"
        ),
        Self("--log-level", "trace", "NETRONLOGLEVEL", "critical", byDefault: "info") {
            $0.logLevel.rawValue
        },
        Self("--log-format", "json", "NETRONLOGFORMAT", "json", byDefault: "text") {
            $0.logFormat.rawValue
        },
    ]
}

extension OptionCase {
    init(
        _ flag: String,
        _ ofFlag: String,
        _ variable: String,
        _ ofVariable: String,
        byDefault: String,
        show: @escaping @Sendable (NodeOptions) -> String
    ) {
        self.init(
            flags: [flag, ofFlag],
            variable: variable,
            text: ofVariable,
            show: show,
            fromFlags: ofFlag,
            fromVariable: ofVariable,
            byDefault: byDefault
        )
    }
}
