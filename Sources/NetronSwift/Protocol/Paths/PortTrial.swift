// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// The ports of a gate that has many of them open to us, one after the other.
///
/// Where it is known how its ports follow each other, those behind the last one come first; then
/// all there are, each once, in an order that nobody can foretell: an arithmetic progression modulo
/// their number, whose step has no divisor in common with it.
struct PortTrial: Hashable, Sendable {
    private static let portCount = UInt32(UInt16.max) - UInt32(PunchLimits.portFirst) + 1

    let id: NodeID
    private let seen: Endpoint
    private let step: UInt16?
    private let first: UInt32
    private let stride: UInt32
    private var count: UInt32 = 0
    var due: Instant

    init(
        of id: NodeID,
        _ gate: Gate,
        at now: Instant,
        using random: inout some RandomNumberGenerator
    ) {
        (self.id, seen, due) = (id, gate.seen, now)
        step = gate.step
        first = UInt32.random(in: 0..<Self.portCount, using: &random)
        // The number of ports is 2^10 * 3^2 * 7.
        var stride = UInt32.random(in: 0..<Self.portCount, using: &random) | 1
        while stride % 3 == 0 || stride % 7 == 0 { stride += 2 }
        self.stride = stride
    }

    var isOver: Bool { count >= PunchLimits.probesMax }

    /// The next endpoint to try.
    mutating func next() -> Endpoint {
        defer { count += 1 }
        let ahead = step == nil ? 0 : UInt32(PunchLimits.portsAheadFirst)
        if let step, count < ahead {
            return seen.ahead(UInt16(count + 1), by: step)
        }
        let place =
            (UInt64(first) + UInt64(count - ahead) * UInt64(stride)) % UInt64(Self.portCount)
        return Endpoint(seen.address, port: PunchLimits.portFirst + UInt16(place))
    }
}

extension Gate {
    /// How far apart its ports are, where they follow each other.
    var step: UInt16? {
        guard case .addressDependent(let step) = mapping else { return nil }
        return step
    }
}

extension Endpoint {
    /// The port that a gate gives so many mappings later; the ports begin anew behind the last one.
    func ahead(_ count: UInt16, by step: UInt16) -> Endpoint {
        let next = port &+ count &* step
        let isOver = next < port
        return Endpoint(address, port: isOver ? PunchLimits.portFirst &+ next : next)
    }
}
