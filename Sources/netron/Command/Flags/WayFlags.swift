// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

/// By which ways others come in to the node, and it reaches them.
struct WayFlags: ParsableArguments {
    @Flag(
        inversion: .prefixedNo,
        help: Variable.natmap.help(
            "Ask the router to let others in, by PCP, NAT-PMP or UPnP, unless this host has a "
                + "public address.",
            default: "true"
        )
    )
    var natmap: Bool?

    @Option(
        name: .customLong("announce"),
        help: Variable.announce.help(
            "Where others reach this node, such as a port that a router forwards; may be repeated.",
            default: "what it finds out",
            valueName: "host:port"
        )
    )
    var announced: [String] = []

    @Flag(
        inversion: .prefixedNo,
        help: Variable.tcp.help(
            "Reach members that UDP does not reach by TCP, on the same port number; through the "
                + "HTTP proxy of https_proxy if that is set.",
            default: "true"
        )
    )
    var tcp: Bool?

    var given: [String] {
        [
            natmap.map { $0 ? "--natmap" : "--no-natmap" },
            announced.first.map { _ in "--announce" }, tcp.map { $0 ? "--tcp" : "--no-tcp" },
        ].compactMap(\.self)
    }
}
