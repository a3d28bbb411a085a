// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

// What the node carries for others, and others for it.
extension NodeOptions {
    /// Checks all of it, and puts what is advertised in order.
    static func checked(
        advertised: [Prefix],
        acceptsRoutes: Bool,
        router: IPAddress?,
        beside addresses: [InterfaceAddress],
        wantsInterface: Bool
    ) throws(ConfigError) -> [Prefix] {
        let asked = [
            advertised.isEmpty ? nil : "advertise", acceptsRoutes ? "accept-routes" : nil,
            router == nil ? nil : "router",
        ].compactMap(\.self)
        if let field = asked.first, !wantsInterface {
            throw ConfigError(
                field,
                "needs an interface",
                remedy: "leave it out, or start the node with an interface"
            )
        }
        guard advertised.count <= Limits.advertisedMax else {
            throw ConfigError(
                "advertise",
                "is given \(advertised.count) times",
                remedy: "give at most \(Limits.advertisedMax), wider ones if need be"
            )
        }
        for prefix in advertised { try check(prefix, beside: addresses) }
        guard Set(advertised).count == advertised.count else {
            throw ConfigError("advertise", "is given one range twice", remedy: "give it once")
        }
        if let router, !router.isHost || addresses.contains(where: { $0.address == router }) {
            throw ConfigError(
                "router",
                "\(router) is not another member's address",
                remedy: "give the address in the network of the member with the way out"
            )
        }
        return advertised.sorted()
    }

    private static func check(
        _ prefix: Prefix,
        beside addresses: [InterfaceAddress]
    ) throws(ConfigError) {
        guard prefix.isRoutable else {
            throw ConfigError(
                "advertise",
                "\(prefix) is not a range of hosts",
                remedy: "give one such as 192.168.1.0/24, or 0.0.0.0/0 for all"
            )
        }
        guard !addresses.contains(where: { $0.prefix.contains(prefix) }) else {
            throw ConfigError(
                "advertise",
                "\(prefix) is the network's own, where each member has its address",
                remedy: "leave it out"
            )
        }
    }
}
