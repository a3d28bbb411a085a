// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// What stands between this node and the Internet, as far as others' words tell it.
///
/// A pure machine. All goes through one UDP port, so whoever says from where our datagrams come
/// says which port the NAT gave them there: members by `observed`, nodes of the DHT by the `ip` of
/// each reply (BEP 42). What two hosts see alike does not depend on whom we send to (RFC 4787,
/// section 4.1). Nobody is asked anything for this.
package struct OwnNAT: Sendable {
    package typealias Mapping = NATMapping
    package typealias Filtering = NATFiltering

    /// What one host saw.
    private struct View: Sendable {
        let observer: Endpoint
        let seen: Endpoint
        let time: Instant
    }

    private var addresses: [IPAddress] = []
    private var port: UInt16 = 0
    /// In the order in which they came; of each host the last one.
    private var views4: [View] = []
    private var views6: [View] = []
    private var openUntil4 = Instant(nanoseconds: 0)
    private var openUntil6 = Instant(nanoseconds: 0)
    /// Since when strangers could have come in, had the NAT let them.
    private var seenSince: Instant?

    package init() {}

    // MARK: What happens

    /// The host's own addresses, and the port that all goes through.
    ///
    /// What others saw of an address that is gone means nothing any more.
    /// It is another network then, and the answer true.
    @discardableResult
    package mutating func change(to listed: [IPAddress], port: UInt16) -> Bool {
        let isAnother = port != self.port || addresses.contains { !listed.contains($0) }
        (addresses, self.port) = (listed, port)
        if isAnother { startOver() }
        return isAnother
    }

    /// Somebody says from where our datagrams come to it.
    package mutating func hear(_ seen: Endpoint, by observer: Endpoint, at now: Instant) {
        guard seen.port != 0, seen.address.isHost, !observer.isRelayed,
            observer.address.family == seen.address.family,
            // Who is far away cannot see an address that does not lead there.
            seen.address.reach >= observer.address.reach, !seen.address.isLinkLocal
        else { return }
        if seenSince == nil { seenSince = now }
        let view = View(observer: observer, seen: seen.unscoped, time: now)
        switch seen.address.family {
        case .v4: Self.add(view, to: &views4)
        case .v6: Self.add(view, to: &views6)
        }
    }

    /// A stranger came in from an address that we never sent anything to.
    package mutating func admit(_ stranger: Endpoint, at now: Instant) {
        guard isForeign(stranger.address) else { return }
        switch stranger.address.family {
        case .v4: openUntil4 = now + NATLimits.openTime
        case .v6: openUntil6 = now + NATLimits.openTime
        }
    }

    /// Forgets what the network that the host was on made of us.
    package mutating func startOver() {
        views4 = []
        views6 = []
        openUntil4 = Instant(nanoseconds: 0)
        openUntil6 = Instant(nanoseconds: 0)
        seenSince = nil
    }

    private static func add(_ view: View, to views: inout [View]) {
        if let index = views.firstIndex(where: { $0.observer == view.observer }) {
            views.remove(at: index)
        } else if views.count >= NATLimits.viewsMax {
            views.removeFirst()
        }
        views.append(view)
    }

    // MARK: What it means

    /// How the NAT chooses the port that others see.
    package func mapping(_ family: IPAddress.Family = .v4, at now: Instant) -> Mapping {
        let views = views(family, at: now)
        guard !views.isEmpty else { return .unknown }
        if views.allSatisfy({ addresses.contains($0.seen.address) }) {
            // A neighbour in the home sees our own address through any NAT.
            return views.contains { isForeign($0.observer.address) } ? .none : .unknown
        }
        let outer = views.filter { !addresses.contains($0.seen.address) }
        let most = Self.mostSeen(outer)
        if most.count == outer.count, most.hosts == 1 {
            // A NAT that keeps a port is taken to keep it for all, until somebody says otherwise.
            return most.seen.port == port ? .endpointIndependent : .unknown
        }
        let isAgreed = most.hosts > 1 && 2 * most.count > outer.count
        return isAgreed ? .endpointIndependent : .addressDependent(step: Self.step(of: outer))
    }

    /// Whom the NAT lets in.
    package func filtering(_ family: IPAddress.Family = .v4, at now: Instant) -> Filtering {
        if now < (family == .v4 ? openUntil4 : openUntil6) { return .open }
        let mapping = mapping(family, at: now)
        guard mapping != .unknown, let seenSince, now >= seenSince + NATLimits.restrictedAfter
        else { return .unknown }
        return mapping == .none ? .unknown : .restricted
    }

    /// Where we were seen last by somebody outside.
    package func lastSeen(_ family: IPAddress.Family = .v4, at now: Instant) -> Endpoint? {
        let isBehind = mapping(family, at: now) != .none
        return views(family, at: now).last { !isBehind || !addresses.contains($0.seen.address) }?
            .seen
    }

    /// How many hosts said where they see us, of those whose word is not too old.
    package func viewCount(_ family: IPAddress.Family = .v4, at now: Instant) -> Int {
        views(family, at: now).count
    }

    /// What other members are told of it, in the family that has NATs.
    package func gate(at now: Instant) -> Gate {
        Gate(
            mapping: mapping(at: now),
            filtering: filtering(at: now),
            seen: lastSeen(at: now) ?? .nowhere
        )
    }

    private func views(_ family: IPAddress.Family, at now: Instant) -> [View] {
        (family == .v4 ? views4 : views6).filter { now < $0.time + NATLimits.viewTime }
    }

    private func isForeign(_ address: IPAddress) -> Bool {
        !addresses.contains(address) && address.reach == .world
    }

    /// What was seen most often, the first of equals; how often, and from how many addresses.
    private static func mostSeen(_ views: [View]) -> (seen: Endpoint, count: Int, hosts: Int) {
        var most = (seen: Endpoint.nowhere, count: 0, hosts: 0)
        for view in views {
            let equal = views.filter { $0.seen == view.seen }
            guard equal.count > most.count else { continue }
            most = (view.seen, equal.count, Set(equal.map(\.observer.address)).count)
        }
        return most
    }

    /// How far apart the ports of mappings are that follow each other, if they do in an order that
    /// can be foretold: the last few lie close together, in steps of one size.
    private static func step(of views: [View]) -> UInt16? {
        let last = views.suffix(NATLimits.stepViews)
        guard Set(last.map(\.seen.address)).count == 1 else { return nil }
        let ports = Set(last.map { Int($0.seen.port) }).sorted()
        let gaps = zip(ports.dropFirst(), ports).map { $0 - $1 }
        guard gaps.count > 0, gaps.allSatisfy({ $0 <= NATLimits.gapMax }) else { return nil }
        return UInt16(gaps.reduce(0, Self.divisor))
    }

    private static func divisor(_ one: Int, _ other: Int) -> Int {
        other == 0 ? one : divisor(other, one % other)
    }
}
