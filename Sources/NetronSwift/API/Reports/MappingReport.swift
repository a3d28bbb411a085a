// SPDX-License-Identifier: Apache-2.0

/// Whether a router before the host lets others in to the node, by a port of its own.
public struct MappingReport: Codable, Hashable, Sendable {
    /// How it stands.
    public enum State: String, Codable, Sendable {
        /// The node was told not to ask for it.
        case off
        /// No router leads out of the host's network, or none is known yet.
        case noRouter = "no_router"
        /// The host has a public address itself.
        case needless
        /// The router is asked.
        case asking
        /// It gave none; it is asked again, ever less often.
        case none
        /// It lets others in.
        case mapped
        /// It does, but stands behind another NAT itself.
        case `private`
    }

    /// How it stands.
    public var state = State.off
    /// How the router was asked: PCP, NAT-PMP or UPnP; nil without a mapping.
    public var method: String?
    /// Where others come in, as address and UDP port; nil without a mapping.
    public var endpoint: String?
    /// How long the router keeps it if it is not asked again, in seconds; nil without a mapping.
    public var secondsLeft: UInt64?
    /// The router that gave none.
    public var router: String?
    /// Why it gave none, a line for each way of asking.
    public var failures: [String] = []

    /// Nothing was asked yet.
    package init() {}
}

extension MappingReport {
    private enum CodingKeys: String, CodingKey {
        case state
        case method = "protocol"
        case endpoint
        case secondsLeft = "left_s"
        case router
        case failures
    }

    /// Writes all keys.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(state, forKey: .state)
        try container.encode(method, forKey: .method)
        try container.encode(endpoint, forKey: .endpoint)
        try container.encode(secondsLeft, forKey: .secondsLeft)
        try container.encode(router, forKey: .router)
        try container.encode(failures, forKey: .failures)
    }
}
