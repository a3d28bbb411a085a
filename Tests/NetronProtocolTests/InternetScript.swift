// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronWire
internal import Testing

/// A machine under a clock that a test turns by hand, on a DHT that answers as the test says.
///
/// The machine is woken exactly when it wants. Seconds count from the script's start.
struct InternetScript {
    /// Something that the machine did, and when.
    struct Deed: Equatable {
        let seconds: Double
        let effect: InternetEffect
    }

    /// How a test's DHT answers.
    enum DHT {
        /// Each lookup is over at once, and eight nodes take what is announced.
        case works
        /// Each lookup is over at once, and nobody takes what is announced.
        case empty
        /// So many nodes take what is announced.
        case takes(Int)
        /// Nothing comes.
        case silent
    }

    static let hour: UInt64 = 3_600_000
    /// A tenth of an hour after the beginning of an epoch.
    static let wall: UInt64 = 495_000 * hour + hour / 10

    private var machine: InternetDiscovery
    private(set) var now = Instant(nanoseconds: 5_000_000_000)
    private(set) var deeds: [Deed] = []
    private var wake = Instant.never
    var dht = DHT.works

    init(
        _ number: Int = 1,
        seed: UInt64 = 1,
        usesDHT: Bool = true,
        isBootstrapNamed: Bool = false,
        interval: Duration = InternetLimits.reachableInterval
    ) {
        let settings = InternetSettings(
            id: Self.member(number),
            port: 7_000,
            epochSeconds: 3_600,
            usesDHT: usesDHT,
            isBootstrapNamed: isBootstrapNamed,
            interval: interval
        )
        machine = InternetDiscovery(
            settings,
            cryptography: Self.cryptography,
            random: InternetRandom(seed: seed)
        )
        put(.started)
    }

    /// A machine that knows the time and has had sessions with members 50 and 51 for long.
    static func settled(isAnnouncer: Bool, isReachable: Bool? = nil, seed: UInt64 = 1) -> Self {
        var script = InternetScript(seed: seed)
        if let isReachable {
            script.put(.addresses([address(isReachable ? "198.51.100.1" : "192.168.1.1")]))
            script.put(.publicEndpoint(endpoint("198.51.100.1:7000")))
        }
        script.tell()
        script.meet(50, isKnown: true)
        script.meet(51, isKnown: true)
        script.run(for: 3_600)
        if isAnnouncer { script.put(.announcers([member(1), member(50)])) }
        script.run(for: 3_600)
        script.forget()
        return script
    }

    var seconds: Double { Double(now.nanoseconds) / 1_000_000_000 - 5 }

    /// Tells the time, which is right.
    mutating func tell(isTrusted: Bool = true, off milliseconds: Int64 = 0) {
        let wall = Int64(Self.wall) + Int64(seconds * 1_000) + milliseconds
        put(.time(wallMilliseconds: UInt64(wall), isTrusted: isTrusted))
    }

    mutating func meet(_ number: Int, isKnown: Bool) {
        put(.sessionUp(Self.member(number), Self.outer(number), isKnown: isKnown))
    }

    mutating func lose(_ number: Int) { put(.sessionDown(Self.member(number))) }

    mutating func forget() { deeds = [] }

    mutating func put(_ event: InternetEvent) {
        var effects: [InternetEffect] = []
        machine.handle(event, at: now, into: &effects)
        for effect in effects {
            if case .wake(let deadline) = effect {
                // A deadline that is over would have the shell spin.
                #expect(deadline > now)
                wake = deadline
            } else {
                deeds.append(Deed(seconds: seconds, effect: effect))
            }
        }
        for effect in effects { answer(effect) }
    }

    private mutating func answer(_ effect: InternetEffect) {
        switch (effect, dht) {
        case (_, .silent): break
        case (.lookUp(let key), _): put(.finished(key: key, announced: 0))
        case (.announce(let key), .works): put(.finished(key: key, announced: 8))
        case (.announce(let key), .empty): put(.finished(key: key, announced: 0))
        case (.announce(let key), .takes(let count)): put(.finished(key: key, announced: count))
        default: break
        }
    }

