// SPDX-License-Identifier: Apache-2.0

public import NetronWire

/// What happens to a node, for a program that runs one.
public enum NodeEvent: Hashable, Sendable {
    /// There is a session with a member, which is reached at the endpoint.
    case peerUp(NodeID, Endpoint)
    /// A member is gone.
    case peerDown(NodeID)
    /// Another member has an address that this node was given; it is not reached by it here.
    case addressTaken(IPAddress, by: NodeID)
    /// Another member wants an address that this node has, and does not get it.
    case addressClaimed(IPAddress, by: NodeID)
    /// The contest about an address is over, and this node has it.
    case addressFree(IPAddress)
}
