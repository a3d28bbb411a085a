// SPDX-License-Identifier: Apache-2.0

internal import NetronProtocol
internal import NetronSimulator
internal import NetronWire
internal import Testing

private typealias Claim = LedgerClaims.Claim

private func member(_ number: UInt8) -> NodeID {
    guard let id = NodeID(bytes: [UInt8](repeating: 0, count: 31) + [number & 0x7F]) else {
        preconditionFailure("a member without a number")
    }
    return id
}

private func claim(
    _ number: UInt8,
    since: UInt64,
    head: UInt64? = nil,
    isLive: Bool = true
) -> Claim {
    Claim(by: member(number), since: since, headTime: head ?? since, isLive: isLive)
}

@Suite("ledger claims") struct LedgerClaimsTests {
    private let contest = LedgerClaims.contestMilliseconds

    @Test("nobody has what nobody claims, or only who is gone") func nobody() {
        for claims in [[], [claim(1, since: 5, isLive: false)]] {
            let result = LedgerClaims(claims, at: 1_000_000)
            #expect(result.holder == nil && result.others.isEmpty && result.changesAt == nil)
        }
    }

    @Test("who alone claims a key has it, however old its head is") func alone() {
        let result = LedgerClaims([claim(1, since: 5)], at: 9_000_000)
        #expect(result.holder == member(1))
        #expect(result.others.isEmpty && result.changesAt == nil)
        #expect(result.standing(of: member(1)) == nil)
    }

    @Test("of two who claim at once the smaller id has it, and the other does not wait") func tie()
    {
        for now: UInt64 in [0, 1_000, 1_000 + contest, 1_000_000_000] {
            let result = LedgerClaims([claim(2, since: 1_000), claim(1, since: 1_000)], at: now)
            #expect(result.holder == member(1))
            #expect(result.standing(of: member(2)) == .refused(by: member(1)))
            #expect(result.changesAt == nil)
        }
    }

    @Test("a later claim waits 30 s for an answer, then has the key") func silent() {
        let claims = [claim(1, since: 1_000, head: 49_999), claim(2, since: 50_000)]
        let before = LedgerClaims(claims, at: 79_999)
        #expect(before.holder == member(1))
        #expect(before.standing(of: member(2)) == .pending(until: 80_000))
        #expect(before.changesAt == 80_000)
        #expect(LedgerClaims(claims, at: 0) == before)
        let after = LedgerClaims(claims, at: 80_000)
        #expect(after.holder == member(2))
        #expect(after.standing(of: member(1)) == .refused(by: member(2)))
        #expect(after.changesAt == nil)
    }

    @Test("a block since the claim began keeps the key") func answered() {
        for head: UInt64 in [50_000, 79_999, 500_000] {
            for now: UInt64 in [50_000, 80_000, 1_000_000] {
                let claims = [claim(1, since: 1_000, head: head), claim(2, since: 50_000)]
                let result = LedgerClaims(claims, at: now)
                #expect(result.holder == member(1))
                #expect(result.standing(of: member(2)) == .refused(by: member(1)))
                #expect(result.changesAt == nil)
            }
        }
    }

    @Test("who lost a key for want of an answer has it again by a late one") func late() {
        let silent = [claim(1, since: 1_000), claim(2, since: 50_000, head: 90_000)]
        #expect(LedgerClaims(silent, at: 100_000).holder == member(2))
        let back = [claim(1, since: 1_000, head: 100_000), silent[1]]
        #expect(LedgerClaims(back, at: 100_000).holder == member(1))
        #expect(LedgerClaims(back, at: 900_000).holder == member(1))
    }

