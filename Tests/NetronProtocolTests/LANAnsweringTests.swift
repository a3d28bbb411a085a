// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronSimulator
internal import NetronWire
internal import Testing

@Suite("LAN discovery: answering") struct LANAnsweringTests {
    private static let mine = DNSRecord(
        LANScript.serviceType,
        .pointer(LANScript.instance),
        seconds: 4_500
    )

    @Test("a question of all is answered to all after 20 to 120 ms", arguments: 1...20)
    func multicast(seed: UInt64) throws {
        let script = try LANScript.settled(seed: seed)
        try script.hear(.browse())
        #expect(script.deeds.isEmpty)
        script.run(for: 1_000)
        let sent = try #require(script.responses.first)
        #expect((10_020...10_120).contains(sent.milliseconds))
        #expect(sent.asker == nil && sent.message.answers == [Self.mine])
        // SRV, TXT, A, and that there is no AAAA.
        let more = sent.message.additionals.map(\.data.type)
        #expect(more == [.srv, .txt, .a, .nsec])
        #expect(script.responses.count == 1)
    }

    @Test("nothing is answered before the name is ours")
    func notWhileProbing() throws {
        let script = LANScript()
        script.put(.interfacesChanged([try LANScript.network()]))
        script.run(until: 700)
        try script.hear(.browse())
        try script.hear(.browse(), port: 40_000)
        script.run(until: 749)
        #expect(script.responses.isEmpty)
    }

