// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// Lets the router before a host forward the node's UDP port, for as long as the node runs.
///
/// A pure machine. What costs least is tried first: PCP, which is one datagram; where a router
/// says that it does not speak it, NAT-PMP, another one; where it says nothing, NAT-PMP and UPnP at
/// once. What was granted is renewed in the way that it was had, when half of its time is over. If
/// that fails, all ways are tried again, and the mapping counts until its time is over.
package struct PortMapper {
    package typealias Event = MappingEvent
    package typealias Effect = MappingEffect

    /// A mapping that a router granted.
    private struct Grant {
        let request: MappingRequest
        let mapping: PortMapping
        let endsAt: Instant
    }

    private let isWanted: Bool
    private let nonce: [UInt8]
    private(set) var random: any RandomNumberGenerator

    private var port: UInt16 = 0
    private var gateway: Gateway?
    private var hasPublicAddress = false

    /// The mapping that counts.
    private var grant: Grant?
    /// Others of the same port, had in other ways; they end with it.
    private var others: [Grant] = []

    /// What was asked and is not answered yet.
    private var asked: [MappingRequest] = []
    private var askedUntil = Instant.never
    private var requestCount: UInt32 = 0
    /// When it is asked again; never while a round is under way, or none is wanted.
    private var roundDue = Instant.never
    private var roundBegan: Instant?
    private var conflicts = 0
    /// Rounds that led to nothing, and why the last one did; what was tried in this one.
    private var failures = 0
    private var failed: [MappingTry] = []
    private var tries: [MappingTry] = []

    private var told: Endpoint?
    private var wake = Instant.never

    /// Makes the machine of a node; `nonce` has 12 bytes that only this node knows, the same at
    /// each start, so that it has the mapping again that it had.
    package init(
        isWanted: Bool = true,
        nonce: [UInt8],
        random: any RandomNumberGenerator
    ) {
        precondition(nonce.count == PCP.nonceByteCount)
        self.isWanted = isWanted
        self.nonce = nonce
        self.random = random
    }

    private var isInRound: Bool { roundDue == .never }

    package var status: MappingStatus {
        guard isWanted else { return .off }
        if let grant {
            return .mapped(grant.request.method, grant.mapping.external, until: grant.endsAt)
        }
        if hasPublicAddress { return .publicAddress }
        guard let gateway else { return .noGateway }
        return failures == 0 ? .asking : .failed(gateway, failed)
    }

    /// Takes in what happened, and appends what is to be done to `effects`, in order.
    package mutating func handle(
        _ event: Event,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard isWanted else { return }
        switch event {
        case .host(let addresses, let port, let gateway):
            settle(addresses, port, gateway, at: now, into: &effects)
        case .answered(let request, let answer):
            guard let index = asked.firstIndex(of: request) else { break }
            asked.remove(at: index)
            take(answer, to: request, at: now, into: &effects)
        case .timeout: wake = .never
        case .stopping:
            endAll(into: &effects)
            asked = []
            roundDue = .never
        }
        runDue(at: now, into: &effects)
        tell(into: &effects)
    }

    // MARK: Where the host is

    private mutating func settle(
        _ addresses: [IPAddress],
        _ port: UInt16,
        _ gateway: Gateway?,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        let isPublic = addresses.contains {
            $0.family == .v4 && $0.isHost && !$0.isLinkLocal && !$0.isSiteLocal
        }
        let usable = port == 0 || isPublic ? nil : gateway
        let before = hasPublicAddress || self.port == 0 ? nil : self.gateway
        defer {
            (self.port, self.gateway) = (port, gateway)
            hasPublicAddress = isPublic
        }
        guard usable != before || port != self.port else { return }
        if gateway == self.gateway {
            endAll(into: &effects)
        } else {
            // A router that is out of reach forgets it in its own time.
            grant = nil
            others = []
        }
        asked = []
        failures = 0
        tries = []
        roundDue = .never
        guard usable != nil else { return }
        roundDue = max(now, roundBegan.map { $0 + MappingLimits.roundPause } ?? now)
    }

    private mutating func endAll(into effects: inout [Effect]) {
        for grant in [grant].compactMap(\.self) + others {
            effects.append(.ask(request(like: grant, lifetime: 0)))
        }
        grant = nil
        others = []
    }

    // MARK: What a router says

    private mutating func take(
        _ answer: MappingAnswer,
        to request: MappingRequest,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        switch answer {
        case .success(let mapping):
            let external = mapping.external
            guard external.address.isHost, external.port != 0 else {
                return follow(request, .offline, at: now, into: &effects)
            }
            take(mapping, for: request, at: now)
        case .failure(.conflict) where isInRound && conflicts < MappingLimits.conflictsMax:
            conflicts += 1
            let port = UInt16.random(in: MappingLimits.externalPorts, using: &random)
            ask(request.method, externalPort: port, at: now, into: &effects)
        case .failure(let failure): follow(request, failure, at: now, into: &effects)
        }
    }

    private mutating func take(
        _ mapping: PortMapping,
        for request: MappingRequest,
        at now: Instant
    ) {
        let most = MappingLimits.lifetimeMax
        let lifetime = mapping.lifetime == 0 ? MappingLimits.lifetime : min(mapping.lifetime, most)
        let span = max(.seconds(Int64(lifetime)), MappingLimits.renewalMin * 2)
        let new = Grant(request: request, mapping: mapping, endsAt: now + span)
        // Of two ways that were tried at once the first to answer counts.
        let isFirst = isInRound
        let replaced = isFirst ? grant : new
        if isFirst { grant = new }
        others.removeAll {
            $0.request.method == request.method || $0.request.method == replaced?.request.method
        }
        if let replaced, replaced.request.method != grant?.request.method {
            others.append(replaced)
        }
        guard isFirst else { return }
        failures = 0
        roundDue = now + span / 2
    }

    /// Goes on to the next way, or waits where there is none.
    private mutating func follow(
        _ request: MappingRequest,
        _ failure: MappingFailure,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        // Another way led to something meanwhile.
        guard isInRound else { return }
        // A way that gave the mapping before, and does not now: then all others, and it again.
        let isRenewal = request.externalAddress != nil
        guard !isRenewal || request.method == .pcp else {
            return ask(.pcp, at: now, into: &effects)
        }
        tries.removeAll { $0.method == request.method }
        tries.append(MappingTry(method: request.method, failure: failure))
        switch request.method {
        case .pcp:
            ask(.natPMP, at: now, into: &effects)
            if failure != .unsupported { ask(.upnp, at: now, into: &effects) }
        case .natPMP:
            let isTried = tries.contains { $0.method == .upnp }
            if !isTried, asked.isEmpty { ask(.upnp, at: now, into: &effects) }
        case .upnp: break
        }
        guard asked.isEmpty else { return }
        failures += 1
        failed = tries
        var pause = MappingLimits.retryFirst.doubled(failures - 1, atMost: MappingLimits.retryMax)
        if let grant { pause = max(MappingLimits.renewalMin, min(pause, (grant.endsAt - now) / 2)) }
        roundDue = now + pause
    }

    // MARK: What is asked

    private mutating func ask(
        _ method: MappingMethod,
        externalPort: UInt16? = nil,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard let gateway else { return }
        requestCount &+= 1
        let request = MappingRequest(
            number: requestCount,
            method: method,
            gateway: gateway,
            port: port,
            externalPort: externalPort ?? grant?.mapping.external.port ?? port,
            lifetime: MappingLimits.lifetime,
            nonce: nonce
        )
        put(request, at: now, into: &effects)
    }

    private mutating func put(
        _ request: MappingRequest,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        asked.append(request)
        askedUntil = now + MappingLimits.answerWait
        effects.append(.ask(request))
    }

    private mutating func request(like grant: Grant, lifetime: UInt32) -> MappingRequest {
        requestCount &+= 1
        return MappingRequest(
            number: requestCount,
            method: grant.request.method,
            gateway: grant.request.gateway,
            port: grant.request.port,
            externalPort: grant.mapping.external.port,
            externalAddress: grant.mapping.external.address,
            lifetime: lifetime,
            nonce: nonce,
            location: grant.mapping.location
        )
    }

    // MARK: What is due

    private mutating func runDue(at now: Instant, into effects: inout [Effect]) {
        if let grant, grant.endsAt <= now { self.grant = nil }
        others.removeAll { $0.endsAt <= now }
        if roundDue <= now {
            roundDue = .never
            roundBegan = now
            conflicts = 0
            tries = []
            if let grant {
                put(
                    request(like: grant, lifetime: MappingLimits.lifetime),
                    at: now,
                    into: &effects
                )
            } else {
                ask(.pcp, at: now, into: &effects)
            }
        }
        while !asked.isEmpty, askedUntil <= now {
            follow(asked.removeFirst(), .silent, at: now, into: &effects)
        }
    }

    private mutating func tell(into effects: inout [Effect]) {
        if grant?.mapping.external != told {
            told = grant?.mapping.external
            effects.append(.mapped(told))
        }
        let deadline = min(
            roundDue,
            asked.isEmpty ? .never : askedUntil,
            grant?.endsAt ?? .never
        )
        guard deadline != wake else { return }
        wake = deadline
        effects.append(.wake(at: deadline))
    }
}
