// SPDX-License-Identifier: Apache-2.0

extension NetcheckReport {
    /// Finds out what would help, by all else that the report says.
    package mutating func advise() {
        advice = [udpAdvice, portAdvice, relayAdvice, tableAdvice].compactMap(\.self)
    }

    private var udpAdvice: AdviceReport? {
        guard udp == .noAnswer else { return nil }
        let port = port.map { " of port \($0)" } ?? ""
        return AdviceReport(
            code: "udp",
            text: "nothing comes back by UDP: a firewall may drop it, on this host or before it;"
                + " let UDP\(port) out, and answers in"
        )
    }

    /// Whether something stands before the host that shows another address than its own.
    private var isHidden: Bool {
        guard isReachable != true, let endpoint = ipv4.publicEndpoint,
            let end = endpoint.lastIndex(of: ":")
        else { return false }
        return !ipv4.addresses.contains(String(endpoint[..<end]))
    }

    /// What the gate before this node keeps it from.
    private var portAdvice: AdviceReport? {
        guard isHidden, portMapping.state != .mapped, let port else { return nil }
        let problem: String
        switch (ipv4.mapping, ipv4.filtering) {
        case (.addressDependent?, _):
            problem =
                "the NAT shows each host another port, so that members behind such a NAT, too, are"
                + " reached through relays alone"
        case (_, .open?): return nil
        default:
            problem =
                "the NAT keeps strangers out, so that this node is found by help of others, and"
                + " cannot relay"
        }
        let host = ipv4.addresses.first.map { " to \($0)" } ?? " to this host"
        let other = portMapping.state == .none ? ", or turn PCP or UPnP on there" : ""
        let start = isPortChosen ? ", and start with --port \(port) so that it stays" : ""
        return AdviceReport(
            code: "port",
            text: "\(problem); let the router forward UDP port \(port)\(host)\(start)\(other)"
        )
    }

    private var relayAdvice: AdviceReport? {
        guard isHidden, peers.known > 0, !relays.contains(where: \.isReachable) else {
            return nil
        }
        return AdviceReport(
            code: "relay",
            text: "no member that can be reached from everywhere relays for this node, so that"
                + " some others may be out of reach; run such a member, without --no-relay"
        )
    }

    private var tableAdvice: AdviceReport? {
        guard udp != nil, table == .joining else { return nil }
        return AdviceReport(
            code: "dht",
            text: "no node of the DHT answers, by which members on the Internet are found; name"
                + " one that does with --bootstrap HOST:PORT, or a member with --peer HOST:PORT"
        )
    }
}
