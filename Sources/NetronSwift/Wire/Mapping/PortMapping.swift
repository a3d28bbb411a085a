// SPDX-License-Identifier: Apache-2.0

/// How a router is asked to let a UDP port in.
package enum MappingMethod: String, CaseIterable, Hashable, Sendable {
    /// The Port Control Protocol (RFC 6887).
    case pcp = "PCP"
    /// The NAT Port Mapping Protocol (RFC 6886), which PCP replaces.
    case natPMP = "NAT-PMP"
    /// The Internet Gateway Device of UPnP: found by multicast, asked by SOAP over HTTP.
    case upnp = "UPnP"
}

/// The router that a host's way out begins with, in IPv4: what has no NAT needs no mapping.
package struct Gateway: Hashable, Sendable {
    package let address: IPAddress
    /// The host's own address towards it, which a mapping leads to.
    package let host: IPAddress

    package init(_ address: IPAddress, host: IPAddress) {
        self.address = address
        self.host = host
    }
}

/// What a router is asked for: that what comes to a port of it goes to one of the host.
package struct MappingRequest: Hashable, Sendable {
    /// Tells requests of one node apart.
    package let number: UInt32
    package let method: MappingMethod
    package let gateway: Gateway
    /// The host's UDP port.
    package let port: UInt16
    /// The external port that is wanted; only by UPnP another one is a refusal.
    package let externalPort: UInt16
    /// The external address of the mapping that is renewed; nil for a new one.
    package let externalAddress: IPAddress?
    /// How long the mapping is to last, in seconds; 0 ends it.
    package let lifetime: UInt32
    /// 12 bytes without which PCP lets nobody change the mapping.
    package let nonce: [UInt8]
    /// Where the router describes itself, if UPnP has found it before: a URL.
    package let location: String?

    package init(
        number: UInt32,
        method: MappingMethod,
        gateway: Gateway,
        port: UInt16,
        externalPort: UInt16,
        externalAddress: IPAddress? = nil,
        lifetime: UInt32,
        nonce: [UInt8],
        location: String? = nil
    ) {
        self.number = number
        self.method = method
        self.gateway = gateway
        self.port = port
        self.externalPort = externalPort
        self.externalAddress = externalAddress
        self.lifetime = lifetime
        self.nonce = nonce
        self.location = location
    }

    /// Whether it ends a mapping.
    package var isEnd: Bool { lifetime == 0 }
}

/// What a router granted.
package struct PortMapping: Hashable, Sendable {
    /// Where the router lets others in; the address may be private, if there is another NAT behind.
    package let external: Endpoint
    /// How long it does, in seconds; 0 if without an end.
    package let lifetime: UInt32
    /// Where the router describes itself, if it was asked by UPnP.
    package let location: String?

    package init(_ external: Endpoint, lifetime: UInt32, location: String? = nil) {
        self.external = external
        self.lifetime = lifetime
        self.location = location
    }
}

/// Why there is no mapping.
package enum MappingFailure: Error, Hashable, Sendable {
    /// Nobody answered.
    case silent
    /// The router said that it does not speak that.
    case unsupported
    /// It said no; the number is its protocol's code.
    case refused(Int)
    /// The external port is somebody else's.
    case conflict
    /// It has no external address now.
    case offline
    /// The host could not ask.
    case unable
}

package typealias MappingAnswer = Result<PortMapping, MappingFailure>
