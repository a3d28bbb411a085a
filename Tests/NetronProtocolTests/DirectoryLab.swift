// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronSimulator
import NetronWire

extension Cryptography {
    /// Functions that cost little, for the node with that id.
    ///
    /// A signature is a digest that binds the key and the message; anybody could make one.
    static func cheap(_ id: NodeID) -> Self {
        Cryptography(
            sign: { cheapSignature(of: $0, by: id.bytes) },
            verify: { $0 == cheapSignature(of: $1, by: $2) },
            digest: { cheapDigest($0, $1) },
            derive: { cheapDigest(Array($0.utf8), [UInt8(truncatingIfNeeded: $1)]) },
            networkAddress: cheapAddress
        )
    }
}

private func cheapDigest(_ message: [UInt8], _ key: [UInt8]) -> [UInt8] {
    var state: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in key { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }
    for byte in message { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }
    var random = SeededRandom(seed: state)
    var digest: [UInt8] = []
    for _ in 0..<4 { digest.append(bigEndian: random.next()) }
    return digest
}

private func cheapSignature(of message: [UInt8], by key: [UInt8]) -> [UInt8] {
    cheapDigest(message, key) + cheapDigest(message, key + [1])
}

private func cheapAddress(_ id: NodeID) -> IPAddress {
    let digest = cheapDigest(id.bytes, [7])
    guard let address = IPAddress(bytes: [0xFD] + digest.prefix(15)) else {
        preconditionFailure("16 bytes are an address")
    }
    return address
}

/// The network of these tests.
let network: [UInt8] = [1, 2, 3, 4, 5, 6, 7, 8]

/// A node of many: its id is made of its number.
func many(_ number: Int) -> NodeID {
    var bytes = cheapDigest([number >> 16, number >> 8, number].map { UInt8($0 & 255) }, [])
    bytes[31] &= 0x7F
    guard let id = NodeID(bytes: bytes) else { preconditionFailure("32 bytes are an id") }
    return id
}

/// Network time when these tests begin: 2025, in the middle of a minute.
let labEpoch: UInt64 = 1_750_000_000_000

/// The statement of a node, as another one would get it.
func presence(
    of id: NodeID,
    version: UInt32 = 0,
    incarnation: UInt64 = labEpoch - 1_000,
    time: UInt64 = labEpoch,
    lease: UInt32 = 4_200,
    isLeaving: Bool = false,
    saying fields: Presence.Fields = .init(name: "host")
) -> Presence {
    Presence.Draft(
        by: id,
        .init(incarnation: incarnation, version: version),
        time: time,
        lease: lease,
        isLeaving: isLeaving,
        saying: fields
    ).signed(by: .cheap(id), network: network)
}

/// What a usual member says: about 180 bytes in all.
func usualFields(_ number: Int) -> Presence.Fields {
    let high = UInt8(number >> 8 & 255)
    let low = UInt8(number & 255)
    return Presence.Fields(
        name: "host-\(number)",
        claims: [.init(ip("10.\(number >> 16).\(high).\(low)"), since: 1_000)],
        endpoints: [endpoint("192.0.\(high).\(low):7000")],
        introducers: []
    )
}

/// One directory and its clocks, for tests that are scripts.
struct DirectoryScript: TwoClockScript {
    var directory: Directory
    let id: NodeID
    var now = Instant(nanoseconds: 1_000_000_000)
    var wall = labEpoch
    private(set) var deadline = Instant.never

    init(
        _ id: NodeID = many(0),
        membersMax: Int = DirectoryLimits.membersMax,
        cryptography: Cryptography? = nil,
        seed: UInt64 = 1
    ) {
        self.id = id
        directory = Directory(
            of: id,
            network: network,
            cryptography: cryptography ?? .cheap(id),
            membersMax: membersMax,
            random: SeededRandom(seed: seed)
        )
    }

    /// What the machine does about the event, but for its deadline.
    @discardableResult
    mutating func after(_ event: DirectoryEvent) -> [DirectoryEffect] {
        var effects: [DirectoryEffect] = []
        directory.handle(event, at: now, wall: wall, into: &effects)
        return noted(effects)
    }

    @discardableResult
    mutating func judge(
        _ presence: Presence
    ) -> (verdict: DirectoryVerdict, effects: [DirectoryEffect]) {
        judge(presence.bytes)
    }

    mutating func judge(
        _ payload: [UInt8]
    ) -> (verdict: DirectoryVerdict, effects: [DirectoryEffect]) {
        var effects: [DirectoryEffect] = []
        let verdict = directory.judge(payload, at: now, wall: wall, into: &effects)
        return (verdict, noted(effects))
    }

    private mutating func noted(_ effects: [DirectoryEffect]) -> [DirectoryEffect] {
        for case .wake(let instant) in effects { deadline = instant }
        return effects.filter { if case .wake = $0 { false } else { true } }
    }

    mutating func timeOut() -> [DirectoryEffect] { after(.timeout) }
}

extension [DirectoryEffect] {
    var broadcasts: [[UInt8]] {
        compactMap { if case .broadcast(let payload) = $0 { payload } else { nil } }
    }

    /// The statements among what is broadcast.
    var presences: [Presence] { broadcasts.compactMap { try? Presence(bytes: $0) } }

    var changed: [NodeID] { compactMap { if case .changed(let id) = $0 { id } else { nil } } }

    var twins: [Presence.Order] {
        compactMap { if case .twin(let order) = $0 { order } else { nil } }
    }

    var messages: [DirectoryMessage] { sent.map(\.message) }

    /// Messages, and to whom.
    var sent: [(message: DirectoryMessage, peer: NodeID)] {
        compactMap { if case .send(let message, let peer) = $0 { (message, peer) } else { nil } }
    }
}

extension DirectoryMessage {
    /// How many bytes it is as a control message, with its envelope of two.
    var byteCount: Int {
        var writer = ByteWriter()
        write(to: &writer)
        return 2 + writer.bytes.count
    }
}
