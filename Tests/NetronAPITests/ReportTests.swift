// SPDX-License-Identifier: Apache-2.0

internal import Foundation
internal import NetronAPI
internal import Testing

@Suite("reports")
struct ReportTests {
    @Test("what a status does not know is null, and keys are in order")
    func unknownStatus() {
        let zeroes = #""rx_bytes":0,"rx_packets":0,"tx_bytes":0,"tx_packets":0}"#
        let report = StatusReport(id: "me", state: .starting)
        let text = String(decoding: JSON.encode(report), as: UTF8.self)
        #expect(
            text == #"{"addresses":[],"advertised":[],"aead":null,"counters":{"cookies_sent":0,"#
                + #""handshakes_begun":0,"handshakes_done":0,"handshakes_taken":0,"#
                + #""relayed_bytes":0,"relayed_packets":0,"# + zeroes
                + #","discovery":{"announced":[],"announcing":false,"clock":"unsure","dht":"off","#
                + #""dht_bytes":0,"dht_nodes":0,"neighbours":0,"#
                + #""port_mapping":{"endpoint":null,"failures":[],"left_s":null,"#
                + #""protocol":null,"router":null,"state":"off"},"#
                + #""public_endpoint":null,"reachable":null,"#
                + #""reserve":0},"drops":{},"health":[],"id":"me","interface":null,"lanes":null,"#
                + #""mtu":null,"name":null,"netron":"0.1.0","network":null,"offloads":[],"#
                + #""peers":{"direct":0,"known":0,"last_handshake":null,"online":0,"#
                + #""relayed":0,"rtt_ms":null,"up":0},"#
                + #""port":null,"rates":{"rx_bytes_per_s":0,"rx_packets_per_s":0,"#
                + #""tx_bytes_per_s":0,"tx_packets_per_s":0},"router":null,"routes":[],"#
                + #""state":"starting","ula":null,"#
                + #""uptime_s":0,"version":1}"#
        )
    }

    @Test("a status comes back as it went out")
    func status() {
        var report = StatusReport(id: "me", state: .up)
        report.name = "a \"quoted\" näme"
        report.addresses = ["10.1.0.11/24", "fd00::1/64"]
        report.advertised = ["192.168.1.0/24"]
        report.routes = [RouteReport(prefix: "0.0.0.0/0", gateway: "abcd")]
        report.router = "10.1.0.1"
        report.port = 65_535
        report.uptimeSeconds = .max
        report.peers.rttMilliseconds = 0.123
        report.aead = AEADReport(suite: "AES-256-GCM", backend: "libcrypto")
        report.rates.receivedBytes = 1
        report.counters.cookiesSent = .max
        report.drops = ["forged": 3]
        report.health = [HealthReport(code: "a", severity: .warning, text: "b")]
        #expect(JSON.decode(StatusReport.self, from: JSON.encode(report)) == report)
    }

    @Test("a peer has every key")
    func peer() {
        var peer = PeerReport(id: "abcd")
        peer.path = .direct
        peer.endpoint = "[fe80::1%3]:7000"
        peer.rttMilliseconds = 0.25
        peer.lastHandshake = Timestamp(milliseconds: 0)
        peer.pathMTU = 1452
        let text = String(decoding: JSON.encode([peer]), as: UTF8.self)
        #expect(
            text
                == #"[{"addresses":[],"advertised":[],"arch":null,"#
                + #""endpoint":"[fe80::1%3]:7000","id":"abcd","#
                + #""last_handshake":"1970-01-01T00:00:00.000Z","last_heard_s":null,"#
                + #""loss":null,"name":null,"#
                + #""online":null,"os":null,"path":"direct","path_mtu":1452,"relay":null,"#
                + #""rtt_ms":0.25,"rx_bytes":0,"#
                + #""rx_packets":0,"suite":null,"tx_bytes":0,"tx_packets":0,"ula":null,"#
                + #""version":null}]"#
        )
        #expect(JSON.decode([PeerReport].self, from: JSON.encode([peer])) == [peer])
    }

    @Test("a check of the network has every key, and comes back as it went out")
    func netcheck() {
        var report = NetcheckReport()
        let nat =
            #"{"addresses":[],"filtering":null,"mapping":null,"observers":0,"#
            + #""public_endpoint":null,"silence_s_min":null}"#
        let peers =
            #"{"direct":0,"known":0,"last_handshake":null,"online":0,"relayed":0,"#
            + #""rtt_ms":null,"up":0}"#
        let mapping = String(decoding: JSON.encode(MappingReport()), as: UTF8.self)
        #expect(
            String(decoding: JSON.encode(report), as: UTF8.self)
                == #"{"advice":[],"dht":"off","dht_nodes":0,"ipv4":"# + nat + #","ipv6":"# + nat
                + #","peers":"# + peers + #","port":null,"port_chosen":false,"port_mapping":"#
                + mapping + #","reachable":null,"#
                + #""relaying":{"bytes_per_s_max":null,"circuits":0,"circuits_max":0},"#
                + #""relays":[],"udp":null,"version":1}"#
        )
        report.udp = .noAnswer
        report.ipv4.mapping = NATReport.Mapping.none
        report.ipv6.filtering = .restricted
        report.relays = [
            RelayReport(id: "a", name: nil, rttMilliseconds: 1.5, isReachable: true, members: 2)
        ]
        report.relaying.bytesPerSecond = 16_384
        report.advice = [AdviceReport(code: "a", text: "b")]
        #expect(JSON.decode(NetcheckReport.self, from: JSON.encode(report)) == report)
    }

    /// The advice for a node behind a NAT.
    private func advice(_ change: (inout NetcheckReport) -> Void = { _ in }) -> [String] {
        var report = NetcheckReport()
        report.udp = .works
        report.port = 7000
        report.ipv4.addresses = ["192.168.0.2"]
        report.ipv4.publicEndpoint = "62.1.0.1:7000"
        report.isReachable = false
        report.peers.known = 2
        report.relays = [
            RelayReport(id: "a", name: nil, rttMilliseconds: nil, isReachable: true, members: 0)
        ]
        change(&report)
        report.advise()
        return report.advice.map(\.code)
    }

    @Test("what would help follows from what is in the way")
    func advice() {
        #expect(advice() == ["port"])
        #expect(advice { $0.isReachable = nil } == ["port"])
        #expect(advice { $0.isReachable = true } == [])
        #expect(advice { $0.ipv4.addresses = ["62.1.0.1"] } == [])
        #expect(advice { $0.ipv4.publicEndpoint = nil } == [])
        #expect(advice { $0.ipv4.mapping = .addressDependent } == ["port"])
        #expect(advice { $0.ipv4.mapping = .endpointIndependent } == ["port"])
        #expect(advice { $0.ipv4.filtering = .open } == [])
        #expect(advice { $0.portMapping.state = .mapped } == [])
        #expect(advice { $0.relays = [] } == ["port", "relay"])
        #expect(advice { $0.relays[0].isReachable = false } == ["port", "relay"])
        #expect(
            advice {
                $0.relays = []
                $0.peers.known = 0
            } == ["port"]
        )
        #expect(
            advice {
                $0.udp = .noAnswer
                $0.ipv4.publicEndpoint = nil
                $0.table = .joining
            } == ["udp", "dht"]
        )
        #expect(
            advice {
                $0.udp = nil
                $0.ipv4.publicEndpoint = nil
                $0.table = .joining
            } == []
        )
    }

    @Test("a port that the system chose is to be named, so that a rule for it holds")
    func chosenPort() {
        var report = NetcheckReport()
        report.udp = .works
        report.port = 7000
        report.ipv4.addresses = ["192.168.0.2"]
        report.ipv4.publicEndpoint = "62.1.0.1:7000"
        report.advise()
        #expect(report.advice.first?.text.hasSuffix("forward UDP port 7000 to 192.168.0.2") == true)
        report.isPortChosen = true
        report.advise()
        let end = "start with --port 7000 so that it stays"
        #expect(report.advice.first?.text.hasSuffix(end) == true)
    }

    @Test("peers are summed up; who has no session counts only as known")
    func summary() {
        func peer(_ rtt: Double?, _ handshake: UInt64?, isUp: Bool = true) -> PeerReport {
            var peer = PeerReport(id: "x")
            peer.path = isUp ? .direct : nil
            peer.rttMilliseconds = rtt
            peer.lastHandshake = handshake.map { Timestamp(milliseconds: $0) }
            return peer
        }
        var asleep = peer(nil, nil, isUp: false)
        asleep.isOnline = true
        let sum = PeerSummary([
            peer(9, 5), peer(nil, nil), peer(1, 7), peer(2, 6), peer(3, 1),
            peer(0, 99, isUp: false), asleep,
        ])
        #expect(sum.known == 7 && sum.online == 6 && sum.up == 5 && sum.direct == 5)
        #expect(sum.rttMilliseconds == 2)
        #expect(sum.lastHandshake == Timestamp(milliseconds: 7))
        #expect(PeerSummary([]) == PeerSummary())
    }

    @Test(
        "a duration is told in milliseconds, to the microsecond",
        arguments: [
            (Duration.nanoseconds(499), 0.0), (.nanoseconds(500), 0.001),
            (.microseconds(1234), 1.234), (.seconds(90), 90_000),
        ]
    )
    func milliseconds(_ duration: Duration, _ wanted: Double) {
        #expect(duration.reportMilliseconds == wanted)
    }

    @Test("the version is that of the packet core's header")
    func release() throws {
        let header = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("include/netron/base.h")
        let text = try String(contentsOf: header, encoding: .utf8)
        let numbers = ["MAJOR", "MINOR", "PATCH"].compactMap { part in
            text.split(separator: "\n").lazy
                .first { $0.hasPrefix("#define NETRON_VERSION_\(part) ") }?
                .split(separator: " ").last
        }
        #expect(numbers.joined(separator: ".") == Release.version)
    }
}