    @Test("a later claim does not go before an earlier one that is awake") func third() {
        // The first fell silent behind the third; the second has signed since.
        let claims = [
            claim(1, since: 1_000, head: 20_000), claim(2, since: 10_000, head: 50_000),
            claim(3, since: 50_000),
        ]
        let before = LedgerClaims(claims, at: 79_999)
        #expect(before.holder == member(1) && before.changesAt == 80_000)
        #expect(before.standing(of: member(2)) == .pending(until: 80_000))
        #expect(before.standing(of: member(3)) == .refused(by: member(1)))
        let after = LedgerClaims(claims, at: 80_000)
        #expect(after.holder == member(2) && after.changesAt == nil)
        #expect(after.others.map(\.author) == [member(1), member(3)])
    }

    @Test("who waits behind two silent ones waits for both") func both() {
        let claims = [claim(1, since: 1_000), claim(2, since: 40_000), claim(3, since: 50_000)]
        let now = LedgerClaims(claims, at: 60_000)
        #expect(now.holder == member(1) && now.changesAt == 70_000)
        #expect(now.standing(of: member(2)) == .pending(until: 70_000))
        #expect(now.standing(of: member(3)) == .pending(until: 80_000))
        #expect(LedgerClaims(claims, at: 70_000).holder == member(2))
        #expect(LedgerClaims(claims, at: 80_000).holder == member(3))
    }

    @Test("a claim from the end of time, or older than its head can be, makes nothing trap")
    func extremes() {
        let claims = [claim(1, since: .max, head: 0), claim(2, since: 0, head: .max)]
        for now: UInt64 in [0, .max - 1] {
            #expect(LedgerClaims(claims, at: now).holder == member(2))
        }
        #expect(Claim(by: member(1), since: 7, headTime: 6, isLive: true).headTime == 7)
    }
}

@Suite("ledger claims of any members") struct LedgerClaimsPropertyTests {
    private static let rounds = 4_000

    /// Claims within some minutes, with heads that are newer than some of the others.
    private func claims(of random: inout SeededRandom) -> [Claim] {
        (0..<Int.random(in: 0...6, using: &random)).map { number in
            // In steps, so that claims often begin at once and heads are often as old as claims.
            let since = 10_000 * UInt64.random(in: 0...12, using: &random)
            let head = since + 10_000 * UInt64.random(in: 0...12, using: &random)
            let isLive = random.happens(0.8)
            return claim(UInt8(number), since: since, head: head, isLive: isLive)
        }
    }

    private func now(of random: inout SeededRandom) -> UInt64 {
        let step = UInt64.random(in: 0...24, using: &random)
        return 10_000 * step + UInt64.random(in: 0...1, using: &random)
    }

    /// All that follows from a few claims at a time, for many of both.
    private func forAll(
        seed: UInt64,
        _ body: (_ claims: [Claim], _ now: UInt64, _ random: inout SeededRandom) throws -> Void
    ) rethrows {
        var random = SeededRandom(seed: seed)
        for _ in 0..<Self.rounds {
            let claims = claims(of: &random)
            try body(claims, now(of: &random), &random)
        }
    }