    @Test("a record goes to all once a second at most, whoever asks")
    func oncePerSecond() throws {
        let script = try LANScript.settled()
        for number in 0..<50 {
            try script.hear(.browse(), from: "192.0.2.\(10 + number)")
            try script.hear(.ask(LANScript.host, .a), from: "192.0.2.\(10 + number)")
            script.run(for: 100)
        }
        script.run(for: 5_000)
        var last: [DNSRecord: Double] = [:]
        for sent in script.responses {
            for record in sent.message.answers + sent.message.additionals {
                if let earlier = last[record] { #expect(sent.milliseconds - earlier >= 1_000) }
                last[record] = sent.milliseconds
            }
        }
        #expect((5...14).contains(script.responses.count))
    }

    @Test("who asks within that second is answered at its end")
    func putOff() throws {
        let script = try LANScript.settled()
        try script.hear(.browse())
        script.run(for: 200)
        let first = try #require(script.responses.first).milliseconds
        try script.hear(.browse(), from: "192.0.2.77")
        script.run(for: 5_000)
        #expect(script.responses.map(\.milliseconds) == [first, first + 1_000])
    }

    @Test("who wants unicast gets it at once")
    func unicast() throws {
        let script = try LANScript.settled()
        try script.hear(.browse(wantsUnicast: true))
        let sent = try #require(script.responses.first)
        #expect(sent.milliseconds == 10_000)
        #expect(sent.asker?.description == "192.0.2.9:5353")
        #expect(sent.message.id == 0 && sent.message.questions.isEmpty)
        #expect(sent.message.answers == [Self.mine])
        script.run(for: 5_000)
        #expect(script.responses.count == 1)
    }

    @Test("another program of our host is answered by multicast, which reaches all of them")
    func sameHost() throws {
        let script = try LANScript.settled()
        try script.hear(.browse(wantsUnicast: true), from: "192.0.2.1")
        script.run(for: 120)
        #expect(script.responses.map(\.asker) == [nil])
        try script.hear(.browse(), from: "192.0.2.1", port: 40_000)
        #expect(script.responses.last?.asker?.port == 40_000)
    }

    @Test("all hear again what was not said to all for a quarter of its time")
    func quarter() throws {
        let script = LANScript()
        script.put(.interfacesChanged([try LANScript.network()]))
        script.run(until: 10_000)
        // The last announcement; the record of 4,500 s is due to all from 1,125 s after it on.
        let last = try #require(script.responses.last).milliseconds
        for (wait, isUnicast) in [(1_124_999.0, true), (1_125_000.0, false)] {
            script.run(until: last + wait)
            script.forget()
            try script.hear(.browse(wantsUnicast: true))
            script.run(for: 0.5)
            #expect(script.responses.isEmpty != isUnicast)
        }
        script.run(for: 120)
        #expect(script.responses.map(\.asker) == [nil])
    }

    @Test("one who knows plain DNS alone is answered as he expects")
    func legacy() throws {
        let script = try LANScript.settled()
        var query = DNSMessage.browse()
        query.id = 0x1234
        query.questions.append(DNSQuestion("other.local", .a))
        try script.hear(query, port: 40_000)
        let sent = try #require(script.sent.first)
        #expect(sent.asker?.description == "192.0.2.9:40000")
        #expect(sent.message.id == 0x1234)
        #expect(sent.message.questions == [DNSQuestion(LANScript.serviceType, .ptr)])
        #expect(sent.message.answers.map(\.data) == [.pointer(LANScript.instance)])
        let records = sent.message.answers + sent.message.additionals
        #expect(records.count == 5 && records.allSatisfy { $0.seconds <= 10 && !$0.flushes })
    }

    @Test("no more than 32 answers to single askers leave within a second")
    func unicastLimit() throws {
        let script = try LANScript.settled()
        for number in 0..<200 {
            try script.hear(.browse(), port: UInt16(40_000 + number))
            try script.hear(.browse(wantsUnicast: true), from: "192.0.2.\(number + 2)")
        }
        #expect(script.responses.count == 32)
        script.run(for: 1_000)
        try script.hear(.browse(), port: 40_000)
        #expect(script.responses.count == 33)
    }

    @Test(
        "what the asker knows for at least half its time is not said",
        arguments: [(2_250, true), (2_249, false), (4_500, true), (0, false)] as [(UInt32, Bool)]
    )
    func known(seconds: UInt32, isKnown: Bool) throws {
        let script = try LANScript.settled()
        let record = DNSRecord(
            "_NETRON._udp.local",
            .pointer("MINE._netron._udp.local"),
            seconds: seconds
        )
        try script.hear(.browse(knowing: [record]))
        try script.hear(.browse(wantsUnicast: true, knowing: [record]))
        script.run(for: 2_000)
        #expect(script.responses.isEmpty == isKnown)
    }

    @Test("an address that the asker does not know is said, with the others of its kind")
    func knownInPart() throws {
        let script = LANScript()
        let network = try LANScript.network(2, ["192.0.2.1/24", "192.0.2.2/24"])
        script.put(.interfacesChanged([network]))
        script.run(until: 10_000)
        script.forget()
        let address = try #require(IPAddress("192.0.2.1"))
        var query = DNSMessage.ask(LANScript.host, .a)
        query.answers = [DNSRecord(LANScript.host, .address(address), seconds: 120)]
        try script.hear(query)
        script.run(for: 1_000)
        #expect(script.responses.first?.message.answers.count == 2)
    }

    @Test("an asker who goes on listing what he knows is waited for", arguments: 1...10)
    func truncated(seed: UInt64) throws {
        for lists in [false, true] {
            let script = try LANScript.settled(seed: seed)
            var query = DNSMessage.browse()
            query.flags = DNSMessage.truncatedFlag
            try script.hear(query)
            script.run(for: 200)
            var rest = DNSMessage()
            rest.answers = [Self.mine]
            // Another's list is not his.
            try script.hear(rest, from: lists ? "192.0.2.9" : "192.0.2.10")
            script.run(for: 199)
            #expect(script.responses.isEmpty)
            script.run(for: 101)
            #expect(script.responses.isEmpty == lists)
        }
    }

    @Test(
        "each name is answered for by its records",
        arguments: [
            (LANScript.serviceType, DNSType.ptr, [DNSType.ptr]),
            (LANScript.serviceType, .any, [.ptr]), (LANScript.serviceType, .a, []),
            ("_services._dns-sd._udp.local", .ptr, [.ptr]),
            (LANScript.instance, .srv, [.srv]), (LANScript.instance, .txt, [.txt]),
            (LANScript.instance, .any, [.srv, .txt]), (LANScript.instance, .a, [.nsec]),
            (LANScript.host, .a, [.a]), (LANScript.host, .any, [.a]),
            (LANScript.host, .aaaa, [.nsec]), (LANScript.host, .txt, [.nsec]),
            ("other._netron._udp.local", .any, []), ("other.local", .any, []), ("local", .any, []),
            ("", .any, []), ("MINE.LOCAL", .a, [.a]),
        ]
    )
    func names(name: DNSName, type: DNSType, answers: [DNSType]) throws {
        let script = try LANScript.settled()
        try script.hear(.ask(name, type))
        script.run(for: 1_000)
        #expect(script.responses.flatMap { $0.message.answers.map(\.data.type) } == answers)
    }

    @Test("what is only ours needs no delay")
    func unique() throws {
        let script = try LANScript.settled()
        try script.hear(.ask(LANScript.instance, .srv))
        #expect(script.responses.map(\.milliseconds) == [10_000])
        #expect(script.responses.first?.message.additionals.map(\.data.type) == [.a, .nsec])
    }

    @Test("no answer leaves to who is not on the link", arguments: [5353, 40_000] as [UInt16])
    func offLink(port: UInt16) throws {
        let script = try LANScript.settled()
        for source in ["198.51.100.9", "192.0.3.9", "8.8.8.8"] {
            try script.hear(.browse(), from: source, port: port)
            try script.hear(.browse(wantsUnicast: true), from: source, port: port)
        }
        // Nor to one who is on the link of another interface, or speaks another version of IP.
        try script.hear(.browse(), port: port, on: 9)
        try script.hear(.browse(), from: "fe80::9", port: port)
        script.run(for: 2_000)
        #expect(script.deeds.isEmpty)
        try script.hear(.browse(), from: "192.0.2.255", port: port)
        script.run(for: 2_000)
        #expect(script.responses.count == 1)
    }

    @Test("other operations, errors and our own question are not answered")
    func ignored() throws {
        let script = try LANScript.settled()
        for flag in [0x0800, 0x7800, 0x0001, 0x000F] as [UInt16] {
            var query = DNSMessage.browse()
            query.flags = flag
            try script.hear(query)
        }
        script.run(for: 2_000)
        #expect(script.deeds.isEmpty)
        // The kernel hands a node its own multicast.
        script.run(until: 5_000_000)
        let queries = script.sent.filter(\.isQuery)
        #expect(queries.allSatisfy { $0.message.answers == [Self.mine] })
        script.forget()
        for query in queries { try script.hear(query.message, from: "192.0.2.1") }
        script.run(for: 2_000)
        #expect(script.responses.isEmpty)
    }

    @Test("the service type that another node just told of is not told again")
    func sharedAnswer() throws {
        let script = try LANScript.settled()
        let type = DNSRecord(
            "_services._dns-sd._udp.local",
            .pointer(LANScript.serviceType),
            seconds: 4_500
        )
        try script.hear(.ask(type.name, .ptr))
        try script.hear(.response([type]))
        script.run(for: 2_000)
        #expect(script.responses.isEmpty)
    }

    @Test("noise from the link traps nowhere and is not answered with growth", arguments: 1...4)
    func noise(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let script = try LANScript.settled(seed: seed)
        let samples = try [
            DNSMessage.browse(knowing: [Self.mine]), .ask(LANScript.instance, .any),
            .announcement("other", at: ["192.0.2.9", "fe80::9"]),
            .probe("mine", [DNSRecord(LANScript.host, .text([]), seconds: 1)]),
        ].map { $0.encoded() }
        for _ in 0..<2_000 {
            var bytes = samples[Int.random(in: 0..<4, using: &random)]
            for _ in 0..<Int.random(in: 0...4, using: &random) {
                let place = Int.random(in: bytes.indices, using: &random)
                bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
            }
            let address = IPAddress(.v4, number: 0xC000_0200 | UInt128(random.next() % 255))
            let port: UInt16 = Bool.random(using: &random) ? 5353 : 9_999
            script.put(.received(bytes, from: Endpoint(address, port: port), interface: 2))
            script.run(for: 10)
            if script.deeds.last?.effect == .needName { script.put(.nameChanged(label: "mine")) }
        }
        // 20 s: 32 unicast answers a second, and of multicast what the limits allow.
        #expect(script.responses.count < 20 * (32 + 8 * 4))
    }
}
