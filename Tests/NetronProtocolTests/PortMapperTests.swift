// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronSimulator
internal import NetronWire
internal import Testing

/// A mapper under a clock that a test turns by hand.
private struct MapperScript {
    static let home = ip("192.168.0.2")
    static let gateway = Gateway(ip("192.168.0.1"), host: home)

    var machine: PortMapper
    private(set) var now = Instant(nanoseconds: 1_000_000_000)
    private var wake = Instant.never
    private var effects: [MappingEffect] = []

    init(isWanted: Bool = true) {
        machine = PortMapper(
            isWanted: isWanted,
            nonce: Array(1...12),
            random: SeededRandom(seed: 1)
        )
    }

    mutating func put(_ event: MappingEvent) {
        var more: [MappingEffect] = []
        machine.handle(event, at: now, into: &more)
        for effect in more {
            if case .wake(let instant) = effect { wake = instant } else { effects.append(effect) }
        }
    }

    mutating func settle(_ addresses: [IPAddress] = [home], _ gateway: Gateway? = gateway) {
        put(.host(addresses, port: 7_000, gateway))
    }

    mutating func run(for duration: Duration) {
        let end = now + duration
        while wake <= end {
            now = max(now, wake)
            wake = .never
            put(.timeout)
        }
        now = end
    }

    /// What was asked since the last look.
    mutating func asked() -> [MappingRequest] {
        defer { effects.removeAll { if case .ask = $0 { true } else { false } } }
        return effects.compactMap { if case .ask(let request) = $0 { request } else { nil } }
    }

    /// Where others come in, as was told since the last look.
    mutating func told() -> [Endpoint?] {
        defer { effects.removeAll { if case .mapped = $0 { true } else { false } } }
        return effects.compactMap { if case .mapped(let place) = $0 { .some(place) } else { nil } }
    }

    mutating func grant(
        _ request: MappingRequest?,
        _ external: String = "62.3.0.1:7000",
        lifetime: UInt32 = 7_200
    ) throws {
        let request = try #require(request)
        let mapping = PortMapping(endpoint(external), lifetime: lifetime, location: "http://r/")
        put(.answered(request, .success(mapping)))
    }

