// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronWire
internal import Testing

@Suite("LAN discovery: asking, probing, announcing, leaving") struct LANAnnouncingTests {
    private static let own = [
        DNSRecord(LANScript.serviceType, .pointer(LANScript.instance), seconds: 4_500),
        DNSRecord(
            "_services._dns-sd._udp.local",
            .pointer(LANScript.serviceType),
            seconds: 4_500
        ),
        DNSRecord(
            LANScript.instance,
            .service(port: 7_000, host: LANScript.host),
            seconds: 120,
            flushes: true
        ),
        DNSRecord(
            LANScript.instance,
            .text([Array("v=1".utf8)]),
            seconds: 4_500,
            flushes: true
        ),
    ]

    private func address(_ text: String, seconds: UInt32 = 120) throws -> DNSRecord {
        let address = try #require(IPAddress(text))
        return DNSRecord(LANScript.host, .address(address), seconds: seconds, flushes: true)
    }

    @Test("the first question is asked at once in both versions of IP, and wants unicast")
    func asksAtOnce() throws {
        let script = LANScript()
        script.put(.interfacesChanged([try LANScript.network(2, ["192.0.2.1/24", "fe80::1/64"])]))
        #expect(script.sent.map(\.family) == [.v4, .v6])
        for sent in script.sent {
            #expect(sent.milliseconds == 0 && sent.interface == 2 && sent.asker == nil)
            #expect(sent.message == .browse(wantsUnicast: true))
        }
    }

    @Test("questions are repeated after 1, 2, 4 s and so on, and at last every hour")
    func repeats() throws {
        let script = LANScript()
        script.put(.interfacesChanged([try LANScript.network()]))
        script.run(until: 20_000_000)
        let times = script.sent.filter(\.isQuery).map(\.milliseconds)
        let gaps = zip(times.dropFirst(), times).map { $0.0 - $0.1 }
        #expect(gaps.prefix(3) == [1_000, 2_000, 4_000])
        for (number, gap) in gaps.enumerated() {
            let least = min(1_000 * Double(1 << min(number, 20)), 3_600_000)
            #expect(gap >= least && gap <= least * 1.125)
        }
        #expect(gaps.count > 13)
        let unicast = script.sent.filter(\.isQuery).map { $0.message.questions[0].wantsUnicast }
        #expect(unicast.first == true && !unicast.dropFirst().contains(true))
    }

