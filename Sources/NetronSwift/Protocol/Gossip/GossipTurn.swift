// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// What one event is handled with: the time, chance, and what is to be done.
struct GossipTurn {
    let time: Instant
    var random: GossipChance
    var effects: [GossipEffect] = []

    mutating func send(_ message: GossipMessage, to id: NodeID) {
        effects.append(.send(message, to: id))
    }
}

/// Chance that grows from one number of the injected generator: SplitMix64, after Steele, Lea and
/// Flood (2014).
///
/// It is a type of its own so that the compiler makes the machine's code for it alone; that halves
/// the cost of an event. Nothing secret depends on it.
struct GossipChance: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }
}
