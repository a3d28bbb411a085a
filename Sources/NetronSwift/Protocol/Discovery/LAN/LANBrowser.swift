// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// The instances of the service that others told of, and which of them are worth a try now.
///
/// An instance lives as long as its PTR. Its SRV and addresses are not dropped when their own time
/// is over, and so not asked for again and again: they are good enough for a try, and their
/// owner says when they change.
struct LANBrowser {
    /// Somebody's service.
    struct Instance: Equatable {
        struct Service: Equatable {
            let port: UInt16
            let host: DNSName
        }

        let name: DNSName
        let interface: UInt32
        let family: IPAddress.Family
        let source: IPAddress
        var heard: Instant
        var seconds: UInt32
        var expires: Instant
        var service: Service?
        var addresses: [IPAddress] = []

        var lookups = 0
        var nextLookup = Instant.never

        var isChanged = true
        var lastTry: Instant?
        var nextTry = Instant.never
        var tryInterval = LANLimits.tryInterval
        var tried: [Endpoint] = []

        var isComplete: Bool { service != nil && !addresses.isEmpty }
    }

    /// Records, and where they come from.
    struct Heard {
        let records: [DNSRecord]
        let source: IPAddress
        let interface: UInt32
        let family: IPAddress.Family
    }

    private(set) var instances: [Instance] = []

    /// Until when each place among those tried at a time is taken.
    ///
    /// Apart from the instances, so that coming and going frees no place.
    private var places: [Instant] = []

    /// Before this nothing is looked up, however many names are heard of.
    private var lookupsFrom = Instant(nanoseconds: 0)

    /// When the browser wants to be asked again.
    var deadline: Instant {
        var deadline = instances.map { max($0.nextLookup, lookupsFrom) }.min() ?? .never
        if let nextTry = instances.map(\.nextTry).min() {
            let isFull = places.count >= LANLimits.triesMax
            let place = isFull ? places.min() ?? .never : nextTry
            deadline = min(deadline, max(nextTry, place))
        }
        return deadline
    }

    /// Takes up what others say, save of our own instance.
    mutating func learn(
        _ heard: Heard,
        except own: DNSName,
        at now: Instant,
        with random: inout some RandomNumberGenerator
    ) {
        instances.removeAll { $0.expires <= now }
        for record in heard.records where record.name == LANIdentity.serviceType {
            guard case .pointer(let name) = record.data, name != own else { continue }
            learnInstance(name, seconds: record.seconds, from: heard, at: now)
        }
        learnServices(heard)
        learnAddresses(heard)
        for index in instances.indices where instances[index].heard == now {
            scheduleLookup(index, at: now, with: &random)
        }
    }

    /// Takes up what a prober is about to announce, so that it need not be waited for.
    mutating func learnProbe(
        _ heard: Heard,
        except own: DNSName,
        at now: Instant,
        with random: inout some RandomNumberGenerator
    ) {
        for record in heard.records where record.name != own && record.seconds > 0 {
            guard case .service = record.data, !isKnown(record.name, on: heard.interface) else {
                continue
            }
            learnInstance(record.name, seconds: record.seconds, from: heard, at: now)
        }
        learn(heard, except: own, at: now, with: &random)
    }

    /// Forgets what was heard on interfaces that are gone, and looks anew at what is reached.
    mutating func keep(_ links: [LANLink]) {
        instances.removeAll { instance in
            !links.contains { $0.interface.index == instance.interface }
        }
        for index in instances.indices {
            let instance = instances[index]
            instances[index].isChanged = true
            let hasLink = links.contains {
                $0.interface.index == instance.interface && $0.family == instance.family
            }
            // Nobody could take the lookup.
            if !hasLink { instances[index].nextLookup = .never }
        }
    }

    func isKnown(_ name: DNSName, on interface: UInt32) -> Bool {
        instances.contains { $0.interface == interface && $0.name == name }
    }

    /// The instances that others need not name in answer to us (section 7.1).
    func knownAnswers(on interface: UInt32, at now: Instant) -> [DNSRecord] {
        instances.compactMap { instance in
            guard instance.interface == interface, instance.expires > now else { return nil }
            let left = UInt32((instance.expires - now) / .seconds(1))
            guard left > instance.seconds / 2 else { return nil }
            return DNSRecord(LANIdentity.serviceType, .pointer(instance.name), seconds: left)
        }
    }
}

