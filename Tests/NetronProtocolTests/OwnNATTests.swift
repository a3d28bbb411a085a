// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronWire
internal import Testing

@Suite("what the own NAT is, as others' words tell it") struct OwnNATTests {
    private let inner = IPAddress(.v4, number: 0xC0A8_0002)
    private let start = Instant(nanoseconds: 1_000_000_000)

    private func host(_ number: UInt8, port: UInt16 = 6_881) -> Endpoint {
        Endpoint(IPAddress(.v4, number: 0x2D01_0000 + UInt128(number)), port: port)
    }

    private func outer(_ port: UInt16) -> Endpoint {
        Endpoint(IPAddress(.v4, number: 0x3E01_0001), port: port)
    }

    /// A node on 192.168.0.2:7000 that hosts see at these ports, each another host, in this order.
    private func nat(_ ports: UInt16...) -> OwnNAT {
        var nat = OwnNAT()
        nat.change(to: [inner], port: 7_000)
        for (number, port) in ports.enumerated() {
            nat.hear(outer(port), by: host(UInt8(number + 1)), at: start)
        }
        return nat
    }

    @Test("who was told nothing knows nothing") func empty() {
        #expect(OwnNAT().gate(at: start) == Gate())
    }

    @Test("what two hosts see alike does not depend on them; else it does") func mapping() {
        #expect(nat(40_000, 40_000).mapping(at: start) == .endpointIndependent)
        #expect(nat(40_000, 52_000).mapping(at: start) == .addressDependent(step: nil))
        #expect(nat(40_000, 12, 40_000).mapping(at: start) == .endpointIndependent)
        #expect(nat(40_000, 12, 40_000, 900).mapping(at: start) == .addressDependent(step: nil))
    }

    @Test("one host says something only where it sees the own port") func alone() {
        #expect(nat(40_000).mapping(at: start) == .unknown)
        #expect(nat(40_000).gate(at: start).mayBeSymmetric)
        #expect(nat(7_000).mapping(at: start) == .endpointIndependent)
        var twice = nat(40_000)
        twice.hear(outer(40_000), by: host(1, port: 9), at: start)
        #expect(twice.mapping(at: start) == .unknown)
    }

    @Test("a public host sees its own address; a neighbour's word means nothing") func none() {
        var nat = OwnNAT()
        nat.change(to: [outer(1).address], port: 7_000)
        nat.hear(outer(7_000), by: host(1), at: start)
        #expect(nat.mapping(at: start) == .none && nat.filtering(at: start) == .unknown)
        #expect(nat.lastSeen(at: start) == outer(7_000))
        nat = self.nat()
        let neighbour = Endpoint(IPAddress(.v4, number: 0xC0A8_0003), port: 7_000)
        nat.hear(Endpoint(inner, port: 7_000), by: neighbour, at: start)
        #expect(nat.gate(at: start) == Gate())
        nat.hear(outer(40_000), by: host(1), at: start)
        nat.hear(outer(40_000), by: host(2), at: start)
        #expect(nat.mapping(at: start) == .endpointIndependent)
    }

    @Test("ports that follow each other have a step, however they were heard in") func steps() {
        #expect(nat(40_000, 40_001).mapping(at: start) == .addressDependent(step: 1))
        #expect(nat(40_004, 40_002, 40_008).mapping(at: start) == .addressDependent(step: 2))
        #expect(nat(40_000, 40_065).mapping(at: start) == .addressDependent(step: nil))
        // Only the last four count.
        let late = nat(9, 50_000, 40_001, 40_002, 40_003, 40_007)
        #expect(late.mapping(at: start) == .addressDependent(step: 1))
        #expect(late.lastSeen(at: start) == outer(40_007))
    }

    @Test("a stranger shows that it is open; that none comes for a minute, that it is not")
    func filtering() {
        var nat = nat(40_000, 40_000)
        #expect(nat.filtering(at: start) == .unknown)
        let later = start + .seconds(60)
        #expect(nat.filtering(at: later) == .restricted)
        nat.admit(Endpoint(IPAddress(.v4, number: 0xC0A8_0003), port: 7_000), at: later)
        #expect(nat.filtering(at: later) == .restricted)
        nat.admit(host(9), at: later)
        #expect(nat.filtering(at: later) == .open)
        #expect(nat.filtering(.v6, at: later) == .unknown)
        nat.hear(outer(40_000), by: host(1), at: later + .seconds(7_200))
        nat.hear(outer(40_000), by: host(2), at: later + .seconds(7_200))
        #expect(nat.filtering(at: later + .seconds(7_200)) == .restricted)
    }

    @Test("words age, of each host the last one counts, and there are 16 at most") func memory() {
        var nat = nat(40_000, 40_000)
        #expect(nat.mapping(at: start + .seconds(600)) == .unknown)
        for number in UInt8(1)...40 { nat.hear(outer(50_000), by: host(number), at: start) }
        #expect(nat.mapping(at: start) == .endpointIndependent)
        #expect(nat.viewCount(at: start) == NATLimits.viewsMax)
        for _ in 0..<40 { nat.hear(outer(50_001), by: host(40), at: start) }
        #expect(nat.mapping(at: start) == .endpointIndependent)
        #expect(nat.viewCount(at: start) == NATLimits.viewsMax)
    }

    @Test("what cannot be is not heard") func impossible() {
        var nat = nat()
        nat.hear(outer(0), by: host(1), at: start)
        nat.hear(Endpoint(inner, port: 7_000), by: host(1), at: start)
        nat.hear(.nowhere, by: host(1), at: start)
        nat.hear(outer(7_000), by: Endpoint(IPAddress(.v6, number: 1 << 125), port: 1), at: start)
        #expect(nat.viewCount(at: start) == 0)
    }

    @Test("on another network nothing of it counts; one more address changes nothing")
    func moving() {
        var nat = nat(40_000, 40_000)
        nat.change(to: [inner, outer(1).address], port: 7_000)
        #expect(nat.viewCount(at: start) == 2)
        nat.change(to: [inner], port: 7_000)
        #expect(nat.viewCount(at: start) == 0)
    }
}
