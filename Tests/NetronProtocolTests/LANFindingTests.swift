// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronWire
internal import Testing

@Suite("LAN discovery: finding") struct LANFindingTests {
    @Test("who announces himself is found at each address, link-local ones by their interface")
    func announced() throws {
        let script = LANScript()
        script.put(.interfacesChanged([try LANScript.network(2, ["192.0.2.1/24", "fe80::1/64"])]))
        script.forget()
        try script.hear(.announcement("other", at: ["fe80::9", "192.0.2.9"]))
        #expect(script.found == ["192.0.2.9:7001", "[fe80::9%2]:7001"])
    }

    @Test("the same instance is tried again after 60 s, then after twice as long each time")
    func again() throws {
        let script = try LANScript.settled()
        for _ in 0..<600 {
            try script.hear(.announcement("other", at: ["192.0.2.9"]))
            script.run(for: 1_000)
        }
        let times = script.deeds.filter { $0.effect.isFound }.map { $0.milliseconds - 10_000 }
        #expect(times == [0, 60_000, 180_000, 420_000])
    }

    @Test("what changes in an instance is tried at once, and only that")
    func changed() throws {
        let script = try LANScript.settled()
        try script.hear(.announcement("other", at: ["192.0.2.9"]))
        script.run(for: 100)
        try script.hear(.announcement("other", at: ["192.0.2.9", "192.0.2.10"]))
        try script.hear(.announcement("other", at: ["192.0.2.10"], port: 7_002))
        #expect(script.found == ["192.0.2.9:7001", "192.0.2.10:7001", "192.0.2.10:7002"])
        // Back and forth brings nothing that was not tried.
        try script.hear(.announcement("other", at: ["192.0.2.9"]))
        try script.hear(.announcement("other", at: ["192.0.2.10"], port: 7_002))
        #expect(script.found.count == 3)
    }

    @Test("one instance that changes all the time is tried at 16 endpoints in 60 s")
    func restless() throws {
        let script = try LANScript.settled()
        for port in 1...1_000 {
            try script.hear(.announcement("other", at: ["192.0.2.9"], port: UInt16(port)))
            script.run(for: 55)
        }
        #expect(script.found.count == 16)
    }

    @Test("16 instances are tried at a time, the next 5 s later, and each gets its turn")
    func places() throws {
        let script = try LANScript.settled()
        for number in 0..<40 {
            let address = "192.0.2.\(10 + number)"
            try script.hear(.announcement("other\(number)", at: [address]), from: address)
        }
        #expect(script.found.count == 16)
        script.run(for: 4_999)
        #expect(script.found.count == 16)
        script.run(for: 1)
        #expect(script.found.count == 32)
        script.run(for: 5_000)
        #expect(Set(script.found).count == 40 && script.found.count == 40)
        script.run(for: 44_000)
        #expect(script.found.count == 40)
    }

    @Test("coming and going frees no place")
    func flapping() throws {
        let script = try LANScript.settled()
        for number in 0..<500 {
            try script.hear(.announcement("other\(number % 7)", at: ["192.0.2.9"]))
            try script.hear(.announcement("other\(number % 7)", at: ["192.0.2.9"], seconds: 0))
            script.run(for: 10)
        }
        #expect(script.found.count <= 32)
    }

    @Test("who left and comes again is tried again")
    func restarted() throws {
        let script = try LANScript.settled()
        try script.hear(.announcement("other", at: ["192.0.2.9"]))
        try script.hear(.announcement("other", at: ["192.0.2.9"], seconds: 0))
        script.run(for: 200_000)
        #expect(script.found.count == 1)
        try script.hear(.announcement("other", at: ["192.0.2.9"]))
        #expect(script.found.count == 2)
    }

    @Test("who probes for a name is tried before he announces it")
    func probing() throws {
        let script = try LANScript.settled()
        let announcement = try DNSMessage.announcement("other", at: ["192.0.2.9"])
        try script.hear(.probe("other", [DNSRecord](announcement.answers.dropFirst())))
        #expect(script.found == ["192.0.2.9:7001"])
        try script.hear(announcement)
        #expect(script.found.count == 1)
    }

    @Test("an answer comes from port 5353 on the link, or is none")
    func believed() throws {
        let script = try LANScript.settled()
        let message = try DNSMessage.announcement("other", at: ["192.0.2.9"])
        try script.hear(message, port: 5354)
        try script.hear(message, from: "198.51.100.9")
        try script.hear(message, on: 3)
        var question = message
        question.flags = 0
        try script.hear(question)
        #expect(script.deeds.isEmpty)
    }

