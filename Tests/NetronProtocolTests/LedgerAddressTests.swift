// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronSimulator
internal import NetronWire
internal import Testing

@Suite("address choice") struct LedgerAddressTests {
    private static let home = Array("home".utf8)

    private func choice(
        _ id: NodeID,
        _ prefix: String,
        in network: [UInt8] = home
    ) throws -> AddressChoice {
        let cryptography = SimulatedCryptography.of(id, network: 1, seed: 1)
        return AddressChoice(
            of: id,
            in: network,
            try #require(Prefix(prefix)),
            with: cryptography
        )
    }

    private func member(_ random: inout SeededRandom) throws -> NodeID {
        try #require(NodeID(bytes: random.bytes(31) + [1]))
    }

    /// What members get one after the other, until the range is full.
    private func fill(_ prefix: String, seed: UInt64) throws -> Set<IPAddress> {
        var random = SeededRandom(seed: seed)
        var taken: Set<IPAddress> = []
        while true {
            let choice = try choice(try member(&random), prefix)
            guard let address = choice.address(isTaken: { taken.contains($0) }) else {
                return taken
            }
            #expect(taken.insert(address).inserted)
        }
    }

    private static let hosts: [(String, Set<String>)] = [
        ("10.0.0.7/32", ["10.0.0.7"]),
        ("10.0.0.6/31", ["10.0.0.6", "10.0.0.7"]),
        ("10.0.0.4/30", ["10.0.0.5", "10.0.0.6"]),
        ("10.0.0.16/28", Set((17...30).map { "10.0.0.\($0)" })),
        ("10.0.1.0/24", Set((1...254).map { "10.0.1.\($0)" })),
        ("fd00::7/128", ["fd00::7"]),
        ("fd00::6/127", ["fd00::6", "fd00::7"]),
        ("fd00::4/126", ["fd00::5", "fd00::6", "fd00::7"]),
        ("fd00::/124", Set((1...15).map { "fd00::\(String($0, radix: 16))" })),
        // Where parts of the range are no host's.
        ("0.0.0.0/32", []), ("127.0.0.0/28", []), ("::/126", ["::2", "::3"]),
    ]

    @Test("each address of a range is given once, but those that are no host's", arguments: hosts)
    func ranges(prefix: String, expected: Set<String>) throws {
        for seed: UInt64 in 0..<3 {
            #expect(Set(try fill(prefix, seed: seed).map(\.description)) == expected)
        }
    }

    @Test(
        "the one gap in a range is found, wherever it is",
        arguments: ["10.0.1.0/24", "10.0.0.0/28"]
    )
    func gap(prefix: String) throws {
        var random = SeededRandom(seed: 1)
        for gap in try fill(prefix, seed: 0).sorted() {
            let choice = try choice(try member(&random), prefix)
            #expect(choice.address { $0 != gap } == gap)
        }
    }

    @Test("a gap in 65,534 addresses is found, and no more than these are tried") func large()
        throws
    {
        var random = SeededRandom(seed: 2)
        let gap = try #require(IPAddress("10.1.200.3"))
        let choice = try choice(try member(&random), "10.1.0.0/16")
        #expect(choice.address { $0 != gap } == gap)
        var count = 0
        #expect(
            try self.choice(try member(&random), "10.0.0.0/8").address { _ in
                count += 1
                return true
            } == nil
        )
        #expect(count == AddressChoice.hashedMax + AddressChoice.probesMax)
    }

    @Test("a member gets the same address again, another one in another network or range")
    func same() throws {
        var random = SeededRandom(seed: 3)
        var differing = 0
        for _ in 0..<100 {
            let id = try member(&random)
            let address = try #require(try choice(id, "10.0.0.0/16").address { _ in false })
            let taken = try (0..<20).map { _ in try choice(try member(&random), "10.0.0.0/16") }
                .compactMap { $0.address { _ in false } }.filter { $0 != address }
            #expect(try choice(id, "10.0.0.0/16").address { taken.contains($0) } == address)
            let other = try choice(id, "10.0.0.0/16", in: [1]).address { _ in false }
            let wider = try choice(id, "10.0.0.0/15").address { _ in false }
            differing += (other == address ? 0 : 1) + (wider == address ? 0 : 1)
        }
        #expect(differing > 195)
    }

    @Test("members spread evenly over a range of 254", arguments: [UInt64](0..<2))
    func even(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var counts: [IPAddress: Int] = [:]
        let members = 254 * 20
        for _ in 0..<members {
            let choice = try choice(try member(&random), "192.168.7.0/24")
            counts[try #require(choice.address { _ in false }), default: 0] += 1
        }
        let sum = counts.values.map { Double(($0 - 20) * ($0 - 20)) / 20 }.reduce(0, +)
        let chiSquare = sum + Double(254 - counts.count) * 20
        // 253 degrees of freedom: all but 1 in 1,000 seeds are below 327, and above 186.
        #expect((186...327).contains(chiSquare), "\(chiSquare)")
    }

    @Test("in a wide range only the hash is asked") func wide() throws {
        var random = SeededRandom(seed: 4)
        let id = try member(&random)
        for prefix in ["fd00:1::/64", "fd00::/8", "::/0", "2001:db8::/95"] {
            let range = try #require(Prefix(prefix))
            let address = try #require(try choice(id, prefix).address { _ in false })
            #expect(range.contains(address) && address != range.address)
            let second = try #require(try choice(id, prefix).address { $0 == address })
            #expect(range.contains(second) && second != address)
            var count = 0
            let none = try choice(id, prefix).address { _ in
                count += 1
                return true
            }
            #expect(none == nil && count == AddressChoice.hashedMax)
        }
    }

    @Test("an IPv6 range gives no address that stands for one of IPv4") func mapped() throws {
        var random = SeededRandom(seed: 6)
        // Half of it is ::ffff:0:0/96.
        let range = try #require(Prefix("::fffe:0:0/95"))
        for _ in 0..<100 {
            let choice = try choice(try member(&random), range.description)
            let address = try #require(choice.address { _ in false })
            #expect(address.family == .v6 && range.contains(address))
        }
    }

    @Test("a range of all IPv4 addresses gives none that is no host's") func all() throws {
        var random = SeededRandom(seed: 5)
        for _ in 0..<200 {
            let choice = try choice(try member(&random), "0.0.0.0/0")
            #expect(try #require(choice.address { _ in false }).isHost)
        }
    }
}