    @Test("the holder is the first live claimant that answered all later claims in time")
    func definition() {
        forAll(seed: 1) { claims, now, _ in
            let live = claims.filter(\.isLive).sorted {
                ($0.since, $0.author) < ($1.since, $1.author)
            }
            let first = live.first { claim in
                !live.contains { $0.since > claim.headTime && $0.since + 30_000 <= now }
            }
            let result = LedgerClaims(claims, at: now)
            #expect(result.holder == first?.author)
            #expect(
                result.others.map(\.author) == live.map(\.author).filter { $0 != first?.author }
            )
        }
    }

    @Test("the order of the claims, doubles and claims of the dead do not matter")
    func order() {
        forAll(seed: 2) { claims, now, random in
            let result = LedgerClaims(claims, at: now)
            // The same again, by an older head, and as if it had begun later.
            let doubles = claims.prefix(2).flatMap { claim in
                [(0, claim.headTime), (0, claim.since), (10_000, now)].map { later, head in
                    Claim(
                        by: claim.author,
                        since: claim.since + later,
                        headTime: head,
                        isLive: claim.isLive
                    )
                }
            }
            let doubled = (claims + doubles).shuffled(using: &random)
            #expect(LedgerClaims(doubled, at: now) == result)
            let since = 10_000 * UInt64.random(in: 0...12, using: &random)
            let dead = claim(100, since: since, head: now, isLive: false)
            #expect(LedgerClaims([dead] + claims, at: now) == result)
        }
    }

    @Test("a holder that signs goes on to hold, whoever claims later") func fresh() {
        forAll(seed: 3) { claims, now, random in
            guard let holder = LedgerClaims(claims, at: now).holder else { return }
            let later = now + UInt64.random(in: 0...100_000, using: &random)
            guard let own = claims.first(where: { $0.author == holder }), own.since < later else {
                return
            }
            let newcomers = (UInt8(0)..<3).map {
                let since = UInt64.random(in: own.since + 1...later, using: &random)
                return claim(100 + $0, since: since, head: later)
            }
            let renewed = claims.map {
                guard $0.author == holder else { return $0 }
                let head = max(later, $0.headTime)
                return Claim(by: holder, since: $0.since, headTime: head, isLive: true)
            }
            let result = LedgerClaims(renewed + newcomers, at: later)
            #expect(result.holder == holder)
            for newcomer in newcomers {
                #expect(result.standing(of: newcomer.author) == .refused(by: holder))
            }
        }
    }

    @Test("nothing changes before the time that is told, and then something does") func changes() {
        forAll(seed: 4) { claims, now, random in
            let result = LedgerClaims(claims, at: now)
            guard let change = result.changesAt else {
                #expect(LedgerClaims(claims, at: UInt64.max - 1) == result)
                return
            }
            #expect(change > now)
            let between = UInt64.random(in: now..<change, using: &random)
            for time in [between, change - 1] {
                #expect(LedgerClaims(claims, at: time) == result)
            }
            #expect(LedgerClaims(claims, at: change).holder != result.holder)
        }
    }

    @Test("who waits has the key from then on, and who is refused does not get it") func standings()
    {
        forAll(seed: 5) { claims, now, _ in
            let result = LedgerClaims(claims, at: now)
            var holders: [NodeID?] = []
            var next: UInt64? = now
            while let time = next {
                let then = LedgerClaims(claims, at: time)
                holders.append(then.holder)
                next = then.changesAt
            }
            for other in result.others {
                switch other.standing {
                case .pending(let until):
                    #expect(LedgerClaims(claims, at: until).holder == other.author)
                    #expect(LedgerClaims(claims, at: until - 1).holder != other.author)
                case .refused(let holder):
                    #expect(holder == result.holder)
                    #expect(!holders.contains(other.author))
                }
            }
        }
    }

    @Test("that the lease of a silent member ends changes nothing for the others") func ends() {
        forAll(seed: 6) { claims, now, _ in
            let result = LedgerClaims(claims, at: now)
            guard let own = claims.first(where: { $0.author == result.holder }) else { return }
            let rest = claims.filter { ($0.since, $0.author) >= (own.since, own.author) }
            let without = LedgerClaims(rest, at: now)
            #expect(without.holder == result.holder && without.changesAt == result.changesAt)
            for other in without.others {
                #expect(result.standing(of: other.author) == other.standing)
            }
        }
    }

    @Test("of a whole network that claims one key one member holds it, and all others do not")
    func crowd() {
        var random = SeededRandom(seed: 7)
        let claims = (0..<16_384).compactMap { (_) -> Claim? in
            guard let id = NodeID(bytes: random.bytes(31) + [1]) else { return nil }
            let since = UInt64.random(in: 0...1_000_000, using: &random)
            let head = UInt64.random(in: since...2_000_000, using: &random)
            return Claim(by: id, since: since, headTime: head, isLive: true)
        }
        let result = LedgerClaims(claims, at: 1_500_000)
        #expect(result.holder != nil)
        #expect(result.others.count == claims.count - 1)
    }
}
