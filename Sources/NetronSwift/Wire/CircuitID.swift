// SPDX-License-Identifier: Apache-2.0

/// Names a relay circuit at one node: its neighbour writes it on the datagrams that it sends there.
///
/// It means something to the two ends of one session only. Whose it is chose it as the packet core
/// wants it: the lowest 3 bits name the lane that takes what bears it, the 12 above a place in the
/// core's table, the others are chance.
package struct CircuitID: Hashable, Comparable, Sendable {
    /// Places in the packet core's table.
    package static let placesMax = 1 << placeBits

    private static let laneBits = 3
    private static let placeBits = 12

    package let number: UInt32

    /// Takes an id of another node; nil for 0, which names no circuit.
    package init?(_ number: UInt32) {
        guard number != 0 else { return nil }
        self.number = number
    }

    /// Makes an id of this node for a place in its core's table.
    package init(
        place: Int,
        lane: Int,
        using random: inout some RandomNumberGenerator
    ) {
        precondition(0..<Self.placesMax ~= place && 0..<1 << Self.laneBits ~= lane)
        let chanceBits = UInt32.bitWidth - Self.placeBits - Self.laneBits
        let chance = UInt32.random(in: 1..<1 << chanceBits, using: &random)
        number = (chance << Self.placeBits | UInt32(place)) << Self.laneBits | UInt32(lane)
    }

    /// The place of an id of this node.
    package var place: Int { Int(number >> Self.laneBits) % Self.placesMax }

    package static func < (left: Self, right: Self) -> Bool { left.number < right.number }
}

extension CircuitID: CustomStringConvertible {
    /// Eight hexadecimal digits.
    package var description: String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}

/// One side of a circuit: a neighbour, and what each of the two writes on datagrams to the other.
package struct CircuitSide: Hashable, Sendable {
    /// A member with a session, from whose path alone is taken what bears `into`.
    package let neighbour: NodeID
    /// What the neighbour writes on its datagrams; this node chose it.
    package let into: CircuitID
    /// What it wants to see on ours.
    package let out: CircuitID

    package init(_ neighbour: NodeID, into: CircuitID, out: CircuitID) {
        self.neighbour = neighbour
        self.into = into
        self.out = out
    }
}
