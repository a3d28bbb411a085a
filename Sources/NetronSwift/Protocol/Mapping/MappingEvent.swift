// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// What happened; the input of `PortMapper`.
package enum MappingEvent: Hashable, Sendable {
    /// Where the host is: its addresses, its UDP port, and the router that leads out, if any.
    case host([IPAddress], port: UInt16, Gateway?)
    /// What came of a request.
    case answered(MappingRequest, MappingAnswer)
    case timeout
    case stopping
}

/// What is to be done; the output of `PortMapper`.
package enum MappingEffect: Hashable, Sendable {
    /// Asks a router; answered by `.answered`, unless the request ends a mapping.
    case ask(MappingRequest)
    /// Where a router lets others in to this node now; nil if nowhere.
    case mapped(Endpoint?)
    /// The deadline; the last one told counts.
    case wake(at: Instant)
}

/// How it stands with the mapping of a node's port.
package enum MappingStatus: Hashable, Sendable {
    /// The user wants none.
    case off
    /// There is no router that leads out.
    case noGateway
    /// The host has a public address, so that none is needed.
    case publicAddress
    /// The router is asked for the first time.
    case asking
    /// It gave none; of each way why, in the order in which they were tried.
    case failed(Gateway, [MappingTry])
    case mapped(MappingMethod, Endpoint, until: Instant)
}

/// A way of asking a router that led to nothing.
package struct MappingTry: Hashable, Sendable {
    package let method: MappingMethod
    package let failure: MappingFailure
}
