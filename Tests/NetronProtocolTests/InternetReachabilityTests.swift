// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronWire
internal import Testing

@Suite("Internet discovery: reachability") struct InternetReachabilityTests {
    private let outside = InternetScript.endpoint("198.51.100.1:7000")

    private func told(_ script: InternetScript) -> [InternetEffect] {
        script.effects.filter { if case .reachability = $0 { true } else { false } }
    }

    private func addresses(_ texts: String...) -> InternetEvent {
        .addresses(texts.map { InternetScript.address($0) })
    }

    @Test("nobody knows before somebody said where our datagrams come from")
    func unknown() {
        var script = InternetScript()
        script.put(addresses("198.51.100.1"))
        script.tell()
        script.run(for: 100)
        #expect(told(script) == [])
    }

    @Test("who has the public address itself can be reached, who has another cannot")
    func direct() {
        var open = InternetScript()
        open.put(addresses("192.168.1.1", "198.51.100.1"))
        open.put(.publicEndpoint(outside))
        #expect(told(open) == [.reachability(true, outside)])
        var hidden = InternetScript()
        hidden.put(addresses("192.168.1.1"))
        hidden.put(.publicEndpoint(outside))
        #expect(told(hidden) == [.reachability(false, outside)])
    }

    @Test("a stranger that came in proves for two hours that strangers can")
    func stranger() {
        var script = InternetScript()
        script.put(addresses("192.168.1.1"))
        script.put(.publicEndpoint(outside))
        script.put(.contactedByStranger(InternetScript.outer(9)))
        #expect(told(script).last == .reachability(true, outside))
        script.run(for: 7_199)
        #expect(told(script).count == 2)
        script.run(for: 1)
        #expect(told(script).last == .reachability(false, outside))
        script.put(.contactedByStranger(InternetScript.outer(9)))
        script.run(for: 7_000)
        script.put(.contactedByStranger(InternetScript.outer(9)))
        script.run(for: 7_000)
        #expect(told(script).last == .reachability(true, outside))
    }

    @Test("a stranger of our own site proves nothing, save where the user named the DHT")
    func neighbour() {
        for isClosed in [false, true] {
            var script = InternetScript(isBootstrapNamed: isClosed)
            script.put(.contactedByStranger(InternetScript.endpoint("192.168.1.9:7000")))
            #expect(told(script) == (isClosed ? [.reachability(true, nil)] : []))
        }
    }

    @Test("one peer's view of our address is not enough, that of two who agree is")
    func observed() {
        var script = InternetScript()
        script.put(.observed(outside, by: InternetScript.member(2)))
        script.put(.observed(outside, by: InternetScript.member(2)))
        script.put(.observed(InternetScript.outer(3), by: InternetScript.member(3)))
        script.put(.observed(InternetScript.endpoint("10.0.0.1:1"), by: InternetScript.member(4)))
        script.put(.observed(InternetScript.endpoint("10.0.0.1:1"), by: InternetScript.member(5)))
        #expect(told(script) == [])
        script.put(.observed(outside, by: InternetScript.member(6)))
        #expect(told(script) == [.reachability(false, outside)])
    }

    @Test("a NAT that shows each peer another port makes us tell of one, not of each")
    func symmetric() {
        var script = InternetScript()
        for number in 0..<16 {
            let endpoint = InternetScript.endpoint("198.51.100.1:\(9_000 + number)")
            script.put(.observed(endpoint, by: InternetScript.member(10 + number)))
        }
        #expect(told(script).count == 1)
    }

    @Test("what the DHT says counts more than what peers say")
    func dht() {
        var script = InternetScript()
        for number in 2...3 {
            script.put(.observed(InternetScript.outer(7), by: InternetScript.member(number)))
        }
        script.put(.publicEndpoint(outside))
        script.put(.observed(InternetScript.outer(7), by: InternetScript.member(4)))
        #expect(told(script).last == .reachability(false, outside))
    }

    @Test("what was known is forgotten with the network, and when one of our addresses goes")
    func moved() {
        for event in [InternetEvent.networkChanged, .resumed, addresses("192.168.2.1")] {
            var script = InternetScript()
            script.put(addresses("192.168.1.1"))
            script.put(.publicEndpoint(outside))
            script.put(.contactedByStranger(InternetScript.outer(9)))
            script.put(event)
            #expect(told(script).last == .reachability(nil, nil))
        }
        // One more address, such as a container's, changes nothing.
        var script = InternetScript()
        script.put(addresses("192.168.1.1"))
        script.put(.publicEndpoint(outside))
        script.put(addresses("192.168.1.1", "172.17.0.1"))
        #expect(told(script) == [.reachability(false, outside)])
    }

    @Test("a router lets strangers in if it has the address that is seen; the user's word will do")
    func forwarded() {
        let other = InternetScript.endpoint("203.0.113.7:7000")
        var script = InternetScript()
        script.put(addresses("192.168.1.1"))
        script.put(.forwarded(byUser: [], byRouter: outside))
        #expect(told(script).last == .reachability(true, nil))
        script.put(.publicEndpoint(other))
        #expect(told(script).last == .reachability(false, other))
        script.put(.publicEndpoint(outside))
        #expect(told(script).last == .reachability(true, outside))
        script.put(.forwarded(byUser: [], byRouter: nil))
        #expect(told(script).last == .reachability(false, outside))
        script.put(.forwarded(byUser: [other], byRouter: nil))
        #expect(told(script).last == .reachability(true, outside))
        // They are of use where they are, and nowhere else.
        let near = InternetScript.endpoint("10.0.0.1:7000")
        script.put(.forwarded(byUser: [near], byRouter: near))
        #expect(told(script).last == .reachability(false, outside))
    }

    @Test("another way in is announced at once, and nobody is sought there")
    func announced() {
        var script = InternetScript()
        script.tell()
        script.run(for: 100)
        script.forget()
        script.put(.forwarded(byUser: [InternetScript.outer(7)], byRouter: outside))
        #expect(!script.announced.isEmpty)
        let keys = script.effects.compactMap { effect in
            if case .announce(let key) = effect { key } else { nil }
        }
        let found = [outside, InternetScript.outer(7), InternetScript.outer(8)]
        script.put(.found(key: keys[0], found))
        let tried = script.effects.filter { if case .discovered = $0 { true } else { false } }
        #expect(tried == [.discovered(InternetScript.outer(8))])
    }

    @Test("of a thousand views of us the last 16 are kept")
    func many() {
        var script = InternetScript()
        script.put(.observed(outside, by: InternetScript.member(1)))
        for number in 2...17 {
            script.put(.observed(InternetScript.outer(number), by: InternetScript.member(number)))
        }
        script.put(.observed(outside, by: InternetScript.member(20)))
        #expect(told(script) == [])
    }
}
