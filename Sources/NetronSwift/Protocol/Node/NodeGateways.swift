// SPDX-License-Identifier: Apache-2.0

package import NetronWire

/// What a node carries for others, and what others carry for it.
package struct GatewaySettings: Hashable, Sendable {
    /// The ranges that this node carries traffic for.
    package var advertised: [Prefix]
    /// Whether what others carry is routed to them.
    package var acceptsRoutes: Bool
    /// The address of the member that gets what is no member's.
    package var router: IPAddress?
    /// The ranges of the node's own addresses, of which nobody carries a part.
    package var networks: [Prefix]

    package init(
        advertised: [Prefix] = [],
        acceptsRoutes: Bool = false,
        router: IPAddress? = nil,
        networks: [Prefix] = []
    ) {
        self.advertised = advertised
        self.acceptsRoutes = acceptsRoutes
        self.router = router
        self.networks = networks
    }
}

// Ranges beyond the network's own addresses: who carries the traffic for them. Members say so in
// the bucket `gateways` of the ledger, see GatewayStatement; which of them does is GatewayTable's.
extension NodeMachine {
    /// Says what this node carries, or no longer says what an earlier life carried.
    mutating func beginGateways(at now: Instant, into effects: inout [Effect]) {
        guard let own, let key = GatewayStatement.key(of: own.id) else { return }
        let wanted = own.gateways.advertised
        let said = ledger.ownState[key]?.value
        let value = GatewayStatement(wanted).value
        if wanted.isEmpty {
            if said != nil { say([.delete(key)], at: now, into: &effects) }
        } else if said != value {
            let refusals = say([.put(key, value)], at: now, into: &effects)
            if let refusal = refusals?.first ?? nil {
                effects.append(.tell(.notAdvertised(key, refusal)))
            }
        }
        lookForGateways(at: now, into: &effects)
    }

    /// Takes in that what counts for keys of the ledger may be different.
    mutating func reviewGateways(
        _ keys: [LedgerKey],
        at now: Instant,
        into effects: inout [Effect]
    ) {
        for key in keys where key.bucket == LedgerBucket.gateways {
            if let id = NodeID(key.text) { reviewGateway(id, at: now, into: &effects) }
        }
    }

    /// Reads anew what a member carries.
    mutating func reviewGateway(_ id: NodeID, at now: Instant, into effects: inout [Effect]) {
        guard let own, own.gateways.acceptsRoutes, id != own.id,
            let key = GatewayStatement.key(of: id)
        else { return }
        let record = (try? ledgerRecord(of: key, at: now)) ?? nil
        let prefixes = record.map { GatewayStatement(value: $0.value).prefixes } ?? []
        let changes = gateways.set(
            prefixes.filter { isAcceptable($0, with: own) },
            of: id,
            since: record?.since ?? 0
        )
        carryOut(changes, into: &effects)
    }

    /// Takes in what the directory now has of a member: what it says may have been kept here since
    /// an earlier life.
    mutating func reviewGateway(
        _ id: NodeID,
        _ record: Presence?,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        guard own?.gateways.acceptsRoutes == true,
            record?.hasLedger == true || gateways.contains(id)
        else { return }
        reviewGateway(id, at: now, into: &effects)
    }

    /// Whether a range may be another's: not what this node carries itself, nor a part of its own
    /// networks, whose addresses are members'.
    ///
    /// With a router all that is nobody's is the router's.
    private func isAcceptable(_ prefix: Prefix, with own: Introduction) -> Bool {
        let isRouters = own.gateways.router != nil && prefix.length == 0
        let network = Prefix(own.ula, length: ulaPrefixLength)
        return !isRouters && !own.gateways.advertised.contains(prefix)
            && network?.contains(prefix) != true
            && !own.gateways.networks.contains { $0.contains(prefix) }
    }

    private mutating func carryOut(_ changes: [GatewayTable.Change], into effects: inout [Effect]) {
        var touched: Set<NodeID> = []
        for change in changes {
            touched.formUnion([change.from, change.to].compactMap(\.self))
            if (change.from == nil) != (change.to == nil) {
                effects.append(.route(change.prefix, isPresent: change.to != nil))
            }
        }
        for id in touched.sorted() { setPrefixes(of: id, into: &effects) }
    }

    /// The ranges besides its own addresses that are a member's.
    func ranges(of id: NodeID) -> [Prefix] {
        guard let router = own?.gateways.router else { return carried(by: id) }
        let isRouter = addresses.holder(of: router) == id || members[id]?.ula == router
        return carried(by: id) + (isRouter ? Prefix.all : [])
    }

    /// An address that a member claims is its own, whatever another one carries.
    private func carried(by id: NodeID) -> [Prefix] {
        gateways.carried(by: id).filter { prefix in
            prefix.length < prefix.address.family.bitCount
                || addresses.holder(of: prefix.address) == nil
        }
    }

    /// Who carries what is for an address that is no member's; nil if nobody does.
    func gateway(for address: IPAddress) -> NodeID? {
        guard let own, !own.gateways.networks.contains(where: { $0.contains(address) }) else {
            return nil
        }
        if let id = gateways.gateway(for: address) { return id }
        return own.gateways.router.flatMap { router in
            addresses.holder(of: router) ?? directory.member(withNetworkAddress: router)
        }
    }

    /// Whom to ask for what no member has: the router, of whom nothing is known yet.
    func unknownRouter(for address: IPAddress) -> IPAddress? {
        guard let router = own?.gateways.router, router != address,
            own?.gateways.networks.contains(where: { $0.contains(address) }) == false
        else { return nil }
        return router
    }

    /// Asks who carries traffic, now and then, where not all is kept that members say.
    mutating func lookForGateways(at now: Instant, into effects: inout [Effect]) {
        guard let own, own.gateways.acceptsRoutes, !knowsAllKeys,
            let key = GatewayStatement.key(of: own.id)
        else { return }
        if gatewaysDue <= now {
            gatewaysDue = now + NodeLimits.gatewaysInterval
            place(.lookUp(.key(key)), at: now, into: &effects)
        }
        wake(at: gatewaysDue)
    }

    /// Takes in who was found to carry traffic; what they say comes with their states.
    ///
    /// Who is not found again and again has gone, unless the directory knows better: one answer
    /// need not have all.
    mutating func foundGateways(
        _ outcome: PlacementOutcome,
        at now: Instant,
        into effects: inout [Effect]
    ) {
        var found: [NodeID] = []
        switch outcome {
        case .found(let presences): found = presences.map(\.author)
        case .absent: break
        case .unknown: return
        }
        for id in gateways.members {
            let isHere = found.contains(id) || directory.record(of: id) != nil || members[id] != nil
            let missed = isHere ? 0 : (gatewaysMissed[id] ?? 0) + 1
            gatewaysMissed[id] = missed == 0 ? nil : missed
            guard missed >= NodeLimits.gatewayMissedMax else { continue }
            gatewaysMissed[id] = nil
            carryOut(gateways.set([], of: id, since: 0), into: &effects)
        }
        for id in found { reviewGateway(id, at: now, into: &effects) }
    }

    /// What others carry, and is routed to them.
    package var acceptedRoutes: [(prefix: Prefix, gateway: NodeID)] { gateways.routes }
}

extension Prefix {
    /// All addresses of both families.
    fileprivate static let all = ["0.0.0.0/0", "::/0"].compactMap { Prefix($0) }
}
