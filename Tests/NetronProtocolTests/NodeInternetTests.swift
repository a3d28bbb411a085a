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
}
