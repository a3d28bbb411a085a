// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// One side of a circuit: a neighbour, and what each of the two writes on datagrams to the other.
package struct CircuitSide: Hashable, Sendable {
    /// A peer with a session; what bears `idIn` is taken from its path alone.
    package let neighbour: NodeID
    /// What the neighbour writes; this node chose it, by `Device.circuitID()`.
    package let idIn: UInt32
    /// What this node writes; the neighbour chose it, and neither id is 0.
    package let idOut: UInt32

    package init(neighbour: NodeID, idIn: UInt32, idOut: UInt32) {
        self.neighbour = neighbour
        self.idIn = idIn
        self.idOut = idOut
    }
}

/// Why a circuit ended.
package enum CircuitEnd: Hashable, Sendable {
    /// Nothing came by it for 60 s.
    case idle
    /// There is no session with a neighbour any more.
    case neighbourGone
    /// It was closed here.
    case local
}