    mutating func refuse(_ request: MappingRequest?, _ failure: MappingFailure) throws {
        put(.answered(try #require(request), .failure(failure)))
    }

    /// Answers all that is asked in the same way until nothing is, and tells by which methods.
    mutating func refuseAll(_ failure: MappingFailure) throws -> [MappingMethod] {
        var methods: [MappingMethod] = []
        for _ in 0..<20 {
            let requests = asked()
            for request in requests { try refuse(request, failure) }
            methods += requests.map(\.method)
        }
        return methods
    }
}

@Suite("the mapping of the port") struct PortMapperTests {
    private let external = endpoint("62.3.0.1:7000")

    @Test("the router is asked by PCP first, and what it grants is told and renewed at half time")
    func renewal() throws {
        var script = MapperScript()
        script.settle()
        #expect(script.machine.status == .asking)
        let first = script.asked()
        #expect(first.map(\.method) == [.pcp] && first[0].gateway == MapperScript.gateway)
        #expect(first[0].port == 7_000 && first[0].externalPort == 7_000)
        #expect(first[0].lifetime == 7_200 && first[0].externalAddress == nil)
        try script.grant(first[0], "62.3.0.1:10000")
        #expect(script.told() == [endpoint("62.3.0.1:10000")])
        script.run(for: .seconds(3_599))
        #expect(script.asked() == [])
        script.run(for: .seconds(1))
        let second = script.asked()
        #expect(second.map(\.method) == [.pcp] && second[0].externalPort == 10_000)
        #expect(second[0].externalAddress == external.address)
        #expect(second[0].nonce == first[0].nonce && second[0].number != first[0].number)
        try script.grant(second[0], "62.3.0.1:10000")
        #expect(script.told() == [])
        // A router that gives less is asked more often, but not without a pause.
        script.run(for: .seconds(3_600))
        try script.grant(script.asked().first, "62.3.0.1:10000", lifetime: 1)
        script.run(for: .seconds(9))
        #expect(script.asked() == [])
        script.run(for: .seconds(1))
        #expect(script.asked().count == 1)
    }

    @Test("who does not speak PCP is asked by NAT-PMP, and only then by UPnP")
    func unsupported() throws {
        var script = MapperScript()
        script.settle()
        try script.refuse(script.asked().first, .unsupported)
        let second = script.asked()
        #expect(second.map(\.method) == [.natPMP])
        try script.refuse(second[0], .unsupported)
        let third = script.asked()
        #expect(third.map(\.method) == [.upnp])
        try script.grant(third[0])
        #expect(script.told() == [external])
        // It is asked where it was found.
        script.run(for: .seconds(3_600))
        #expect(script.asked().map(\.location) == ["http://r/"])
    }

    @Test("who says nothing is asked in both other ways; the first that grants counts")
    func silent() throws {
        for isFirst in [true, false] {
            var script = MapperScript()
            script.settle()
            try script.refuse(script.asked().first, .silent)
            let both = script.asked()
            #expect(both.map(\.method) == [.natPMP, .upnp])
            try script.grant(both[isFirst ? 0 : 1], "62.3.0.1:1111")
            try script.grant(both[isFirst ? 1 : 0], "62.3.0.1:2222")
            #expect(script.told() == [endpoint("62.3.0.1:1111")])
            script.run(for: .seconds(3_600))
            let renewal = script.asked()
            #expect(renewal.map(\.method) == [isFirst ? .natPMP : .upnp])
            try script.grant(renewal[0], "62.3.0.1:1111")
            // Both end with the node.
            script.put(.stopping)
            let ends = script.asked()
            #expect(ends.map(\.isEnd) == [true, true])
            #expect(Set(ends.map(\.externalPort)) == [1_111, 2_222])
        }
    }

    @Test("a way that fails after another granted leads to no further question")
    func late() throws {
        var script = MapperScript()
        script.settle()
        try script.refuse(script.asked().first, .silent)
        let both = script.asked()
        try script.grant(both[1])
        try script.refuse(both[0], .silent)
        #expect(script.asked() == [])
        guard case .mapped(.upnp, external, _) = script.machine.status else {
            return #expect(Bool(false), "\(script.machine.status)")
        }
    }

    @Test("where nothing grants all is tried again after 30 s, doubled each time, up to an hour")
    func backOff() throws {
        var script = MapperScript()
        script.settle()
        for pause in [30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600] {
            let methods = try script.refuseAll(.refused(2))
            #expect(methods == [.pcp, .natPMP, .upnp])
            script.run(for: .seconds(pause - 1))
            #expect(script.asked() == [])
            script.run(for: .seconds(1))
        }
        guard case .failed(MapperScript.gateway, let tries) = script.machine.status else {
            return #expect(Bool(false), "\(script.machine.status)")
        }
        #expect(tries.map(\.method) == [.pcp, .natPMP, .upnp])
        #expect(tries.allSatisfy { $0.failure == .refused(2) })
        #expect(script.told() == [])
    }

    @Test("a request that nobody answers counts as such; its late answer counts no more")
    func unanswered() throws {
        var script = MapperScript()
        script.settle()
        let first = script.asked()
        script.run(for: .seconds(40))
        #expect(script.asked().map(\.method) == [.natPMP, .upnp])
        try script.grant(first[0])
        #expect(script.told() == [])
        // Nor does that to another node's, or to none.
        script.run(for: .seconds(40))
        #expect(script.asked() == [])
        script.run(for: .seconds(30))
        #expect(script.asked().map(\.method) == [.pcp])
    }

    @Test("a port that is another's is left to it: some others are tried")
    func conflict() throws {
        var script = MapperScript()
        script.settle()
        try script.refuse(script.asked().first, .unsupported)
        try script.refuse(script.asked().first, .unsupported)
        var ports: Set<UInt16> = []
        for _ in 0..<4 {
            let request = script.asked().first
            ports.insert(request?.externalPort ?? 0)
            #expect(request?.method == .upnp && request?.port == 7_000)
            try script.refuse(request, .conflict)
        }
        #expect(ports.count == 4 && ports.contains(7_000) && !ports.contains(0))
        #expect(script.asked() == [])
    }

    @Test("a renewal that fails begins anew; the mapping counts until its time is over")
    func lost() throws {
        var script = MapperScript()
        script.settle()
        try script.grant(script.asked().first)
        #expect(script.told() == [external])
        script.run(for: .seconds(3_600))
        let methods = try script.refuseAll(.silent)
        #expect(methods == [.pcp, .natPMP, .upnp])
        script.run(for: .seconds(3_599))
        _ = try script.refuseAll(.silent)
        #expect(script.told() == [])
        script.run(for: .seconds(1))
        #expect(script.told() == [nil])
        _ = script.asked()
        var next: MappingRequest?
        for _ in 0..<3_700 where next == nil {
            script.run(for: .seconds(1))
            next = script.asked().last
        }
        try script.grant(next)
        #expect(script.told() == [external])
    }

    @Test("a router that came up again and grants by another way goes on with that")
    func changed() throws {
        var script = MapperScript()
        script.settle()
        for failure in [MappingFailure.unsupported, .unsupported] {
            try script.refuse(script.asked().first, failure)
        }
        try script.grant(script.asked().first)
        script.run(for: .seconds(3_600))
        try script.refuse(script.asked().first, .silent)
        let again = script.asked()
        #expect(again.map(\.method) == [.pcp])
        try script.grant(again[0], "62.3.0.1:9999")
        #expect(script.told() == [external, endpoint("62.3.0.1:9999")])
    }

    @Test(
        "nobody is asked without a router, without a port, with a public address, or if told not to"
    )
    func needless() {
        var none = MapperScript()
        none.settle([MapperScript.home], nil)
        #expect(none.asked() == [] && none.machine.status == .noGateway)
        var portless = MapperScript()
        portless.put(.host([MapperScript.home], port: 0, MapperScript.gateway))
        #expect(portless.asked() == [])
        for address in ["62.3.0.1", "198.51.100.9"] {
            var open = MapperScript()
            open.settle([MapperScript.home, ip(address)])
            #expect(open.asked() == [] && open.machine.status == .publicAddress)
        }
        // IPv6 has no NAT, and IPv4 has one all the same; a carrier's addresses are shared.
        for address in ["2001:db8::1", "100.64.0.9", "10.0.0.1", "172.31.0.1", "169.254.1.1"] {
            var hidden = MapperScript()
            hidden.settle([MapperScript.home, ip(address)])
            #expect(hidden.asked().count == 1, "\(address)")
        }
        var off = MapperScript(isWanted: false)
        off.settle()
        off.run(for: .seconds(600))
        #expect(off.asked() == [] && off.machine.status == .off)
    }

    @Test("with another router all begins anew, and the old one is left alone")
    func roaming() throws {
        var script = MapperScript()
        script.settle()
        try script.grant(script.asked().first)
        script.settle()
        #expect(script.asked() == [])
        let other = Gateway(ip("192.168.7.1"), host: ip("192.168.7.9"))
        script.run(for: .seconds(60))
        script.settle([ip("192.168.7.9")], other)
        #expect(script.asked().map(\.gateway) == [other])
        #expect(script.told() == [external, nil])
        // However often it comes and goes, it is not asked all the time.
        var count = 0
        for _ in 0..<100 {
            script.settle([], nil)
            script.settle([ip("192.168.7.9")], other)
            script.run(for: .milliseconds(100))
            count += script.asked().count
        }
        #expect(count <= 3)
    }

    @Test("a public address ends the mapping, and so does the end of the node")
    func ending() throws {
        for isStop in [true, false] {
            var script = MapperScript()
            script.settle()
            try script.grant(script.asked().first, "62.3.0.1:10000")
            script.put(
                isStop
                    ? .stopping
                    : .host(
                        [MapperScript.home, ip("62.9.0.1")],
                        port: 7_000,
                        MapperScript.gateway
                    )
            )
            let ends = script.asked()
            #expect(ends.count == 1 && ends[0].isEnd && ends[0].externalPort == 10_000)
            #expect(script.told() == [endpoint("62.3.0.1:10000"), nil])
            script.run(for: .seconds(100_000))
            #expect(script.asked() == [])
        }
    }

    @Test("a mapping without an end is renewed all the same; one to nowhere is none")
    func odd() throws {
        var script = MapperScript()
        script.settle()
        try script.grant(script.asked().first, "0.0.0.0:7000")
        #expect(script.told() == [])
        let both = script.asked()
        #expect(both.map(\.method) == [.natPMP, .upnp])
        try script.refuse(both[0], .silent)
        try script.grant(both[1], lifetime: 0)
        #expect(script.told() == [external])
        script.run(for: .seconds(3_600))
        #expect(script.asked().count == 1)
        // One that lasts for years is looked after within half a day.
        var long = MapperScript()
        long.settle()
        try long.grant(long.asked().first, lifetime: .max)
        long.run(for: .seconds(43_200))
        #expect(long.asked().count == 1)
    }
}
