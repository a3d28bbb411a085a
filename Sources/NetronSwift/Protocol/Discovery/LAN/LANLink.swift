// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// What is due on one interface in one version of IP: own questions, own names, own answers.
struct LANLink {
    /// How far the node is with making its names known.
    enum Claim: Equatable {
        /// Waits for a name; ends with `nameChanged`.
        case nameless
        /// Asks whether somebody has the names; ends in announcing, or nameless by a conflict.
        case probing(sent: Int, next: Instant)
        /// Says that it has them; ends in settled, or nameless by a conflict.
        case announcing(sent: Int, next: Instant)
        /// Has said so; a change of addresses leads back to announcing.
        case settled
    }

    /// An answer that waits for others' answers, or for its record's turn.
    struct Pending: Equatable {
        var records: LANRecords
        var due: Instant
        /// Who may go on listing what he knows.
        let asker: Endpoint?
        let isDefence: Bool
    }

    var interface: LANInterface
    let family: IPAddress.Family
    private(set) var claim = Claim.nameless
    private(set) var pending: [Pending] = []
    private(set) var nextQuery: Instant
    private var queryInterval: Duration?
    /// How long the link rests after its next failure; nil while it works.
    private var retryDelay: Duration?
    private var multicasts = [Instant?](repeating: nil, count: LANRecords.count)
    private var unicastsSince: Instant
    private var unicasts = 0

    init(_ interface: LANInterface, _ family: IPAddress.Family, at now: Instant) {
        self.interface = interface
        self.family = family
        nextQuery = now
        unicastsSince = now
    }

    /// When the link wants to be asked again.
    var deadline: Instant {
        let answers = pending.map(\.due).min() ?? .never
        switch claim {
        case .probing(_, let next), .announcing(_, let next): return min(nextQuery, answers, next)
        case .nameless, .settled: return min(nextQuery, answers)
        }
    }

    /// Whether the names are ours, so that we answer for them and take them back.
    var isClaimed: Bool {
        switch claim {
        case .announcing, .settled: true
        case .nameless, .probing: false
        }
    }

    var isProbing: Bool {
        if case .probing = claim { true } else { false }
    }

    func send(_ message: DNSMessage, into effects: inout [LANEffect]) {
        effects.append(
            .send(message.encoded(), interface: interface.index, family: family, to: nil)
        )
    }
}

// MARK: Asking

extension LANLink {
    /// Asks from the beginning: at once, then ever more rarely.
    mutating func restartQueries(at now: Instant) {
        queryInterval = nil
        nextQuery = now
    }

    /// Begins anew after a rest, since nothing that was sent can have been heard.
    mutating func rest(at now: Instant, with random: inout some RandomNumberGenerator) {
        // Of several messages that failed together the first one counts.
        guard retryDelay == nil || queryInterval != nil else { return }
        let delay = retryDelay ?? LANLimits.retryDelay
        retryDelay = min(delay * 2, LANLimits.retryDelayMax)
        queryInterval = nil
        nextQuery = now + delay
        if claim != .nameless { probe(from: nextQuery, with: &random) }
    }

    /// Notes that the link works, as something was heard on it.
    mutating func works() { retryDelay = nil }

    /// Asks who is there, if it is time.
    ///
    /// The first question wants unicast answers, since everybody else knows them already.
    mutating func query(
        knowing known: [DNSRecord],
        at now: Instant,
        with random: inout some RandomNumberGenerator,
        into effects: inout [LANEffect]
    ) {
        guard nextQuery <= now else { return }
        var message = DNSMessage()
        let isFirst = queryInterval == nil
        message.questions = [DNSQuestion(LANIdentity.serviceType, .ptr, wantsUnicast: isFirst)]
        message.answers = known
        send(message, into: &effects)
        let doubled = queryInterval.map { min($0 * 2, LANLimits.queryIntervalMax) }
        let interval = doubled ?? LANLimits.queryIntervalFirst
        queryInterval = interval
        scheduleQuery(after: interval, at: now, with: &random)
    }

    /// Takes another's question for our own, whose answers we shall hear as well (section 7.3).
    mutating func spareQuery(at now: Instant, with random: inout some RandomNumberGenerator) {
        guard let queryInterval, queryInterval >= LANLimits.queryIntervalShared else { return }
        scheduleQuery(after: queryInterval, at: now, with: &random)
    }

    private mutating func scheduleQuery(
        after interval: Duration,
        at now: Instant,
        with random: inout some RandomNumberGenerator
    ) {
        nextQuery = now + interval
        // Nodes that spared their question together must not ask together.
        if interval >= LANLimits.queryIntervalShared {
            nextQuery = nextQuery + random.duration(.zero, interval / 8)
        }
    }
}

// MARK: The names

extension LANLink {
    mutating func probe(from start: Instant, with random: inout some RandomNumberGenerator) {
        let delay = random.duration(.zero, LANLimits.probeDelayMax)
        claim = .probing(sent: 0, next: start + delay)
        pending = []
    }

    /// Says again what is ours, after a change of addresses.
    mutating func announceAgain(at now: Instant) {
        if isClaimed { claim = .announcing(sent: 0, next: now) }
    }

    /// Leaves the names without a word, which belong to another.
    mutating func loseNames() {
        claim = .nameless
        pending = []
    }

