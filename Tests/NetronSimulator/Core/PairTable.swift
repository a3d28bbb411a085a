// SPDX-License-Identifier: Apache-2.0

/// Finds a number by two nodes: open addressing with a hash that costs a nanosecond.
struct PairTable {
    private static let vacant = UInt64.max

    private var keys: [UInt64]
    private var values: [UInt32]
    private var mask: Int
    private(set) var count = 0

    init() {
        keys = Array(repeating: Self.vacant, count: 1024)
        values = Array(repeating: 0, count: 1024)
        mask = 1023
    }

    /// The number of two nodes, whichever comes first.
    subscript(_ one: Int, _ other: Int) -> Int? {
        let place = place(of: Self.key(one, other))
        return keys[place] == Self.vacant ? nil : Int(values[place])
    }

    mutating func insert(_ value: Int, for one: Int, _ other: Int) {
        if 2 * count >= keys.count { grow() }
        put(UInt32(value), Self.key(one, other))
        count += 1
    }

    mutating func remove(_ one: Int, _ other: Int) {
        var hole = place(of: Self.key(one, other))
        precondition(keys[hole] != Self.vacant, "the pair is not there")
        count -= 1
        keys[hole] = Self.vacant
        // Those behind the hole that may lie in it move up.
        var next = (hole + 1) & mask
        while keys[next] != Self.vacant {
            let home = home(of: keys[next])
            if (next - home) & mask >= (next - hole) & mask {
                keys[hole] = keys[next]
                values[hole] = values[next]
                keys[next] = Self.vacant
                hole = next
            }
            next = (next + 1) & mask
        }
    }

    private static func key(_ one: Int, _ other: Int) -> UInt64 {
        UInt64(min(one, other)) << 32 | UInt64(max(one, other))
    }

    private func home(of key: UInt64) -> Int {
        Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 32) & mask
    }

    /// Where a key is, or would be put.
    private func place(of key: UInt64) -> Int {
        var place = home(of: key)
        while keys[place] != key, keys[place] != Self.vacant { place = (place + 1) & mask }
        return place
    }

    private mutating func put(_ value: UInt32, _ key: UInt64) {
        let place = place(of: key)
        precondition(keys[place] == Self.vacant, "the pair is there already")
        keys[place] = key
        values[place] = value
    }

    private mutating func grow() {
        let old = zip(keys, values).filter { $0.0 != Self.vacant }
        mask = 2 * keys.count - 1
        keys = Array(repeating: Self.vacant, count: mask + 1)
        values = Array(repeating: 0, count: mask + 1)
        for (key, value) in old { put(value, key) }
    }
}
