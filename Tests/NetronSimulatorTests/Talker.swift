// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronSimulator
internal import NetronWire

/// A node that dials its contact, and speaks to it alone.
struct Talker: SimulatedNode {
    var memory: Int { 0 }
    private var peer: NodeID?
    private var said: UInt64 = 0
    private var heard: [NodeID: UInt64] = [:]

    static func make(_ birth: Birth<Int>) -> Newborn<Self> { Newborn(Self()) }

    mutating func handle(
        _ event: NodeEvent,
        at now: Instant,
        into effects: inout [NodeEffect]
    ) {
        switch event {
        case .started(let introduction):
            effects += introduction.contacts.map { .resolve($0) }
        case .resolved(_, let endpoints): effects += endpoints.map { .dial($0, nil) }
        case .peerUp(let id, _, _, _): peer = peer ?? id
        case .received(let id, let bytes): heard[id] = UInt64(bytes.last ?? 0)
        default: break
        }
    }

    mutating func speak(at now: Instant, into effects: inout [NodeEffect]) -> UInt64? {
        said += 1
        if let peer { effects.append(.send([1, 9, UInt8(said)], to: peer)) }
        return said
    }

    func heard(of speaker: NodeID) -> UInt64? { heard[speaker] }
}