// MARK: What is heard

extension LANBrowser {
    private mutating func learnInstance(
        _ name: DNSName,
        seconds: UInt32,
        from heard: Heard,
        at now: Instant
    ) {
        guard name.parent == LANIdentity.serviceType else { return }
        let index = instances.firstIndex { $0.interface == heard.interface && $0.name == name }
        guard seconds > 0 else {
            if let index { instances.remove(at: index) }
            return
        }
        let seconds = min(seconds, LANLimits.rememberedSecondsMax)
        let expires = now + .seconds(Int64(seconds))
        if let index {
            if now - instances[index].heard >= LANLimits.tryInterval {
                instances[index].lookups = 0
            }
            instances[index].heard = now
            instances[index].seconds = seconds
            instances[index].expires = expires
            return
        }
        makeRoom(for: heard.source)
        instances.append(
            Instance(
                name: name,
                interface: heard.interface,
                family: heard.family,
                source: heard.source,
                heard: now,
                seconds: seconds,
                expires: expires
            )
        )
    }

    /// Drops an instance if there is no place for another one of that source.
    ///
    /// One source displaces only its own; when all places are taken, the one whose source has the
    /// most gives way, and among these the one that was not heard of for longest.
    private mutating func makeRoom(for source: IPAddress) {
        let shares = Dictionary(grouping: instances, by: \.source).mapValues(\.count)
        let isOverShare = shares[source, default: 0] >= LANLimits.instancesPerSourceMax
        guard isOverShare || instances.count >= LANLimits.instancesMax else { return }
        let victim = instances.indices.filter { !isOverShare || instances[$0].source == source }
            .min { left, right in
                let left = instances[left]
                let right = instances[right]
                return (shares[right.source, default: 0], left.heard)
                    < (shares[left.source, default: 0], right.heard)
            }
        if let victim { instances.remove(at: victim) }
    }

    private mutating func learnServices(_ heard: Heard) {
        for record in heard.records where record.seconds > 0 {
            guard case .service(let port, let host) = record.data, port != 0 else { continue }
            let service = Instance.Service(port: port, host: host)
            for index in instances.indices
            where instances[index].interface == heard.interface
                && instances[index].name == record.name && instances[index].service != service
            {
                if instances[index].service?.host != host { instances[index].addresses = [] }
                instances[index].service = service
                instances[index].isChanged = true
            }
        }
    }

    private mutating func learnAddresses(_ heard: Heard) {
        var told: [DNSName: [DNSRecord]] = [:]
        for record in heard.records where record.data.address != nil {
            told[record.name, default: []].append(record)
        }
        guard !told.isEmpty else { return }
        for index in instances.indices where instances[index].interface == heard.interface {
            guard let host = instances[index].service?.host, let records = told[host] else {
                continue
            }
            instances[index].learn(records)
        }
    }
}

extension LANBrowser.Instance {
    /// Takes up address records of the instance's host.
    fileprivate mutating func learn(_ records: [DNSRecord]) {
        var updated = addresses
        for family in [IPAddress.Family.v4, .v6]
        where records.contains(where: { $0.flushes && $0.data.address?.family == family }) {
            updated.removeAll { $0.family == family }
        }
        for record in records {
            guard let address = record.data.address else { continue }
            if record.seconds == 0 {
                updated.removeAll { $0 == address }
            } else if !updated.contains(address), updated.count < LANLimits.addressesMax {
                updated.append(address)
            }
        }
        updated.sort()
        isChanged = isChanged || updated != addresses
        addresses = updated
    }
}

extension DNSData {
    fileprivate var address: IPAddress? {
        if case .address(let address) = self { address } else { nil }
    }
}

// MARK: What is missing

