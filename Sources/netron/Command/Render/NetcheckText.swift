// SPDX-License-Identifier: Apache-2.0

internal import NetronAPI
internal import NetronWire

/// What the network lets through, for people; what would help stands below.
enum NetcheckText {
    static func render(_ report: NetcheckReport) -> String {
        let rows: [(String, String)] =
            [
                ("UDP", udp(report)),
                ("IPv4", nat(report.ipv4)),
                ("IPv6", nat(report.ipv6)),
                ("mapped port", StatusText.mapping(report.portMapping)),
                ("reachable", reachable(report)),
                ("DHT", table(report)),
                ("members", members(report.peers)),
            ] + relays(report) + [("relaying", relaying(report.relaying))]
        let advice = report.advice.map { "help: \($0.text.plain(bytesMax: 500))\n" }.joined()
        return Table.render(rows.map { [$0, $1] }, [.left, .left])
            + (advice.isEmpty ? "" : "\n" + advice)
    }

    private static func udp(_ report: NetcheckReport) -> String {
        let state =
            switch report.udp {
            case .works?: "works"
            case .noAnswer?: "nobody answers"
            case nil: "nobody was asked yet"
            }
        let isChosen = report.isPortChosen ? ", chosen by the system" : ""
        return state + (report.port.map { ", port \($0)\(isChosen)" } ?? "")
    }

    private static func nat(_ report: NATReport) -> String {
        guard !report.addresses.isEmpty else { return "none" }
        let addresses = report.addresses.joined(separator: ", ")
        guard let endpoint = report.publicEndpoint else { return "\(addresses), nobody saw it yet" }
        let mapping =
            switch report.mapping {
            case NATReport.Mapping.none?: "no NAT"
            case .endpointIndependent?: "NAT that shows everybody one port"
            case .addressDependent?: "NAT that shows each host another port"
            case nil: nil as String?
            }
        let filtering =
            switch report.filtering {
            case .open?: "lets anybody in"
            case .restricted?: "lets in answers alone"
            case nil: nil as String?
            }
        let memory = report.silenceSeconds.map { "remembers who is silent for \($0) s at least" }
        return ["seen at \(endpoint)", mapping, filtering, memory].compactMap(\.self)
            .joined(separator: ", ")
    }

    private static func reachable(_ report: NetcheckReport) -> String {
        switch report.isReachable {
        case true?: "yes, by strangers too"
        case false?: "not by strangers"
        case nil: "not known yet"
        }
    }

    private static func table(_ report: NetcheckReport) -> String {
        switch report.table {
        case .off: "not used"
        case .joining: "does not answer yet"
        case .ready: "works, \(report.tableNodes) known nodes"
        }
    }

    private static func members(_ peers: PeerSummary) -> String {
        "\(peers.online) of \(peers.known) online, \(peers.direct) reached directly, "
            + "\(peers.relayed) through others"
    }

    /// A row for each relay, of which the first has the name.
    private static func relays(_ report: NetcheckReport) -> [(String, String)] {
        guard !report.relays.isEmpty else { return [("relays", "none")] }
        return report.relays.enumerated().map { index, relay in
            let id = String(relay.id.prefix(8))
            let parts = [
                relay.name.map { "\($0.plain(bytesMax: 64)) (\(id))" } ?? id,
                relay.rttMilliseconds.map(Units.milliseconds),
                relay.isReachable ? nil : "not reachable from everywhere",
                relay.members > 0 ? "leads to \(relay.members)" : nil,
            ]
            return (index == 0 ? "relays" : "", parts.compactMap(\.self).joined(separator: ", "))
        }
    }

    private static func relaying(_ report: RelayingReport) -> String {
        guard report.circuitsMax > 0 else { return "nothing (--no-relay)" }
        let rate = report.bytesPerSecond.map { "at most \(Units.bytes(UInt64(max(0, $0))))/s" }
        return "\(report.circuits) of at most \(report.circuitsMax) circuits, "
            + (rate ?? "no limit of bytes")
    }
}