    /// Lets so many seconds pass, with every timeout on the way.
    mutating func run(for seconds: Double) {
        let end = now + .milliseconds(Int64(seconds * 1_000))
        while wake <= end {
            now = wake
            wake = .never
            put(.timeout)
        }
        now = end
    }

    // MARK: What it did

    var isAnnouncing: Bool { machine.isAnnouncing }

    var effects: [InternetEffect] { deeds.map(\.effect) }

    /// The epochs whose keys were announced, and when.
    var announced: [UInt64] { deeds.compactMap { Self.epoch(announced: $0.effect) } }

    /// The epochs whose keys were looked up, by an announcement too.
    var sought: [UInt64] { deeds.compactMap { Self.epoch(sought: $0.effect) } }

    /// When there was a round of lookups.
    var rounds: [Double] {
        var times: [Double] = []
        for deed in deeds where Self.epoch(sought: deed.effect) != nil {
            if times.last != deed.seconds { times.append(deed.seconds) }
        }
        return times
    }

    var found: [Endpoint] {
        deeds.compactMap { if case .discovered(let endpoint) = $0.effect { endpoint } else { nil } }
    }

    var joins: [NodeID] {
        deeds.compactMap { if case .priorityJoin(let id) = $0.effect { id } else { nil } }
    }

    static func epoch(announced effect: InternetEffect) -> UInt64? {
        if case .announce(let key) = effect { epoch(of: key) } else { nil }
    }

    static func epoch(sought effect: InternetEffect) -> UInt64? {
        switch effect {
        case .announce(let key), .lookUp(let key): epoch(of: key)
        default: nil
        }
    }

    /// The epoch that a key is of.
    static func epoch(of key: [UInt8]) -> UInt64? {
        let rendezvous = Rendezvous(epochSeconds: 3_600, cryptography: cryptography)
        let first = wall / hour
        return (first - 5...first + 30).first { rendezvous.key(of: $0) == key }
    }

    static func key(of epoch: UInt64) -> [UInt8] {
        Rendezvous(epochSeconds: 3_600, cryptography: cryptography).key(of: epoch)
    }

    // MARK: The world

    /// A member, of 20,000.
    static func member(_ number: Int) -> NodeID {
        let bytes = [UInt8(number >> 8), UInt8(number & 0xFF)] + [UInt8](repeating: 0, count: 30)
        guard let id = NodeID(bytes: bytes) else { preconditionFailure("\(number) is a member") }
        return id
    }

    /// Where a member is.
    static func outer(_ number: Int) -> Endpoint {
        endpoint("203.0.113.\(number & 0xFF):\(7_000 + number >> 8)")
    }

    static func endpoint(_ text: String) -> Endpoint {
        guard let endpoint = Endpoint(text) else { preconditionFailure(text) }
        return endpoint
    }

    static func address(_ text: String) -> IPAddress {
        guard let address = IPAddress(text) else { preconditionFailure(text) }
        return address
    }

    /// Cryptography that is none, but makes different bytes of different ones.
    static let cryptography = Cryptography(
        sign: { _ in [UInt8](repeating: 0, count: 64) },
        verify: { _, _, _ in true },
        digest: { InternetRandom.mix($1 + $0) },
        derive: { InternetRandom.mix(Array($0.utf8) + [0] + $1.bytes) },
        networkAddress: { _ in address("fd00::1") }
    )

    /// What ranks a member in an epoch.
    static func hash(_ number: Int, in epoch: UInt64) -> [UInt8] {
        cryptography.digest(member(number).bytes, cryptography.derive("announcers", epoch))
    }
}

/// Repeatable chance: SplitMix64, after Steele, Lea and Flood (2014).
struct InternetRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }

    /// 32 bytes that look like chance, made of others.
    static func mix(_ bytes: [UInt8]) -> [UInt8] {
        var state: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }
        var random = InternetRandom(seed: state)
        return (0..<4).flatMap { _ in random.next().bytes }
    }
}

extension UInt64 {
    /// The bytes, the most significant first.
    fileprivate var bytes: [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: self >> (56 - 8 * $0)) }
    }
}
