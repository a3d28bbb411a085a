// SPDX-License-Identifier: Apache-2.0

internal import NetronSimulator
internal import NetronWire
internal import Testing

@Suite("DNS message, malformed") struct DNSMalformedTests {
    /// A message with one question of the bytes given.
    private static func question(_ bytes: [UInt8]) -> [UInt8] {
        [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0] + bytes
    }

    /// A message with one answer of the root, of the type and data given.
    private static func answer(
        _ type: UInt8,
        _ data: [UInt8],
        length: Int? = nil,
        classByte: UInt8 = 1
    ) -> [UInt8] {
        let length = length ?? data.count
        return [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]
            + [0, 0, type, 0, classByte, 0, 0, 0, 9, UInt8(length >> 8), UInt8(length & 0xFF)]
            + data
    }

    @Test(
        "a pointer leads to an earlier place",
        arguments: [
            // To itself, to its own name's beginning, forward, and into the header.
            [0xC0, 12, 0, 12, 0, 1], [1, 0x61, 0xC0, 12, 0, 12, 0, 1],
            [0xC0, 14, 0, 0, 12, 0, 1], [0xC0, 11, 0, 12, 0, 1], [0xC0, 0, 0, 12, 0, 1],
        ] as [[UInt8]]
    )
    func pointers(bytes: [UInt8]) {
        #expect(throws: DNSError.badPointer) { try DNSMessage(Self.question(bytes)) }
    }

    @Test("two pointers that lead to each other end")
    func pointersToEachOther() {
        let bytes: [UInt8] = [
            0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0xC0, 18, 0, 12, 0, 1, 0xC0, 12, 0, 12, 0, 1,
        ]
        #expect(throws: DNSError.badPointer) { try DNSMessage(bytes) }
    }

    @Test("a name follows 32 pointers and no more", arguments: [32, 33])
    func manyPointers(count: Int) throws {
        // A text holds a root and then pointers, each to the one before it.
        var text: [UInt8] = [0]
        let start = 24
        for number in 0..<count {
            let target = number == 0 ? start : start + 1 + 2 * (number - 1)
            text += [0xC0 | UInt8(target >> 8), UInt8(target & 0xFF)]
        }
        var bytes = Self.answer(16, [UInt8(text.count)] + text)
        bytes[7] = 2
        // The second record's name is the last of the pointers itself.
        bytes += text.suffix(2) + [0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 192, 0, 2, 1]
        if count == 33 {
            #expect(throws: DNSError.badPointer) { try DNSMessage(bytes) }
        } else {
            let message = try DNSMessage(bytes)
            #expect(message.answers.last?.name == "")
        }
    }