    @Test(
        "nothing is sent to where no node of the LAN can be",
        arguments: [
            ("192.0.2.9", true), ("192.0.2.0", false), ("192.0.2.255", false),
            ("198.51.100.9", false), ("8.8.8.8", false), ("10.200.0.1", true),
            ("172.15.0.1", false), ("172.16.0.1", true), ("192.168.255.255", true),
            ("0.0.0.0", false), ("127.0.0.1", false), ("224.0.0.251", false),
            ("255.255.255.255", false), ("fe80::9", true), ("::1", false), ("::", false),
            ("ff02::1", false), ("2001:db8::9", false), ("fd00::9", true),
        ]
    )
    func reachable(address: String, isTried: Bool) throws {
        let script = try LANScript.settled()
        try script.hear(.announcement("other", at: [address]))
        #expect(script.found.isEmpty != isTried)
    }

    @Test("we are not found ourselves, but another daemon of our host is")
    func ourselves() throws {
        let script = try LANScript.settled()
        try script.hear(.announcement("mine", at: ["192.0.2.1"], port: 7_000), from: "192.0.2.1")
        try script.hear(.announcement("old", at: ["192.0.2.1"], port: 7_000), from: "192.0.2.1")
        #expect(script.found.isEmpty)
        try script.hear(.announcement("twin", at: ["192.0.2.1"], port: 7_001), from: "192.0.2.1")
        #expect(script.found == ["192.0.2.1:7001"])
    }

    @Test("what an announcement leaves out is asked for, three times at most")
    func lookup() throws {
        let script = try LANScript.settled()
        let whole = try DNSMessage.announcement("other", at: ["192.0.2.9"])
        try script.hear(.response([whole.answers[0]]))
        let service = DNSQuestion("other._netron._udp.local", .srv)
        script.run(for: 50_000)
        let asked = script.sent.filter { !$0.isQuery }.map(\.message.questions)
        #expect(asked == [[service], [service], [service]])

        let another = try LANScript.settled()
        try another.hear(.response([DNSRecord](whole.answers.prefix(2))))
        another.run(for: 200)
        let hosts = [DNSQuestion("other.local", .a), DNSQuestion("other.local", .aaaa)]
        #expect(another.sent.map(\.message.questions) == [hosts])
        try another.hear(.response([whole.answers[2]]))
        #expect(another.found == ["192.0.2.9:7001"])
        another.run(for: 20_000)
        #expect(another.sent.filter { !$0.isQuery }.count == 1)
    }

    @Test("names without records make one question a second, whatever their number")
    func manyLookups() throws {
        let script = try LANScript.settled()
        for number in 0..<1_000 {
            let name = try #require(LANScript.serviceType.prefixed(by: "x\(number)".utf8))
            try script.hear(
                .response([DNSRecord(LANScript.serviceType, .pointer(name), seconds: 99)]),
                from: "192.0.2.\(2 + number % 200)"
            )
            script.run(for: 10)
        }
        let lookups = script.sent.filter { !$0.isQuery && !$0.message.isResponse }
        #expect((5...11).contains(lookups.count))
        #expect(lookups.allSatisfy { $0.message.questions.count <= 16 })
    }

    @Test("one host's thousand names displace nobody else's, and fill no message")
    func flood() throws {
        let script = try LANScript.settled()
        try script.hear(.announcement("honest", at: ["192.0.2.8"]), from: "192.0.2.8")
        for number in 0..<1_000 {
            try script.hear(.announcement("x\(number)", at: ["192.0.2.9"], port: 9))
        }
        script.run(for: 61_000)
        #expect(script.found.filter { $0 == "192.0.2.8:7001" }.count == 2)
        let known = script.sent.filter(\.isQuery).map(\.message.answers.count)
        #expect(known.allSatisfy { $0 <= 18 })

        // Many hosts together fill the table, yet a newcomer finds a place.
        for number in 0..<2_000 {
            let label = "y\(number)" + String(repeating: "y", count: 50)
            try script.hear(
                .announcement(label, at: ["192.0.2.9"]),
                from: "192.0.2.\(10 + number % 100)"
            )
        }
        try script.hear(.announcement("late", at: ["192.0.2.7"], port: 7), from: "192.0.2.7")
        script.put(.interfacesChanged([try LANScript.network(2, ["192.0.2.2/24"])]))
        script.run(for: 60_000)
        #expect(script.found.contains("192.0.2.7:7"))
        #expect(script.sent.allSatisfy { $0.message.encoded().count <= 1_400 })
    }

