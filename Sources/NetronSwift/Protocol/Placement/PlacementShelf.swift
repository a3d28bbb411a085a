// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// What is kept for others: whose statements lead to the keys at which places.
///
/// It has a budget of bytes. When that is full, what lookups brought goes first, then what is
/// farthest from the own place, for which others are nearer.
struct PlacementShelf: Sendable {
    /// That an author has the key at a place.
    struct Row: Sendable {
        /// From the own place.
        let distance: UInt64
        let author: NodeID
        /// Where the claim comes among those of others; nil until the author's state proves it.
        var rank: UInt64?
        /// When it goes without a proof.
        var proofDue = Instant.never
        /// Whether the author's state is the proof, and not its statement.
        let isOfState: Bool
    }

    struct Guest: Sendable {
        fileprivate(set) var presence: Presence
        fileprivate(set) var use: PlacementUse
        fileprivate(set) var rowCount = 0
        /// Until when it is remembered because somebody looked for it.
        fileprivate(set) var soughtUntil = Instant(nanoseconds: 0)

        fileprivate var byteCount: Int {
            let state = use.contains(.state) ? presence.ledger?.byteCount ?? 0 : 0
            return PlacementLimits.statementBytes + presence.bytes.count + state
        }
    }

    private let own: UInt64
    var bytesMax: Int
    private(set) var byteCount = 0
    /// By distance, then author.
    private(set) var rows: [Row] = []
    private var guests: [NodeID: Guest] = [:]
    /// Those that lookups brought, the oldest first.
    private var sought: [NodeID] = []
    /// Those that went since this was asked.
    private var gone: [NodeID] = []

    init(around place: DirectoryPlace, bytesMax: Int) {
        own = place.number
        self.bytesMax = bytesMax
    }

    subscript(author: NodeID) -> Guest? { guests[author] }

    var guestCount: Int { guests.count }

    /// Who went since this was asked last.
    mutating func takeGone() -> [NodeID] {
        defer { gone = [] }
        return gone.filter { guests[$0] == nil }
    }

    // MARK: Rows

    /// The statements of those who have the key at a place, the best claim first.
    func statements(at place: DirectoryPlace) -> [Presence] {
        rows[self.rows(at: place)].compactMap { row in row.rank.map { ($0, row.author) } }
            .sorted { $0 < $1 }
            .compactMap { guests[$0.1]?.presence }
    }

    private func rows(at place: DirectoryPlace) -> Range<Int> {
        let distance = place.number ^ own
        let start = firstRow { $0.distance >= distance }
        return start..<(rows[start...].firstIndex { $0.distance != distance } ?? rows.count)
    }

