// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronWire
import Testing

@Suite("node: ways in") struct NodeForwardingTests {
    private let home = ip("192.168.0.2")
    private let gateway = Gateway(ip("192.168.0.1"), host: ip("192.168.0.2"))

    private func script(
        announced: [HostPort] = [],
        dht: Bool = false
    ) -> (NodeScript, [NodeEffect]) {
        var script = NodeScript()
        var newborn = introduction(of: me)
        newborn.announced = announced
        newborn.discovery.usesDHT = dht
        newborn.discovery.port = 7_000
        var effects = script.after(.started(newborn))
        effects += script.after(.clock(wallMilliseconds: labEpoch, isTrusted: true))
        effects += script.after(.hostChanged([home], port: 7_000))
        effects += script.after(.gatewayChanged(gateway))
        return (script, effects)
    }

    private func requests(_ effects: [NodeEffect]) -> [MappingRequest] {
        effects.compactMap { if case .map(let request) = $0 { request } else { nil } }
    }

    /// A node whose router let others in there.
    private func mapped(
        _ external: String,
        announced: [HostPort] = []
    ) throws -> (NodeScript, MappingRequest) {
        var (script, effects) = script(announced: announced)
        let request = try #require(requests(effects).first)
        let mapping = PortMapping(endpoint(external), lifetime: 7_200)
        _ = script.after(.mapped(request, .success(mapping)))
        _ = script.pass(.seconds(15))
        return (script, request)
    }

    @Test("where a router lets others in is told to all, first, and makes the node reachable")
    func told() throws {
        let (script, request) = try mapped("62.3.0.1:9000")
        #expect(request.port == 7_000 && request.nonce.count == 12)
        let record = try #require(script.machine.ownRecord)
        let wanted = [endpoint("62.3.0.1:9000"), endpoint("192.168.0.2:7000")]
        #expect(record.endpoints == wanted && record.isReachable)
        #expect(script.machine.isReachable(at: script.now) == true)
    }

    @Test("a member that is relayed hears of it at once")
    func candidates() throws {
        var (script, effects) = script()
        let request = try #require(requests(effects).first)
        let circuit = try #require(CircuitID(1))
        effects = script.up(2, at: Endpoint(circuit))
        func told(_ effects: [NodeEffect]) -> [[Endpoint]] {
            effects.messages(to: 2).compactMap { message in
                guard case .path(.candidates(let candidates)) = message else { return nil }
                return candidates.endpoints
            }
        }
        #expect(told(effects) == [[endpoint("192.168.0.2:7000")]])
        let mapping = PortMapping(endpoint("62.3.0.1:9000"), lifetime: 7_200)
        effects = script.after(.mapped(request, .success(mapping)))
        #expect(told(effects) == [[endpoint("62.3.0.1:9000"), endpoint("192.168.0.2:7000")]])
    }

    @Test("behind another NAT the mapping comes last, and makes nobody reachable")
    func doubleNAT() throws {
        for external in ["10.7.0.2:9000", "100.64.3.4:9000"] {
            let (script, _) = try mapped(external)
            let record = try #require(script.machine.ownRecord)
            #expect(record.endpoints == [endpoint("192.168.0.2:7000"), endpoint(external)])
            #expect(!record.isReachable)
            #expect(script.machine.isReachable(at: script.now) == nil)
        }
    }

    @Test("a router whose address is not the one that others see is behind another one")
    func otherAddress() throws {
        var (script, _) = try mapped("62.3.0.1:9000")
        for number: UInt8 in [2, 3] {
            // Through another, as a stranger that comes in would prove that it can.
            _ = script.up(number, at: Endpoint(try #require(CircuitID(UInt32(number)))))
            _ = script.hear(.observed(endpoint("62.8.0.1:4444")), from: number)
        }
        #expect(script.machine.isReachable(at: script.now) == false)
        for number: UInt8 in [2, 3] {
            _ = script.hear(.observed(endpoint("62.3.0.1:4444")), from: number)
        }
        #expect(script.machine.isReachable(at: script.now) == true)
    }

    @Test("the ports that a NAT shows to each member leave room for the way in")
    func symmetric() throws {
        var (script, _) = try mapped("62.3.0.1:9000")
        for number: UInt8 in 2...9 {
            _ = script.up(number)
            let seen = endpoint("62.3.0.1:4\(number)")
            _ = script.hear(.observed(seen), from: number)
        }
        _ = script.pass(.seconds(5))
        let record = try #require(script.machine.ownRecord)
        #expect(record.endpoints.first == endpoint("62.3.0.1:9000"))
        #expect(record.endpoints.contains(endpoint("192.168.0.2:7000")))
        #expect(record.endpoints.count == 3)
    }

    @Test("what the user announces comes first, an address at once, a name when it is found")
    func announced() throws {
        let name = contact("home.example:7007")
        var (script, effects) = script(announced: [name, contact("62.5.0.1:80")])
        #expect(effects.contains(.resolve(name)))
        #expect(script.machine.announcedEndpoints == [endpoint("62.5.0.1:80")])
        #expect(script.machine.isReachable(at: script.now) == true)
        let found = [endpoint("62.6.0.1:7007"), endpoint("[2001:db8::6]:7007")]
        _ = script.after(.resolved(name, found))
        effects = script.pass(.seconds(299))
        #expect(!effects.contains(.resolve(name)))
        let record = try #require(script.machine.ownRecord)
        let wanted = [found[0], endpoint("62.5.0.1:80"), found[1], endpoint("192.168.0.2:7000")]
        #expect(record.endpoints == wanted && record.isReachable)
        // A host with a name may move; one that is not found just now is where it was.
        effects = script.pass(.seconds(1))
        #expect(effects.contains(.resolve(name)))
        _ = script.after(.resolved(name, []))
        #expect(script.machine.announcedEndpoints.contains(found[0]))
        #expect(script.pass(.seconds(5)).contains(.resolve(name)))
        _ = script.after(.resolved(name, [endpoint("62.6.0.2:7007")]))
        _ = script.pass(.seconds(5))
        #expect(script.machine.ownRecord?.endpoints.first == endpoint("62.6.0.2:7007"))
    }

    @Test("the end of the node ends the mapping, with the nonce that it will have again")
    func stopping() throws {
        var (script, request) = try mapped("62.3.0.1:9000")
        let ends = requests(script.after(.stopping))
        #expect(ends.count == 1 && ends[0].isEnd && ends[0].nonce == request.nonce)
        let (_, again) = try mapped("62.3.0.1:9000")
        #expect(again.nonce == request.nonce)
    }
}
