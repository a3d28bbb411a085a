// SPDX-License-Identifier: Apache-2.0

internal import NetronAPI
internal import Testing

@testable internal import NetronCommand

@Suite("renderings")
struct RenderTests {
    private func moment(secondsBeforeNoon seconds: UInt64) -> Timestamp {
        Timestamp(milliseconds: noon.milliseconds - seconds * 1000)
    }

    @Test("a node that is in")
    func status() {
        var report = StatusReport(id: "aaaabbbbccccdddd", state: .up)
        report.name = "ann"
        report.network = "3fa1b2c4"
        report.interface = "netron0"
        report.addresses = ["10.1.0.11/24"]
        report.ula = "fd12::1"
        report.port = 7000
        report.mtu = 1400
        report.uptimeSeconds = 7384
        report.peers.known = 3
        report.peers.online = 3
        report.peers.up = 2
        report.peers.direct = 2
        report.peers.rttMilliseconds = 0.4123
        report.peers.lastHandshake = moment(secondsBeforeNoon: 75)
        report.discovery.neighbours = 2
        report.discovery.reserve = 1
        report.discovery.table = .ready
        report.discovery.tableNodes = 87
        report.discovery.isAnnouncing = true
        report.discovery.publicEndpoint = "203.0.113.5:7000"
        report.discovery.isReachable = false
        report.discovery.portMapping.state = .private
        report.discovery.portMapping.method = "PCP"
        report.discovery.portMapping.endpoint = "10.0.0.2:7000"
        report.discovery.portMapping.secondsLeft = 7_140
        report.discovery.announced = ["198.51.100.1:7000"]
        report.aead = AEADReport(suite: "AES-256-GCM", backend: "libcrypto")
        report.offloads = ["vnet", "tso", "uso", "udp-gso", "udp-gro"]
        report.lanes = 2
        report.rates.receivedBytes = 1_250_000
        report.rates.receivedPackets = 900
        report.counters.receivedBytes = 14_300_000_000
        report.counters.sentBytes = 999
        report.drops = ["replayed": 1, "forged": 30, "spoofed": 0]
        report.health = [
            HealthReport(code: "a", severity: .error, text: "the address is taken; do this"),
            HealthReport(code: "b", severity: .info, text: "buffers are small\u{1B}; do that"),
        ]
        #expect(
            StatusText.render(report, at: noon) == """
                state        up: 3 of 3 known members online, 2 with a session, 2 directly
                node         ann aaaabbbbccccdddd (netron 0.1.0)
                network      3fa1b2c4
                interface    netron0, MTU 1400, UDP port 7000
                addresses    10.1.0.11/24, fd12::1
                overlay      2 neighbours, 1 in reserve
                internet     DHT of 87 known nodes, announced, seen at 203.0.113.5:7000, behind NAT
                mapped port  10.0.0.2:7000 by PCP, for 1 h 59 min, behind another NAT; \
                announced: 198.51.100.1:7000
                latency      0.412 ms (median)
                handshake    the last 1 min 15 s ago
                received     10.0 Mbit/s, 900 packets/s, 14.3 GB in all
                sent         0 bit/s, 0 packets/s, 999 B in all
                sealed by    AES-256-GCM (libcrypto), 2 lanes
                offloads     vnet, tso, uso, udp-gso, udp-gro
                dropped      forged 30, replayed 1
                running for  2 h 3 min

                error: the address is taken; do this
                info: buffers are small; do that

                """
        )
    }

    @Test("what is carried, by this node and by others, has lines of its own") func gateways() {
        var report = StatusReport(id: "aaaa", state: .alone)
        report.advertised = ["0.0.0.0/0", "192.168.1.0/24"]
        report.routes = [
            RouteReport(prefix: "10.20.0.0/16", gateway: "bbbbbbbbcccc"),
            RouteReport(prefix: "::/0", gateway: "ddddddddcccc"),
        ]
        report.router = "10.1.0.1"
        #expect(
            StatusText.render(report, at: noon).contains(
                """
                addresses    -
                advertised   0.0.0.0/0, 192.168.1.0/24
                routes       10.20.0.0/16 through bbbbbbbb, ::/0 through dddddddd
                router       10.1.0.1
                overlay      0 neighbours
                """
            )
        )
        var bob = PeerReport(id: "bbbbbbbb")
        bob.advertised = ["10.20.0.0/16", "::/0"]
        let table = PeersText.render([bob, PeerReport(id: "eeeeeeee")], at: noon)
        let lines = table.split(separator: "\n")
        #expect(lines[0].hasSuffix("SENT  ADVERTISED"))
        #expect(lines[1].hasSuffix("0 B  10.20.0.0/16,::/0") && lines[2].hasSuffix("0 B  -"))
    }

    @Test("where no node of the DHT answers nothing is announced") func unanswered() {
        var report = StatusReport(id: "aaaa", state: .alone)
        report.discovery.isAnnouncing = true
        report.discovery.table = .joining
        #expect(
            StatusText.render(report, at: noon).contains(
                "internet     the DHT does not answer yet\n"
            )
        )
    }

    @Test(
        "whether a router lets others in, and why not",
        arguments: [
            (.noRouter, "none: no router leads out"),
            (.needless, "none is needed: the address is public"),
            (.asking, "the router is asked"),
            (.none, "none: router 192.168.0.1 gives none (PCP: no answer, UPnP: refused (501))"),
        ] as [(MappingReport.State, String)]
    )
    func mapping(_ state: MappingReport.State, _ text: String) {
        var report = StatusReport(id: "aaaa", state: .alone)
        report.discovery.portMapping.state = state
        if state == .none {
            report.discovery.portMapping.router = "192.168.0.1"
            report.discovery.portMapping.failures = ["PCP: no answer", "UPnP: refused (501)"]
        }
        #expect(StatusText.render(report, at: noon).contains("\nmapped port  \(text)\n"))
    }

    @Test("a node of which nothing is known")
    func emptyStatus() {
        #expect(
            StatusText.render(StatusReport(id: "aaaa", state: .starting), at: noon) == """
                state        starting
                node         aaaa (netron 0.1.0)
                network      -
                interface    none
                addresses    -
                overlay      0 neighbours, 0 in reserve
                internet     no DHT
                mapped port  off
                latency      -
                handshake    -
                received     0 bit/s, 0 packets/s, 0 B in all
                sent         0 bit/s, 0 packets/s, 0 B in all
                sealed by    -
                offloads     none
                dropped      none
                running for  0 s

                """
        )
    }

    @Test(
        "the first line says whether the node is in",
        arguments: [
            (.alone, 0, "alone: no member is known yet"),
            (.alone, 1, "alone: none of 1 known member is reached"),
            (.up, 1, "up: 1 of 1 known member online, 1 with a session, 1 directly"),
        ] as [(StatusReport.State, Int, String)]
    )
    func state(_ state: StatusReport.State, _ count: Int, _ text: String) {
        var report = StatusReport(id: "aaaa", state: state)
        report.peers.known = count
        report.peers.online = count
        report.peers.up = count
        report.peers.direct = count
        #expect(StatusText.render(report, at: noon).hasPrefix("state        \(text)\n"))
    }

    @Test("members stand in a table")
    func peers() {
        var bob = PeerReport(id: "bbbbccccdddd")
        bob.name = "bob\u{1B}[2J"
        bob.addresses = ["10.1.0.12", "10.1.0.13"]
        bob.ula = "fd12::2"
        bob.path = .direct
        bob.endpoint = "192.0.2.2:7000"
        bob.rttMilliseconds = 12.34
        bob.loss = 0.125
        bob.lastHandshake = moment(secondsBeforeNoon: 3)
        bob.lastHeardSeconds = 0
        bob.receivedBytes = 1_234_567
        var eve = PeerReport(id: "eeeeffff")
        eve.ula = "fd12::3"
        eve.endpoint = "[2001:db8::3]:7000"
        eve.lastHeardSeconds = 90_000
        #expect(
            PeersText.render([bob, eve], at: noon) == """
                NAME    ID        ADDRESSES            PATH    ENDPOINT                \
                RTT  LOSS  HANDSHAKE        HEARD  RECEIVED  SENT
                bob[2J  bbbbcccc  10.1.0.12,10.1.0.13  direct  192.0.2.2:7000      \
                12.3 ms  13 %    3 s ago      0 s ago    1.2 MB   0 B
                -       eeeeffff  fd12::3              none    [2001:db8::3]:7000        \
                -     -          -  1 d 1 h ago       0 B   0 B

                """
        )
        #expect(PeersText.render([], at: noon) == "No member is known yet.\n")
    }

    @Test("what the network lets through, and what would help")
    func netcheck() {
        var report = NetcheckReport()
        report.udp = .works
        report.port = 7000
        report.ipv4.addresses = ["192.168.0.2"]
        report.ipv4.publicEndpoint = "62.1.0.1:4711"
        report.ipv4.mapping = .addressDependent
        report.ipv4.filtering = .restricted
        report.ipv4.silenceSeconds = 45
        report.ipv6.addresses = ["2a02::2"]
        report.isReachable = false
        report.table = .ready
        report.tableNodes = 64
        report.peers.known = 3
        report.peers.online = 2
        report.peers.direct = 1
        report.peers.relayed = 1
        report.relays = [
            RelayReport(
                id: "bbbbccccdddd",
                name: "bob",
                rttMilliseconds: 12.34,
                isReachable: true,
                members: 1
            ),
            RelayReport(
                id: "eeeeffffgggg",
                name: nil,
                rttMilliseconds: nil,
                isReachable: false,
                members: 0
            ),
        ]
        report.relaying.circuits = 2
        report.relaying.circuitsMax = 512
        report.relaying.bytesPerSecond = 1_000_000
        report.advice = [AdviceReport(code: "port", text: "do this\u{1B}")]
        #expect(
            NetcheckText.render(report) == """
                UDP          works, port 7000
                IPv4         seen at 62.1.0.1:4711, NAT that shows each host another port, \
                lets in answers alone, remembers who is silent for 45 s at least
                IPv6         2a02::2, nobody saw it yet
                mapped port  off
                reachable    not by strangers
                DHT          works, 64 known nodes
                members      2 of 3 online, 1 reached directly, 1 through others
                relays       bob (bbbbcccc), 12.3 ms, leads to 1
                             eeeeffff, not reachable from everywhere
                relaying     2 of at most 512 circuits, at most 1.0 MB/s

                help: do this

                """
        )
        #expect(
            NetcheckText.render(NetcheckReport()) == """
                UDP          nobody was asked yet
                IPv4         none
                IPv6         none
                mapped port  off
                reachable    not known yet
                DHT          not used
                members      0 of 0 online, 0 reached directly, 0 through others
                relays       none
                relaying     nothing (--no-relay)

                """
        )
    }

    @Test("echoes are summed up")
    func ping() {
        #expect(PingText.summary([]) == "0 sent, 0 answered, 0 % lost")
        #expect(PingText.summary([nil]) == "1 sent, 0 answered, 100 % lost")
        #expect(
            PingText.summary([1, nil, 2]) == "3 sent, 2 answered, 33 % lost; "
                + "least, average and most 1.000 / 1.500 / 2.000 ms"
        )
        var peer = PeerReport(id: "bbbbccccdddd")
        peer.endpoint = "192.0.2.2:7000"
        #expect(
            PingText.line(PingReport(of: peer, rtt: .microseconds(250)))
                == "bbbbcccc at 192.0.2.2:7000: 0.250 ms"
        )
    }

    @Test("columns are as wide as their widest cell")
    func table() {
        let rows = [["a", "bb", ""], ["aaa", "b", "c"], ["ä", "", ""]]
        #expect(Table.render(rows, [.left, .right, .left]) == "a    bb\naaa   b  c\nä\n")
        #expect(Table.render([], [.left]) == "")
    }
}