@Suite("timestamps")
struct TimestampTests {
    @Test(
        "a moment is written in UTC to the millisecond, and read again",
        arguments: [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_800_000, "2000-03-01T00:00:00.000Z"),
            (1_000_000_000_000, "2001-09-09T01:46:40.000Z"),
            (1_735_689_599_001, "2024-12-31T23:59:59.001Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ] as [(UInt64, String)]
    )
    func text(_ milliseconds: UInt64, _ text: String) {
        #expect(Timestamp(milliseconds: milliseconds).description == text)
        #expect(Timestamp(text) == Timestamp(milliseconds: milliseconds))
    }

    @Test("every day of a century follows the day before")
    func days() {
        var earlier = ""
        for day in 0..<UInt64(36_600) {
            let moment = Timestamp(milliseconds: day * 86_400_000 + 1)
            let text = moment.description
            #expect(text > earlier)
            #expect(Timestamp(text) == moment)
            earlier = text
        }
    }

    @Test(
        "what no calendar has is refused",
        arguments: [
            "", "2023-02-29T00:00:00.000Z", "2023-04-31T00:00:00.000Z", "2023-13-01T00:00:00.000Z",
            "2023-00-01T00:00:00.000Z", "2023-01-00T00:00:00.000Z", "2023-01-01T24:00:00.000Z",
            "2023-01-01T00:60:00.000Z", "2023-01-01T00:00:60.000Z", "2023-01-01t00:00:00.000Z",
            "2023-01-01T00:00:00.000+", "2023-01-01T00:00:00Z", "+023-01-01T00:00:00.000Z",
            "1969-12-31T23:59:59.999Z", "0000-00-00T00:00:00.000Z",
        ]
    )
    func refused(_ text: String) {
        #expect(Timestamp(text) == nil)
    }

    @Test("a moment past the last year is its end")
    func end() {
        #expect(Timestamp(milliseconds: .max).description == "9999-12-31T23:59:59.999Z")
    }
}

@Suite("peer query")
struct PeerQueryTests {
    private static let peers: [PeerReport] = [
        ("aaaabbbb", "ann", ["10.1.0.1/24", "fd00::1/64"], "fdaa::1"),
        ("aaaacccc", "bob", ["10.1.0.2/24"], nil),
        ("ddddeeee", "bob", [], nil),
        ("ffff0000", "aaaa", [], nil),
    ].map { id, name, addresses, ula in
        var peer = PeerReport(id: id)
        peer.name = name
        peer.addresses = addresses
        peer.ula = ula
        return peer
    }

