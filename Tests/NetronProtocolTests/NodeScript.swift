// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronSimulator
import NetronWire

/// One machine and its clock, for tests that are scripts.
struct NodeScript {
    var machine = makeMachine(me)
    var now = Instant(nanoseconds: 1_000_000_000)

    /// What the machine does about the event, but for its deadline.
    mutating func after(_ event: NodeEvent) -> [NodeEffect] {
        var effects: [NodeEffect] = []
        machine.handle(event, at: now, into: &effects)
        for case .wake(let instant) in effects { deadline = instant }
        return effects.filter { !isOfAnotherTest($0) }
    }

    /// What the overlay, the directory and the keepalives have to say is looked at elsewhere.
    private func isOfAnotherTest(_ effect: NodeEffect) -> Bool {
        switch effect {
        case .wake, .keep, .keepalive: return true
        case .send(let bytes, _):
            switch try? Message.decode(bytes) {
            case .gossip, .directory, .path(.keepalive): return true
            default: return false
            }
        default: return false
        }
    }

    /// The moment that the machine wants to be woken at.
    private(set) var deadline = Instant.never

    /// Wakes the machine as often as it wants to be within a span of time.
    mutating func pass(_ duration: Duration) -> [NodeEffect] {
        let end = now + duration
        var effects: [NodeEffect] = []
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

    mutating func start(claims: [Hello.Claim] = [], contacts: [HostPort] = []) -> [NodeEffect] {
        after(.started(introduction(of: me, claims: claims, contacts: contacts)))
    }

    mutating func up(_ number: UInt8, at endpoint: Endpoint? = nil) -> [NodeEffect] {
        let id = node(number)
        let endpoint = endpoint ?? outer(number)
        return after(.peerUp(id, endpoint, rtt: .milliseconds(1), ula: ula(id)))
    }

    /// Brings a member up that greets, and has been answered.
    mutating func join(_ number: UInt8, claims: [Hello.Claim] = []) -> [NodeEffect] {
        up(number) + hear(.hello(hello(claims)), from: number)
            + hear(.observed(outer(100)), from: number)
    }

    mutating func hear(_ message: Message, from number: UInt8) -> [NodeEffect] {
        after(.received(from: node(number), message.encoded()))
    }

    /// A member's presence, with such endpoints, comes from another one.
    mutating func learn(
        _ number: UInt8,
        at endpoints: [Endpoint],
        isReachable: Bool = false,
        from teller: UInt8
    ) {
        let statement = Presence.Draft(
            by: node(number),
            .init(incarnation: labEpoch, version: 0),
            time: labEpoch,
            lease: 3_600,
            saying: .init(name: "\(number)", endpoints: endpoints, isReachable: isReachable)
        ).signed(by: weakCryptography(of: node(number)), network: weakNetwork)
        _ = hear(.gossip(.gossip(Rumor(statement.bytes, hops: 1))), from: teller)
    }
}

/// The machine of a node, with cryptography that costs nothing.
func makeMachine(
    _ number: UInt8,
    keepingIn storage: any LedgerStorage = MemoryStore()
) -> NodeMachine {
    var seed = UInt64(number) << 8
    return NodeMachine(
        id: node(number),
        cryptography: weakCryptography(of: node(number)),
        keepingIn: storage
    ) {
        seed += 1
        return SeededRandom(seed: seed)
    }
}

/// The name of the network that nodes with such cryptography sign for.
var weakNetwork: [UInt8] {
    let name = weakCryptography(of: node(me)).derive("presence", 0)
    return Array(name.prefix(DirectoryPayload.networkByteCount))
}

/// A checksum of 64 bits in the place of every signature and digest.
func weakCryptography(of id: NodeID) -> Cryptography {
    @Sendable func mix(_ bytes: [UInt8], _ key: [UInt8], _ count: Int) -> [UInt8] {
        var sum: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in key + [0xFF] + bytes { sum = (sum ^ UInt64(byte)) &* 0x100_0000_01B3 }
        var random = SeededRandom(seed: sum)
        return (0..<count).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    }
    return Cryptography(
        sign: { mix($0, id.bytes, Cryptography.signatureByteCount) },
        verify: { signature, message, key in
            signature == mix(message, key, Cryptography.signatureByteCount)
        },
        digest: { mix($0, $1, Cryptography.digestByteCount) },
        derive: { label, epoch in mix(Array("\(label) \(epoch)".utf8), [], 32) },
        networkAddress: { ula($0) }
    )
}

/// The number of the node under test.
let me: UInt8 = 100

func node(_ number: UInt8) -> NodeID {
    guard let id = NodeID(bytes: [number] + [UInt8](repeating: 0, count: 31)) else {
        preconditionFailure("\(number) is a node")
    }
    return id
}

func ula(_ id: NodeID) -> IPAddress { ip("fd00:0:1::\(String(id.bytes[0], radix: 16))") }

func ula(_ number: UInt8) -> Prefix { Prefix(host: ula(node(number))) }

func ip(_ text: String) -> IPAddress {
    guard let address = IPAddress(text) else { preconditionFailure(text) }
    return address
}

func host(_ text: String) -> Prefix { Prefix(host: ip(text)) }

func endpoint(_ text: String) -> Endpoint {
    guard let endpoint = Endpoint(text) else { preconditionFailure(text) }
    return endpoint
}

func contact(_ text: String) -> HostPort {
    do { return try HostPort(parsingContact: text) } catch { preconditionFailure("\(error)") }
}

/// Where a node is on the Internet of these tests.
func outer(_ number: UInt8) -> Endpoint { endpoint("192.0.2.\(number):7000") }

func claim(_ text: String, since: UInt64 = 1000) -> Hello.Claim { .init(ip(text), since: since) }

func introduction(
    of number: UInt8,
    claims: [Hello.Claim] = [],
    contacts: [HostPort] = []
) -> Introduction {
    let id = node(number)
    return Introduction(
        id: id,
        ula: ula(id),
        name: "host",
        version: "1",
        platform: "linux",
        claims: claims,
        contacts: contacts
    )
}

func hello(_ claims: [Hello.Claim] = []) -> Hello {
    Hello(name: "host", version: "1", platform: "linux", claims: claims)
}

func send(_ message: Message, to number: UInt8) -> NodeEffect {
    .send(message.encoded(), to: node(number))
}

func dial(_ number: UInt8) -> NodeEffect { .dial(outer(number), node(number)) }

extension [NodeEffect] {
    /// What was told to the user.
    var notices: [Notice] { compactMap { if case .tell(let notice) = $0 { notice } else { nil } } }

    /// Whom to dial where.
    var dials: [NodeEffect] { filter { if case .dial = $0 { true } else { false } } }

    /// What members were told.
    func messages(to number: UInt8) -> [Message] {
        compactMap { effect in
            guard case .send(let bytes, to: node(number)) = effect else { return nil }
            return try? Message.decode(bytes)
        }
    }
}
