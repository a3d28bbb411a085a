// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// A handshake that a node began.
struct Dial {
    let node: Int
    let boot: UInt32
    let endpoint: Endpoint
    /// Whom it is for; nil for whoever answers.
    let id: NodeID?
    /// Whether the packet core wants it, and not the node.
    let isInternal: Bool
    var tries = 0
    /// Whether message 2 came, so that message 3 is repeated.
    var isConfirming = false
    /// When message 1 was last sent.
    var sent: UInt64 = 0
    var rtt: UInt64 = 0
    /// Who answered; -1 before.
    var other = -1
    /// When the one who answered took message 1, and until when it waits for message 3.
    var taken: UInt64 = 0
    var halfOpenEnd: UInt64 = 0
    /// The key that message 3 makes.
    var key: UInt32 = 0
    /// What each was told of the other's clock, in milliseconds ahead of its own.
    var heardByInitiator: Int64?
    var heardByResponder: Int64?

    static let vacant = Dial(
        node: 0,
        boot: 0,
        endpoint: Endpoint(IPAddress(.v4, number: 0), port: 0),
        id: nil,
        isInternal: true
    )
}

/// A datagram on its way.
struct Packet {
    enum Kind: UInt8 {
        case message1
        case message2
        case message3
        case confirmation
        case control
        case goodbye
        case datagram
    }

    let kind: Kind
    let from: Int
    let to: Int
    let source: Endpoint
    let gatePort: UInt16
    let load: Traffic.Load
    /// The second of two, which a session or handshake drops.
    var isCopy = false
    /// The dial that a message of a handshake belongs to, and its generation.
    var dial = 0
    var generation: UInt32 = 0
    /// The session's key.
    var key: UInt32 = 0
    /// What the sender's clock shows, if it has one.
    var wall: UInt64?
    var payload: [UInt8] = []
}
