// SPDX-License-Identifier: Apache-2.0

internal import Logging
public import NetronAPI
internal import NetronConfig
internal import NetronEngine
internal import NetronProtocol
internal import NetronWire

// How the node is doing.
extension Node {
    /// How long the present rates are measured.
    private static let ratePeriod = Duration.milliseconds(200)

    /// How the node is doing now.
    ///
    /// It takes a fifth of a second, in which the rates are measured.
    public func status() async -> StatusReport {
        let before = device?.counters()?.traffic
        let start = Clock.now()
        if before != nil { try? await Task.sleep(for: Self.ratePeriod) }
        var report = StatusReport(id: id.description, state: state)
        fillIn(&report)
        guard let device, let counters = device.counters(), let info = device.info() else {
            return report
        }
        report.interface = info.interface
        report.port = Int(info.port)
        report.mtu = info.mtu
        report.lanes = info.lanes
        report.offloads = info.offloads.names
        report.aead = AEADReport(suite: info.suite.names.first ?? "", backend: info.backend)
        report.counters = CounterReport(counters)
        for drop in counters.drops where drop.count > 0 { report.drops[drop.reason] = drop.count }
        if let before {
            report.rates = RateReport(before, counters.traffic, within: Clock.now() - start)
        }
        let peers = peers()
        report.peers = PeerSummary(peers)
        report.discovery = discoveryReport
        report.health = health(info, peers)
        return report
    }

    /// The members that the node knows, those with a session first, then by id.
    public func peers() -> [PeerReport] {
        guard let device else { return [] }
        let now = Clock.now()
        let wall = Clock.wallMilliseconds()
        let reports = device.peers().map { info in
            var report = PeerReport(info, now: now, wallMilliseconds: wall)
            report.ula = networkAddress(of: info.id).description
            report.addresses = machine.addresses(of: info.id).map(\.description)
            report.isOnline = info.isUp || machine.isOnline(info.id)
            report.advertised = advertised(by: info.id)
            report.loss = echoes[info.id]?.loss
            report.relay = info.endpoint.circuit.flatMap(machine.relay)?.description
            if let hello = machine.member(info.id)?.hello { report.fillIn(hello) }
            return report
        }
        let all = reports + otherMembers(besides: Set(reports.map(\.id)))
        return all.sorted { ($0.isUp ? 0 : 1, $0.id) < ($1.isUp ? 0 : 1, $1.id) }
    }

    /// Members that the directory knows and the packet core does not.
    private func otherMembers(besides known: Set<String>) -> [PeerReport] {
        machine.knownMembers.compactMap { record, isOnline in
            guard !known.contains(record.author.description) else { return nil }
            var report = PeerReport(id: record.author.description)
            report.name = record.name
            report.isOnline = isOnline
            report.ula = networkAddress(of: record.author).description
            report.addresses = machine.addresses(of: record.author).map(\.description)
            report.endpoint = record.endpoints.first?.description
            if record.hasLedger { report.advertised = advertised(by: record.author) }
            return report
        }
    }

    var discoveryReport: DiscoveryReport {
        let now = Clock.now()
        var report = DiscoveryReport()
        report.neighbours = machine.neighbours.count
        report.reserve = machine.reserveCount
        if settings.options.dht {
            let table = machine.tableStatus(at: now)
            report.tableNodes = table.nodes4 + table.nodes6
            report.table = report.tableNodes == 0 ? .joining : .ready
            let counters = machine.tableCounters
            report.tableBytes = counters.bytesSent + counters.bytesReceived
        }
        report.isAnnouncing = machine.isAnnouncing
        report.publicEndpoint = machine.publicEndpoint?.description
        report.isReachable = machine.isReachable(at: now)
        report.portMapping = mappingReport
        report.announced = machine.announcedEndpoints.map(\.description)
        report.clock =
            switch machine.timeSource {
            case .synchronized: .host
            case .peers, .provisional: .members
            case .ownClock, .guess, .unknown: .unsure
            }
        return report
    }

    private var state: StatusReport.State {
        switch phase {
        case .running: machine.memberCount == 0 ? .alone : .up
        case .ready, .starting, .stopped: .starting
        }
    }

    private func fillIn(_ report: inout StatusReport) {
        let options = settings.options
        report.name = Host.name
        report.network = networkName
        report.addresses = (options.addresses + machine.leasedAddresses).map(\.description)
        report.ula = ula.description
        report.advertised = options.advertised.map(\.description)
        report.routes = acceptedRoutes
        report.router = options.router?.description
        if startedAt != .never {
            report.uptimeSeconds = UInt64(max(0, (Clock.now() - startedAt).components.seconds))
        }
    }

    /// Eight digits that tell networks apart and reveal nothing.
    nonisolated var networkName: String {
        let secret = Identity.deriveSecret(
            networkSecret: networkSecret,
            label: "network name",
            epoch: 0
        )
        return secret.prefix(4).hexadecimal
    }