    /// The first row for which it is true, where it is true of all behind it.
    private func firstRow(where isBehind: (Row) -> Bool) -> Int {
        var (low, high) = (0, rows.count)
        while low < high {
            let middle = (low + high) / 2
            if isBehind(rows[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }

    /// Keeps that the author of a statement has the key at a place; false if there is no room.
    ///
    /// The statement must be kept already.
    mutating func add(
        _ place: DirectoryPlace,
        of author: NodeID,
        rank: UInt64?,
        isOfState: Bool,
        proofDue: Instant
    ) -> Bool {
        guard let guest = guests[author] else { return false }
        let range = rows(at: place)
        if rows[range].contains(where: { $0.author == author }) { return true }
        guard guest.rowCount < PlacementLimits.placesPerAuthorMax,
            makePlace(in: range, for: rank)
        else { return false }
        let row = Row(
            distance: place.number ^ own,
            author: author,
            rank: rank,
            proofDue: proofDue,
            isOfState: isOfState
        )
        let index = firstRow { ($0.distance, $0.author) > (row.distance, author) }
        rows.insert(row, at: index)
        guests[author]?.rowCount += 1
        byteCount += PlacementLimits.placeBytes
        makeRoom()
        return rows(at: place).contains { rows[$0].author == author }
    }

    /// Whether one more may be at a place, if need be after the worst claim gave way.
    private mutating func makePlace(in range: Range<Int>, for rank: UInt64?) -> Bool {
        guard range.count >= PlacementLimits.authorsPerPlaceMax else { return true }
        // What nobody proved gives way, and then who comes last.
        let worst = range.max { (rows[$0].rank ?? .max) < (rows[$1].rank ?? .max) }
        guard let worst, let rank, rank < rows[worst].rank ?? .max else { return false }
        removeRow(worst)
        return true
    }

    private mutating func removeRow(_ index: Int) {
        let row = rows.remove(at: index)
        byteCount -= PlacementLimits.placeBytes
        guests[row.author]?.rowCount -= 1
        removeIfUnused(row.author)
    }

    /// Drops the rows of an author for which it is true.
    private mutating func removeRows(of author: NodeID, where isOver: (Row) -> Bool) {
        for index in rows.indices.reversed()
        where rows[index].author == author && isOver(rows[index]) { removeRow(index) }
    }

    // MARK: Statements

    /// Keeps a statement unless a greater one of its author is kept.
    ///
    /// Rows that it does not bear out go. `claims` are the places of the addresses that it claims.
    mutating func keep(_ presence: Presence, claims: [PlacedKey], for use: PlacementUse) {
        let author = presence.author
        guard var guest = guests[author] else {
            let guest = Guest(presence: presence, use: use)
            guests[author] = guest
            byteCount += guest.byteCount
            return
        }
        let before = guest.byteCount
        guest.use.formUnion(use)
        let isNews = presence.replaces(guest.presence)
        if isNews { guest.presence = presence }
        guests[author] = guest
        byteCount += guest.byteCount - before
        guard isNews, guest.rowCount > 0 else { return }
        for index in rows.indices where rows[index].author == author && !rows[index].isOfState {
            let place = DirectoryPlace(rows[index].distance ^ own)
            rows[index].rank = claims.first { $0.place == place }?.rank
        }
        removeRows(of: author) { $0.isOfState ? !presence.hasLedger : $0.rank == nil }
    }

    /// Remembers a statement for that long, because somebody looked for it.
    mutating func remember(_ author: NodeID, until instant: Instant) {
        guard guests[author] != nil else { return }
        guests[author]?.soughtUntil = instant
        sought.removeAll { $0 == author }
        sought.append(author)
        if sought.count > PlacementLimits.foundMax { forgetOldest() }
        makeRoom()
    }

    private mutating func forgetOldest() {
        let author = sought.removeFirst()
        guests[author]?.soughtUntil = Instant(nanoseconds: 0)
        removeIfUnused(author)
    }

    /// Forgets an author with all its places.
    mutating func remove(_ author: NodeID) {
        guard let guest = guests[author] else { return }
        sought.removeAll { $0 == author }
        guests[author]?.soughtUntil = Instant(nanoseconds: 0)
        if guest.rowCount > 0 { removeRows(of: author) { _ in true } }
        removeIfUnused(author)
    }

    /// Forgets an author whom nobody looked for and who has no place here.
    mutating func removeIfUnused(_ author: NodeID) {
        guard let guest = guests[author], guest.rowCount == 0,
            guest.soughtUntil == Instant(nanoseconds: 0)
        else { return }
        guests[author] = nil
        byteCount -= guest.byteCount
        gone.append(author)
    }

    /// Lets go what there is no room for.
    private mutating func makeRoom() {
        while byteCount > bytesMax, sought.count > 1 { forgetOldest() }
        while byteCount > bytesMax, !rows.isEmpty { removeRow(rows.count - 1) }
    }

    // MARK: Proofs and ends

    /// Takes in which keys the state of an author has: the others go.
    mutating func prove(_ author: NodeID, by keys: [PlacedKey]) {
        guard let guest = guests[author], guest.rowCount > 0 else { return }
        var ranks: [DirectoryPlace: UInt64] = [:]
        for key in keys { ranks[key.place] = key.rank }
        for index in rows.indices where rows[index].author == author && rows[index].isOfState {
            rows[index].rank = ranks[DirectoryPlace(rows[index].distance ^ own)]
            rows[index].proofDue = .never
        }
        removeRows(of: author) { $0.isOfState && $0.rank == nil }
    }

    /// Drops what ended, was not proven, or was looked for long ago.
    mutating func sweep(at moment: Moment) {
        for index in rows.indices.reversed() where rows[index].proofDue <= moment.instant {
            removeRow(index)
        }
        while let first = sought.first, let guest = guests[first],
            guest.soughtUntil <= moment.instant
        {
            forgetOldest()
        }
        let ended = guests.filter {
            $0.value.presence.end + Presence.skewMilliseconds <= moment.wall
        }
        for author in ended.keys.sorted() { remove(author) }
    }
}
