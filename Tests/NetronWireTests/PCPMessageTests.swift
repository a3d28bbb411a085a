// SPDX-License-Identifier: Apache-2.0

internal import NetronWire
internal import Testing

@Suite("PCP messages") struct PCPMessageTests {
    private static let nonce: [UInt8] = Array(1...12)
    private let gateway = Gateway(
        IPAddress(.v4, number: 0xC0A8_0001),
        host: IPAddress(.v4, number: 0xC0A8_0002)
    )

    private func request(
        _ externalPort: UInt16 = 7_000,
        at externalAddress: IPAddress? = nil,
        lifetime: UInt32 = 7_200
    ) -> MappingRequest {
        MappingRequest(
            number: 1,
            method: .pcp,
            gateway: gateway,
            port: 7_000,
            externalPort: externalPort,
            externalAddress: externalAddress,
            lifetime: lifetime,
            nonce: Self.nonce
        )
    }

    /// What a router answers to it, but for the changes.
    private func answer(_ change: (inout [UInt8]) -> Void = { _ in }) -> [UInt8] {
        var bytes: [UInt8] = [2, 0x81, 0, 0, 0, 0, 0x0E, 0x10]
        bytes += [0, 0, 0, 9] + [UInt8](repeating: 0, count: 12)
        bytes += Self.nonce + [17, 0, 0, 0, 0x1B, 0x58, 0x27, 0x10]
        bytes += [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF, 62, 3, 0, 1]
        change(&bytes)
        return bytes
    }

    @Test("a request has the 60 bytes of RFC 6887, figures 2 and 9")
    func encoding() {
        var wanted: [UInt8] = [2, 1, 0, 0, 0, 0, 0x1C, 0x20]
        wanted += [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF, 192, 168, 0, 2]
        wanted += Self.nonce + [17, 0, 0, 0, 0x1B, 0x58, 0x1B, 0x58]
        let mapped: [UInt8] = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF]
        #expect(PCP.encoded(request()) == wanted + mapped + [0, 0, 0, 0])
        let renewal = request(at: IPAddress(.v4, number: 0x3E03_0001))
        #expect(PCP.encoded(renewal) == wanted + mapped + [62, 3, 0, 1])
        let end = PCP.encoded(request(lifetime: 0))
        #expect(end.count == 60 && end[4..<8] == [0, 0, 0, 0])
    }

    @Test("an answer tells where others come in, and for how long; options mean nothing")
    func granted() throws {
        let external = Endpoint(IPAddress(.v4, number: 0x3E03_0001), port: 10_000)
        let wanted = PortMapping(external, lifetime: 3_600)
        for bytes in [answer(), answer { $0 += [1, 0, 0, 4, 1, 2, 3, 4] }] {
            let answer = try PCPAnswer(bytes)
            #expect(answer == .granted(nonce: Self.nonce, port: 7_000, wanted))
            #expect(answer.answer(to: request()) == .success(wanted))
        }
    }

    @Test("the answer to another request is none to this one")
    func foreign() throws {
        let otherNonce = try PCPAnswer(answer { $0[24] ^= 1 })
        #expect(otherNonce.answer(to: request()) == nil)
        let otherPort = try PCPAnswer(answer { $0[41] ^= 1 })
        #expect(otherPort.answer(to: request()) == nil)
    }

    @Test("who speaks another version, NAT-PMP alone or no mappings says so; a refusal has a code")
    func failures() throws {
        // RFC 6886, section 3.5: version 0, and the code for an unknown version.
        #expect(try PCPAnswer([0, 0x81, 0, 1, 0, 0, 0, 9]) == .unsupported)
        for code: UInt8 in [1, 4] {
            #expect(try PCPAnswer(answer { $0[3] = code }) == .unsupported)
        }
        // Errors come with the head alone, too.
        let refused = try PCPAnswer(Array(answer { $0[3] = 2 }.prefix(24)))
        #expect(refused == .refused(2))
        #expect(refused.answer(to: request()) == .failure(.refused(2)))
    }

    @Test("rubbish is refused: requests, other opcodes and protocols, what is short or long")
    func rubbish() {
        #expect(throws: WireError.notCanonical) { try PCPAnswer(answer { $0[1] = 1 }) }
        #expect(throws: WireError.notCanonical) { try PCPAnswer(answer { $0[1] = 0x82 }) }
        #expect(throws: WireError.notCanonical) { try PCPAnswer(answer { $0[36] = 6 }) }
        #expect(throws: WireError.tooMany) {
            try PCPAnswer(answer { $0 += [UInt8](repeating: 0, count: PCP.bytesMax) })
        }
        for count in 0..<answer().count {
            #expect(throws: WireError.truncated) { try PCPAnswer(Array(answer().prefix(count))) }
        }
    }
}
