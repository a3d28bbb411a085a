// SPDX-License-Identifier: Apache-2.0

internal import NetronWire

/// The newest statement of each member, found by id, by inner address and by place.
///
/// A member costs its statement's bytes with the header of an array (rounded, 224 for 180), 96
/// bytes in the table, 7 in each index and in the index of claims for each claim, and up to 7 in
/// the tree: about 350 in all.
struct MemberTable {
    struct Slot: Sendable {
        let id: NodeID
        let place: DirectoryPlace
        /// The address that is made of the id.
        let ula: IPAddress
        /// The next in the chain of its leaf, or of the free slots.
        var next = FingerprintTree.none
    }

    /// What the member in a slot says.
    struct Said: Sendable {
        /// The statement as it was signed; empty for a slot that is free.
        var bytes: [UInt8]
        var fingerprint: UInt64
        /// The minute of network time at which it goes.
        var end: UInt32
        /// When its author's statements are no news too often, in tenths of a second.
        var tired: UInt32 = 0
        var flags: Flags = []

        /// The fingerprint that is compared: another one if the author counts as offline, and not
        /// its inverse or the like, of which two would cancel out in a sum.
        var shown: UInt64 { flags.contains(.offline) ? fingerprint &* Self.offline : fingerprint }

        /// What would be compared if the author counted as the opposite.
        var opposite: UInt64 {
            flags.contains(.offline) ? fingerprint : fingerprint &* Self.offline
        }

        /// Odd, so that no two become one: 2^64 divided by the golden ratio.
        private static var offline: UInt64 { 0x9E37_79B9_7F4A_7C15 }
    }

    /// Elements in blocks, so that the table grows without being copied and without reserve.
    struct Blocks<Element: Sendable>: Sendable {
        private static var perBlock: Int { 128 }
        private var blocks: [[Element]] = []
        private(set) var count = 0

        var indices: Range<Int> { 0..<count }

        subscript(place: Int) -> Element {
            get { blocks[place / Self.perBlock][place % Self.perBlock] }
            set { blocks[place / Self.perBlock][place % Self.perBlock] = newValue }
        }

        mutating func append(_ element: Element) {
            if count % Self.perBlock == 0 {
                var block: [Element] = []
                // The first members of a small network do not need a whole block.
                if count > 0 { block.reserveCapacity(Self.perBlock) }
                blocks.append(block)
            }
            blocks[blocks.count - 1].append(element)
            count += 1
        }
    }

    struct Flags: OptionSet, Sendable {
        let rawValue: UInt8
        static let leaving = Self(rawValue: 1)
        static let reachable = Self(rawValue: 2)
        static let suspect = Self(rawValue: 4)
        static let offline = Self(rawValue: 8)
    }

    /// Gives equal bytes the same storage, where many nodes lie in one process.
    private let share: (([UInt8]) -> [UInt8])?
    private(set) var slots = Blocks<Slot>()
    /// By slot; apart from who says it, which stays when something is said anew, so that many
    /// directories in one process hold that once.
    private(set) var said = Blocks<Said>()
    private(set) var count = 0
    private(set) var tree = FingerprintTree()
    private var free = FingerprintTree.none
    private var ids = SlotIndex()
    private var ulas = SlotIndex()
    // A slot times 16 and the number of a claim of its statement.
    private var claims = SlotIndex()

    init(sharing share: (([UInt8]) -> [UInt8])? = nil) { self.share = share }

    func find(_ id: NodeID) -> Int? {
        ids.first(hash: id.hashValue) { slots[Int($0)].id == id }.map(Int.init)
    }

    /// The member whose own address it is.
    func find(ula: IPAddress) -> Int? {
        ulas.first(hash: ula.hashValue) { slots[Int($0)].ula == ula }.map(Int.init)
    }

    func find(_ place: DirectoryPlace) -> Int? {
        var slot = tree[tree.leaf(of: place)]
        while slot != FingerprintTree.none {
            if slots[Int(slot)].place == place { return Int(slot) }
            slot = slots[Int(slot)].next
        }
        return nil
    }

