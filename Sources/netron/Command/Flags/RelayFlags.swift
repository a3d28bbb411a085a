// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import NetronConfig

/// What the node carries for other members.
struct RelayFlags: ParsableArguments {
    @Flag(
        name: .customLong("relay"),
        inversion: .prefixedNo,
        help: Variable.relay.help(
            "Carry what is sealed between members that do not reach each other.",
            default: "true"
        )
    )
    var isWanted: Bool?

    @Option(
        name: .customLong("relay-rate"),
        help: Variable.relayRate.help(
            "How many bytes a second to carry for others in all, such as 1M.",
            default: "no limit",
            valueName: "rate"
        )
    )
    var rate: String?

    @Option(
        name: .customLong("relay-circuits"),
        help: Variable.relayCircuits.help(
            "How many pairs of members to carry for at a time, at most "
                + "\(NodeOptions.Limits.relayCircuits.upperBound).",
            default: "\(NodeOptions.Limits.relayCircuitsDefault)",
            valueName: "count"
        )
    )
    var circuits: String?

    @OptionGroup
    var edge: EdgeRelayFlags

    var given: [String] {
        [
            isWanted.map { $0 ? "--relay" : "--no-relay" }, rate.map { _ in "--relay-rate" },
            circuits.map { _ in "--relay-circuits" },
        ].compactMap(\.self) + edge.given
    }
}

/// What EdgeVPN has for the same, so that its command lines go on working.
struct EdgeRelayFlags: ParsableArguments {
    @Option(name: .customLong("relay-service"), help: .hidden)
    var isWanted: String?

    @Option(name: .customLong("relay-service-network-only"), help: .hidden)
    var isForMembersOnly: String?

    @Option(name: .customLong("relay-service-max-circuits"), help: .hidden)
    var circuitsPerPeer: String?

    @Option(name: .customLong("relay-service-acl-refresh"), help: .hidden)
    var refresh: String?

    @Option(name: .customLong("relay-service-max-data"), help: .hidden)
    var data: String?

    @Option(name: .customLong("relay-service-max-duration"), help: .hidden)
    var duration: String?

    @Option(name: .customLong("relay-service-reservation-ttl"), help: .hidden)
    var reservation: String?

    @Option(name: .customLong("relay-service-buffer-size"), help: .hidden)
    var buffer: String?

    /// Those that have no counterpart.
    var idle: [String] {
        [
            refresh.map { _ in "acl-refresh" }, data.map { _ in "max-data" },
            duration.map { _ in "max-duration" }, reservation.map { _ in "reservation-ttl" },
            buffer.map { _ in "buffer-size" },
        ].compactMap(\.self).map { "--relay-service-\($0)" }
    }

    var given: [String] {
        [
            isWanted.map { _ in "--relay-service" },
            isForMembersOnly.map { _ in "--relay-service-network-only" },
            circuitsPerPeer.map { _ in "--relay-service-max-circuits" },
        ].compactMap(\.self) + idle
    }
}
