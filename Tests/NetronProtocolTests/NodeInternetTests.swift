// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronWire
import Testing

@Suite("node: Internet") struct NodeInternetTests {
    @Test("a node without a session says that it announces, if there is a hash table to do so in")
    func lonely() {
        for usesDHT in [true, false] {
            var script = NodeScript()
            var newborn = introduction(of: me)
            newborn.discovery.usesDHT = usesDHT
            _ = script.after(.started(newborn))
            #expect(!script.machine.isAnnouncing)
            _ = script.after(.clock(wallMilliseconds: labEpoch, isTrusted: true))
            #expect(script.machine.isAnnouncing == usesDHT)
            _ = script.after(.stopping)
            #expect(!script.machine.isAnnouncing)
        }
    }

    @Test("who comes in from where a query of ours went proves nothing, until the gate is shut")
    func gate() {
        func script() -> NodeScript {
            var script = NodeScript()
            var newborn = introduction(of: me)
            newborn.discovery.usesDHT = true
            let way = contact("way.example:6881")
            newborn.discovery.bootstrap = [way]
            var asked = script.after(.started(newborn))
            asked += script.after(.clock(wallMilliseconds: labEpoch, isTrusted: true))
            asked += script.after(.resolved(way, [Endpoint(outer(50).address, port: 6881)]))
            let hosts = asked.compactMap { effect in
                if case .sendDatagram(_, let endpoint) = effect { endpoint.address } else { nil }
            }
            #expect(hosts.contains(outer(50).address))
            return script
        }
        var known = script()
        _ = known.up(50)
        #expect(known.machine.isReachable(at: known.now) == nil)
        var stranger = script()
        _ = stranger.up(51)
        #expect(stranger.machine.isReachable(at: stranger.now) == true)
        // Long after the last query it is as good a stranger as any other.
        var late = script()
        late.now = late.now + .seconds(301)
        _ = late.up(50)
        #expect(late.machine.isReachable(at: late.now) == true)
    }
}
