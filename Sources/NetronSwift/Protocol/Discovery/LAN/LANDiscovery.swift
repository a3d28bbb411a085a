// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// Meets other nodes on the networks that the host is on, by multicast DNS (RFC 6762) and
/// DNS-SD (RFC 6763).
///
/// A pure machine: events and the time go in, effects come out. Every node announces an instance
/// of `_netron._udp` whose name reveals nothing, asks for the others', and has each tried whatever
/// its name: only a handshake tells who is of the network.
///
/// Where it differs from RFC 6762: the first question is asked without delay (section 5.2); an
/// instance is tried as soon as it probes (section 8.1), which spares the second that probing
/// takes; a name lost is not repaired by a number but replaced (section 9).
package struct LANDiscovery<Random: RandomNumberGenerator>: ~Copyable {
    private var random: Random
    private var identity: LANIdentity
    private var interfaces: [LANInterface] = []
    private var links: [LANLink] = []
    private var browser = LANBrowser()

    /// When names were lost, of late.
    private var conflicts: [Instant] = []
    /// Before this no new name is probed for.
    private var quietUntil = Instant(nanoseconds: 0)
    private var isNameless = false
    private var isStopped = false
    private var wake = Instant.never

    /// Makes the machine of a node that can be reached at `port` on all its interfaces.
    ///
    /// The label is 1 to 63 bytes and as good as unique.
    package init(label: String, port: UInt16, random: Random) {
        precondition(port != 0, "a node without a port cannot be met")
        identity = LANIdentity(label: label, port: port)
        self.random = random
    }

    package mutating func handle(
        _ event: LANEvent,
        at now: Instant,
        into effects: inout [LANEffect]
    ) {
        guard !isStopped else { return }
        switch event {
        case .interfacesChanged(let interfaces): change(to: interfaces, at: now)
        case .received(let bytes, let source, let interface):
            receive(bytes, from: source, on: interface, at: now, into: &effects)
        case .nameChanged(let label): rename(to: label, at: now, into: &effects)
        case .sendFailed(let interface, let family):
            for index in links.indices
            where links[index].interface.index == interface && links[index].family == family {
                links[index].rest(at: now, with: &random)
            }
        case .timeout: wake = .never
        case .stopped:
            for link in links { link.sayGoodbye(as: identity, into: &effects) }
            isStopped = true
            links = []
            return
        }
        advance(at: now, into: &effects)
    }

    /// Does all that is due, and says when there will be more.
    private mutating func advance(at now: Instant, into effects: inout [LANEffect]) {
        var hasLookedUp = false
        for index in links.indices {
            if links[index].nextQuery <= now {
                let known = knownAnswers(on: links[index], at: now)
                links[index].query(knowing: known, at: now, with: &random, into: &effects)
            }
            links[index].claimNames(as: identity, at: now, into: &effects)
            links[index].flushAnswers(as: identity, at: now, into: &effects)
            let interface = links[index].interface.index
            var lookup = DNSMessage()
            lookup.questions = browser.takeLookups(on: interface, links[index].family, at: now)
            guard !lookup.questions.isEmpty else { continue }
            links[index].send(lookup, into: &effects)
            hasLookedUp = true
        }
        if hasLookedUp { browser.endLookups(at: now) }
        let reach = LANReach(interfaces: interfaces, port: identity.port)
        browser.findEndpoints(at: now, of: reach.endpoints, into: &effects)
        let deadline = min(links.map(\.deadline).min() ?? .never, browser.deadline)
        guard deadline != wake else { return }
        wake = deadline
        effects.append(.wake(at: deadline))
    }

    /// What a question need not be answered with.
    ///
    /// Our own instance is among it, lest we answer our own question, which we hear as well.
    private func knownAnswers(on link: LANLink, at now: Instant) -> [DNSRecord] {
        var known = link.isClaimed ? identity.records(.instance, on: link.interface) : []
        var room = LANLimits.knownAnswerBytesMax
        for record in browser.knownAnswers(on: link.interface.index, at: now) {
            room -= record.data.canonicalBytes.count
            guard room >= 0 else { break }
            known.append(record)
        }
        return known
    }

    // MARK: Changes of our own

    private mutating func change(to listed: [LANInterface], at now: Instant) {
        var usable: [LANInterface] = []
        for interface in listed.sorted(by: { $0.index < $1.index })
        where usable.count < LANLimits.interfacesMax && usable.last?.index != interface.index {
            usable.append(interface)
        }
        guard usable != interfaces else { return }
        interfaces = usable
        var updated: [LANLink] = []
        for interface in usable {
            for family in [IPAddress.Family.v4, .v6]
            where interface.addresses.contains(where: { $0.address.family == family }) {
                updated.append(link(on: interface, family, at: now))
            }
        }
        links = updated
        browser.keep(links)
    }

    /// The link as it is, as its interface changed, or a new one.
    private mutating func link(
        on interface: LANInterface,
        _ family: IPAddress.Family,
        at now: Instant
    ) -> LANLink {
        let known = links.first { $0.interface.index == interface.index && $0.family == family }
        guard var link = known else {
            var link = LANLink(interface, family, at: now)
            if !isNameless { link.probe(from: max(now, quietUntil), with: &random) }
            return link
        }
        guard link.interface != interface else { return link }
        link.interface = interface
        link.restartQueries(at: now)
        link.announceAgain(at: now)
        return link
    }

    private mutating func rename(
        to label: String,
        at now: Instant,
        into effects: inout [LANEffect]
    ) {
        let renamed = LANIdentity(label: label, port: identity.port)
        guard isNameless || renamed != identity else { return }
        for link in links { link.sayGoodbye(as: identity, into: &effects) }
        identity = renamed
        isNameless = false
        for index in links.indices {
            links[index].probe(from: max(now, quietUntil), with: &random)
        }
    }

    private mutating func loseName(at now: Instant, into effects: inout [LANEffect]) {
        conflicts.removeAll { $0 + LANLimits.conflictWindow <= now }
        if conflicts.count >= LANLimits.conflictsMax { conflicts.removeFirst() }
        conflicts.append(now)
        let isMany = conflicts.count >= LANLimits.conflictsMax
        quietUntil = now + (isMany ? LANLimits.conflictDelayLong : LANLimits.conflictDelay)
        isNameless = true
        for index in links.indices { links[index].loseNames() }
        effects.append(.needName)
    }

    // MARK: What others say

    private mutating func receive(
        _ bytes: [UInt8],
        from source: Endpoint,
        on index: UInt32,
        at now: Instant,
        into effects: inout [LANEffect]
    ) {
        // Nothing from beyond a router is answered or believed (section 11).
        guard
            let number = links.firstIndex(where: {
                $0.interface.index == index && $0.family == source.address.family
            }), links[number].interface.isOnLink(source.address),
            let message = try? DNSMessage(bytes), !message.hasOtherOperation
        else { return }
        links[number].works()
        if message.isResponse {
            hear(message, from: source, on: number, at: now, into: &effects)
        } else {
            answer(message, from: source, on: number, at: now, into: &effects)
        }
    }

    private mutating func hear(
        _ response: DNSMessage,
        from source: Endpoint,
        on number: Int,
        at now: Instant,
        into effects: inout [LANEffect]
    ) {
        guard source.port == LANLimits.port else { return }
        let records = response.answers + response.additionals
        if !isOwn(source.address) {
            if !isNameless, records.contains(where: { isConflict($0) }) {
                loseName(at: now, into: &effects)
            }
            let types = identity.records(.serviceType, on: links[number].interface)
            if records.contains(where: { types.contains($0) }) {
                links[number].withdraw(.serviceType, askedBy: nil)
            }
        }
        let heard = heard(records, from: source, on: number)
        browser.learn(heard, except: identity.instance, at: now, with: &random)
    }

    private mutating func answer(
        _ query: DNSMessage,
        from source: Endpoint,
        on number: Int,
        at now: Instant,
        into effects: inout [LANEffect]
    ) {
        let isOurs = isOwn(source.address)
        let isForName = query.questions.contains {
            $0.name == identity.instance || $0.name == identity.host
        }
        if !query.authorities.isEmpty, source.port == LANLimits.port {
            // Our own probes come back to us, here or on another interface of the same network.
            guard !isOurs || !isForName else { return }
            if links[number].isProbing, links[number].loses(identity, to: query.authorities) {
                loseName(at: now, into: &effects)
            }
            let heard = heard(query.authorities, from: source, on: number)
            browser.learnProbe(heard, except: identity.instance, at: now, with: &random)
        }
        if !isOurs, isSameQuestion(query, on: links[number], from: source) {
            links[number].spareQuery(at: now, with: &random)
        }
        let unicast = links[number].answer(
            query,
            from: source,
            as: identity,
            at: now,
            with: &random
        )
        if let unicast { effects.append(unicast) }
    }

    /// Whether a record gives one of our names to another.
    ///
    /// Our addresses of any interface are ours on all, since reflectors join networks.
    private func isConflict(_ record: DNSRecord) -> Bool {
        guard record.seconds > 0 else { return false }
        switch record.data {
        case .service, .text:
            return record.name == identity.instance
                && !ownRecords([.service, .text]).contains { $0.data == record.data }
        case .address(let address): return record.name == identity.host && !isOwn(address)
        case .pointer, .only: return false
        }
    }

    private func ownRecords(_ choice: LANRecords) -> [DNSRecord] {
        interfaces.first.map { identity.records(choice, on: $0) } ?? []
    }

    /// Whether another asks what we should ask, and knows nothing that we do not.
    private func isSameQuestion(
        _ query: DNSMessage,
        on link: LANLink,
        from source: Endpoint
    ) -> Bool {
        guard source.port == LANLimits.port, !query.isTruncated,
            query.questions.contains(DNSQuestion(LANIdentity.serviceType, .ptr))
        else { return false }
        return query.answers.allSatisfy { record in
            guard case .pointer(let name) = record.data else { return false }
            return name == identity.instance || browser.isKnown(name, on: link.interface.index)
        }
    }

    private func isOwn(_ address: IPAddress) -> Bool {
        interfaces.contains { $0.addresses.contains { $0.address == address } }
    }

    private func heard(
        _ records: [DNSRecord],
        from source: Endpoint,
        on number: Int
    ) -> LANBrowser.Heard {
        LANBrowser.Heard(
            records: records,
            source: source.address,
            interface: links[number].interface.index,
            family: links[number].family
        )
    }
}

/// What can be reached, and is not ourselves.
private struct LANReach {
    let interfaces: [LANInterface]
    let port: UInt16

    func endpoints(of instance: LANBrowser.Instance) -> [Endpoint] {
        guard let service = instance.service,
            let interface = interfaces.first(where: { $0.index == instance.interface })
        else { return [] }
        return instance.addresses.filter(interface.mayReach).map {
            Endpoint($0, port: service.port, scope: instance.interface)
        }.filter { !isOwn($0) }
    }

    private func isOwn(_ endpoint: Endpoint) -> Bool {
        endpoint.port == port
            && interfaces.contains { $0.addresses.contains { $0.address == endpoint.address } }
    }
}