    @Test("an instance is forgotten when its time is over, and when its interface goes")
    func forgotten() throws {
        let script = try LANScript.settled()
        try script.hear(.announcement("other", at: ["192.0.2.9"], seconds: 100))
        script.run(for: 10_000_000)
        #expect(script.found.count == 2)

        let another = try LANScript.settled()
        try another.hear(.announcement("other", at: ["192.0.2.9"]))
        another.put(.interfacesChanged([]))
        another.run(for: 100_000)
        #expect(another.found.count == 1)
        #expect(another.sent.allSatisfy { $0.milliseconds <= 10_000 })
    }

    @Test("questions list the instances that are known for more than half their time")
    func knownAnswers() throws {
        let script = LANScript()
        script.put(.interfacesChanged([try LANScript.network()]))
        script.run(until: 10_000)
        try script.hear(.announcement("other", at: ["192.0.2.9"]))
        script.run(until: 8_000_000)
        let other = DNSName("other._netron._udp.local")
        let lists = script.sent.filter { $0.isQuery && $0.milliseconds > 10_000 }.map { sent in
            (sent.milliseconds, sent.message.answers.contains { $0.data == .pointer(other) })
        }
        #expect(lists.contains { $0.1 } && lists.contains { !$0.1 })
        #expect(lists.allSatisfy { $0.1 == ($0.0 < 10_000 + 2_250_000) })
    }

    // MARK: What Avahi 0.8 sends, as caught on a network

    private func bytes(_ hex: String) -> [UInt8] {
        stride(from: 0, to: hex.utf8.count, by: 2).compactMap {
            UInt8(hex.dropFirst($0).prefix(2), radix: 16)
        }
    }

    @Test("a browser of Avahi is answered")
    func avahiBrowses() throws {
        let script = try LANScript.settled()
        let source = Endpoint(try #require(IPAddress("192.0.2.77")), port: 5353)
        let query = bytes(
            "000000000001000100000000075f6e6574726f6e045f756470056c6f63616c00000c0001c00c000c"
                + "000100001194000f0c536f6d65205072696e746572c00c"
        )
        script.put(.received(query, from: source, interface: 2))
        script.run(for: 120)
        let answers = script.responses.first?.message.answers.map(\.data)
        #expect(answers == [.pointer(LANScript.instance)])
    }

    @Test("a service that Avahi publishes is found, by its probe, its announcement or its answer")
    func avahiPublishes() throws {
        let probe =
            "0000000000010000000200000c536f6d65205072696e746572075f6e6574726f6e045f756470056c6f"
            + "63616c0000ff0001c00c00210001000000780012000000001b6109617661686974657374c026c00c00"
            + "10000100001194000403783d79"
        let announcement =
            "0000840000000006000000000c536f6d65205072696e746572075f6e6574726f6e045f756470056c6f"
            + "63616c000010800100001194000403783d79c019000c0001000011940002c00cc00c00218001000000"
            + "780012000000001b6109617661686974657374c026c05b001c8001000000780010fe80000000000000"
            + "002277fffedd6c29c05b00018001000000780004c0a84d02095f7365727669636573075f646e732d73"
            + "64c021000c0001000011940002c019"
        let answer =
            "000080000000000500000000075f6e6574726f6e045f756470056c6f63616c00000c00010000119400"
            + "0f0c536f6d65205072696e746572c00cc02a0010800100001194000403783d79c02a00218001000000"
            + "780012000000001b6109617661686974657374c019c05b001c8001000000780010fe80000000000000"
            + "002277fffedd6c29c05b00018001000000780004c0a84d02"
        let goodbye =
            "000084000000000600000000095f7365727669636573075f646e732d7364045f756470056c6f63616c"
            + "00000c000100000000000a075f6e6574726f6ec01ec034000c000100000000000f0c536f6d65205072"
            + "696e746572c034c04a00218001000000000012000000001b6109617661686974657374c023c06b001c"
            + "8001000000000010fe80000000000000002277fffedd6c29c06b00018001000000000004c0a84d02c0"
            + "4a0010800100000000000403783d79"
        let source = Endpoint(try #require(IPAddress("192.168.77.2")), port: 5353)
        for messages in [[announcement], [answer], [probe, announcement]] {
            let script = LANScript()
            script.put(.interfacesChanged([try LANScript.network(2, ["192.168.77.1/24"])]))
            for message in messages {
                script.put(.received(bytes(message), from: source, interface: 2))
            }
            #expect(script.found == ["192.168.77.2:7009", "[fe80::22:77ff:fedd:6c29%2]:7009"])
            script.put(.received(bytes(goodbye), from: source, interface: 2))
            script.run(for: 100_000)
            #expect(script.found.count == 2)
        }
    }
}

extension LANEffect {
    fileprivate var isFound: Bool {
        if case .found = self { true } else { false }
    }
}