extension LANBrowser {
    private mutating func scheduleLookup(
        _ index: Int,
        at now: Instant,
        with random: inout some RandomNumberGenerator
    ) {
        guard !instances[index].isComplete, instances[index].lookups < LANLimits.lookupsMax else {
            instances[index].nextLookup = .never
            return
        }
        guard instances[index].nextLookup == .never else { return }
        let delay = random.duration(LANLimits.answerDelayMin, LANLimits.answerDelayMax)
        instances[index].nextLookup = now + delay
    }

    /// Takes out what is to be asked now, by link.
    mutating func takeLookups(
        on interface: UInt32,
        _ family: IPAddress.Family,
        at now: Instant
    ) -> [DNSQuestion] {
        guard lookupsFrom <= now else { return [] }
        var questions: [DNSQuestion] = []
        for index in instances.indices
        where instances[index].nextLookup <= now && instances[index].interface == interface
            && instances[index].family == family
        {
            let missing = instances[index].missing
            guard questions.count + missing.count <= LANLimits.lookupQuestionsMax else { break }
            questions += missing
            instances[index].countLookup(at: now)
        }
        return questions
    }

    /// Ends a round of lookups, before which all links took theirs.
    mutating func endLookups(at now: Instant) { lookupsFrom = now + .seconds(1) }
}

extension LANBrowser.Instance {
    /// What is to be asked about the instance.
    fileprivate var missing: [DNSQuestion] {
        guard let service else { return [DNSQuestion(name, .srv)] }
        guard addresses.isEmpty else { return [] }
        return [DNSQuestion(service.host, .a), DNSQuestion(service.host, .aaaa)]
    }

    fileprivate mutating func countLookup(at now: Instant) {
        lookups += 1
        let isLast = isComplete || lookups >= LANLimits.lookupsMax
        nextLookup = isLast ? .never : now + .seconds(1 << (lookups - 1))
    }
}

// MARK: What is tried

extension LANBrowser {
    /// Says which endpoints are to be tried now.
    ///
    /// An endpoint of an instance comes once in a try; one that becomes known later in the same
    /// try comes at once. Those that were never tried go first, then the ones tried longest ago.
    mutating func findEndpoints(
        at now: Instant,
        of endpoints: (Instance) -> [Endpoint],
        into effects: inout [LANEffect]
    ) {
        instances.removeAll { $0.expires <= now }
        places.removeAll { $0 <= now }
        for index in instances.indices where instances[index].isChanged {
            let found = instances[index].change(to: endpoints(instances[index]), at: now)
            effects += found.map { .found(endpoint: $0) }
        }
        let waiting = instances.indices.filter { instances[$0].nextTry <= now }.sorted {
            let beginning = Instant(nanoseconds: 0)
            return (instances[$0].lastTry ?? beginning, $0)
                < (instances[$1].lastTry ?? beginning, $1)
        }
        for index in waiting where places.count < LANLimits.triesMax {
            let found = instances[index].try(endpoints(instances[index]), at: now)
            guard !found.isEmpty else { continue }
            places.append(now + LANLimits.tryDuration)
            effects += found.map { .found(endpoint: $0) }
        }
    }
}

extension LANBrowser.Instance {
    /// Notices new endpoints: the first ones await their try, further ones join the present try.
    fileprivate mutating func change(to endpoints: [Endpoint], at now: Instant) -> [Endpoint] {
        isChanged = false
        guard lastTry != nil else {
            nextTry = endpoints.isEmpty ? .never : now
            return []
        }
        let room = LANLimits.endpointsPerTryMax - tried.count
        let fresh = endpoints.filter { !tried.contains($0) }.prefix(room)
        guard !fresh.isEmpty else { return [] }
        tried += fresh
        tryInterval = LANLimits.tryInterval
        nextTry = min(nextTry, now + tryInterval)
        return [Endpoint](fresh)
    }

    /// Begins a try, and sets the time of the next.
    fileprivate mutating func `try`(_ endpoints: [Endpoint], at now: Instant) -> [Endpoint] {
        guard !endpoints.isEmpty else {
            lastTry = nil
            nextTry = .never
            return []
        }
        tried = [Endpoint](endpoints.prefix(LANLimits.endpointsPerTryMax))
        lastTry = now
        nextTry = now + tryInterval
        tryInterval = min(tryInterval * 2, LANLimits.tryIntervalMax)
        return tried
    }
}