    /// The statement in a slot.
    func presence(_ slot: Int) -> Presence {
        do {
            return try Presence(bytes: said[slot].bytes)
        } catch {
            preconditionFailure("a statement that was read once is refused: \(error)")
        }
    }

    mutating func setFlags(_ flags: Flags, of slot: Int) { said[slot].flags = flags }

    /// Counts a member as offline until it says something new, which its fingerprint tells.
    mutating func setOffline(_ slot: Int) {
        let before = said[slot].shown
        said[slot].flags.insert(.offline)
        tree.replace(slots[slot].place, before, with: said[slot].shown)
    }

    mutating func setTired(_ tired: UInt32, of slot: Int) { said[slot].tired = tired }

    // MARK: Changes

    mutating func insert(
        _ presence: Presence,
        at place: DirectoryPlace,
        ula: IPAddress,
        fingerprint: UInt64,
        end: UInt32
    ) -> Int {
        let new = Said(
            bytes: share?(presence.bytes) ?? presence.bytes,
            fingerprint: fingerprint,
            end: end
        )
        let slot = take(Slot(id: presence.author, place: place, ula: ula), saying: new)
        count += 1
        let levels = tree.levelsWanted(for: count)
        tree.change(place, fingerprint, by: 1)
        chain(slot)
        if levels != tree.levels { rebuild(levels: levels) }
        let slots = self.slots
        ids.insert(UInt32(slot), hash: presence.author.hashValue) {
            slots[Int($0)].id.hashValue
        }
        ulas.insert(UInt32(slot), hash: ula.hashValue) { slots[Int($0)].ula.hashValue }
        addClaims(of: presence, in: slot)
        return slot
    }

    mutating func replace(
        _ slot: Int,
        with presence: Presence,
        fingerprint: UInt64,
        end: UInt32
    ) {
        var isSame = Presence.saySame(said[slot].bytes, presence.bytes)
        if !isSame {
            let old = self.presence(slot)
            isSame = old.claimsSame(as: presence)
            if !isSame { removeClaims(of: old, in: slot) }
        }
        tree.replace(slots[slot].place, said[slot].shown, with: fingerprint)
        said[slot].flags.remove(.offline)
        said[slot].bytes = share?(presence.bytes) ?? presence.bytes
        said[slot].fingerprint = fingerprint
        said[slot].end = end
        if !isSame { addClaims(of: presence, in: slot) }
    }

    mutating func remove(_ slot: Int) {
        removeClaims(of: presence(slot), in: slot)
        removeFromIndexes(slot)
        tree.change(slots[slot].place, said[slot].shown, by: -1)
        unchain(slot)
        said[slot].bytes = []
        said[slot].flags = []
        slots[slot].next = free
        free = UInt32(slot)
        count -= 1
        let levels = tree.levelsWanted(for: count)
        if levels != tree.levels { rebuild(levels: levels) }
    }

    private mutating func removeFromIndexes(_ slot: Int) {
        let slots = self.slots
        ids.remove(UInt32(slot), hash: slots[slot].id.hashValue) {
            slots[Int($0)].id.hashValue
        }
        ulas.remove(UInt32(slot), hash: slots[slot].ula.hashValue) {
            slots[Int($0)].ula.hashValue
        }
    }

    private mutating func take(_ new: Slot, saying said: Said) -> Int {
        guard free == FingerprintTree.none else {
            let slot = Int(free)
            free = slots[slot].next
            slots[slot] = new
            self.said[slot] = said
            return slot
        }
        slots.append(new)
        self.said.append(said)
        return slots.count - 1
    }

    // MARK: Chains

    private mutating func chain(_ slot: Int) {
        let leaf = tree.leaf(of: slots[slot].place)
        slots[slot].next = tree[leaf]
        tree[leaf] = UInt32(slot)
    }

