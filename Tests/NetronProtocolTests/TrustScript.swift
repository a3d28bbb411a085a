// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronSimulator
import NetronWire

/// When the certificates of these tests end.
let certificatesEnd = labEpoch + 86_400_000

func certificate(_ number: Int) -> CertificateID {
    var bytes = [UInt8](repeating: 0x22, count: 24)
    bytes.append(bigEndian: UInt64(number))
    guard let id = CertificateID(bytes: bytes) else { preconditionFailure("32 bytes are an id") }
    return id
}

/// An object that the authority of that number signed, for nodes with weak cryptography.
func revoking(
    _ numbers: some Sequence<Int>,
    serial: UInt64,
    by authority: UInt8 = 200,
    in network: [UInt8] = weakNetwork,
    until expiry: UInt64 = certificatesEnd
) -> TrustObject {
    let object = TrustObject.signed(
        node(authority),
        serial: serial,
        revoking: numbers.map { Revocation(certificate($0), expiry: expiry) },
        network: network,
        with: weakCryptography(of: node(authority))
    )
    guard let object else { preconditionFailure("too many revocations") }
    return object
}

func order(of object: TrustObject) -> TrustOrder {
    object.head.order(with: weakCryptography(of: node(me)))
}

/// One machine of trust objects and its clock, for tests that are scripts.
struct TrustScript {
    var machine: Trust
    var now = Instant(nanoseconds: 1_000_000_000)
    private(set) var deadline = Instant.never

    /// A node that knows of two authorities, 200 and 201, with neighbours of those numbers.
    init(neighbours: ClosedRange<UInt8>? = nil, authorities: [UInt8] = [200, 201]) {
        machine = Trust(
            network: weakNetwork,
            cryptography: weakCryptography(of: node(me)),
            random: SeededRandom(seed: 1)
        )
        machine.begin(authorities.map(node))
        for number in neighbours.map(Array.init) ?? [] { after(.neighbourUp(node(number))) }
    }

    @discardableResult mutating func after(_ event: TrustEvent) -> [TrustEffect] {
        var effects: [TrustEffect] = []
        machine.handle(event, at: now, into: &effects)
        return noted(effects)
    }

    @discardableResult
    mutating func hear(_ message: TrustMessage, from number: UInt8) -> [TrustEffect] {
        after(.received(message, from: node(number)))
    }

    /// A payload comes by broadcast.
    mutating func judge(
        _ payload: [UInt8],
        from number: UInt8 = 1
    ) -> (isPassedOn: Bool, effects: [TrustEffect]) {
        var effects: [TrustEffect] = []
        let isPassedOn = machine.judge(payload, from: node(number), at: now, into: &effects)
        return (isPassedOn, noted(effects))
    }

    mutating func publish(_ object: TrustObject) -> [TrustEffect] {
        var effects: [TrustEffect] = []
        machine.publish(object, at: now, into: &effects)
        return noted(effects)
    }

    /// Wakes the machine as often as it wants to be within a span of time.
    mutating func pass(_ duration: Duration) -> [TrustEffect] {
        let end = now + duration
        var effects: [TrustEffect] = []
        var count = 0
        while deadline <= end {
            precondition(count < 10_000, "the machine wakes for nothing")
            count += 1
            now = max(now, deadline)
            effects += after(.timeout)
        }
        now = end
        return effects
    }

    /// Gives what members ask the node under test for, as who has the object does.
    mutating func serve(_ object: TrustObject, _ effects: [TrustEffect]) -> [TrustEffect] {
        var rest = effects
        var seen: [TrustEffect] = []
        while !rest.isEmpty {
            let effect = rest.removeFirst()
            seen.append(effect)
            guard case .send(.chunks(.request(let request)), let peer) = effect else { continue }
            let numbers = request.numbers[...]
            let tag = object.head.digest.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
            for answer in ChunkServer.answers(
                to: request,
                chunks: numbers,
                with: (object.content, tag)
            ) {
                rest += after(.received(.chunks(answer), from: peer))
            }
        }
        return seen
    }

    private mutating func noted(_ effects: [TrustEffect]) -> [TrustEffect] {
        for case .wake(let instant) in effects { deadline = instant }
        return effects.filter { if case .wake = $0 { false } else { true } }
    }
}

extension [TrustEffect] {
    /// Who is asked for chunks.
    var asked: [NodeID] {
        compactMap { effect in
            if case .send(.chunks(.request), let peer) = effect { peer } else { nil }
        }
    }

    /// Who is told of which heads.
    var told: [NodeID: [TrustHead]] {
        var told: [NodeID: [TrustHead]] = [:]
        for case .send(.heads(let heads), let peer) in self { told[peer, default: []] += heads }
        return told
    }
}
