// SPDX-License-Identifier: Apache-2.0

internal import NetronAPI
internal import NetronEngine
internal import NetronWire

/// What can be wrong with a node, in sentences that say what to do.
enum Health {
    static func taken(_ address: IPAddress, by holder: NodeID) -> HealthReport {
        HealthReport(
            code: "address_taken",
            severity: .error,
            text: "the address \(address) is held by member \(holder.prefix()), so that this node"
                + " is not reached by it; start with another --address, or stop that member"
        )
    }

    static func claimed(_ address: IPAddress, by claimant: NodeID) -> HealthReport {
        HealthReport(
            code: "address_claimed",
            severity: .warning,
            text: "member \(claimant.prefix()) claims the address \(address) too, which stays this"
                + " node's; give that member another --address"
        )
    }

    static func noLease(in range: Prefix) -> HealthReport {
        HealthReport(
            code: "no_lease",
            severity: .error,
            text: "no address of \(range) is free for this node; name a wider range with"
                + " --address beside --dhcp"
        )
    }

    /// Two nodes have one identity: neither is reached for sure.
    static let twin = HealthReport(
        code: "identity_twice",
        severity: .error,
        text: "another node runs with this node's identity; stop one of the two, and remove the"
            + " file `identity` of its state directory"
    )

    /// A member is two, or means to be.
    static func equivocation(by author: NodeID) -> HealthReport {
        HealthReport(
            code: "equivocation",
            severity: .warning,
            text: "member \(author.prefix()) made two different statements with one number, of"
                + " which one counts; see whether it runs twice with one identity"
        )
    }

    static func unkept(_ error: StoreError) -> HealthReport {
        HealthReport(code: "ledger", severity: .error, text: error.message)
    }

    /// Nobody was found, for so long that it is worth a line.
    static let alone = HealthReport(
        code: "no_peers",
        severity: .warning,
        text: "no member is reached yet; see that another runs with the same token, or name one"
            + " with --peer HOST:PORT"
    )

    /// Nobody answers on the DHT either.
    static let noTable = HealthReport(
        code: "no_dht",
        severity: .warning,
        text: "no node of the DHT answers; see that UDP may leave this network, or name one that"
            + " does with --bootstrap HOST:PORT"
    )
    /// Some members are wanted and not reached, and nobody would carry what goes to and fro.
    static let noRelay = HealthReport(
        code: "no_relay",
        severity: .warning,
        text: "some members are not reached, and no member that can be reached from everywhere"
            + " relays for this node; run such a member, without --no-relay"
    )
    static let aloneAfter = Duration.seconds(10)

    static func smallBuffers(_ info: DeviceInfo) -> HealthReport? {
        guard info.receiveBufferBytes < info.buffersWantedBytes else { return nil }
        return HealthReport(
            code: "small_buffers",
            severity: .info,
            text: "the kernel grants receive buffers of \(info.receiveBufferBytes >> 10) KiB,"
                + " \(info.buffersWantedBytes >> 10) KiB were wanted; run:"
                + " sysctl -w net.core.rmem_max=2500000"
        )
    }

    static func missingOffloads(_ info: DeviceInfo) -> HealthReport? {
        let wanted: Offloads = info.interface == nil ? .socket : [.socket, .interface]
        let missing = wanted.subtracting(info.offloads)
        guard !missing.isEmpty else { return nil }
        return HealthReport(
            code: "offloads_missing",
            severity: .info,
            text: "the kernel lacks \(missing.names.joined(separator: ", ")), and packets cost more"
                + " without; a newer kernel may have it"
        )
    }

    static func noForwarding(
        _ prefixes: [Prefix],
        of family: IPAddress.Family
    ) -> HealthReport {
        let name = family == .v4 ? "net.ipv4.ip_forward" : "net.ipv6.conf.all.forwarding"
        let list = prefixes.map(\.description).joined(separator: ", ")
        return HealthReport(
            code: family == .v4 ? "no_forwarding" : "no_forwarding6",
            severity: .warning,
            text: "this node carries traffic for \(list), and its host forwards none; run:"
                + " sysctl -w \(name)=1"
        )
    }

    static func unroutable(_ prefix: Prefix, because error: EngineError) -> HealthReport {
        HealthReport(
            code: "unroutable",
            severity: .warning,
            text: "\(prefix), which another member carries, cannot be routed into the network:"
                + " \(error); see that the kernel has policy routing"
                + " (CONFIG_IP_MULTIPLE_TABLES, CONFIG_IPV6_MULTIPLE_TABLES)"
        )
    }

    /// What members send is dropped by the host.
    static let strictPaths = HealthReport(
        code: "strict_paths",
        severity: .warning,
        text: "this host drops what comes from outside while all its traffic goes into the network;"
            + " run: sysctl -w net.ipv4.conf.all.rp_filter=2"
    )

    static func noOwnAddress(_ address: IPAddress) -> HealthReport {
        HealthReport(
            code: "no_ipv6",
            severity: .info,
            text: "the address \(address) could not be put on the interface; is IPv6 off on this"
                + " host (sysctl net.ipv6.conf.all.disable_ipv6)?"
        )
    }
}