    /// Takes the names back.
    func sayGoodbye(as identity: LANIdentity, into effects: inout [LANEffect]) {
        guard isClaimed else { return }
        var message = DNSMessage()
        message.flags = DNSMessage.responseFlag | DNSMessage.authoritativeFlag
        message.answers = identity.records(.ended, on: interface)
        for index in message.answers.indices { message.answers[index].seconds = 0 }
        send(message, into: &effects)
    }

    /// Probes and announces as far as it is time.
    mutating func claimNames(
        as identity: LANIdentity,
        at now: Instant,
        into effects: inout [LANEffect]
    ) {
        while true {
            switch claim {
            case .probing(LANLimits.probes, let next) where next <= now:
                claim = .announcing(sent: 0, next: now)
            case .probing(let sent, let next) where next <= now:
                sendProbe(as: identity, into: &effects)
                claim = .probing(sent: sent + 1, next: now + LANLimits.probeInterval)
            case .announcing(let sent, let next) where next <= now:
                multicast(.announced, as: identity, at: now, into: &effects)
                guard sent + 1 < LANLimits.announcements else {
                    claim = .settled
                    return
                }
                let next = now + LANLimits.announcementInterval
                claim = .announcing(sent: sent + 1, next: next)
            default: return
            }
        }
    }

    private func sendProbe(as identity: LANIdentity, into effects: inout [LANEffect]) {
        var message = DNSMessage()
        message.questions = [identity.instance, identity.host].map {
            DNSQuestion($0, .any, wantsUnicast: true)
        }
        message.authorities = identity.records(.owned, on: interface)
        for index in message.authorities.indices { message.authorities[index].flushes = false }
        send(message, into: &effects)
    }

    /// Whether a prober's records for our names beat ours, which must be given up (section 8.2).
    ///
    /// The records of each name are compared in order of type, then of bytes; kinds of records
    /// that we do not read count for nothing.
    func loses(_ identity: LANIdentity, to proposed: [DNSRecord]) -> Bool {
        let ours = identity.records(.owned, on: interface)
        return [identity.instance, identity.host].contains { name in
            let theirs = Self.inOrder(proposed.filter { $0.name == name })
            guard !theirs.isEmpty else { return false }
            let mine = Self.inOrder(ours.filter { $0.name == name })
            return mine.lexicographicallyPrecedes(theirs) { $0.lexicographicallyPrecedes($1) }
        }
    }

    private static func inOrder(_ records: [DNSRecord]) -> [[UInt8]] {
        let keys = records.map { record in
            var key: [UInt8] = []
            key.append(bigEndian: record.data.type.rawValue)
            return key + record.data.canonicalBytes
        }
        return keys.sorted { $0.lexicographicallyPrecedes($1) }
    }
}

// MARK: Answering, the state of it

extension LANLink {
    /// Whether a record was multicast here since `duration` ago.
    func hasMulticast(_ record: LANRecords, within duration: Duration, at now: Instant) -> Bool {
        guard let last = multicasts[record.index] else { return false }
        return now < last + duration
    }

    /// When a record was last multicast here.
    func lastMulticast(_ record: LANRecords) -> Instant? { multicasts[record.index] }

    /// Multicasts records of ours, with those that belong to them.
    mutating func multicast(
        _ records: LANRecords,
        as identity: LANIdentity,
        at now: Instant,
        into effects: inout [LANEffect]
    ) {
        let companions = identity.companions(of: records, on: interface).single.filter {
            !hasMulticast($0, within: LANLimits.multicastInterval, at: now)
        }
        let more = LANRecords(companions)
        var message = DNSMessage()
        message.flags = DNSMessage.responseFlag | DNSMessage.authoritativeFlag
        message.answers = identity.records(records, on: interface)
        message.additionals = identity.records(more, on: interface)
        send(message, into: &effects)
        for record in records.union(more).single { multicasts[record.index] = now }
    }

    /// Counts an answer to one asker, if a further one may leave within this second.
    mutating func takeUnicast(at now: Instant) -> Bool {
        if unicastsSince + .seconds(1) <= now {
            unicastsSince = now
            unicasts = 0
        }
        guard unicasts < LANLimits.unicastPerSecondMax else { return false }
        unicasts += 1
        return true
    }

    /// Lets an answer wait; beyond the limit it joins the last one.
    mutating func enqueue(_ answer: Pending) {
        if pending.count < LANLimits.pendingMax {
            pending.append(answer)
        } else {
            pending[pending.count - 1].records.formUnion(answer.records)
        }
    }

    /// Leaves out of the waiting answers what need not be said, to `asker` or (nil) to anybody.
    mutating func withdraw(_ records: LANRecords, askedBy asker: Endpoint?) {
        for index in pending.indices where asker == nil || pending[index].asker == asker {
            pending[index].records.subtract(records)
        }
        pending.removeAll(where: \.records.isEmpty)
    }

    /// Takes out the answers that are due.
    mutating func takeDue(at now: Instant) -> [Pending] {
        let due = pending.filter { $0.due <= now }
        pending.removeAll { $0.due <= now }
        return due
    }
}

extension LANRecords {
    /// The place of a single record in a table.
    fileprivate var index: Int { rawValue.trailingZeroBitCount }
}