    @Test("labels of unused kinds are refused", arguments: [0x40, 0x7F, 0x80, 0xBF] as [UInt8])
    func kinds(length: UInt8) {
        #expect(throws: DNSError.badName) {
            try DNSMessage(Self.question([length, 0, 0, 12, 0, 1]))
        }
    }

    @Test("a name of 255 bytes is read and one of 256 is not", arguments: [61, 62])
    func longNames(last: Int) throws {
        var name: [UInt8] = []
        for count in [63, 63, 63, last] {
            name += [UInt8(count)] + [UInt8](repeating: 0x61, count: count)
        }
        let bytes = Self.question(name + [0, 0, 12, 0, 1])
        if last == 61 {
            #expect(try DNSMessage(bytes).questions.count == 1)
        } else {
            #expect(throws: DNSError.badName) { try DNSMessage(bytes) }
        }
    }

    @Test(
        "data has exactly its length",
        arguments: [
            answer(1, [192, 0, 2]), answer(1, [192, 0, 2, 1, 0]), answer(28, [0, 1]),
            answer(12, [0, 0]), answer(33, [0, 0, 0, 0, 0, 7, 0, 9]), answer(16, [2, 0x61]),
            answer(16, [1, 0x61, 5]), answer(47, [0, 0]), answer(47, [0, 0, 0]),
            answer(47, [0, 0, 33] + [UInt8](repeating: 0, count: 33)), answer(47, [0, 0, 2, 1]),
            // The second block of types is not behind the first.
            answer(47, [0, 0, 1, 1, 0, 1, 1]),
            // The name of the pointer goes on behind its record.
            answer(12, [1, 0x61, 0], length: 2),
        ]
    )
    func lengths(bytes: [UInt8]) {
        #expect(throws: DNSError.badLength) { try DNSMessage(bytes) }
    }

    @Test(
        "other types, classes and mapped addresses are left out by their length",
        arguments: [
            answer(99, [1, 2, 3]), answer(41, []), answer(1, [192, 0, 2, 1], classByte: 3),
            answer(28, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 10, 0, 0, 1]),
        ]
    )
    func others(bytes: [UInt8]) throws {
        var bytes = bytes
        bytes[7] = 2
        bytes += Self.answer(1, [192, 0, 2, 9])[12...]
        let message = try DNSMessage(bytes)
        #expect(message.answers.map(\.data) == [.address(try #require(IPAddress("192.0.2.9")))])
    }

    @Test("a time with the top bit set is none")
    func negativeTime() throws {
        var bytes = Self.answer(1, [192, 0, 2, 9])
        bytes[17] = 0x80
        #expect(try DNSMessage(bytes).answers.first?.seconds == 0)
    }

    @Test("64 questions and 256 records are read and no more")
    func counts() throws {
        var message = DNSMessage()
        message.questions = [DNSQuestion](repeating: DNSQuestion("a", .ptr), count: 64)
        message.answers = [DNSRecord](
            repeating: DNSRecord("a", .text([]), seconds: 1),
            count: 256
        )
        var bytes = message.encoded()
        #expect(try DNSMessage(bytes) == message)
        bytes[7] &+= 1
        #expect(throws: DNSError.tooLarge) { try DNSMessage(bytes) }
        #expect(throws: DNSError.tooLarge) {
            try DNSMessage([0, 0, 0, 0, 0, 65, 0, 0, 0, 0, 0, 0])
        }
        // The sum counts, and cannot overflow.
        #expect(throws: DNSError.tooLarge) {
            try DNSMessage([0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF])
        }
        #expect(throws: DNSError.tooLarge) {
            try DNSMessage([UInt8](repeating: 0, count: DNSMessage.bytesMax + 1))
        }
    }

    @Test("every shorter beginning of a message is refused")
    func truncated() throws {
        let bytes = Self.sample.encoded()
        #expect(try DNSMessage(bytes) == Self.sample)
        for count in bytes.indices {
            #expect(throws: DNSError.self) { try DNSMessage([UInt8](bytes.prefix(count))) }
        }
    }

    @Test("flipped bits and noise trap nowhere, and what is read can be written", arguments: 1...8)
    func noise(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let sample = Self.sample.encoded()
        for _ in 0..<2_000 {
            var bytes = sample
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let place = Int.random(in: bytes.indices, using: &random)
                bytes[place] ^= 1 << UInt8.random(in: 0...7, using: &random)
            }
            rereads(bytes)
            let noise = random.bytes(Int.random(in: 0...300, using: &random))
            rereads(noise)
            // A header that promises little lets noise come further.
            rereads([0, 0, 0, 0, 0, 1, 0, 2, 0, 1, 0, 1] + noise)
        }
    }

    private func rereads(_ bytes: [UInt8]) {
        guard let message = try? DNSMessage(bytes) else { return }
        #expect((try? DNSMessage(message.encoded())) == message)
        #expect((try? DNSMessage(message.encoded(compressesHosts: false))) == message)
    }

    private static var sample: DNSMessage {
        let instance: DNSName = "label._netron._udp.local"
        var message = DNSMessage()
        message.questions = [DNSQuestion("_netron._udp.local", .ptr)]
        message.answers = [
            DNSRecord("_netron._udp.local", .pointer(instance), seconds: 4_500),
            DNSRecord(instance, .text([Array("v=1".utf8)]), seconds: 4_500, flushes: true),
        ]
        message.authorities = [
            DNSRecord(instance, .service(port: 9, host: "label.local"), seconds: 120)
        ]
        message.additionals = [
            DNSRecord(
                "label.local",
                .address(IPAddress(.v6, number: 0xFE80 << 112 | 5)),
                seconds: 120
            ), DNSRecord("label.local", .only([.aaaa]), seconds: 120),
        ]
        return message
    }
}