    @Test(
        "a member is found by id, its beginning, name or address",
        arguments: [
            ("aaaabbbb", "aaaabbbb"), ("aaaab", "aaaabbbb"), ("dddd", "ddddeeee"),
            ("ann", "aaaabbbb"), ("10.1.0.2", "aaaacccc"), ("fd00:0::1", "aaaabbbb"),
            ("fdaa::1", "aaaabbbb"), ("aaaa", "ffff0000"),
        ]
    )
    func found(_ text: String, _ id: String) throws {
        #expect(try PeerQuery.find(text, in: Self.peers).id == id)
    }

    @Test(
        "what names none, or several, is refused",
        arguments: [
            ("", .badRequest), ("ddd", .notFound), ("eve", .notFound), ("10.1.0.9", .notFound),
            ("10.1.0.1/24", .notFound), ("bob", .ambiguous), ("aaaabbbbc", .notFound),
        ] as [(String, ErrorReport.Code)]
    )
    func refused(_ text: String, _ code: ErrorReport.Code) {
        let error = #expect(throws: ErrorReport.self) {
            try PeerQuery.find(text, in: Self.peers)
        }
        #expect(error?.error == code)
    }

    @Test("a beginning that several ids have is refused")
    func beginning() {
        let error = #expect(throws: ErrorReport.self) {
            try PeerQuery.find("aaaa", in: Array(Self.peers.prefix(2)))
        }
        #expect(error?.error == .ambiguous)
    }

    @Test("an odd name does not reach the terminal")
    func oddName() {
        let error = #expect(throws: ErrorReport.self) {
            try PeerQuery.find("\u{1B}[2Jnobody", in: [])
        }
        #expect(error?.message.contains("\u{1B}") == false)
    }
}
