// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronWire
internal import Testing

@Suite("LAN discovery: conflicts of names") struct LANConflictTests {
    private static func service(_ port: UInt16) -> DNSRecord {
        DNSRecord(
            LANScript.instance,
            .service(port: port, host: LANScript.host),
            seconds: 120,
            flushes: true
        )
    }

    private func address(_ text: String) throws -> DNSRecord {
        let address = try #require(IPAddress(text))
        return DNSRecord(LANScript.host, .address(address), seconds: 120, flushes: true)
    }

    private func needsName(_ script: LANScript) -> Bool {
        script.deeds.contains { $0.effect == .needName }
    }

    @Test("another's record under our name costs us the name, at any time")
    func conflict() throws {
        for time in [10.0, 600, 800, 10_000] {
            for record in [Self.service(7_001), try address("192.0.2.66")] {
                let script = LANScript()
                script.put(.interfacesChanged([try LANScript.network()]))
                script.run(until: time)
                script.forget()
                try script.hear(.response([record]))
                #expect(needsName(script))
                // Nothing is taken back, since it would take away the other's.
                script.forget()
                try script.hear(.ask(LANScript.instance, .any))
                script.run(for: 20_000)
                #expect(script.sent.allSatisfy { $0.isQuery })
                script.put(.nameChanged(label: "other"))
                script.run(for: 3_000)
                #expect(script.sent.filter(\.isProbe).count == 3)
                #expect(script.responses.last?.message.answers.first?.seconds == 4_500)
            }
        }
    }

    @Test("a new name is probed for a second after the conflict, and 5 s after 15 conflicts")
    func delay() throws {
        let script = LANScript()
        script.put(.interfacesChanged([try LANScript.network()]))
        for number in 1...15 {
            try script.hear(.response([Self.service(7_001)]))
            #expect(needsName(script))
            script.forget()
            let time = script.milliseconds
            script.put(.nameChanged(label: "mine"))
            if number < 15 {
                script.run(for: 500)
            } else {
                script.run(for: 8_000)
                let first = try #require(script.sent.first { $0.isProbe })
                #expect((5_000...5_250).contains(first.milliseconds - time))
            }
        }
        script.run(for: 20_000)
        script.forget()
        try script.hear(.response([Self.service(7_001)]))
        let time = script.milliseconds
        script.put(.nameChanged(label: "mine"))
        script.run(for: 8_000)
        let first = try #require(script.sent.first { $0.isProbe })
        #expect((1_000...1_250).contains(first.milliseconds - time))
    }

    @Test("what is no conflict leaves us the name")
    func none() throws {
        let script = LANScript()
        script.put(
            .interfacesChanged([
                try LANScript.network(), try LANScript.network(3, ["198.51.100.1/24"]),
            ])
        )
        script.run(until: 10_000)
        script.forget()
        var goodbye = Self.service(7_001)
        goodbye.seconds = 0
        let harmless = [
            // Our own record, repeated by a reflector; our address of another interface; a
            // goodbye; a record that anybody may have; another's name.
            Self.service(7_000), try address("192.0.2.1"), try address("198.51.100.1"), goodbye,
            DNSRecord(LANScript.serviceType, .pointer(LANScript.instance), seconds: 9),
            DNSRecord("other.local", .text([]), seconds: 9),
        ]
        try script.hear(.response(harmless))
        // What comes from ourselves, or is no answer by its port or its source.
        try script.hear(.response([Self.service(7_001)]), from: "192.0.2.1")
        try script.hear(.response([Self.service(7_001)]), port: 40_000)
        try script.hear(.response([Self.service(7_001)]), from: "198.51.100.7")
        #expect(!needsName(script))
    }

    @Test("of two who probe at once the greater records win")
    func simultaneous() throws {
        let ours = try [
            Self.service(7_000),
            DNSRecord(LANScript.instance, .text([Array("v=1".utf8)]), seconds: 4_500),
            address("192.0.2.1"),
        ]
        let cases: [([DNSRecord], Bool)] = try [
            (ours, false), (ours.reversed(), false),
            ([Self.service(7_001), ours[1], ours[2]], true),
            ([Self.service(6_999), ours[1], ours[2]], false),
            ([ours[0], ours[1], address("192.0.2.2")], true),
            ([ours[0], ours[1], address("192.0.2.0")], false),
            // More of the same kind is more; AAAA comes behind A; TXT comes before SRV.
            ([ours[0], ours[1], ours[2], address("192.0.2.2")], true),
            ([address("fe80::1")], true), ([ours[1]], false), ([Self.service(9)], true),
            ([], false),
        ]
        for (records, loses) in cases {
            let script = LANScript()
            script.put(.interfacesChanged([try LANScript.network()]))
            script.run(until: 400)
            try script.hear(.probe("mine", records))
            #expect(needsName(script) == loses)
        }
    }

    @Test("a name that is ours is defended at once, four times a second at most")
    func defends() throws {
        let script = try LANScript.settled()
        for _ in 0..<20 {
            var probe = try DNSMessage.probe("mine", [Self.service(1)])
            probe.questions = probe.questions.map { DNSQuestion($0.name, $0.type) }
            try script.hear(probe)
            script.run(for: 50)
        }
        #expect(!needsName(script))
        #expect(script.responses.map(\.milliseconds) == [10_000, 10_250, 10_500, 10_750, 11_000])
        for response in script.responses {
            #expect(response.message.answers.map(\.data.type) == [.srv, .txt, .a])
        }
    }

    @Test("who probes and wants unicast is told at once that the name is taken")
    func defendsByUnicast() throws {
        let script = try LANScript.settled()
        try script.hear(.probe("mine", [Self.service(1)]))
        let sent = try #require(script.responses.first)
        #expect(sent.milliseconds == 10_000 && sent.asker?.port == 5353)
    }

    @Test("our own probe that comes back is no rival's")
    func ownProbe() throws {
        let script = try LANScript.settled()
        try script.hear(.probe("mine", [Self.service(9_999)]), from: "192.0.2.1")
        script.run(for: 1_000)
        #expect(script.deeds.isEmpty)
    }
}
