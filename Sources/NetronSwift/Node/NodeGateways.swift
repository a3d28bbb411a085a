// SPDX-License-Identifier: Apache-2.0

internal import Logging
internal import NetronAPI
internal import NetronConfig
internal import NetronEngine
internal import NetronProtocol
internal import NetronWire

// What the node carries for others, and what others carry for it.
extension Node {
    var gatewaySettings: GatewaySettings {
        let options = settings.options
        return GatewaySettings(
            advertised: options.advertised,
            acceptsRoutes: options.acceptsRoutes,
            router: options.router,
            networks: options.addresses.map(\.prefix) + options.leaseRanges
        )
    }

    /// Has the host send a range into the network, or no longer.
    func route(_ prefix: Prefix, isPresent: Bool) {
        do throws(EngineError) {
            try device?.setRoute(prefix, isPresent: isPresent)
            unroutable[prefix] = nil
            if isPresent {
                logger.notice("\(prefix) is reached through the network")
            } else {
                logger.notice("\(prefix) is no longer reached through the network")
            }
        } catch {
            guard isPresent else { return }
            unroutable[prefix] = error
            logger.warning("\(Health.unroutable(prefix, because: error).text)")
        }
    }

    /// What is in the way of what the node carries, and of what it accepts.
    func gatewayHealth() -> [HealthReport] {
        let options = settings.options
        var lines: [HealthReport] = []
        for family in [IPAddress.Family.v4, .v6] where !Host.forwards(family) {
            let prefixes = options.advertised.filter { $0.address.family == family }
            if !prefixes.isEmpty { lines.append(Health.noForwarding(prefixes, of: family)) }
        }
        lines += unroutable.sorted { $0.key < $1.key }.map { Health.unroutable($0, because: $1) }
        let takesAll = machine.acceptedRoutes.contains { $0.prefix.length == 0 }
        if takesAll, Host.hasStrictPaths { lines.append(Health.strictPaths) }
        return lines
    }

    /// What others carry, and is routed to them.
    var acceptedRoutes: [RouteReport] {
        machine.acceptedRoutes.map { route in
            RouteReport(prefix: route.prefix.description, gateway: route.gateway.description)
        }
    }

    /// What a member says to carry, as far as the ledger is here.
    func advertised(by id: NodeID) -> [String] {
        guard let key = GatewayStatement.key(of: id),
            let record = try? machine.ledgerRecord(of: key, at: Clock.now())
        else { return [] }
        return GatewayStatement(value: record.value).prefixes.map(\.description)
    }
}

extension Host {
    /// Whether the host passes on packets that are not for itself.
    fileprivate static func forwards(_ family: IPAddress.Family) -> Bool {
        setting(family == .v4 ? "ipv4/ip_forward" : "ipv6/conf/all/forwarding") == "1"
    }

    /// Whether the host takes IPv4 packets only by the interface that its answers would leave by:
    /// not members' datagrams, when all but those of the node itself goes into the network.
    fileprivate static var hasStrictPaths: Bool {
        switch setting("ipv4/conf/all/rp_filter") {
        case "1": true
        case "0": setting("ipv4/conf/default/rp_filter") == "1"
        default: false
        }
    }

    private static func setting(_ name: String) -> String? {
        let bytes = ((try? Files.read("/proc/sys/net/\(name)", upTo: 16)) ?? nil) ?? []
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n").first.map {
            String($0)
        }
    }
}