@Suite("units")
struct UnitTests {
    @Test(
        "bytes",
        arguments: [
            (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (999_949, "999.9 kB"),
            (999_950, "1.0 MB"), (1_249_000_000, "1.2 GB"), (.max, "18.4 EB"),
        ] as [(UInt64, String)]
    )
    func bytes(_ count: UInt64, _ text: String) {
        #expect(Units.bytes(count) == text)
    }

    @Test("rates count bits")
    func rates() {
        #expect(Units.bitRate(bytes: 0) == "0 bit/s")
        #expect(Units.bitRate(bytes: 125) == "1.0 kbit/s")
        #expect(Units.bitRate(bytes: 1_187_500_000) == "9.5 Gbit/s")
    }

    @Test(
        "milliseconds have the digits that count",
        arguments: [
            (0, "0.000 ms"), (0.4126, "0.413 ms"), (9.999, "9.999 ms"), (10, "10.0 ms"),
            (99.94, "99.9 ms"), (100, "100 ms"), (1234.5, "1235 ms"), (-1, "0.000 ms"),
            (.nan, "0 ms"), (1e300, "1000000000000000 ms"),
        ]
    )
    func milliseconds(_ value: Double, _ text: String) {
        #expect(Units.milliseconds(value) == text)
    }

    @Test(
        "times have two units",
        arguments: [
            (0, "0 s"), (59, "59 s"), (60, "1 min 0 s"), (3599, "59 min 59 s"),
            (3600, "1 h 0 min"), (86_399, "23 h 59 min"), (86_400, "1 d 0 h"),
            (9_000_000, "104 d 4 h"),
        ] as [(UInt64, String)]
    )
    func times(_ seconds: UInt64, _ text: String) {
        #expect(Units.time(seconds: seconds) == text)
    }

    @Test("what comes later was no time ago")
    func future() {
        let later = Timestamp(milliseconds: noon.milliseconds + 5000)
        #expect(Units.ago(later, at: noon) == "0 s ago")
    }
}
