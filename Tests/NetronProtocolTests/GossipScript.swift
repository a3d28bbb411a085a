// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronWire

/// One gossip machine, its time, and what it wanted last.
struct GossipScript {
    private(set) var machine: GossipMachine
    private(set) var now = Instant(nanoseconds: 1_000_000_000)
    private(set) var effects: [GossipEffect] = []
    private(set) var wake = Instant.never

    /// Node 0, that knows nobody.
    init(seed: UInt64 = 1) {
        var random = GossipRandom(seed: seed)
        machine = GossipMachine(random: &random) { payload in
            var bytes: [UInt8] = []
            let word = payload.reduce(UInt64(0xCBF2)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
            bytes.append(bigEndian: word)
            return bytes
        }
        give(.started(own: GossipWorld.hint(0)))
    }

    static func rumorID(_ payload: [UInt8]) -> RumorID {
        RumorID(number: payload.reduce(0xCBF2) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 })
    }

    mutating func give(_ event: GossipEvent) {
        effects = []
        machine.handle(event, at: now, into: &effects)
        for case .wake(let at) in effects { wake = at }
    }

    mutating func hear(_ message: GossipMessage, from number: Int) {
        give(.received(message, from: GossipWorld.id(number)))
    }

    /// A member gets a session, asks, and is a neighbour.
    mutating func befriend(_ number: Int) {
        give(.sessionUp(GossipWorld.id(number), GossipWorld.endpoint(number)))
        hear(.neighbour(.high), from: number)
        hear(.answer(isAccepted: true), from: number)
    }

    /// Lets time go by, and says all that was wanted meanwhile.
    mutating func pass(_ duration: Duration) -> [GossipEffect] {
        let end = now + duration
        var all: [GossipEffect] = []
        while wake <= end {
            now = max(now, wake)
            wake = .never
            give(.timeout)
            all += effects
        }
        now = end
        return all
    }

    /// What was sent to a member by the last event.
    func sent(to number: Int) -> [GossipMessage] { Self.sent(effects, to: number) }

    static func sent(_ effects: [GossipEffect], to number: Int) -> [GossipMessage] {
        effects.compactMap {
            guard case .send(let message, let id) = $0, id == GossipWorld.id(number) else {
                return nil
            }
            return message
        }
    }
}
