// SPDX-License-Identifier: Apache-2.0

internal import NetronAPI
internal import NetronWire

/// How a node is doing, for people: the first line says whether it is in.
enum StatusText {
    static func render(_ report: StatusReport, at now: Timestamp) -> String {
        let first: [(String, String)] = [
            ("state", state(report)),
            ("node", node(report)),
            ("network", report.network ?? "-"),
            ("interface", interface(report)),
            ("addresses", addresses(report)),
        ]
        let last: [(String, String)] = [
            ("overlay", overlay(report)),
            ("internet", internet(report)),
            ("mapped port", mapping(report)),
            ("latency", latency(report)),
            ("handshake", handshake(report, at: now)),
            ("received", received(report)),
            ("sent", sent(report)),
            ("sealed by", aead(report)),
            ("offloads", report.offloads.isEmpty ? "none" : report.offloads.list),
            ("dropped", drops(report)),
            ("running for", Units.time(seconds: report.uptimeSeconds)),
        ]
        let rows = first + routes(report) + last
        return Table.render(rows.map { [$0, $1] }, [.left, .left]) + health(report)
    }

    private static func state(_ report: StatusReport) -> String {
        let peers = report.peers
        let known = "\(peers.known) known \(peers.known == 1 ? "member" : "members")"
        return switch report.state {
        case .starting: "starting"
        case .alone where peers.known == 0: "alone: no member is known yet"
        case .alone: "alone: none of \(known) is reached"
        case .up:
            "up: \(peers.online) of \(known) online, \(peers.up) with a session,"
                + " \(peers.direct) directly"
                + (peers.relayed > 0 ? ", \(peers.relayed) through others" : "")
        }
    }

    private static func node(_ report: StatusReport) -> String {
        let name = report.name.map { "\($0.plain(bytesMax: 64)) " } ?? ""
        return "\(name)\(report.id) (netron \(report.netron.plain(bytesMax: 32)))"
    }

    private static func interface(_ report: StatusReport) -> String {
        [
            report.interface ?? "none", report.mtu.map { "MTU \($0)" },
            report.port.map { "UDP port \($0)" },
        ].compactMap(\.self).list
    }

    private static func addresses(_ report: StatusReport) -> String {
        let all = report.addresses + [report.ula].compactMap(\.self)
        return all.isEmpty ? "-" : all.list
    }

    /// What is carried for others, and by others; nothing where nobody was asked for it.
    private static func routes(_ report: StatusReport) -> [(String, String)] {
        let accepted = report.routes.map { "\($0.prefix) through \($0.gateway.prefix(8))" }
        return [
            report.advertised.isEmpty ? nil : ("advertised", report.advertised.list),
            accepted.isEmpty ? nil : ("routes", accepted.list),
            report.router.map { ("router", $0) },
        ].compactMap(\.self)
    }

    private static func overlay(_ report: StatusReport) -> String {
        let count = report.discovery.neighbours
        return "\(count) \(count == 1 ? "neighbour" : "neighbours"),"
            + " \(report.discovery.reserve) in reserve"
    }

    /// What the Internet is to the node: the way to find others, and where they see it.
    private static func internet(_ report: StatusReport) -> String {
        let discovery = report.discovery
        let table =
            switch discovery.table {
            case .off: "no DHT"
            case .joining: "the DHT does not answer yet"
            case .ready: "DHT of \(discovery.tableNodes) known nodes"
            }
        let place = discovery.publicEndpoint.map { endpoint in
            switch discovery.isReachable {
            case true?: "seen at \(endpoint), reachable"
            case false?: "seen at \(endpoint), behind NAT"
            case nil: "seen at \(endpoint)"
            }
        }
        // Where nobody answers nobody heard of it.
        let isAnnounced = discovery.isAnnouncing && discovery.table == .ready
        let announcing = isAnnounced ? "announced" : nil
        return [table, announcing, place].compactMap(\.self).list
    }

    /// Whether others come in by a router before the host, and why not.
    private static func mapping(_ report: StatusReport) -> String {
        let text = mapping(report.discovery.portMapping)
        let announced = report.discovery.announced
        return announced.isEmpty ? text : "\(text); announced: \(announced.list)"
    }

    static func mapping(_ mapping: MappingReport) -> String {
        let router = mapping.router ?? "-"
        let place = "\(mapping.endpoint ?? "-") by \(mapping.method ?? "-")"
        let left = Units.time(seconds: mapping.secondsLeft ?? 0)
        return switch mapping.state {
        case .off: "off"
        case .noRouter: "none: no router leads out"
        case .needless: "none is needed: the address is public"
        case .asking: "the router is asked"
        case .none: "none: router \(router) gives none (\(mapping.failures.list))"
        case .mapped: "\(place), for \(left)"
        case .private: "\(place), for \(left), behind another NAT"
        }
    }

    private static func latency(_ report: StatusReport) -> String {
        report.peers.rttMilliseconds.map { "\(Units.milliseconds($0)) (median)" } ?? "-"
    }

    private static func handshake(_ report: StatusReport, at now: Timestamp) -> String {
        report.peers.lastHandshake.map { "the last \(Units.ago($0, at: now))" } ?? "-"
    }

    private static func received(_ report: StatusReport) -> String {
        let rates = report.rates
        let total = report.counters.receivedBytes
        return traffic(rates.receivedBytes, rates.receivedPackets, total)
    }

    private static func sent(_ report: StatusReport) -> String {
        traffic(report.rates.sentBytes, report.rates.sentPackets, report.counters.sentBytes)
    }

    private static func traffic(_ bytes: UInt64, _ packets: UInt64, _ total: UInt64) -> String {
        "\(Units.bitRate(bytes: bytes)), \(packets) packets/s, \(Units.bytes(total)) in all"
    }

    private static func aead(_ report: StatusReport) -> String {
        let lanes = report.lanes.map { ", \($0) \($0 == 1 ? "lane" : "lanes")" } ?? ""
        return report.aead.map { "\($0.suite) (\($0.backend))\(lanes)" } ?? "-"
    }

    private static func drops(_ report: StatusReport) -> String {
        let met = report.drops.filter { $0.value > 0 }.sorted { $0.key < $1.key }
        return met.isEmpty ? "none" : met.map { "\($0.key) \($0.value)" }.list
    }

    private static func health(_ report: StatusReport) -> String {
        guard !report.health.isEmpty else { return "" }
        return "\n"
            + report.health.map { "\($0.severity.rawValue): \($0.text.plain(bytesMax: 500))\n" }
            .joined()
    }
}

extension [String] {
    fileprivate var list: String { joined(separator: ", ") }
}
