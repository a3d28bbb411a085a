// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronSimulator
internal import NetronWire
internal import Testing

/// A machine under a clock that a test turns by hand.
///
/// Times are milliseconds since the clock's start. The machine is woken exactly when it wants.
final class LANScript {
    /// Something that the machine did, and when.
    struct Deed: Equatable {
        let milliseconds: Double
        let effect: LANEffect
    }

    static let interface: UInt32 = 2
    static let label = "mine"
    static let instance: DNSName = "mine._netron._udp.local"
    static let host: DNSName = "mine.local"
    static let serviceType: DNSName = "_netron._udp.local"

    private var machine: LANDiscovery<SeededRandom>
    private(set) var milliseconds = 0.0
    private(set) var deeds: [Deed] = []
    private var wake = Instant.never

    init(seed: UInt64 = 1, port: UInt16 = 7_000) {
        machine = LANDiscovery(label: Self.label, port: port, random: SeededRandom(seed: seed))
    }

    /// A machine on one IPv4 network, whose announcements are over after 10 s.
    static func settled(seed: UInt64 = 1) throws -> LANScript {
        let script = LANScript(seed: seed)
        script.put(.interfacesChanged([try network()]))
        script.run(until: 10_000)
        script.forget()
        return script
    }

    static func network(
        _ index: UInt32 = interface,
        _ addresses: [String] = ["192.0.2.1/24"]
    ) throws -> LANInterface {
        LANInterface(
            index: index,
            addresses: try addresses.map { try #require(InterfaceAddress($0)) }
        )
    }

    func forget() { deeds = [] }

    func put(_ event: LANEvent) {
        let now = Instant(nanoseconds: UInt64((milliseconds * 1_000_000).rounded()))
        var effects: [LANEffect] = []
        machine.handle(event, at: now, into: &effects)
        for effect in effects {
            if case .wake(let deadline) = effect {
                // A deadline that is over would have the shell spin.
                #expect(deadline > now)
                wake = deadline
            } else {
                deeds.append(Deed(milliseconds: milliseconds, effect: effect))
            }
        }
    }

    /// Lets time pass, with every timeout on the way.
    func run(until end: Double) {
        while wake != .never, Double(wake.nanoseconds) / 1_000_000 <= end {
            milliseconds = Double(wake.nanoseconds) / 1_000_000
            wake = .never
            put(.timeout)
        }
        milliseconds = max(milliseconds, end)
    }

    func run(for duration: Double) { run(until: milliseconds + duration) }

    /// A datagram from another host.
    func hear(
        _ message: DNSMessage,
        from source: String = "192.0.2.9",
        port: UInt16 = 5353,
        on interface: UInt32 = interface
    ) throws {
        let address = try #require(IPAddress(source))
        let endpoint = Endpoint(address, port: port, scope: interface)
        put(.received(message.encoded(), from: endpoint, interface: interface))
    }

    // MARK: What it did

    /// A message that was sent, and to whom.
    struct Sent {
        let milliseconds: Double
        let message: DNSMessage
        let interface: UInt32
        let family: IPAddress.Family
        let asker: Endpoint?

        var isQuery: Bool {
            !message.isResponse && message.authorities.isEmpty
                && message.questions.map(\.name) == [LANScript.serviceType]
        }

        var isProbe: Bool { !message.authorities.isEmpty }
    }

    var sent: [Sent] {
        deeds.compactMap { deed in
            guard case .send(let bytes, let interface, let family, let asker) = deed.effect,
                let message = try? DNSMessage(bytes)
            else { return nil }
            return Sent(
                milliseconds: deed.milliseconds,
                message: message,
                interface: interface,
                family: family,
                asker: asker
            )
        }
    }

    var responses: [Sent] { sent.filter(\.message.isResponse) }

    var found: [String] {
        deeds.compactMap { deed in
            if case .found(let endpoint) = deed.effect { endpoint.description } else { nil }
        }
    }
}

extension DNSMessage {
    /// Asks for the instances of the service.
    static func browse(
        wantsUnicast: Bool = false,
        knowing known: [DNSRecord] = []
    ) -> DNSMessage {
        var message = DNSMessage()
        message.questions = [DNSQuestion(LANScript.serviceType, .ptr, wantsUnicast: wantsUnicast)]
        message.answers = known
        return message
    }

    static func ask(_ name: DNSName, _ type: DNSType, wantsUnicast: Bool = false) -> DNSMessage {
        var message = DNSMessage()
        message.questions = [DNSQuestion(name, type, wantsUnicast: wantsUnicast)]
        return message
    }

    static func response(_ answers: [DNSRecord]) -> DNSMessage {
        var message = DNSMessage()
        message.flags = 0x8400
        message.answers = answers
        return message
    }

    /// What a node of that label says of itself.
    static func announcement(
        _ label: String,
        at addresses: [String],
        port: UInt16 = 7_001,
        seconds: UInt32? = nil
    ) throws -> DNSMessage {
        let instance = try #require(LANScript.serviceType.prefixed(by: label.utf8))
        let host = try #require(("local" as DNSName).prefixed(by: label.utf8))
        var answers = [
            DNSRecord(LANScript.serviceType, .pointer(instance), seconds: seconds ?? 4_500),
            DNSRecord(
                instance,
                .service(port: port, host: host),
                seconds: seconds ?? 120,
                flushes: true
            ),
        ]
        for text in addresses {
            let address = DNSData.address(try #require(IPAddress(text)))
            answers.append(DNSRecord(host, address, seconds: seconds ?? 120, flushes: true))
        }
        return .response(answers)
    }

    /// A probe for that label's names, with the records given for them.
    static func probe(_ label: String, _ records: [DNSRecord]) throws -> DNSMessage {
        let instance = try #require(LANScript.serviceType.prefixed(by: label.utf8))
        let host = try #require(("local" as DNSName).prefixed(by: label.utf8))
        var message = DNSMessage()
        message.questions = [
            DNSQuestion(instance, .any, wantsUnicast: true),
            DNSQuestion(host, .any, wantsUnicast: true),
        ]
        message.authorities = records
        return message
    }
}