    private mutating func unchain(_ slot: Int) {
        let leaf = tree.leaf(of: slots[slot].place)
        guard tree[leaf] != UInt32(slot) else {
            tree[leaf] = slots[slot].next
            return
        }
        var before = Int(tree[leaf])
        while slots[before].next != UInt32(slot) { before = Int(slots[before].next) }
        slots[before].next = slots[slot].next
    }

    private mutating func rebuild(levels: Int) {
        tree.clear(levels: levels)
        for slot in slots.indices where !said[slot].bytes.isEmpty {
            tree.change(slots[slot].place, said[slot].shown, by: 1)
            chain(slot)
        }
    }

    // MARK: Ranges

    /// The slots in a range, by place.
    func slots(in range: DirectoryRange) -> [Int] {
        var found: [Int] = []
        for leaf in tree.leaves(of: range) {
            var slot = tree[leaf]
            while slot != FingerprintTree.none {
                if range.contains(slots[Int(slot)].place) { found.append(Int(slot)) }
                slot = slots[Int(slot)].next
            }
        }
        return found.sorted { left, right in
            (slots[left].place, slots[left].id) < (slots[right].place, slots[right].id)
        }
    }

    func summary(of range: DirectoryRange) -> DirectoryMessage.Summary {
        if let summary = tree.summary(of: range) { return summary }
        var (sum, count): (UInt64, Int) = (0, 0)
        var slot = tree[tree.leaf(of: range.first)]
        while slot != FingerprintTree.none {
            if range.contains(slots[Int(slot)].place) {
                sum ^= said[Int(slot)].shown
                count += 1
            }
            slot = slots[Int(slot)].next
        }
        return .init(fingerprint: sum, count: count)
    }
}

// The index of claims.
extension MemberTable {
    /// A claim, and whose it is.
    struct Claimant {
        let slot: Int
        let since: UInt64
        fileprivate let number: UInt32
    }

    /// Who claims an address: those who have it for longest, by since, then id.
    func claimants(of address: IPAddress) -> [Claimant] {
        let numbers = claims.all(hash: address.hashValue) {
            Self.claim($0, in: said).address == address
        }
        return numbers.map {
            Claimant(slot: Int($0 >> 4), since: Self.claim($0, in: said).since, number: $0)
        }.sorted { ($0.since, slots[$0.slot].id) < ($1.since, slots[$1.slot].id) }
    }

    private static func claim(_ number: UInt32, in said: Blocks<Said>) -> Hello.Claim {
        guard let claim = Presence.claim(Int(number & 15), in: said[Int(number >> 4)].bytes) else {
            preconditionFailure("a statement that was read once is refused")
        }
        return claim
    }

    private mutating func addClaims(of presence: Presence, in slot: Int) {
        for (number, claim) in presence.claims.enumerated() {
            insert(UInt32(slot << 4 | number), claim)
        }
    }

    private mutating func insert(_ number: UInt32, _ new: Hello.Claim) {
        let others = claimants(of: new.address)
        if others.count >= DirectoryLimits.claimantsMax, let last = others.last {
            let id = slots[Int(number >> 4)].id
            // More claimants are not found by the address until their statements come anew.
            guard (new.since, id) < (last.since, slots[last.slot].id) else { return }
            removeClaim(last.number, of: new.address)
        }
        let said = self.said
        claims.insert(number, hash: new.address.hashValue) {
            Self.claim($0, in: said).address.hashValue
        }
    }

    private mutating func removeClaims(of presence: Presence, in slot: Int) {
        for (number, claim) in presence.claims.enumerated() {
            let number = UInt32(slot << 4 | number)
            let isIndexed = claims.first(hash: claim.address.hashValue) { $0 == number } != nil
            if isIndexed { removeClaim(number, of: claim.address) }
        }
    }

    private mutating func removeClaim(_ number: UInt32, of address: IPAddress) {
        let said = self.said
        claims.remove(number, hash: address.hashValue) {
            Self.claim($0, in: said).address.hashValue
        }
    }
}
