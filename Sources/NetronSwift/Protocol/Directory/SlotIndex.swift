// SPDX-License-Identifier: Apache-2.0

/// Finds small numbers by a key that lies where the number points to.
///
/// An open hash table with linear probing that keeps nothing but the numbers: about 7 bytes for
/// each. The keys' hashes are Swift's, seeded anew in each process, so that nobody can make them
/// collide; the order of entries depends on them and must not be used.
struct SlotIndex: Sendable {
    // A number plus one; 0 is an empty place.
    private var entries: [UInt32]
    private(set) var count = 0

    init() { entries = [UInt32](repeating: 0, count: 8) }

    /// The first number of that hash that matches.
    func first(hash: Int, where matches: (UInt32) -> Bool) -> UInt32? {
        var position = hash & mask
        while entries[position] != 0 {
            if matches(entries[position] - 1) { return entries[position] - 1 }
            position = (position + 1) & mask
        }
        return nil
    }

    /// All numbers of that hash that match, in any order.
    func all(hash: Int, where matches: (UInt32) -> Bool) -> [UInt32] {
        var found: [UInt32] = []
        var position = hash & mask
        while entries[position] != 0 {
            if matches(entries[position] - 1) { found.append(entries[position] - 1) }
            position = (position + 1) & mask
        }
        return found
    }

    /// Adds a number; `hashOf` gives the hash of any number that is in here.
    mutating func insert(_ number: UInt32, hash: Int, hashOf: (UInt32) -> Int) {
        if (count + 1) * 4 > entries.count * 3 { resize(to: entries.count * 2, hashOf: hashOf) }
        place(number, hash: hash)
        count += 1
    }

    /// Takes a number out that is in here.
    mutating func remove(_ number: UInt32, hash: Int, hashOf: (UInt32) -> Int) {
        var hole = hash & mask
        while entries[hole] != number + 1 {
            precondition(entries[hole] != 0, "\(number) is not in the index")
            hole = (hole + 1) & mask
        }
        // What probed over the hole moves into it, or it would not be found any more.
        var position = (hole + 1) & mask
        while entries[position] != 0 {
            let ideal = hashOf(entries[position] - 1) & mask
            if (position - ideal) & mask >= (position - hole) & mask {
                entries[hole] = entries[position]
                hole = position
            }
            position = (position + 1) & mask
        }
        entries[hole] = 0
        count -= 1
        if entries.count > 64, count * 8 < entries.count {
            resize(to: entries.count / 2, hashOf: hashOf)
        }
    }

    private var mask: Int { entries.count - 1 }

    private mutating func place(_ number: UInt32, hash: Int) {
        var position = hash & mask
        while entries[position] != 0 { position = (position + 1) & mask }
        entries[position] = number + 1
    }

    private mutating func resize(to capacity: Int, hashOf: (UInt32) -> Int) {
        let numbers = entries
        entries = [UInt32](repeating: 0, count: capacity)
        for number in numbers where number != 0 { place(number - 1, hash: hashOf(number - 1)) }
    }
}
