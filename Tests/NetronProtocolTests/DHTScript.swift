// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronSimulator
import NetronWire

/// Cryptography without any strength, for tests: a digest is two sums, and a signature is right if
/// it is that digest twice.
func cheapCryptography() -> Cryptography {
    let digest: @Sendable ([UInt8], [UInt8]) -> [UInt8] = { message, key in
        var words: (UInt64, UInt64) = (0xCBF2_9CE4_8422_2325, 0x9E37_79B9_7F4A_7C15)
        for byte in key + message {
            words.0 = (words.0 ^ UInt64(byte)) &* 0x0100_0000_01B3
            words.1 = (words.1 &+ words.0) ^ words.1 >> 29
        }
        return [words.0, words.1, words.0 ^ words.1 << 1, words.1 &* 3].flatMap { word in
            (0..<8).map { UInt8(truncatingIfNeeded: word >> (8 * UInt64($0))) }
        }
    }
    return Cryptography(
        sign: { digest($0, []) + digest($0, []) },
        verify: { signature, message, _ in signature == digest(message, []) + digest(message, []) },
        digest: digest,
        derive: { label, _ in digest([UInt8](label.utf8), []) },
        networkAddress: { id in IPAddress(.v6, number: UInt128(id.bytes[0]) | 0xFD << 120) }
    )
}

/// One machine and its clock, for tests that are scripts.
struct DHTScript {
    var machine: DHTMachine
    var now = Instant(nanoseconds: 1_000_000_000_000)
    /// The moment that the machine wants to be woken at.
    private(set) var deadline = Instant.never
    private var random = SeededRandom(seed: 99)

    init(seed: UInt64 = 1_000_003, cryptography: Cryptography = cheapCryptography()) {
        machine = DHTMachine(random: SeededRandom(seed: seed), cryptography: cryptography)
    }

    /// What the machine does about the event, but for its deadline.
    @discardableResult
    mutating func after(_ event: DHTEvent) -> [DHTEffect] {
        var effects: [DHTEffect] = []
        machine.handle(event, at: now, into: &effects)
        for case .wake(let instant) in effects { deadline = instant }
        return effects.filter { if case .wake = $0 { false } else { true } }
    }

    /// Wakes the machine as often as it wants to be within a span of time.
    @discardableResult
    mutating func pass(_ duration: Duration) -> [DHTEffect] {
        let end = now + duration
        var effects: [DHTEffect] = []
        var count = 0
        while deadline <= end {
            precondition(count < 100_000, "the machine wakes for nothing")
            count += 1
            now = max(now, deadline)
            deadline = .never
            effects += after(.timeout)
        }
        now = end
        return effects
    }

    /// A query by somebody, and what is answered to it.
    mutating func query(
        _ method: KRPCMethod,
        by id: DHTID? = nil,
        from source: Endpoint,
        isReadOnly: Bool = true
    ) -> KRPCMessage? {
        let number: UInt32 = random.next()
        let message = KRPCMessage(
            .query(KRPCQuery(id ?? .random(using: &random), method)),
            transaction: KRPCTransaction(number),
            isReadOnly: isReadOnly
        )
        let effects = after(.received(message.encoded, from: source))
        return sent(effects).first { $0.to == source && !$0.message.isQuery }?.message
    }

    /// Answers a query of the machine's.
    @discardableResult
    mutating func answer(
        _ sent: DHTSent,
        _ response: KRPCResponse,
        seen: Endpoint? = nil,
        from source: Endpoint? = nil
    ) -> [DHTEffect] {
        let reply = KRPCMessage(
            .response(response),
            transaction: sent.message.transaction,
            requester: seen
        )
        return after(.received(reply.encoded, from: source ?? sent.to))
    }
}

/// A datagram of a machine.
struct DHTSent {
    let message: KRPCMessage
    let size: Int
    let to: Endpoint

    /// What is asked, if it is a query.
    var method: KRPCMethod? {
        if case .query(let query) = message.body { query.method } else { nil }
    }
}

/// What the effects send.
func sent(_ effects: [DHTEffect]) -> [DHTSent] {
    effects.compactMap { effect in
        guard case .send(let bytes, let endpoint) = effect,
            let message = try? KRPCMessage(bytes)
        else { return nil }
        return DHTSent(message: message, size: bytes.count, to: endpoint)
    }
}

extension KRPCMessage {
    var isQuery: Bool { if case .query = body { true } else { false } }

    var response: KRPCResponse? {
        if case .response(let response) = body { response } else { nil }
    }

    var failure: KRPCFailure? {
        if case .error(let failure) = body { failure } else { nil }
    }
}

/// A public address of its own network for each number.
func publicEndpoint(_ number: Int, port: UInt16 = 6_881) -> Endpoint {
    // 11.0.0.0/8 to 60.0.0.0/8: neither private nor reserved.
    let word = UInt32(11 + number % 50) << 24 | UInt32(number % 251) << 16 | UInt32(number) << 8
    return Endpoint(IPAddress(.v4, number: UInt128(word | 1)), port: port)
}

/// An id of a number's own.
func dhtID(_ number: UInt64) -> DHTID {
    var random = SeededRandom(seed: number)
    return .random(using: &random)
}
