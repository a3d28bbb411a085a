// SPDX-License-Identifier: Apache-2.0

import NetronEngine
import NetronProtocol
import NetronSimulator
import NetronWire

/// What members exchange who lack something; each prints a table in Markdown.
enum Meeting {
    private static let rtt = Duration.milliseconds(20)

    /// Statement and state of members, each with an address and a service.
    private struct Population {
        var statements: [Presence] = []
        var authors: [Author] = []

        init(_ count: Int, signs: Bool) throws {
            for number in 0..<count {
                var author = try Author(number + 1, at: Author.epoch, signs: signs)
                statements.append(try Self.write("first", by: &author))
                authors.append(author)
            }
        }

        static func write(_ text: String, by author: inout Author) throws -> Presence {
            let value = Array("\(text): tcp 10.1.0.1:8080, a service as others have one".utf8)
            let payload = author.write("services", "s-\(author.id)", value, at: Author.epoch)
            let head = (try? LedgerBlock(bytes: payload))?.head ?? payload
            return try Presence(bytes: head)
        }
    }

    private static func member(
        _ number: Int,
        signs: Bool,
        members: Int = DirectoryLimits.membersMax
    ) throws -> Member {
        let author = try Author(1 << 30 + number, at: Author.epoch, signs: signs)
        return Member(
            author.id,
            author.cryptography,
            seed: UInt64(number),
            members: members,
            sync: TransferLimits.bytesPerSecond
        )
    }

    private static func shared(_ statements: [Presence], by member: Member) -> SharedStatements {
        member.directory.shared(
            statements,
            epoch: nil,
            at: Instant(nanoseconds: 1_000_000_000),
            wall: Author.epoch + 1_000
        )
    }

    private static func rest(_ member: inout Member, with all: SharedStatements) {
        let now = Instant(nanoseconds: 1_000_000_000)
        member.directory.rest(with: all, at: now, wall: Author.epoch + 1_000)
    }

    /// Keeps what authors say, as if it had come with their statements.
    private static func keep(_ authors: [Author], _ heads: [Presence], in member: inout Member) {
        var effects: [LedgerEffect] = []
        for (author, head) in zip(authors, heads) {
            _ = member.ledger.judge(
                LedgerChanges(from: .empty, to: author.state),
                of: head,
                from: author.id,
                isNews: true,
                at: Instant(nanoseconds: 1_000_000_000),
                wall: Author.epoch + 1_000,
                heads: { $0 == author.id ? head : nil },
                into: &effects
            )
        }
    }

    /// Two members that differ in so many statements, each of which has a new state.
    static func reconcile(members count: Int) throws {
        print("| members | differences | bytes | messages | round trips | with what they say |")
        print("|---:|---:|---:|---:|---:|---:|")
        let population = try Population(count, signs: false)
        for differences in [1, 10, 100] {
            var one = try member(1, signs: false, members: count + 2)
            var other = try member(2, signs: false, members: count + 2)
            var random = SeededRandom(seed: 3)
            var newer = population.statements
            var authors: [Author] = []
            let places = (0..<count).shuffled(using: &random).prefix(differences)
            for place in places {
                var author = population.authors[place]
                newer[place] = try Population.write("second", by: &author)
                authors.append(author)
            }
            let news = places.map { newer[$0] }
            rest(&one, with: shared(newer, by: one))
            rest(&other, with: shared(population.statements, by: other))
            keep(authors, news, in: &one)
            var links = Links([one, other], bitsPerSecond: 1e12, delay: rtt / 2, countsWork: false)
            links.join(0, 1)
            links.reconcile(1, with: 0)
            var known: Instant?
            links.run(until: links.now + .seconds(60)) { links in
                let isKnown = zip(authors, news).allSatisfy { author, head in
                    links.members[1].directory.record(of: author.id) == head
                }
                if isKnown { known = known ?? links.now }
                return isKnown && links.members[1].ledger.has(authors.count)
            }
            let trips = [known ?? links.now, links.now].map {
                (($0 - (links.began ?? $0)) / rtt * 10).rounded() / 10
            }
            precondition(links.members[1].ledger.has(differences), "they do not agree")
            print(
                "| \(count) | \(differences) | \(links.byteCount) | \(links.messageCount) "
                    + "| \(trips[0]) | \(trips[1]) |"
            )
        }
    }

    /// A member that comes new into a network of so many, of whom five are its neighbours.
    static func join(members count: Int) throws {
        let population = try Population(count, signs: true)
        var neighbours = try (1...5).map { try member($0, signs: true) }
        let all = shared(population.statements, by: neighbours[0])
        keep(population.authors, population.statements, in: &neighbours[0])
        // It writes what waits.
        _ = try neighbours[0].ledger.statistics()
        let states = neighbours[0].ledger.storage
        for place in neighbours.indices {
            rest(&neighbours[place], with: all)
            guard place > 0 else { continue }
            neighbours[place].ledger = Ledger(
                of: neighbours[place].id,
                in: states,
                cryptography: try Author(1 << 30 + place + 1, at: Author.epoch, signs: true)
                    .cryptography,
                random: SeededRandom(seed: UInt64(place))
            )
        }
        let joiner = try member(6, signs: true)
        var links = Links(
            [joiner] + neighbours,
            bitsPerSecond: 100e6,
            delay: rtt / 2,
            countsWork: true
        )
        for neighbour in 1...5 { links.join(0, neighbour) }
        var known: Duration?
        links.run(until: links.now + .seconds(60)) { links in
            if known == nil, links.members[0].directory.liveCount >= count {
                known = links.now - (links.began ?? links.now)
            }
            return known != nil && links.members[0].ledger.has(count)
        }
        let time = links.now - (links.began ?? links.now)
        precondition(links.members[0].ledger.has(count), "the joiner lacks something")
        print("| members | bytes | messages | who is there | what all say |")
        print("|---:|---:|---:|---:|---:|")
        print(
            "| \(count) | \(links.byteCount) | \(links.messageCount) "
                + "| \(known ?? .zero) | \(time) |"
        )
    }
}

extension Ledger {
    /// Whether it has so many states, and lacks none that it knows of.
    fileprivate func has(_ count: Int) -> Bool { isComplete && keptCount >= count }
}