    private func health(_ info: DeviceInfo, _ peers: [PeerReport]) -> [HealthReport] {
        var lines: [HealthReport] = []
        for (address, conflict) in machine.allConflicts {
            switch conflict {
            case .taken(let holder): lines.append(Health.taken(address, by: holder))
            case .claimed(let claimant): lines.append(Health.claimed(address, by: claimant))
            }
        }
        if Clock.now() - startedAt > NodeLimits.leasePatience {
            lines += machine.fullRanges.map(Health.noLease)
        }
        if machine.memberCount == 0, Clock.now() - startedAt > Health.aloneAfter {
            lines.append(Health.alone)
            if discoveryReport.table == .joining { lines.append(Health.noTable) }
        }
        if lacksRelay(among: peers) { lines.append(Health.noRelay) }
        if isTwinSeen { lines.append(Health.twin) }
        lines += machine.allEvidence(at: Clock.now()).map { Health.equivocation(by: $0.author) }
        lines += gatewayHealth()
        if let ledgerFailure { lines.append(Health.unkept(ledgerFailure)) }
        if info.interface != nil, !hasOwnAddress { lines.append(Health.noOwnAddress(ula)) }
        lines += [Health.smallBuffers(info), Health.missingOffloads(info)].compactMap(\.self)
        let order: [HealthReport.Severity] = [.error, .warning, .info]
        return order.flatMap { severity in lines.filter { $0.severity == severity } }
    }

    func logStart() {
        guard let info = device?.info() else { return }
        let place = info.interface.map { " on \($0)" } ?? ""
        let lanes = info.lanes == 1 ? "1 lane" : "\(info.lanes) lanes"
        if info.listensToTCP == false {
            logger.notice("TCP port \(info.port) is another program's; TCP is only dialled")
        }
        logger.info("started\(place), UDP port \(info.port), \(lanes), network \(networkName)")
        // Once: it is a matter of the host, and status shows it all the time.
        if let line = Health.smallBuffers(info) { logger.notice("\(line.text)") }
        if let line = Health.missingOffloads(info) { logger.notice("\(line.text)") }
        for line in gatewayHealth() { logger.warning("\(line.text)") }
    }
}

extension PeerReport {
    fileprivate init(_ info: PeerInfo, now: Instant, wallMilliseconds: UInt64) {
        self.init(id: info.id.description)
        path = info.isUp ? Path(info.endpoint) : nil
        endpoint = info.endpoint.isRelayed ? nil : info.endpoint.description
        rttMilliseconds = info.rtt?.reportMilliseconds
        if info.isUp {
            let age = UInt64(max(0, (now - info.handshake) / .milliseconds(1)))
            lastHandshake = Timestamp(milliseconds: wallMilliseconds - min(age, wallMilliseconds))
            suite = info.suite.names.first
            pathMTU = info.pathMTU
        }
        lastHeardSeconds = UInt64(max(0, (now - info.heard).components.seconds))
        receivedBytes = info.traffic.receivedBytes
        receivedPackets = info.traffic.receivedPackets
        sentBytes = info.traffic.sentBytes
        sentPackets = info.traffic.sentPackets
    }

    fileprivate mutating func fillIn(_ hello: Hello) {
        name = hello.name
        version = hello.version
        os = hello.os
        arch = hello.arch
    }
}

extension PeerReport.Path {
    fileprivate init(_ endpoint: Endpoint) {
        self = endpoint.isRelayed ? .relayed : endpoint.isTCP ? .tcp : .direct
    }
}

extension CounterReport {
    fileprivate init(_ counters: DeviceCounters) {
        self.init()
        receivedBytes = counters.traffic.receivedBytes
        receivedPackets = counters.traffic.receivedPackets
        sentBytes = counters.traffic.sentBytes
        sentPackets = counters.traffic.sentPackets
        handshakesBegun = counters.handshakesBegun
        handshakesDone = counters.handshakesDone
        handshakesTaken = counters.handshakesTaken
        cookiesSent = counters.cookiesSent
        relayedPackets = counters.relayedPackets
        relayedBytes = counters.relayedBytes
    }
}

extension RateReport {
    /// What came between two counts, for a second.
    fileprivate init(_ before: Traffic, _ after: Traffic, within period: Duration) {
        self.init()
        let microseconds = UInt64(max(1, period / .microseconds(1)))
        func rate(_ count: KeyPath<Traffic, UInt64>) -> UInt64 {
            let (before, after) = (before[keyPath: count], after[keyPath: count])
            return after > before ? (after - before) &* 1_000_000 / microseconds : 0
        }
        receivedBytes = rate(\.receivedBytes)
        receivedPackets = rate(\.receivedPackets)
        sentBytes = rate(\.sentBytes)
        sentPackets = rate(\.sentPackets)
    }
}