    @Test("three probes, 250 ms apart, then two announcements, 1 s apart", arguments: 1...8)
    func probesAndAnnounces(seed: UInt64) throws {
        let script = LANScript(seed: seed)
        script.put(.interfacesChanged([try LANScript.network(2, ["192.0.2.1/24"])]))
        script.run(until: 100_000)
        let probes = script.sent.filter(\.isProbe)
        let first = try #require(probes.first).milliseconds
        #expect((0...250).contains(first))
        #expect(probes.map { ($0.milliseconds - first).rounded() } == [0, 250, 500])
        for probe in probes {
            let names = [LANScript.instance, LANScript.host]
            #expect(
                probe.message.questions
                    == names.map { DNSQuestion($0, .any, wantsUnicast: true) }
            )
            let proposed = [Self.own[2], Self.own[3], try address("192.0.2.1")].map {
                DNSRecord($0.name, $0.data, seconds: $0.seconds)
            }
            #expect(probe.message.authorities == proposed)
        }
        let responses = script.responses
        #expect(responses.map { ($0.milliseconds - first).rounded() } == [750, 1_750])
        for response in responses {
            #expect(response.asker == nil && response.message.flags == 0x8400)
            #expect(response.message.answers == Self.own + [try address("192.0.2.1")])
        }
    }

    @Test("all addresses of the interface are announced on it, at most 8, link-local ones first")
    func announcesAddresses() throws {
        let script = LANScript()
        let many = (1...9).map { "2001:db8::\($0)/64" }
        script.put(
            .interfacesChanged([
                try LANScript.network(2, many + ["fe80::1/64", "192.0.2.1/24"]),
                try LANScript.network(3, ["198.51.100.1/24"]),
            ])
        )
        script.run(until: 2_000)
        let answers = script.responses.map { sent in
            let addresses = sent.message.answers.compactMap { record -> String? in
                if case .address(let address) = record.data { address.description } else { nil }
            }
            return (sent.interface, Set(addresses))
        }
        let wanted = Set(["fe80::1", "192.0.2.1"] + (1...6).map { "2001:db8::\($0)" })
        #expect(answers.contains { $0 == 2 && $1 == wanted })
        #expect(answers.contains { $0 == 3 && $1 == ["198.51.100.1"] })
        #expect(answers.allSatisfy { $0 == 2 ? $1 == wanted : $1 == ["198.51.100.1"] })
    }

    @Test("leaving takes all back but the service type, and then nothing is said")
    func goodbye() throws {
        let script = try LANScript.settled()
        script.put(.stopped)
        let ended = [Self.own[0], Self.own[2], Self.own[3], try address("192.0.2.1")]
        #expect(script.sent.count == 1)
        #expect(
            script.sent.first?.message.answers
                == ended.map { DNSRecord($0.name, $0.data, seconds: 0, flushes: $0.flushes) }
        )
        try script.hear(.browse())
        script.put(.nameChanged(label: "other"))
        script.put(.interfacesChanged([]))
        script.run(for: 10_000_000)
        #expect(script.deeds.count == 1)
    }

    @Test("who never said his name takes nothing back")
    func goodbyeWhileProbing() throws {
        let script = LANScript()
        script.put(.interfacesChanged([try LANScript.network()]))
        script.run(until: 600)
        script.put(.stopped)
        #expect(script.responses.isEmpty)
    }

    @Test("a new name is probed for after the old one is taken back")
    func renames() throws {
        let script = try LANScript.settled()
        script.put(.nameChanged(label: "other"))
        script.run(for: 5_000)
        let answers = script.responses.map { $0.message.answers.map(\.seconds).max() ?? 0 }
        #expect(answers == [0, 4_500, 4_500])
        let names = script.sent.filter(\.isProbe).map { $0.message.questions[0].name }
        #expect(names == [DNSName](repeating: "other._netron._udp.local", count: 3))
        // The same name again is no change.
        script.forget()
        script.put(.nameChanged(label: "other"))
        #expect(script.deeds.isEmpty)
        try script.hear(.ask(LANScript.instance, .any))
        script.run(for: 2_000)
        #expect(script.sent.allSatisfy { $0.isQuery })
    }

    @Test("a new interface is asked on at once, and one that is gone is left")
    func interfaces() throws {
        let script = try LANScript.settled()
        let more = try LANScript.network(3, ["198.51.100.1/24"])
        script.put(.interfacesChanged([try LANScript.network(), more]))
        #expect(script.sent.map(\.interface) == [3])
        #expect(script.sent.first?.isQuery == true)
        script.run(for: 100)
        script.put(.interfacesChanged([more]))
        script.forget()
        script.run(for: 10_000_000)
        #expect(!script.sent.isEmpty && script.sent.allSatisfy { $0.interface == 3 })
        // The same list again is no change.
        script.forget()
        script.put(.interfacesChanged([more]))
        #expect(script.deeds.isEmpty)
    }

    @Test("a change of addresses asks and announces again, without probing")
    func addresses() throws {
        let script = try LANScript.settled()
        script.put(.interfacesChanged([try LANScript.network(2, ["192.0.2.5/24"])]))
        script.run(for: 990)
        #expect(script.sent.count == 2)
        #expect(script.sent.first?.isQuery == true)
        #expect(script.responses.first?.message.answers.last == (try address("192.0.2.5")))
    }

    @Test("a link that cannot be sent to rests for 1, 2, 4 and then 8 s")
    func rests() throws {
        let script = LANScript()
        script.put(.interfacesChanged([try LANScript.network()]))
        var times: [Double] = []
        for _ in 0..<7 {
            times.append(script.milliseconds)
            // All messages of one moment fail, one after the other.
            script.put(.sendFailed(interface: 2, family: .v4))
            script.put(.sendFailed(interface: 2, family: .v4))
            script.put(.sendFailed(interface: 2, family: .v6))
            script.forget()
            while script.deeds.isEmpty { script.run(for: 10) }
            #expect(script.sent.first?.message == .browse(wantsUnicast: true))
        }
        let gaps = zip(times.dropFirst(), times).map { (($0.0 - $0.1) / 100).rounded() / 10 }
        #expect(gaps == [1, 2, 4, 8, 8, 8])
        // What is heard shows that the link works again.
        try script.hear(.browse())
        script.put(.sendFailed(interface: 2, family: .v4))
        script.forget()
        script.run(for: 1_010)
        #expect(script.sent.first?.isQuery == true)
    }

    @Test("another's question spares a settled node its own, but not one that knows more")
    func spares() throws {
        func questions(hearing message: DNSMessage?) throws -> Int {
            let script = LANScript(seed: 3)
            script.put(.interfacesChanged([try LANScript.network()]))
            script.run(until: 10_000)
            for _ in 0..<100 {
                if let message { try script.hear(message) }
                script.run(for: 5_000)
            }
            return script.sent.filter { $0.isQuery && $0.milliseconds > 20_000 }.count
        }
        let alone = try questions(hearing: nil)
        #expect(alone >= 4)
        #expect(try questions(hearing: .browse()) == 0)
        #expect(try questions(hearing: .browse(wantsUnicast: true)) == alone)
        let stranger = DNSRecord(
            LANScript.serviceType,
            .pointer("stranger._netron._udp.local"),
            seconds: 4_500
        )
        #expect(try questions(hearing: .browse(knowing: [stranger])) == alone)
    }
}
