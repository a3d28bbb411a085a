// SPDX-License-Identifier: Apache-2.0

import NetronProtocol
import NetronSimulator
import NetronWire

/// One machine that places and looks up, its clocks and the members it knows; for tests that are
/// scripts.
struct PlacementScript: TwoClockScript {
    /// Members that a test made up.
    struct Known: PlacementContacts {
        var contacts: [PlacementContact] = []
        var statements: [DirectoryPlace: Presence] = [:]

        func nearest(to place: DirectoryPlace, count: Int) -> [PlacementContact] {
            let sorted = contacts.sorted {
                $0.place.number ^ place.number < $1.place.number ^ place.number
            }
            return Array(sorted.prefix(count))
        }

        func statement(at place: DirectoryPlace) -> Presence? { statements[place] }
    }

    var machine: Placement
    let id = many(0)
    var known = Known()
    var now = Instant(nanoseconds: 1_000_000_000)
    var wall = labEpoch
    private(set) var deadline = Instant.never

    init(bytesMax: Int = PlacementLimits.bytesMax) {
        let random = SeededRandom(seed: 1)
        machine = Placement(
            of: id,
            network: network,
            cryptography: .cheap(id),
            bytesMax: bytesMax,
            random: random
        )
    }

    /// Knows so many members, of numbers from `first` on.
    mutating func know(_ count: Int, from first: Int = 1) {
        known.contacts += (first..<(first + count)).map { contact($0) }
    }

    func contact(_ number: Int) -> PlacementContact {
        let id = many(number)
        return PlacementContact(
            id,
            at: machine.placeKey.place(of: id),
            usualFields(number).endpoints
        )
    }

    func place(of number: Int) -> DirectoryPlace {
        machine.placeKey.place(ofClaimed: usualFields(number).claims[0].address)
    }

    @discardableResult
    mutating func after(_ event: PlacementEvent) -> [PlacementEffect] {
        var effects: [PlacementEffect] = []
        machine.handle(event, at: now, wall: wall, contacts: known, into: &effects)
        for case .wake(let instant) in effects { deadline = instant }
        return effects.filter { if case .wake = $0 { false } else { true } }
    }

    mutating func timeOut() -> [PlacementEffect] { after(.timeout) }

    /// A member leaves its address here; the places at which this node says to keep it.
    mutating func store(
        _ number: Int,
        at places: [DirectoryPlace]? = nil,
        by sender: Int? = nil,
        _ presence: Presence? = nil
    ) -> [DirectoryPlace] {
        let statement = presence ?? usualPresence(number)
        let message = PlacementMessage.store(
            number: 1,
            places ?? [place(of: number)],
            statement.bytes
        )
        for case .send(.kept(_, let places), _, _) in after(
            .received(message, from: many(sender ?? number))
        ) {
            return places
        }
        return []
    }

    /// What is answered about a place: authors, and who is nearer.
    mutating func ask(
        _ place: DirectoryPlace,
        by asker: Int = 900
    ) -> (authors: [NodeID], hints: [Hint])? {
        let question = PlacementMessage.ask(number: 5, place)
        for case .send(.answer(5, let statements, let hints), _, _) in after(
            .received(question, from: many(asker))
        ) {
            return (statements.compactMap { try? Presence(bytes: $0).author }, hints)
        }
        return nil
    }
}

/// What a usual member says, as another one would get it.
func usualPresence(_ number: Int) -> Presence {
    presence(of: many(number), saying: usualFields(number))
}

extension [PlacementEffect] {
    /// Who was asked, in order, and by which number.
    var asked: [(id: NodeID, number: UInt32)] {
        compactMap {
            if case .send(.ask(let number, _), let id, _) = $0 { (id, number) } else { nil }
        }
    }

    var stores: [NodeID] {
        compactMap { if case .send(.store, let id, _) = $0 { id } else { nil } }
    }

    var outcomes: [PlacementOutcome] {
        compactMap { if case .done(_, let outcome) = $0 { outcome } else { nil } }
    }

    var forgotten: [NodeID] {
        compactMap { if case .forgotten(let id) = $0 { id } else { nil } }
    }

    var uses: [PlacementUse] {
        compactMap { if case .kept(_, _, let use) = $0 { use } else { nil } }
    }
}
